using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>Descriptors of processes: pidfd_open, pidfd_getfd; and kcmp, which compares what two processes share.</summary>
internal static class PidFdCalls
{
    [Syscall(434, "pidfd_open", SyscallSupport.Real)]
    public static SyscallResult PidFdOpen(Task current, int pid, uint flags)
    {
        // PIDFD_THREAD is O_EXCL.
        if ((flags & ~(uint)(OpenFlags.NonBlock | OpenFlags.Exclusive)) != 0 || pid <= 0)
            return Errno.EINVAL;
        if (current.Namespaces.Pid.Find(pid) is not { Task: { } task } number)
            return Errno.ESRCH;
        if (!task.IsLeader && (flags & (uint)OpenFlags.Exclusive) == 0)
            return Errno.ENOENT;
        var file = new PidFile(current.Kernel, number, (OpenFlags)flags);
        Errno error = file.Account(current);
        Result<Fd> installed = error == Errno.Success ? current.Files!.Install(current, file, closeOnExec: true) : error;
        if (installed.TryGet(out Fd fd, out error))
            return fd;
        file.Put();
        return error;
    }

    [Syscall(438, "pidfd_getfd", SyscallSupport.Real)]
    public static SyscallResult PidFdGetFd(Task current, Fd pidfd, Fd target, uint flags)
    {
        if (flags != 0)
            return Errno.EINVAL;
        if (current.Files!.Peek(pidfd) is not PidFile pidFile)
            return Errno.EBADF;
        if (pidFile.Number.Task is not { } task || task.IsExiting)
            return Errno.ESRCH;
        if (!PtraceAccess.May(current, task, PtraceMode.AttachByRealIds))
            return Errno.EPERM;
        if (task.Files is not { } files || !files.GetAny(target).TryGet(out OpenFile? file, out _))
            return Errno.EBADF;
        Result<Fd> installed = current.Files.Install(current, file, closeOnExec: true);
        if (installed.TryGet(out Fd fd, out Errno error))
            return fd;
        file.Put();
        return error;
    }

    [Syscall(312, "kcmp", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Kcmp(Task current, int first, int second, int type, ulong index1, ulong index2)
    {
        const int file = 0, vm = 1, files = 2, fs = 3, sigHand = 4, io = 5, sysVSem = 6, epollTarget = 7;
        PidNamespace ns = current.Namespaces.Pid;
        if (ns.Find(first)?.Task is not { } one || ns.Find(second)?.Task is not { } two)
            return Errno.ESRCH;
        if (!PtraceAccess.MayRead(current, one, realIds: true) || !PtraceAccess.MayRead(current, two, realIds: true))
            return Errno.EPERM;
        switch (type)
        {
            case file:
                return Peek(one, index1) is not { } a || Peek(two, index2) is not { } b ? Errno.EBADF : Compare(current, a, b);
            case vm:
                return Compare(current, one.Mm, two.Mm);
            case files:
                return Compare(current, one.Files, two.Files);
            case fs:
                return Compare(current, one.Fs, two.Fs);
            case sigHand:
                return Compare(current, one.ThreadGroup.Handlers, two.ThreadGroup.Handlers);
            case io:
                return Compare(current, one.IoContext, two.IoContext);
            case sysVSem:
                return Compare(current, one.SemaphoreUndosOrNone, two.SemaphoreUndosOrNone);
            case epollTarget:
                Result<EpollSlot> read = await current.ReadUserAsync(new UserPtr<EpollSlot>(new VirtAddr(index2)));
                if (!read.TryGet(out EpollSlot slot, out Errno error))
                    return error;
                if (Peek(one, index1) is not { } target || Peek(two, slot.Epoll) is not { } watcher)
                    return Errno.EBADF;
                if (watcher is not EventPoll epoll)
                    return Errno.EINVAL;
                return epoll.FileOf(new Fd((int)slot.Target), slot.Skipped) is { } watched ? Compare(current, target, watched) : Errno.ENOENT;
            default:
                return Errno.EINVAL;
        }
    }

    private static OpenFile? Peek(Task task, ulong index) => index <= int.MaxValue ? task.Files?.Peek(new Fd((int)index)) : null;

    /// <summary>0: the same; else an order that holds while both live (1 or 2).</summary>
    private static SyscallResult Compare(Task current, object? a, object? b)
    {
        if (ReferenceEquals(a, b))
            return 0;
        if (a is null || b is null)
            return a is null ? 1 : 2;
        return current.Kernel.ObjectNumbers.Of(a) < current.Kernel.ObjectNumbers.Of(b) ? 1 : 2;
    }

    /// <summary>struct kcmp_epoll_slot: a target of an epoll instance, and how many of that number come before it.</summary>
    private readonly record struct EpollSlot(uint Epoll, uint Target, uint Skipped);
}
