using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>fallocate, fsync and its kin, advice (fallocate(2), fsync(2), sync(2), posix_fadvise(2), readahead(2)).</summary>
internal static class StorageCalls
{
    [Syscall(285, "fallocate", SyscallSupport.Real, Note = "no file system here shifts, zeroes or unshares blocks: EOPNOTSUPP, as tmpfs on Linux")]
    public static async KTask<SyscallResult> FAllocate(Task current, Fd fd, FallocateMode mode, long offset, long length)
    {
        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        OpenFile file = found.Value;
        Errno error = CheckAllocation(file, mode, offset, length);
        if (error == Errno.Success)
            error = await current.Kernel.Vfs.RemovePrivilegesAsync(current, file);
        if (error == Errno.Success)
        {
            error = await file.AllocateAsync(current, mode, offset, length);
            if (error == Errno.Success)
                current.Kernel.Vfs.NotifyFile(file, FsEvents.Modify);
        }

        file.Put();
        return error;
    }

    [Syscall(74, "fsync", SyscallSupport.Real)]
    public static KTask<SyscallResult> FSync(Task current, Fd fd) => SyncAsync(current, fd, dataOnly: false);

    [Syscall(75, "fdatasync", SyscallSupport.Real)]
    public static KTask<SyscallResult> FDataSync(Task current, Fd fd) => SyncAsync(current, fd, dataOnly: true);

    [Syscall(162, "sync", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Sync(Task current)
    {
        IReadOnlyList<SuperBlock> all = current.Kernel.Vfs.SuperBlocks;
        for (int i = 0; i < all.Count; i++)
            _ = await all[i].SyncAsync(current);
        return SyscallResult.Success;
    }

    [Syscall(306, "syncfs", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SyncFs(Task current, Fd fd)
    {
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return file.Error;
        Errno error = await file.Value.Inode.SuperBlock.SyncAsync(current);
        file.Value.Put();
        return error;
    }

    [Syscall(277, "sync_file_range", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SyncFileRange(Task current, Fd fd, long offset, long length, uint flags)
    {
        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        OpenFile file = found.Value;
        Errno error = Errno.Success;
        if (flags > 7 || offset < 0 || length < 0 || offset > long.MaxValue - length)
            error = Errno.EINVAL;
        else if (!file.Inode.IsRegular && !file.Inode.IsDirectory && !file.Inode.IsSymlink)
            error = Errno.ESPIPE;
        else if (flags != 0)
            error = await current.Kernel.Vfs.SyncAsync(current, file, dataOnly: true);
        file.Put();
        return error;
    }

    [Syscall(221, "fadvise64", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FAdvise(Task current, Fd fd, long offset, long length, int advice)
    {
        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        OpenFile file = found.Value;
        SyscallResult result;
        if (file.Inode.Type == FileMode.Fifo)
            result = Errno.ESPIPE;
        else if (length < 0 || advice is < 0 or > NoReuse)
            result = Errno.EINVAL;
        else
            result = await AdviseAsync(current, file, offset, length, advice);
        file.Put();
        return result;
    }

    [Syscall(187, "readahead", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ReadAhead(Task current, Fd fd, long offset, ulong count)
    {
        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        OpenFile file = found.Value;
        SyscallResult result;
        if (!file.CanRead)
            result = Errno.EBADF;
        else if (!file.Inode.IsRegular && file.Inode.Type != FileMode.BlockDevice)
            result = Errno.EINVAL;
        else
            result = (long)count < 0 ? Errno.EINVAL : await AdviseAsync(current, file, offset, (long)count, WillNeed);
        file.Put();
        return result;
    }

    private const int Normal = 0;
    private const int Random = 1;
    private const int Sequential = 2;
    private const int WillNeed = 3;
    private const int DontNeed = 4;
    private const int NoReuse = 5;

    /// <summary>At most so many pages are brought in by one call, as by Linux: what a device takes at once.</summary>
    private const ulong LargestPrefetch = 512;

    /// <summary>What is advised; a length of 0 reaches to the end. Nothing to do for files that live in memory.</summary>
    private static async KTask<SyscallResult> AdviseAsync(Task current, OpenFile file, long offset, long length, int advice)
    {
        if (file.CachedPages is not { IsSwapBacked: false } pages || offset < 0)
            return SyscallResult.Success;
        long last = length == 0 || length > long.MaxValue - offset ? long.MaxValue : offset + length - 1;
        ulong first = (ulong)offset >> Page.Shift;
        ulong end = ((ulong)last >> Page.Shift) + 1;
        switch (advice)
        {
            case Normal:
            case Random:
            case Sequential:
                if (file.Readahead is { } state)
                {
                    const int usual = Mm.ReadaheadState.DefaultMaximum;
                    state.Maximum = advice == Random ? 0 : advice == Sequential ? 2 * usual : usual;
                }

                break;
            case WillNeed:
                // It is only advice: a page that can't be had now is not missed.
                _ = await Mm.FileMap.PrefetchAsync(current, pages, first, (int)Math.Min(end - first, LargestPrefetch));
                break;
            case DontNeed:
                // Whole pages only, except that the file's last byte makes its page whole.
                first = ((ulong)offset + Page.Size - 1) >> Page.Shift;
                if (((ulong)last & (Page.Size - 1)) != Page.Size - 1 && last != file.Inode.Size - 1)
                    end--;
                await pages.DropUnusedAsync(current, first, end);
                break;
        }

        return SyscallResult.Success;
    }

    private static async KTask<SyscallResult> SyncAsync(Task current, Fd fd, bool dataOnly)
    {
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return file.Error;
        Errno error = await current.Kernel.Vfs.SyncAsync(current, file.Value, dataOnly);
        file.Value.Put();
        return error;
    }

    private static Errno CheckAllocation(OpenFile file, FallocateMode mode, long offset, long length)
    {
        const FallocateMode known = FallocateMode.KeepSize | FallocateMode.PunchHole | FallocateMode.CollapseRange
            | FallocateMode.ZeroRange | FallocateMode.InsertRange | FallocateMode.UnshareRange;
        if (offset < 0 || length <= 0)
            return Errno.EINVAL;
        if ((mode & ~known) != 0)
            return Errno.EOPNOTSUPP;
        switch (mode & ~FallocateMode.KeepSize)
        {
            case FallocateMode.None:
            case FallocateMode.UnshareRange:
            case FallocateMode.ZeroRange:
                break;
            case FallocateMode.PunchHole:
                if ((mode & FallocateMode.KeepSize) == 0)
                    return Errno.EOPNOTSUPP;
                break;
            case FallocateMode.CollapseRange:
            case FallocateMode.InsertRange:
                if ((mode & FallocateMode.KeepSize) != 0)
                    return Errno.EOPNOTSUPP;
                break;
            default:
                return Errno.EOPNOTSUPP;
        }

        if (!file.CanWrite)
            return Errno.EBADF;
        switch (file.Inode.Type)
        {
            case FileMode.Fifo:
                return Errno.ESPIPE;
            case FileMode.Directory:
                return Errno.EISDIR;
            case FileMode.Regular:
            case FileMode.BlockDevice:
                return offset > file.Inode.SuperBlock.MaxFileSize - length ? Errno.EFBIG : Errno.Success;
            default:
                return Errno.ENODEV;
        }
    }
}
