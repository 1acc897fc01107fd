using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Signals;

/// <summary>Sending signals: kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, and by pidfd.</summary>
internal static class KillCalls
{
    [Syscall(62, "kill", SyscallSupport.Real)]
    public static SyscallResult Kill(Task current, int pid, [Strace("signal")] SignalNumber signal)
    {
        if (!IsValid(signal))
            return Errno.EINVAL;
        if (pid == int.MinValue)
            return Errno.ESRCH;
        PidNamespace ns = current.Namespaces.Pid;
        if (pid > 0)
        {
            Task? task = ns.Find(pid)?.Task;
            return task is null ? Errno.ESRCH : SendToGroup(current, task.ThreadGroup, signal);
        }

        if (pid == -1)
        {
            int tried = 0;
            Errno error = Errno.Success;
            foreach (ThreadGroup group in current.Kernel.Tasks.Processes.ToArray())
            {
                // Everyone but process 1 and the caller.
                if (group == current.ThreadGroup || group.Leader.Pid.In(ns) <= 1 || group.Leader.IsKernelThread)
                    continue;
                Errno one = SendToGroup(current, group, signal);
                tried++;
                if (one != Errno.EPERM)
                    error = one;
            }

            return tried == 0 ? Errno.ESRCH : error;
        }

        PidNumber? number = pid == 0 ? current.ThreadGroup.ProcessGroup : ns.Find(-pid);
        if (number is null || number.ProcessGroup.Count == 0)
            return Errno.ESRCH;
        bool success = false;
        Errno last = Errno.ESRCH;
        foreach (ThreadGroup member in number.ProcessGroup.ToArray())
        {
            last = SendToGroup(current, member, signal);
            success |= last == Errno.Success;
        }

        return success ? Errno.Success : last;
    }

    [Syscall(200, "tkill", SyscallSupport.Real)]
    public static SyscallResult Tkill(Task current, int tid, [Strace("signal")] SignalNumber signal) =>
        tid <= 0 ? Errno.EINVAL : SendToThread(current, 0, tid, signal);

    [Syscall(234, "tgkill", SyscallSupport.Real)]
    public static SyscallResult Tgkill(Task current, int tgid, int tid, [Strace("signal")] SignalNumber signal) =>
        tid <= 0 || tgid <= 0 ? Errno.EINVAL : SendToThread(current, tgid, tid, signal);

    [Syscall(129, "rt_sigqueueinfo", SyscallSupport.Real)]
    public static async KTask<SyscallResult> RtSigQueueInfo(
        Task current, int pid, [Strace("signal")] SignalNumber signal, [Strace("siginfo")] UserPtr<SignalInfo> info)
    {
        Result<SignalInfo> read = await ReadInfoAsync(current, signal, info);
        if (!read.TryGet(out SignalInfo details, out Errno error))
            return error;
        // Nobody may pretend to be the kernel or kill(2) to others.
        if (details.Code is >= 0 or SignalCode.Tkill && current.Pid.In(current.Namespaces.Pid) != pid)
            return Errno.EPERM;
        Task? task = current.Namespaces.Pid.Find(pid)?.Task;
        return task is null ? Errno.ESRCH : Queue(current, task, in details, signal, toGroup: true);
    }

    [Syscall(297, "rt_tgsigqueueinfo", SyscallSupport.Real)]
    public static async KTask<SyscallResult> RtTgSigQueueInfo(
        Task current, int tgid, int tid, [Strace("signal")] SignalNumber signal, [Strace("siginfo")] UserPtr<SignalInfo> info)
    {
        Result<SignalInfo> read = await ReadInfoAsync(current, signal, info);
        if (!read.TryGet(out SignalInfo details, out Errno error))
            return error;
        if (tid <= 0 || tgid <= 0)
            return Errno.EINVAL;
        if (details.Code is >= 0 or SignalCode.Tkill && current.Pid.In(current.Namespaces.Pid) != tid)
            return Errno.EPERM;
        Task? task = FindThread(current, tgid, tid);
        return task is null ? Errno.ESRCH : Queue(current, task, in details, signal, toGroup: false);
    }

