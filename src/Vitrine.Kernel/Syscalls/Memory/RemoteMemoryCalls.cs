using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Memory;

/// <summary>The memory of other processes: process_vm_readv(2), process_vm_writev(2), process_madvise(2), process_mrelease(2).</summary>
internal static class RemoteMemoryCalls
{
    [Syscall(310, "process_vm_readv", SyscallSupport.Real)]
    public static KTask<SyscallResult> ProcessVmReadV(
        Task current, int pid, UserPtr<Iovec> local, ulong localCount, UserPtr<Iovec> remote, ulong remoteCount, ulong flags) =>
        TransferAsync(current, pid, local, localCount, remote, remoteCount, flags, write: false);

    [Syscall(311, "process_vm_writev", SyscallSupport.Real)]
    public static KTask<SyscallResult> ProcessVmWriteV(
        Task current, int pid, UserPtr<Iovec> local, ulong localCount, UserPtr<Iovec> remote, ulong remoteCount, ulong flags) =>
        TransferAsync(current, pid, local, localCount, remote, remoteCount, flags, write: true);

    [Syscall(440, "process_madvise", SyscallSupport.Partial, Note = "MADV_COLLAPSE gives EINVAL, there are no huge pages")]
    public static async KTask<SyscallResult> ProcessMadvise(
        Task current, Fd pidfd, UserPtr<Iovec> vectors, ulong count, [Strace("madvise")] MemoryAdvice advice, uint flags)
    {
        if (flags != 0)
            return Errno.EINVAL;
        Result<Iovec[]> read = await ReadVectorsAsync(current, vectors, count);
        if (!read.TryGet(out Iovec[]? ranges, out Errno error))
            return error;
        if (current.Files!.Peek(pidfd) is not PidFile file)
            return Errno.EBADF;
        if (file.Number.Task is not { } task || task.Mm is not { } target)
            return Errno.ESRCH;
        if (!PtraceAccess.MayRead(current, task))
            return Errno.EACCES;
        // Hints only: what takes content away is for its owner to say.
        if (advice is not (MemoryAdvice.Cold or MemoryAdvice.PageOut or MemoryAdvice.WillNeed))
            return Errno.EINVAL;
        if (target != current.Mm && !current.IsCapable(Capability.SysNice))
            return Errno.EPERM;
        MmStruct mm = target.Get();
        long done = 0;
        foreach (Iovec range in ranges)
        {
            error = await mm.AdviseAsync(current, range.Base, range.Length, advice);
            if (error != Errno.Success)
                break;
            done += (long)range.Length;
        }

        mm.Put();
        return done > 0 || error == Errno.Success ? done : error;
    }

    [Syscall(448, "process_mrelease", SyscallSupport.Real)]
    public static SyscallResult ProcessMRelease(Task current, Fd pidfd, uint flags)
    {
        if (flags != 0)
            return Errno.EINVAL;
        if (current.Files!.Peek(pidfd) is not PidFile file)
            return Errno.EBADF;
        if (file.Number.Task is not { } task || MemoryOf(task.ThreadGroup) is not { } mm)
            return Errno.ESRCH;
        // Only the memory of those who will never look at it again, and that nobody else looks at.
        foreach (ThreadGroup group in current.Kernel.Tasks.Processes)
        {
            if (MemoryOf(group) == mm && !IsEnding(group))
                return Errno.EINVAL;
        }

        mm.Reap();
        return 0;
    }

    private static MmStruct? MemoryOf(ThreadGroup group)
    {
        foreach (Task thread in group.Threads)
        {
            if (thread.Mm is { } mm)
                return mm;
        }

        return null;
    }

    private static bool IsEnding(ThreadGroup group)
    {
        foreach (Task thread in group.Threads)
        {
            if (!thread.IsExiting && !thread.IsFatalSignalPending)
                return false;
        }

        return true;
    }

