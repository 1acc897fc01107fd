using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>Descriptors of processes: pidfd_open, pidfd_getfd; and kcmp, which compares what two processes share.</summary>
internal static class PidFdCalls
{
    [Syscall(434, "pidfd_open", SyscallSupport.Partial, Note = "PIDFD_THREAD gives EINVAL")]
    public static SyscallResult PidFdOpen(Task current, int pid, uint flags)
    {
        if ((flags & ~(uint)OpenFlags.NonBlock) != 0 || pid <= 0)
            return Errno.EINVAL;
        if (current.Namespaces.Pid.Find(pid) is not { Task: { } task } number)
            return Errno.ESRCH;
        if (!task.IsLeader)
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
        if (!PtraceAccess.MayRead(current, task, realIds: true))
            return Errno.EPERM;
        if (task.Files is not { } files || !files.GetAny(target).TryGet(out OpenFile? file, out _))
            return Errno.EBADF;
        Result<Fd> installed = current.Files.Install(current, file, closeOnExec: true);
        if (installed.TryGet(out Fd fd, out Errno error))
            return fd;
        file.Put();
        return error;
    }

    [Syscall(312, "kcmp", SyscallSupport.Partial, Note = "KCMP_EPOLL_TFD gives EINVAL")]
    public static SyscallResult Kcmp(Task current, int first, int second, int type, ulong index1, ulong index2)
    {
        const int file = 0, vm = 1, files = 2, fs = 3, sigHand = 4, io = 5, sysVSem = 6;
        PidNamespace ns = current.Namespaces.Pid;
        if (ns.Find(first)?.Task is not { } one || ns.Find(second)?.Task is not { } two)
            return Errno.ESRCH;
        if (!PtraceAccess.MayRead(current, one, realIds: true) || !PtraceAccess.MayRead(current, two, realIds: true))
            return Errno.EPERM;
        switch (type)
        {
            case file:
                OpenFile? a = index1 <= int.MaxValue ? one.Files?.Peek(new Fd((int)index1)) : null;
                OpenFile? b = index2 <= int.MaxValue ? two.Files?.Peek(new Fd((int)index2)) : null;
                return a is null || b is null ? Errno.EBADF : Compare(a, b);
            case vm:
                return Compare(one.Mm, two.Mm);
            case files:
                return Compare(one.Files, two.Files);
            case fs:
                return Compare(one.Fs, two.Fs);
            case sigHand:
                return Compare(one.ThreadGroup.Handlers, two.ThreadGroup.Handlers);
            case io:
            case sysVSem:
                // Nobody has any.
                return 0;
            default:
                return Errno.EINVAL;
        }
    }

    /// <summary>0: the same; else an order that holds while both live (1 or 2).</summary>
    private static SyscallResult Compare(object? a, object? b)
    {
        if (ReferenceEquals(a, b))
            return 0;
        int x = System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(a);
        int y = System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(b);
        return x < y ? 1 : x > y ? 2 : 3;
    }
}
