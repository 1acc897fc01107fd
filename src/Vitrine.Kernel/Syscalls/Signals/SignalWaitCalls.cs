using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Syscalls.Signals;

/// <summary>Waiting for signals: pause, rt_sigsuspend, rt_sigtimedwait; and restart_syscall, which goes on with what one interrupted.</summary>
internal static class SignalWaitCalls
{
    [Syscall(34, "pause", SyscallSupport.Partial)]
    public static async KTask<SyscallResult> Pause(Task current)
    {
        while (await current.SleepAsync(WaitMode.Interruptible, Ktime.Never) != WakeReason.Interrupted)
        {
        }

        return Errno.ERESTARTNOHAND;
    }

    [Syscall(130, "rt_sigsuspend", SyscallSupport.Partial)]
    public static async KTask<SyscallResult> RtSigSuspend(Task current, [Strace("sigset")] UserPtr<SignalSet> mask, ulong size)
    {
        if (size != SignalSet.Size)
            return Errno.EINVAL;
        Result<SignalSet> read = await current.ReadUserAsync(mask);
        if (!read.TryGet(out SignalSet wanted, out Errno error))
            return error;
        current.SetTemporaryMask(wanted);
        while (await current.SleepAsync(WaitMode.Interruptible, Ktime.Never) != WakeReason.Interrupted)
        {
        }

        return Errno.ERESTARTNOHAND;
    }

    [Syscall(128, "rt_sigtimedwait", SyscallSupport.Partial)]
    public static async KTask<SyscallResult> RtSigTimedWait(
        Task current,
        [Strace("sigset")] UserPtr<SignalSet> set,
        [Strace("out-siginfo")] UserPtr<SignalInfo> info,
        [Strace("timespec")] UserPtr<Timespec> timeout,
        ulong size)
    {
        if (size != SignalSet.Size)
            return Errno.EINVAL;
        Result<SignalSet> read = await current.ReadUserAsync(set);
        if (!read.TryGet(out SignalSet wanted, out Errno error))
            return error;
        Ktime deadline = Ktime.Never;
        if (!timeout.IsNull)
        {
            Result<Timespec> time = await current.ReadUserAsync(timeout);
            if (!time.TryGet(out Timespec length, out error))
                return error;
            if (!length.IsValid)
                return Errno.EINVAL;
            deadline = current.Kernel.Time.Now + Ktime.Duration(length);
        }

        wanted &= ~SignalSet.Unblockable;
        SignalInfo found = current.DequeueSignal(~wanted);
        WakeReason reason = WakeReason.TimedOut;
        if (found.Signal == SignalNumber.None && (deadline.IsNever || deadline > current.Kernel.Time.Now))
        {
            // The awaited signals are let through meanwhile, or they would wake nobody; their real mask decides whether they are ignored.
            SignalSet blocked = current.Blocked;
            current.RealBlocked = blocked;
            current.SetBlocked(blocked & ~wanted);
            reason = await current.SleepAsync(WaitMode.Interruptible, deadline);
            current.SetBlocked(blocked);
            current.RealBlocked = SignalSet.Empty;
            found = current.DequeueSignal(~wanted);
        }

        if (found.Signal == SignalNumber.None)
            return reason == WakeReason.TimedOut ? Errno.EAGAIN : Errno.EINTR;
        if (!info.IsNull)
        {
            error = await current.WriteUserAsync(info, found);
            if (error != Errno.Success)
                return error;
        }

        return (int)found.Signal;
    }

    [Syscall(219, "restart_syscall", SyscallSupport.Partial)]
    public static KTask<SyscallResult> RestartSyscall(Task current) => SyscallRestarts.RunAsync(current);
}
