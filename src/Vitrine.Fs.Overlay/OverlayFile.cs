using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <summary>
/// An open regular file of an overlay: each operation goes to an open file of the inode that holds the content now, so
/// that a descriptor from before the copy-up sees what is written after it.
/// </summary>
internal sealed class OverlayFile : OpenFile
{
    private const OpenFlags NotPassedOn =
        OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate | OpenFlags.NoControllingTty | OpenFlags.CloseOnExec;

    private readonly OverlayRegularFile _inode;
    private OpenFile _real;

    // What was read from before the copy-up: calls may still be on their way in it, so it stays until the end.
    private OpenFile? _retired;

    /// <param name="real">Its reference is taken over.</param>
    public OverlayFile(VfsPath path, OverlayRegularFile inode, OpenFlags flags, OpenFile real)
        : base(path, inode, flags)
    {
        _inode = inode;
        _real = real;
    }

    public override ReadaheadState? Readahead => _real.Readahead;

    public override AddressSpace? CachedPages => _real.CachedPages;

    private bool IsCurrent => _real.Inode == _inode.Real;

    public static OpenFlags RealFlags(OpenFlags flags) => flags & ~NotPassedOn;

    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) =>
        IsCurrent ? _real.ReadAsync(current, to, offset) : ReadMovedAsync(current, to, offset);

    public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
    {
        Errno error = await FollowAsync(current);
        if (error != Errno.Success)
            return error;
        Result<long> written = await _real.WriteAsync(current, from, offset);
        _inode.CopyAttributes();
        return written;
    }

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence) =>
        RegularFileSeek.SeekAsync(this, offset, whence);

    public override async KTask<Errno> SyncAsync(Task current, bool dataOnly)
    {
        if (_inode.Upper is null)
            return Errno.Success;
        Errno error = await FollowAsync(current);
        return error != Errno.Success ? error : await _real.SyncAsync(current, dataOnly);
    }

    public override async KTask<Errno> AllocateAsync(Task current, FallocateMode mode, long offset, long length)
    {
        Errno error = await FollowAsync(current);
        if (error != Errno.Success)
            return error;
        error = await _real.AllocateAsync(current, mode, offset, length);
        _inode.CopyAttributes();
        return error;
    }

    public override async KTask<SyscallResult> IoctlAsync(Task current, uint command, ulong argument)
    {
        Errno error = await FollowAsync(current);
        return error != Errno.Success ? error : await _real.IoctlAsync(current, command, argument);
    }

    public override Errno Map(Task current, VmArea vma) => FileMap.Map(this, vma);

    public override KTask<Errno> FlushAsync(Task current) => _real.FlushAsync(current);

    public override Errno FlagsChanged(OpenFlags newFlags)
    {
        Errno error = _real.FlagsChanged(RealFlags(newFlags));
        if (error == Errno.Success)
            _real.Flags = RealFlags(newFlags);
        return error;
    }

    public override void Release()
    {
        _real.Put();
        _retired?.Put();
    }

    private async KTask<Result<long>> ReadMovedAsync(Task current, IovIter to, long offset)
    {
        Errno error = await FollowAsync(current);
        return error != Errno.Success ? error : await _real.ReadAsync(current, to, offset);
    }

    /// <summary>Turns to the upper inode if the content has moved there.</summary>
    private async KTask<Errno> FollowAsync(Task current)
    {
        if (IsCurrent)
            return Errno.Success;
        Result<OpenFile> opened = await _inode.Real.OpenAsync(current, Path, RealFlags(Flags));
        if (!opened.TryGet(out OpenFile? upper, out Errno error))
            return error;
        if (IsCurrent)
        {
            upper.Put();
            return Errno.Success;
        }

        _retired = _real;
        _real = upper;
        return Errno.Success;
    }
}
