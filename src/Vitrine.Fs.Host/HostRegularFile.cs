using Vitrine.Fs.Host.Native;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>
/// A regular file of the host. Its pages are read into frames; at each open the host's size and times are compared,
/// and pages of an older content are dropped.
/// </summary>
internal sealed partial class HostRegularFile(HostSuperBlock superBlock, HostDevice device, in HostStatx stat, InodeNumber number, HostDirectory parent, FileName name)
    : HostInode(superBlock, device, stat, number, parent, name)
{
    private HostHandle? _handle;
    private bool _contentChanged;

    /// <summary>The page cache; made at the first open.</summary>
    public HostAddressSpace? Pages { get; private set; }

    public override void Refresh(in HostStatx stat)
    {
        if (Pages is not null && ((long)stat.Size != Size || stat.ModificationTime.ToTimespec() != ModificationTime))
            _contentChanged = true;
        base.Refresh(stat);
    }

    public override async KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags)
    {
        bool write = (flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly;
        if (write && !Super.Spec.IsWritable)
            return Errno.EROFS;
        bool known = Super.Files.TryPin(_handle);
        Result<HostHandle> pinned = known ? _handle! : await ReopenAsync(current);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        if (known && !Super.Spec.IsDeterministic)
        {
            int descriptor = handle.Descriptor;
            HostStatx stat = default;
            error = HostDevice.IsSlow
                ? await HostWork.RunAsync(current, () => HostCalls.Stat(descriptor, out stat))
                : HostCalls.Stat(descriptor, out stat);
            if (error == Errno.Success)
                Refresh(stat);
        }

        Super.Files.Unpin(handle);
        if (error != Errno.Success)
            return error;
        if (Pages is null)
        {
            Pages = new HostAddressSpace(this);
            Mapping = Pages;
        }
        else if (_contentChanged)
        {
            await Pages.InvalidateAsync(current, 0, ulong.MaxValue);
        }

        _contentChanged = false;
        return new HostFile(path, this, flags);
    }

    /// <summary>A descriptor to read (and write) with, pinned: the caller unpins it.</summary>
    public KTask<Result<HostHandle>> PinHandleAsync(Task current) =>
        Super.Files.TryPin(_handle) ? KTask<Result<HostHandle>>.FromResult(_handle!) : ReopenAsync(current);

    public override void Evict()
    {
        Pages?.Destroy();
        if (_handle is not null)
            Super.Files.Evict(_handle);
        _handle = null;
        base.Evict();
    }

    private async KTask<Result<HostHandle>> ReopenAsync(Task current)
    {
        Result<HostHandle> pinned = await Parent!.PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? directory, out Errno error))
            return error;
        int above = directory.Descriptor;
        FileName name = Name;
        bool writable = Super.Spec.IsWritable;
        HostStatx stat = default;
        Result<int> opened = HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => OpenContent(above, name, writable, out stat))
            : OpenContent(above, name, writable, out stat);
        Super.Directories.Unpin(directory);
        if (!opened.TryGet(out int descriptor, out error))
            return error is Errno.ENOENT or Errno.ELOOP or Errno.ENXIO ? Errno.ESTALE : error;
        if (stat.Id != Id || stat.Type != FileMode.Regular)
        {
            HostCalls.Close(descriptor);
            return Errno.ESTALE;
        }

        if (Super.Files.TryPin(_handle))
        {
            HostCalls.Close(descriptor);
            return _handle!;
        }

        if (!Super.Spec.IsDeterministic)
            Refresh(stat);
        _handle = Super.Files.Add(descriptor);
        return _handle;
    }

    /// <summary>
    /// Opens for reading, for writing too if the tree and the host allow it. Not blocking: what is regular when it was
    /// looked up may be a FIFO by now.
    /// </summary>
    private static Result<int> OpenContent(int directory, FileName name, bool writable, out HostStatx stat)
    {
        const OpenFlags common = OpenFlags.NoFollow | OpenFlags.CloseOnExec | OpenFlags.NonBlock | OpenFlags.NoControllingTty;
        stat = default;
        Result<int> opened = writable ? HostCalls.OpenAt(directory, name.Bytes, common | OpenFlags.ReadWrite) : Errno.EACCES;
        if (opened.Error is Errno.EACCES or Errno.EROFS or Errno.ETXTBSY or Errno.EPERM)
            opened = HostCalls.OpenAt(directory, name.Bytes, common | OpenFlags.ReadOnly);
        if (!opened.Ok)
            return opened;
        Errno error = HostCalls.Stat(opened.Value, out stat);
        if (error == Errno.Success)
            return opened;
        HostCalls.Close(opened.Value);
        return error;
    }
}
