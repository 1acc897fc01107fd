using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Syscalls.Signals;

/// <summary>Waiting for signals: pause, rt_sigsuspend, rt_sigtimedwait; and restart_syscall, which goes on with what one interrupted.</summary>
internal static class SignalWaitCalls
{
    [Syscall(34, "pause", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Pause(Task current)
    {
        while (await current.SleepAsync(WaitMode.Interruptible, Ktime.Never) != WakeReason.Interrupted)
        {
        }

        return Errno.ERESTARTNOHAND;
    }

    [Syscall(130, "rt_sigsuspend", SyscallSupport.Real)]
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

    [Syscall(128, "rt_sigtimedwait", SyscallSupport.Real)]
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

        return await WaitAsync(current, wanted & ~SignalSet.Unblockable, info, deadline);
    }

    [Syscall(219, "restart_syscall", SyscallSupport.Real)]
    public static KTask<SyscallResult> RestartSyscall(Task current) => SyscallRestarts.RunAsync(current);

    /// <summary>Takes a signal of the set, or waits for one.</summary>
    internal static async KTask<SyscallResult> WaitAsync(Task current, SignalSet wanted, UserPtr<SignalInfo> info, Ktime deadline)
    {
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
        {
            if (reason == WakeReason.TimedOut)
                return Errno.EAGAIN;
            if ((current.Work & TaskWork.Signal) != 0)
                return Errno.EINTR;
            // Nothing but a machine that came to rest ended the wait.
            current.Restart = new RestartBlock(RestartKind.SignalWait, deadline, info.Address, wanted.Bits, 0);
            return Errno.ERESTART_RESTARTBLOCK;
        }

        if (!info.IsNull)
        {
            Errno error = await current.WriteUserAsync(info, found);
            if (error != Errno.Success)
                return error;
        }

        return (int)found.Signal;
    }
}