    [Syscall(424, "pidfd_send_signal", SyscallSupport.Real)]
    public static async KTask<SyscallResult> PidFdSendSignal(
        Task current, Fd pidfd, [Strace("signal")] SignalNumber signal, [Strace("siginfo")] UserPtr<SignalInfo> info, uint flags)
    {
        const uint thread = 1, group = 2, processGroup = 4;
        if ((flags & ~(thread | group | processGroup)) != 0 || System.Numerics.BitOperations.PopCount(flags) > 1)
            return Errno.EINVAL;
        OpenFile? opened = current.Files!.Peek(pidfd);
        var file = opened as PidFile;
        if ((file?.Number ?? ProcessOf(opened)) is not { } number)
            return Errno.EBADF;
        SignalInfo details = default;
        if (!info.IsNull)
        {
            Result<SignalInfo> read = await current.ReadUserAsync(info);
            if (!read.TryGet(out details, out Errno error))
                return error;
            if (details.Signal != signal)
                return Errno.EINVAL;
            if (number != current.ThreadGroup.Leader.Pid && details.Code is >= 0 or SignalCode.Tkill && number != current.ThreadGroup.Leader.Pid)
                return Errno.EPERM;
        }

        if (!IsValid(signal))
            return Errno.EINVAL;
        if (flags == processGroup)
        {
            bool success = false;
            Errno last = Errno.ESRCH;
            foreach (ThreadGroup member in number.ProcessGroup.ToArray())
            {
                last = SendToGroup(current, member, signal);
                success |= last == Errno.Success;
            }

            return success ? Errno.Success : last;
        }

        if (number.Task is not { } task)
            return Errno.ESRCH;
        // Without a word about it, the descriptor says whether it is a thread's or a process's.
        bool toGroup = flags == group || (flags == 0 && file is not { IsOfThread: true });
        if (info.IsNull)
            details = SignalSender.FromUser(current, task, signal, toGroup ? SignalCode.User : SignalCode.Tkill);
        return Queue(current, task, in details, signal, toGroup);
    }

    /// <summary>The process whose directory under /proc a descriptor is.</summary>
    private static PidNumber? ProcessOf(OpenFile? file) =>
        file is { IsPathOnly: false, Inode: IProcessDirectory directory } ? directory.Process : null;

    private static bool IsValid(SignalNumber signal) => signal is >= SignalNumber.None and <= SignalNumber.RealTimeMax;

    private static Errno SendToGroup(Task current, ThreadGroup group, SignalNumber signal)
    {
        Errno error = SignalSender.CheckPermission(current, group.Leader, signal);
        if (error != Errno.Success || signal == SignalNumber.None)
            return error;
        return SignalSender.SendToGroup(group, SignalSender.FromUser(current, group.Leader, signal));
    }

    private static Errno SendToThread(Task current, int tgid, int tid, SignalNumber signal)
    {
        if (FindThread(current, tgid, tid) is not { } task)
            return Errno.ESRCH;
        if (!IsValid(signal))
            return Errno.EINVAL;
        Errno error = SignalSender.CheckPermission(current, task, signal);
        if (error != Errno.Success || signal == SignalNumber.None)
            return error;
        return SignalSender.Send(task, SignalSender.FromUser(current, task, signal, SignalCode.Tkill));
    }

    private static Task? FindThread(Task current, int tgid, int tid)
    {
        Task? task = current.Namespaces.Pid.Find(tid)?.Task;
        return task is not null && (tgid <= 0 || task.ThreadGroup.Leader.Pid.In(current.Namespaces.Pid) == tgid) ? task : null;
    }

    private static Errno Queue(Task current, Task target, in SignalInfo info, SignalNumber signal, bool toGroup)
    {
        if (!IsValid(signal))
            return Errno.EINVAL;
        Errno error = SignalSender.CheckPermission(current, target, signal);
        if (error != Errno.Success || signal == SignalNumber.None)
            return error;
        return toGroup ? SignalSender.SendToGroup(target.ThreadGroup, in info) : SignalSender.Send(target, in info);
    }

    private static async KTask<Result<SignalInfo>> ReadInfoAsync(Task current, SignalNumber signal, UserPtr<SignalInfo> from)
    {
        Result<SignalInfo> read = await current.ReadUserAsync(from);
        if (!read.TryGet(out SignalInfo info, out Errno error))
            return error;
        info.Signal = signal;
        return info;
    }
}
