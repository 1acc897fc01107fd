using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Syscalls.Time;

/// <summary>nanosleep(2) and clock_nanosleep(2).</summary>
internal static class SleepCalls
{
    [Syscall(35, "nanosleep", SyscallSupport.Real)]
    public static KTask<SyscallResult> Nanosleep(
        Task current, [Strace("timespec")] UserPtr<Timespec> request, [Strace("out-timespec")] UserPtr<Timespec> remaining) =>
        SleepAsync(current, ClockId.Monotonic, TimerFlags.None, request, remaining);

    [Syscall(230, "clock_nanosleep", SyscallSupport.Real)]
    public static KTask<SyscallResult> ClockNanosleep(
        Task current,
        [Strace("clock")] ClockId clock,
        TimerFlags flags,
        [Strace("timespec")] UserPtr<Timespec> request,
        [Strace("out-timespec")] UserPtr<Timespec> remaining)
    {
        Errno error = clock switch
        {
            ClockId.Realtime or ClockId.Monotonic or ClockId.Boottime or ClockId.Tai => Errno.Success,
            // There is no device that could wake the machine.
            ClockId.RealtimeAlarm or ClockId.BoottimeAlarm or ClockId.ThreadCpuTime => Errno.EOPNOTSUPP,
            ClockId.MonotonicRaw or ClockId.RealtimeCoarse or ClockId.MonotonicCoarse => Errno.ENOTSUP,
            ClockId.ProcessCpuTime or < 0 => Errno.Success,
            _ => Errno.EINVAL,
        };
        if (clock is ClockId.ProcessCpuTime or < 0)
            return SleepOnCpuClockAsync(current, clock, flags, request, remaining);
        return error != Errno.Success ? KTask<SyscallResult>.FromResult(error) : SleepAsync(current, clock, flags, request, remaining);
    }

    /// <summary>Goes on after a signal without a handler.</summary>
    internal static KTask<SyscallResult> RestartAsync(Task current, RestartBlock block) =>
        WaitAsync(current, block.Deadline, block.Address, absolute: false);

    private static async KTask<SyscallResult> SleepAsync(
        Task current, ClockId clock, TimerFlags flags, UserPtr<Timespec> request, UserPtr<Timespec> remaining)
    {
        Result<Timespec> read = await current.ReadUserAsync(request);
        if (!read.TryGet(out Timespec time, out Errno error))
            return error;
        if (!time.IsValid)
            return Errno.EINVAL;
        bool absolute = (flags & TimerFlags.Absolute) != 0;
        long length = Ktime.Duration(time);
        if (absolute && Timekeeper.IsWallClock(clock))
            return await WaitForMomentAsync(current, clock, length);
        Ktime deadline = absolute ? current.Kernel.Time.ToMonotonic(clock, length) : current.Kernel.Time.Now + length;
        return await WaitAsync(current, deadline, absolute ? default : remaining.Address, absolute);
    }

    /// <summary>Goes on after a signal without a handler.</summary>
    internal static async KTask<SyscallResult> RestartOnCpuClockAsync(Task current, RestartBlock block)
    {
        var clock = (ClockId)(int)block.Argument;
        Result<ClockSource> found = CpuClock.Find(current, clock);
        return found.TryGet(out ClockSource source, out Errno error)
            ? await WaitForCpuTimeAsync(current, source, block.Deadline.Nanoseconds, block.Address, absolute: false)
            : error;
    }

    private static async KTask<SyscallResult> SleepOnCpuClockAsync(
        Task current, ClockId clock, TimerFlags flags, UserPtr<Timespec> request, UserPtr<Timespec> remaining)
    {
        Result<Timespec> read = await current.ReadUserAsync(request);
        if (!read.TryGet(out Timespec time, out Errno error))
            return error;
        Result<ClockSource> found = CpuClock.Find(current, clock);
        if (!time.IsValid || !found.TryGet(out ClockSource source, out _))
            return Errno.EINVAL;
        // A thread that sleeps uses no time of its own: it would never wake up.
        if (source.Thread == current)
            return Errno.EINVAL;
        bool absolute = (flags & TimerFlags.Absolute) != 0;
        long length = Ktime.Duration(time);
        long now = source.ReadCpu() + CpuClock.InFlight(current, source);
        long deadline = absolute ? length : length > long.MaxValue - now ? long.MaxValue : now + length;
        return await WaitForCpuTimeAsync(current, source, deadline, absolute ? default : remaining.Address, absolute);
    }

    private static async KTask<SyscallResult> WaitForCpuTimeAsync(
        Task current, ClockSource source, long deadline, VirtAddr remaining, bool absolute)
    {
        var sleeper = new CpuSleeper(current, source, deadline);
        ThreadGroup counted = source.Process ?? source.Thread!.ThreadGroup;
        counted.CpuSleepers.Add(sleeper);
        WakeReason reason = WakeReason.Woken;
        while (source.ReadCpu() < deadline && reason != WakeReason.Interrupted)
            reason = await current.SleepAsync(WaitMode.Interruptible, Ktime.Never);
        _ = counted.CpuSleepers.Remove(sleeper);
        long left = deadline - source.ReadCpu();
        if (left <= 0)
            return 0;
        if (absolute)
            return Errno.ERESTARTNOHAND;
        if (remaining.Value != 0)
        {
            Errno error = await current.WriteUserAsync(new UserPtr<Timespec>(remaining), Timespec.FromNanoseconds(left));
            if (error != Errno.Success)
                return error;
        }

        current.Restart = new RestartBlock(RestartKind.CpuNanosleep, new Ktime(deadline), remaining, (ulong)(int)source.Id, 0);
        return Errno.ERESTART_RESTARTBLOCK;
    }

    /// <summary>Sleeps until a clock shows a time, also if it is set meanwhile.</summary>
    private static async KTask<SyscallResult> WaitForMomentAsync(Task current, ClockId clock, long moment)
    {
        Timekeeper time = current.Kernel.Time;
        while (time.ToMonotonic(clock, moment) > time.Now)
        {
            WakeReason reason = await time.WasSet.WaitAsync(current, WaitMode.Interruptible, time.ToMonotonic(clock, moment));
            if (reason == WakeReason.Interrupted)
                return time.ToMonotonic(clock, moment) > time.Now ? Errno.ERESTARTNOHAND : 0;
        }

        return 0;
    }

    private static async KTask<SyscallResult> WaitAsync(Task current, Ktime deadline, VirtAddr remaining, bool absolute)
    {
        for (; ; )
        {
            WakeReason reason = await current.SleepAsync(WaitMode.Interruptible, deadline);
            if (reason == WakeReason.TimedOut || current.Kernel.Time.Now >= deadline)
                return 0;
            if (reason == WakeReason.Interrupted)
                break;
        }

        if (absolute)
            return Errno.ERESTARTNOHAND;
        if (remaining.Value != 0)
        {
            long left = Math.Max(deadline - current.Kernel.Time.Now, 0);
            Errno error = await current.WriteUserAsync(new UserPtr<Timespec>(remaining), Timespec.FromNanoseconds(left));
            if (error != Errno.Success)
                return error;
        }

        current.Restart = new RestartBlock(RestartKind.Nanosleep, deadline, remaining, 0, 0);
        return Errno.ERESTART_RESTARTBLOCK;
    }
}
