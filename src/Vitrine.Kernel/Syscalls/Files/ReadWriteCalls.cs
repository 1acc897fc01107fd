using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>read, write, their vector and positioned forms, lseek (read(2), readv(2), pread(2), lseek(2)).</summary>
internal static class ReadWriteCalls
{
    [Syscall(0, "read", SyscallSupport.Real)]
    public static KTask<SyscallResult> Read(Task current, Fd fd, [Strace("out-buffer")] VirtAddr buffer, ulong count)
    {
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return KTask<SyscallResult>.FromResult(file.Error);
        Result<UserIovIter> iter = current.Kernel.Vfs.Iterators.Rent(current, buffer, count);
        if (!iter.Ok)
            return Refuse(file.Value, file.Value.CanRead ? iter.Error : Errno.EBADF);
        return TransferAsync(current, file.Value, iter.Value, Transfer.Read, 0);
    }

    [Syscall(1, "write", SyscallSupport.Real)]
    public static KTask<SyscallResult> Write(Task current, Fd fd, [Strace("buffer:2")] VirtAddr buffer, ulong count)
    {
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return KTask<SyscallResult>.FromResult(file.Error);
        Result<UserIovIter> iter = current.Kernel.Vfs.Iterators.Rent(current, buffer, count);
        if (!iter.Ok)
            return Refuse(file.Value, file.Value.CanWrite ? iter.Error : Errno.EBADF);
        return TransferAsync(current, file.Value, iter.Value, Transfer.Write, 0);
    }

    [Syscall(17, "pread64", SyscallSupport.Real)]
    public static KTask<SyscallResult> PRead(Task current, Fd fd, [Strace("out-buffer")] VirtAddr buffer, ulong count, long offset)
    {
        if (offset < 0)
            return KTask<SyscallResult>.FromResult(Errno.EINVAL);
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return KTask<SyscallResult>.FromResult(file.Error);
        Result<UserIovIter> iter = current.Kernel.Vfs.Iterators.Rent(current, buffer, count);
        if (!iter.Ok)
            return Refuse(file.Value, file.Value.CanRead ? iter.Error : Errno.EBADF);
        return TransferAsync(current, file.Value, iter.Value, Transfer.Read | Transfer.Positioned, offset);
    }

    [Syscall(18, "pwrite64", SyscallSupport.Real)]
    public static KTask<SyscallResult> PWrite(Task current, Fd fd, [Strace("buffer:2")] VirtAddr buffer, ulong count, long offset)
    {
        if (offset < 0)
            return KTask<SyscallResult>.FromResult(Errno.EINVAL);
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return KTask<SyscallResult>.FromResult(file.Error);
        Result<UserIovIter> iter = current.Kernel.Vfs.Iterators.Rent(current, buffer, count);
        if (!iter.Ok)
            return Refuse(file.Value, file.Value.CanWrite ? iter.Error : Errno.EBADF);
        return TransferAsync(current, file.Value, iter.Value, Transfer.Write | Transfer.Positioned, offset);
    }

    [Syscall(19, "readv", SyscallSupport.Real)]
    public static KTask<SyscallResult> ReadV(Task current, Fd fd, UserPtr<Iovec> vectors, ulong count) =>
        VectorAsync(current, fd, vectors, count, Transfer.Read, 0, 0);

    [Syscall(20, "writev", SyscallSupport.Real)]
    public static KTask<SyscallResult> WriteV(Task current, Fd fd, UserPtr<Iovec> vectors, ulong count) =>
        VectorAsync(current, fd, vectors, count, Transfer.Write, 0, 0);

    [Syscall(295, "preadv", SyscallSupport.Real)]
    public static KTask<SyscallResult> PReadV(Task current, Fd fd, UserPtr<Iovec> vectors, ulong count, long offset) =>
        VectorAsync(current, fd, vectors, count, Transfer.Read | Transfer.Positioned, offset, 0);

    [Syscall(296, "pwritev", SyscallSupport.Real)]
    public static KTask<SyscallResult> PWriteV(Task current, Fd fd, UserPtr<Iovec> vectors, ulong count, long offset) =>
        VectorAsync(current, fd, vectors, count, Transfer.Write | Transfer.Positioned, offset, 0);

    [Syscall(327, "preadv2", SyscallSupport.Real)]
    public static KTask<SyscallResult> PReadV2(Task current, Fd fd, UserPtr<Iovec> vectors, ulong count, long offset, ulong offsetHigh, RwFlags flags) =>
        VectorAsync(current, fd, vectors, count, offset == -1 ? Transfer.Read : Transfer.Read | Transfer.Positioned, offset, flags);

