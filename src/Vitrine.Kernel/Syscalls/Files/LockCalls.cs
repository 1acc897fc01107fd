using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Locking;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>flock(2), and the record locks of fcntl(2).</summary>
internal static class LockCalls
{
    private const short ReadLock = 0;
    private const short WriteLock = 1;
    private const short Unlock = 2;

    [Syscall(73, "flock", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Flock(Task current, Fd fd, int operation)
    {
        const int nonBlocking = 4;
        FileLockKind kind;
        switch (operation & ~nonBlocking)
        {
            case 1:
                kind = FileLockKind.Read;
                break;
            case 2:
                kind = FileLockKind.Write;
                break;
            case 8:
                kind = FileLockKind.None;
                break;
            default:
                return Errno.EINVAL;
        }

        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        OpenFile file = found.Value;
        var wanted = new FileLock(FileLockFlavor.Flock, kind, file, 0, FileLock.ToTheEnd)
        {
            Process = current.ThreadGroup,
            ChargedTo = current.Cgroup,
        };
        Errno error = await current.Kernel.Vfs.Locks.SetAsync(current, file.Inode, wanted, (operation & nonBlocking) == 0);
        file.Put();
        return error;
    }

    /// <summary>F_GETLK and F_OFD_GETLK.</summary>
    internal static async KTask<SyscallResult> GetLockAsync(Task current, OpenFile file, UserPtr<LinuxFlock> where, bool ofd)
    {
        Result<LinuxFlock> given = await current.ReadUserAsync(where);
        if (!given.Ok)
            return given.Error;
        LinuxFlock flock = given.Value;
        if (ofd && flock.Pid != 0)
            return Errno.EINVAL;
        if (flock.Type is not (ReadLock or WriteLock) && !(ofd && flock.Type == Unlock))
            return Errno.EINVAL;
        Result<FileLock> wanted = Convert(current, file, flock, ofd);
        if (!wanted.Ok)
            return wanted.Error;
        FileLock? conflict = current.Kernel.Vfs.Locks.FindConflict(file.Inode, wanted.Value);
        if (conflict is null)
        {
            flock.Type = Unlock;
        }
        else
        {
            flock.Type = conflict.Kind == FileLockKind.Write ? WriteLock : ReadLock;
            flock.Whence = 0;
            flock.Start = conflict.Start;
            flock.Length = conflict.End == FileLock.ToTheEnd ? 0 : conflict.End - conflict.Start + 1;
            flock.Pid = conflict.Flavor == FileLockFlavor.OpenFileDescription
                ? -1
                : conflict.Process!.Leader.Pid.In(current.Namespaces.Pid);
        }

        return await current.WriteUserAsync(where, flock);
    }

    /// <summary>F_SETLK, F_SETLKW and their F_OFD_ forms.</summary>
    internal static async KTask<SyscallResult> SetLockAsync(Task current, Fd fd, OpenFile file, UserPtr<LinuxFlock> where, bool ofd, bool wait)
    {
        Result<LinuxFlock> given = await current.ReadUserAsync(where);
        if (!given.Ok)
            return given.Error;
        LinuxFlock flock = given.Value;
        if (ofd && flock.Pid != 0)
            return Errno.EINVAL;
        Result<FileLock> wanted = Convert(current, file, flock, ofd);
        if (!wanted.Ok)
            return wanted.Error;
        if ((flock.Type == ReadLock && !file.CanRead) || (flock.Type == WriteLock && !file.CanWrite))
            return Errno.EBADF;
        FileLockTable locks = current.Kernel.Vfs.Locks;
        Errno error = await locks.SetAsync(current, file.Inode, wanted.Value, wait);

        // Closed by another thread while this one waited: the lock would outlive its descriptor.
        if (error == Errno.Success && !ofd && flock.Type != Unlock && current.Files!.Peek(fd) != file)
        {
            locks.RemovePosix(file.Inode, current.Files);
            return Errno.EBADF;
        }

        return error;
    }

    private static Result<FileLock> Convert(Task current, OpenFile file, LinuxFlock flock, bool ofd)
    {
        FileLockKind kind;
        switch (flock.Type)
        {
            case ReadLock:
                kind = FileLockKind.Read;
                break;
            case WriteLock:
                kind = FileLockKind.Write;
                break;
            case Unlock:
                kind = FileLockKind.None;
                break;
            default:
                return Errno.EINVAL;
        }

        long start;
        switch (flock.Whence)
        {
            case 0:
                start = 0;
                break;
            case 1:
                start = file.Position;
                break;
            case 2:
                start = file.Inode.Size;
                break;
            default:
                return Errno.EINVAL;
        }

        if (flock.Start > long.MaxValue - start)
            return Errno.EOVERFLOW;
        start += flock.Start;
        if (start < 0)
            return Errno.EINVAL;
        long end = FileLock.ToTheEnd;
        if (flock.Length > 0)
        {
            if (flock.Length - 1 > long.MaxValue - start)
                return Errno.EOVERFLOW;
            end = start + flock.Length - 1;
        }
        else if (flock.Length < 0)
        {
            if (start + flock.Length < 0)
                return Errno.EINVAL;
            end = start - 1;
            start += flock.Length;
        }

        return new FileLock(ofd ? FileLockFlavor.OpenFileDescription : FileLockFlavor.Posix, kind, ofd ? file : current.Files!, start, end)
        {
            Process = ofd ? null : current.ThreadGroup,
            ChargedTo = current.Cgroup,
        };
    }
}
