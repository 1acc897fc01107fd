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
    private HostHandle? _kept;
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
        bool known = TryPin(write);
        Result<HostHandle> pinned = known ? _handle! : await ReopenAsync(current, write);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        if (known && !Super.Spec.IsDeterministic)
            error = await RefreshByHandleAsync(current, handle);
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
    public KTask<Result<HostHandle>> PinHandleAsync(Task current, bool write = false) =>
        TryPin(write) ? KTask<Result<HostHandle>>.FromResult(_handle!) : ReopenAsync(current, write);

    /// <summary>The descriptor that was made with the file.</summary>
    public void TakeHandle(int descriptor)
    {
        HostHandle handle = Super.Files.Add(descriptor);
        handle.IsWritable = true;
        _handle = handle;
        Super.Files.Unpin(handle);
    }

    /// <summary>
    /// Keeps the descriptor open as long as the inode lives: the file has lost its name, or memory is mapped that must
    /// be written to it. No effect if it is not open now.
    /// </summary>
    public void KeepHandle()
    {
        if (_kept is null && Super.Files.TryPin(_handle))
            _kept = _handle;
    }

    /// <summary>The descriptor that <see cref="KeepHandle"/> keeps.</summary>
    public HostHandle? KeptHandle => _kept;

    /// <summary>Takes size and times over from the open file, whatever its name is.</summary>
    public async KTask<Errno> RefreshByHandleAsync(Task current, HostHandle handle)
    {
        int descriptor = handle.Descriptor;
        HostStatx stat = default;
        Errno error = HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => HostCalls.Stat(descriptor, out stat))
            : HostCalls.Stat(descriptor, out stat);
        if (error == Errno.Success)
            Refresh(stat);
        return error;
    }

    /// <summary>What the guest itself has written is no change from outside.</summary>
    public async KTask<Errno> RefreshAfterChangeAsync(Task current, HostHandle handle)
    {
        bool before = _contentChanged;
        Errno error = await RefreshByHandleAsync(current, handle);
        _contentChanged = before;
        return error;
    }

    public override void Evict()
    {
        Pages?.Destroy();
        if (_kept is { } kept)
            Super.Files.Unpin(kept);
        if (_handle is not null)
            Super.Files.Evict(_handle);
        _handle = _kept = null;
        base.Evict();
    }

    private bool TryPin(bool write) => (!write || _handle is { IsWritable: true }) && Super.Files.TryPin(_handle);

    private async KTask<Result<HostHandle>> ReopenAsync(Task current, bool write)
    {
        Result<HostHandle> pinned = await Parent!.PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? directory, out Errno error))
            return error;
        int above = directory.Descriptor;
        FileName name = Name;
        HostStatx stat = default;
        Result<int> opened = HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => OpenContent(above, name, write, out stat))
            : OpenContent(above, name, write, out stat);
        Super.Directories.Unpin(directory);
        if (!opened.TryGet(out int descriptor, out error))
            return error is Errno.ENOENT or Errno.ELOOP or Errno.ENXIO ? Errno.ESTALE : error;
        if (stat.Id != Id || stat.Type != FileMode.Regular)
        {
            HostCalls.Close(descriptor);
            return Errno.ESTALE;
        }

        // Another task may have been here while this one was away.
        if (TryPin(write))
        {
            HostCalls.Close(descriptor);
            return _handle!;
        }

        if (!Super.Spec.IsDeterministic)
            Refresh(stat);
        if (_handle is not null)
            Super.Files.Evict(_handle);
        _handle = Super.Files.Add(descriptor);
        _handle.IsWritable = write;
        return _handle;
    }

    /// <summary>Opens without blocking: what was regular when it was looked up may be a FIFO by now.</summary>
    private static Result<int> OpenContent(int directory, FileName name, bool write, out HostStatx stat)
    {
        const OpenFlags common = OpenFlags.NoFollow | OpenFlags.CloseOnExec | OpenFlags.NonBlock | OpenFlags.NoControllingTty;
        stat = default;
        Result<int> opened = HostCalls.OpenAt(directory, name.Bytes, common | (write ? OpenFlags.ReadWrite : OpenFlags.ReadOnly));
        if (!opened.Ok)
            return opened;
        Errno error = HostCalls.Stat(opened.Value, out stat);
        if (error == Errno.Success)
            return opened;
        HostCalls.Close(opened.Value);
        return error;
    }
}
