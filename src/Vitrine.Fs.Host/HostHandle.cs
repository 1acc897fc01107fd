using Vitrine.Fs.Host.Native;
using Vitrine.Kernel;

namespace Vitrine.Fs.Host;

/// <summary>
/// A descriptor of the host that a <see cref="HostHandleCache"/> keeps. Whoever uses it has it pinned; unpinned ones
/// may be closed at any time.
/// </summary>
internal sealed class HostHandle(int descriptor)
{
    internal HostHandle? Newer;
    internal HostHandle? Older;

    public int Descriptor { get; } = descriptor;

    /// <summary>Opened for writing too.</summary>
    public bool IsWritable { get; set; }

    /// <summary>Users that need the descriptor to stay open, across awaits too.</summary>
    public int Pins { get; internal set; }

    /// <summary>Closed, or to be closed when the last pin goes.</summary>
    public bool IsEvicted { get; internal set; }
}

/// <summary>
/// Open descriptors in the order of their last use, under a cap: the oldest that nobody has pinned is closed when
/// one more is needed. Owners keep a reference and look at <see cref="HostHandle.IsEvicted"/> before each use.
/// Under the kernel lock.
/// </summary>
internal sealed class HostHandleCache(ResourceAudit audit, int capacity)
{
    private HostHandle? _newest;
    private HostHandle? _oldest;
    private bool _isClosed;

    /// <summary>Descriptors that are open.</summary>
    public int Count { get; private set; }

    /// <summary>Takes a descriptor into the cache, pinned once.</summary>
    public HostHandle Add(int descriptor)
    {
        if (Count >= capacity)
            EvictOldest();
        audit.LiveHostHandles++;
        var handle = new HostHandle(descriptor) { Pins = 1 };
        Link(handle);
        Count++;
        return handle;
    }

    /// <summary>Pins the handle and makes it the newest; false if it is closed.</summary>
    public bool TryPin(HostHandle? handle)
    {
        if (handle is null || handle.IsEvicted)
            return false;
        handle.Pins++;
        if (handle != _newest)
        {
            Unlink(handle);
            Link(handle);
        }

        return true;
    }

    public void Unpin(HostHandle handle)
    {
        if (_isClosed)
            return;
        if (--handle.Pins < 0)
            throw new InvalidOperationException("a host handle was unpinned more often than it was pinned");
        if (handle.Pins == 0 && handle.IsEvicted)
            Close(handle);
    }

    /// <summary>Closes the handle, at once or with its last pin.</summary>
    public void Evict(HostHandle handle)
    {
        if (handle.IsEvicted)
            return;
        handle.IsEvicted = true;
        Unlink(handle);
        Count--;
        if (handle.Pins == 0)
            Close(handle);
    }

    public void EvictAll()
    {
        while (_oldest is not null)
            Evict(_oldest);
    }

    /// <summary>Closes all descriptors, pinned or not: nobody will come back for them.</summary>
    public void CloseAll()
    {
        while (_oldest is { } handle)
        {
            handle.Pins = 0;
            Evict(handle);
        }

        _isClosed = true;
    }

    private void Close(HostHandle handle)
    {
        audit.LiveHostHandles--;
        HostCalls.Close(handle.Descriptor);
    }

    private void EvictOldest()
    {
        for (HostHandle? handle = _oldest; handle is not null; handle = handle.Newer)
        {
            if (handle.Pins == 0)
            {
                Evict(handle);
                return;
            }
        }
    }

    private void Link(HostHandle handle)
    {
        handle.Older = _newest;
        handle.Newer = null;
        if (_newest is null)
            _oldest = handle;
        else
            _newest.Newer = handle;
        _newest = handle;
    }

    private void Unlink(HostHandle handle)
    {
        if (handle.Newer is null)
            _newest = handle.Older;
        else
            handle.Newer.Older = handle.Older;
        if (handle.Older is null)
            _oldest = handle.Newer;
        else
            handle.Older.Newer = handle.Newer;
        handle.Newer = handle.Older = null;
    }
}
