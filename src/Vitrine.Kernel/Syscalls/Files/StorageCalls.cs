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

    [Syscall(221, "fadvise64", SyscallSupport.Partial, Note = "advice is checked; only the access pattern's read-ahead follows from reads")]
    public static SyscallResult FAdvise(Task current, Fd fd, long offset, long length, int advice)
    {
        if (current.Files!.Peek(fd) is not { IsPathOnly: false } file)
            return Errno.EBADF;
        if (file.Inode.Type == FileMode.Fifo)
            return Errno.ESPIPE;
        return length < 0 || advice is < 0 or > 5 ? Errno.EINVAL : Errno.Success;
    }

    [Syscall(187, "readahead", SyscallSupport.Partial, Note = "the range is checked; reading ahead follows from reads")]
    public static SyscallResult ReadAhead(Task current, Fd fd, long offset, ulong count)
    {
        if (current.Files!.Peek(fd) is not { IsPathOnly: false, CanRead: true } file)
            return Errno.EBADF;
        return file.Inode.IsRegular ? Errno.Success : Errno.EINVAL;
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