    [Syscall(328, "pwritev2", SyscallSupport.Real)]
    public static KTask<SyscallResult> PWriteV2(Task current, Fd fd, UserPtr<Iovec> vectors, ulong count, long offset, ulong offsetHigh, RwFlags flags) =>
        VectorAsync(current, fd, vectors, count, offset == -1 ? Transfer.Write : Transfer.Write | Transfer.Positioned, offset, flags);

    [Syscall(8, "lseek", SyscallSupport.Real)]
    public static async KTask<SyscallResult> LSeek(Task current, Fd fd, long offset, SeekWhence whence)
    {
        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        OpenFile file = found.Value;
        SyscallResult result;
        if (file.IsStream)
        {
            Result<long> answer = await file.SeekAsync(current, offset, whence);
            result = answer.Ok ? answer.Value : answer.Error;
        }
        else if ((uint)whence > (uint)SeekWhence.Hole)
        {
            result = Errno.EINVAL;
        }
        else
        {
            bool locked = file.NeedsPositionLock(current);
            if (locked)
                await file.PositionLock.LockAsync(current);
            Result<long> answer = await file.SeekAsync(current, offset, whence);
            if (answer.Ok)
                file.Position = answer.Value;
            result = answer.Ok ? answer.Value : answer.Error;
            if (locked)
                file.PositionLock.Unlock(current);
        }

        file.Put();
        return result;
    }

    [Flags]
    private enum Transfer
    {
        Read = 0,
        Write = 1,
        Positioned = 2,
    }

    private static KTask<SyscallResult> Refuse(OpenFile file, Errno error)
    {
        file.Put();
        return KTask<SyscallResult>.FromResult(error);
    }

    private static async KTask<SyscallResult> VectorAsync(Task current, Fd fd, UserPtr<Iovec> vectors, ulong count, Transfer kind, long offset, RwFlags flags)
    {
        if ((kind & Transfer.Positioned) != 0 && offset < 0)
            return Errno.EINVAL;
        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        OpenFile file = found.Value;
        bool write = (kind & Transfer.Write) != 0;
        if ((kind & Transfer.Positioned) != 0 && file.IsStream)
        {
            file.Put();
            return Errno.ESPIPE;
        }

        if (write ? !file.CanWrite : !file.CanRead)
        {
            file.Put();
            return Errno.EBADF;
        }

        Result<UserIovIter> iter = await current.Kernel.Vfs.Iterators.RentAsync(current, vectors, count);
        if (!iter.Ok)
        {
            file.Put();
            return iter.Error;
        }

        const RwFlags known = RwFlags.HighPriority | RwFlags.DataSync | RwFlags.Sync | RwFlags.NoWait | RwFlags.Append | RwFlags.NoAppend;
        if ((flags & ~known) != 0 || (flags & (RwFlags.Append | RwFlags.NoAppend)) == (RwFlags.Append | RwFlags.NoAppend))
        {
            iter.Value.Dispose();
            file.Put();
            return (flags & ~known) != 0 ? Errno.EOPNOTSUPP : Errno.EINVAL;
        }

        iter.Value.IsNoWait = (flags & RwFlags.NoWait) != 0;
        iter.Value.IsPlaced = (flags & RwFlags.NoAppend) != 0;
        iter.Value.IsAppend = (flags & RwFlags.Append) != 0 && write;
        return await TransferAsync(current, file, iter.Value, kind, offset, flags);
    }

    /// <summary>Does the transfer and gives back file and iterator.</summary>
    private static async KTask<SyscallResult> TransferAsync(Task current, OpenFile file, UserIovIter iter, Transfer kind, long offset, RwFlags flags = 0)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<long> result;
        if ((kind & Transfer.Positioned) != 0 && file.IsStream)
        {
            result = Errno.ESPIPE;
        }
        else
        {
            result = kind switch
            {
                Transfer.Read => await vfs.ReadAtPositionAsync(current, file, iter),
                Transfer.Write => await vfs.WriteAtPositionAsync(current, file, iter),
                Transfer.Read | Transfer.Positioned => await vfs.ReadAsync(current, file, iter, offset),
                _ => await vfs.WriteAsync(current, file, iter, offset),
            };
            if (result.Ok && result.Value > 0 && (kind & Transfer.Write) != 0 && (flags & (RwFlags.Sync | RwFlags.DataSync)) != 0)
            {
                Errno error = await file.SyncAsync(current, dataOnly: (flags & RwFlags.Sync) == 0);
                if (error is not (Errno.Success or Errno.EINVAL))
                    result = error;
            }
        }

        iter.Dispose();
        file.Put();
        return result.Ok ? result.Value : result.Error;
    }
}