    private static async KTask<SyscallResult> TransferAsync(
        Task current, int pid, UserPtr<Iovec> local, ulong localCount, UserPtr<Iovec> remote, ulong remoteCount, ulong flags, bool write)
    {
        if (flags != 0)
            return Errno.EINVAL;
        Result<Iovec[]> read = await ReadVectorsAsync(current, local, localCount);
        if (!read.TryGet(out Iovec[]? own, out Errno error))
            return error;
        if (Total(own) == 0)
            return 0;
        read = await ReadVectorsAsync(current, remote, remoteCount);
        if (!read.TryGet(out Iovec[]? others, out error))
            return error;
        if (Total(others) == 0)
            return 0;
        if (current.Namespaces.Pid.Find(pid)?.Task is not { } task)
            return Errno.ESRCH;
        if (!PtraceAccess.May(current, task, PtraceMode.AttachByRealIds))
            return Errno.EPERM;
        if (task.Mm is not { } target)
            return Errno.ESRCH;
        MmStruct mm = target.Get();
        SyscallResult result = await CopyAsync(current, mm, own, others, write);
        mm.Put();
        return result;
    }

    /// <summary>Copies page by page between both lists of ranges, as far as it goes.</summary>
    private static async KTask<SyscallResult> CopyAsync(Task current, MmStruct mm, Iovec[] own, Iovec[] others, bool write)
    {
        byte[] buffer = new byte[Page.Size];
        long done = 0;
        Errno error = Errno.Success;
        int mine = 0;
        ulong mineAt = 0;
        for (int other = 0; other < others.Length && error == Errno.Success; other++)
        {
            for (ulong at = 0; at < others[other].Length && error == Errno.Success;)
            {
                while (mine < own.Length && mineAt == own[mine].Length)
                {
                    mine++;
                    mineAt = 0;
                }

                if (mine == own.Length)
                    return done;
                VirtAddr there = others[other].Base + at;
                VirtAddr here = own[mine].Base + mineAt;
                ulong size = Math.Min(Math.Min(others[other].Length - at, own[mine].Length - mineAt), Page.Size - (ulong)there.PageOffset);
                Memory<byte> chunk = buffer.AsMemory(0, (int)size);
                if (write)
                {
                    error = await current.ReadUserBytesAsync(here, chunk);
                    if (error == Errno.Success)
                        error = await mm.WriteAllowedAsync(current, there, chunk);
                }
                else
                {
                    error = await mm.ReadAllowedAsync(current, there, chunk);
                    if (error == Errno.Success)
                        error = await current.WriteUserBytesAsync(here, chunk);
                }

                if (error == Errno.Success)
                {
                    done += (long)size;
                    at += size;
                    mineAt += size;
                }

                if (current.HasInterruptingWork && current.IsFatalSignalPending)
                    error = Errno.EINTR;
                else if ((done & 0xfffff) == 0)
                    await current.RescheduleAsync();
            }
        }

        return done > 0 ? done : error;
    }

    private static long Total(Iovec[] vectors)
    {
        long total = 0;
        foreach (Iovec vector in vectors)
            total += (long)vector.Length;
        return total;
    }

    /// <summary>EINVAL for more than IOV_MAX of them and for a negative length; what all of them have is cut to what one call moves.</summary>
    private static async KTask<Result<Iovec[]>> ReadVectorsAsync(Task current, UserPtr<Iovec> vectors, ulong count)
    {
        if (count > UserIovIter.MaximumSegments)
            return Errno.EINVAL;
        byte[] bytes = new byte[(int)count * 16];
        Errno error = await current.ReadUserBytesAsync(vectors.Address, bytes);
        if (error != Errno.Success)
            return error;
        Iovec[] list = MemoryMarshal.Cast<byte, Iovec>(bytes).ToArray();
        long left = UserIovIter.MaximumBytes;
        for (int i = 0; i < list.Length; i++)
        {
            if ((long)list[i].Length < 0)
                return Errno.EINVAL;
            list[i] = list[i] with { Length = Math.Min(list[i].Length, (ulong)left) };
            left -= (long)list[i].Length;
        }

        return list;
    }
}
