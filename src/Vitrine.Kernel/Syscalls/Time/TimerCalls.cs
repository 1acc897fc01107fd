using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Syscalls.Time;

/// <summary>Timers that send signals: alarm, setitimer, timer_create and its family.</summary>
internal static class TimerCalls
{
    private const long MicrosecondsPerSecond = 1_000_000;

    [Syscall(37, "alarm", SyscallSupport.Real)]
    public static SyscallResult Alarm(Task current, uint seconds)
    {
        RealIntervalTimer timer = current.ThreadGroup.RealTimer;
        long left = timer.Remaining(current.Kernel.Time.Now);
        timer.Set(Math.Min(seconds, int.MaxValue) * Ktime.NanosecondsPerSecond, 0);
        // Rounded to the nearest second, but never to "no alarm".
        return left == 0 ? 0 : Math.Max(1, (left + (Ktime.NanosecondsPerSecond / 2)) / Ktime.NanosecondsPerSecond);
    }

    [Syscall(36, "getitimer", SyscallSupport.Real)]
    public static async KTask<SyscallResult> GetITimer(Task current, IntervalTimerKind kind, UserPtr<IntervalTimerValue> value) =>
        Read(current, kind) is { } now ? await current.WriteUserAsync(value, now) : Errno.EINVAL;

    [Syscall(38, "setitimer", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SetITimer(
        Task current, IntervalTimerKind kind, UserPtr<IntervalTimerValue> value, UserPtr<IntervalTimerValue> old)
    {
        IntervalTimerValue wanted = default;
        if (!value.IsNull)
        {
            Result<IntervalTimerValue> read = await current.ReadUserAsync(value);
            if (!read.TryGet(out wanted, out Errno error))
                return error;
            if (!wanted.Interval.IsValid || !wanted.Value.IsValid)
                return Errno.EINVAL;
        }

        if (Read(current, kind) is not { } before)
            return Errno.EINVAL;
        long first = ToNanoseconds(wanted.Value);
        long interval = ToNanoseconds(wanted.Interval);
        ThreadGroup group = current.ThreadGroup;
        if (kind == IntervalTimerKind.Real)
            group.RealTimer.Set(first, interval);
        else
            group.SetCpuInterval(kind, new CpuIntervalTimer(first == 0 ? 0 : group.CpuIntervalClock(kind) + first, interval));
        return old.IsNull ? 0 : await current.WriteUserAsync(old, before);
    }

    [Syscall(222, "timer_create", SyscallSupport.Partial, Note = "no alarm clocks: EOPNOTSUPP, as without a wake-up device")]
    public static async KTask<SyscallResult> TimerCreate(
        Task current, [Strace("clock")] ClockId clock, UserPtr<SignalEvent> notification, UserPtr<int> id)
    {
        Result<ClockSource> source = clock switch
        {
            ClockId.Realtime or ClockId.Monotonic or ClockId.Boottime or ClockId.Tai => new ClockSource(clock, null, null),
            ClockId.RealtimeAlarm or ClockId.BoottimeAlarm => Errno.EOPNOTSUPP,
            ClockId.MonotonicRaw or ClockId.RealtimeCoarse or ClockId.MonotonicCoarse => Errno.EOPNOTSUPP,
            _ => CpuClock.Find(current, clock),
        };
        if (!source.TryGet(out ClockSource counted, out Errno error))
            return error;
        ThreadGroup group = current.ThreadGroup;
        SignalEvent wanted = default;
        if (notification.IsNull)
        {
            wanted.Signal = SignalNumber.Alrm;
            wanted.Value = (ulong)group.NextTimerId;
        }
        else
        {
            Result<SignalEvent> read = await current.ReadUserAsync(notification);
            if (!read.TryGet(out wanted, out error))
                return error;
        }

        Task target = group.Leader;
        switch (wanted.Notify)
        {
            case SignalNotify.Signal | SignalNotify.ThreadId:
                if (current.Namespaces.Pid.Find(wanted.ThreadId)?.Task is not { } thread || thread.ThreadGroup != group)
                    return Errno.EINVAL;
                target = thread;
                goto case SignalNotify.Signal;
            case SignalNotify.Signal:
            case SignalNotify.Thread:
                if (wanted.Signal is < SignalNumber.Hup or > SignalNumber.RealTimeMax)
                    return Errno.EINVAL;
                break;
            case SignalNotify.None:
                break;
            default:
                return Errno.EINVAL;
        }

        // Each timer keeps one queue entry for itself: the limit of pending signals is the limit of timers.
        if ((ulong)group.Timers.Count >= group.Limit(ResourceLimit.SignalsPending).Soft)
            return Errno.EAGAIN;
        int number = NextId(group);
        error = await current.WriteUserAsync(id, number);
        if (error != Errno.Success)
            return error;
        group.Timers.Add(number, new PosixTimer(group, number, counted, in wanted, target));
        return 0;
    }

    [Syscall(223, "timer_settime", SyscallSupport.Real)]
    public static async KTask<SyscallResult> TimerSetTime(
        Task current, int id, TimerFlags flags, UserPtr<IntervalTimerSpec> value, UserPtr<IntervalTimerSpec> old)
    {
        if (value.IsNull)
            return Errno.EINVAL;
        Result<IntervalTimerSpec> read = await current.ReadUserAsync(value);
        if (!read.TryGet(out IntervalTimerSpec wanted, out Errno error))
            return error;
        if (!wanted.Interval.IsValid || !wanted.Value.IsValid)
            return Errno.EINVAL;
        if (!current.ThreadGroup.Timers.TryGetValue(id, out PosixTimer? timer))
            return Errno.EINVAL;
        Timekeeper time = current.Kernel.Time;
        IntervalTimerSpec before = Describe(timer, time.Now);
        long first = Ktime.Duration(wanted.Value);
        long due = 0;
        bool absolute = (flags & TimerFlags.Absolute) != 0;
        if (first != 0)
        {
            if (timer.Clock.IsCpu)
                due = absolute ? first : (new Ktime(timer.Clock.ReadCpu()) + first).Nanoseconds;
            else
                due = absolute ? time.ToMonotonicOrBefore(timer.Clock.Id, first) : (time.Now + first).Nanoseconds;

            // 0 is no moment but "not set".
            if (due == 0)
                due = 1;
        }

        timer.Set(due, Ktime.Duration(wanted.Interval), absolute);
        return old.IsNull ? 0 : await current.WriteUserAsync(old, before);
    }

    [Syscall(224, "timer_gettime", SyscallSupport.Real)]
    public static async KTask<SyscallResult> TimerGetTime(Task current, int id, UserPtr<IntervalTimerSpec> value) =>
        current.ThreadGroup.Timers.TryGetValue(id, out PosixTimer? timer)
            ? await current.WriteUserAsync(value, Describe(timer, current.Kernel.Time.Now))
            : Errno.EINVAL;

    [Syscall(225, "timer_getoverrun", SyscallSupport.Real)]
    public static SyscallResult TimerGetOverrun(Task current, int id) =>
        current.ThreadGroup.Timers.TryGetValue(id, out PosixTimer? timer) ? timer.OverrunOfLast : Errno.EINVAL;

    [Syscall(226, "timer_delete", SyscallSupport.Real)]
    public static SyscallResult TimerDelete(Task current, int id)
    {
        if (!current.ThreadGroup.Timers.TryGetValue(id, out PosixTimer? timer))
            return Errno.EINVAL;
        timer.Delete();
        return 0;
    }

    private static int NextId(ThreadGroup group)
    {
        int id = group.NextTimerId;
        while (group.Timers.ContainsKey(id))
            id = id == int.MaxValue ? 0 : id + 1;
        group.NextTimerId = id == int.MaxValue ? 0 : id + 1;
        return id;
    }

    private static IntervalTimerSpec Describe(PosixTimer timer, Ktime now) =>
        new(Timespec.FromNanoseconds(timer.Interval), Timespec.FromNanoseconds(timer.Remaining(now)));

    private static IntervalTimerValue? Read(Task current, IntervalTimerKind kind)
    {
        ThreadGroup group = current.ThreadGroup;
        switch (kind)
        {
            case IntervalTimerKind.Real:
                return new IntervalTimerValue(ToTimeval(group.RealTimer.Interval), ToTimeval(group.RealTimer.Remaining(current.Kernel.Time.Now)));
            case IntervalTimerKind.Virtual:
            case IntervalTimerKind.Profiling:
                CpuIntervalTimer timer = group.GetCpuInterval(kind);
                // What is due already shows as about to expire.
                long left = timer.Expires == 0 ? 0 : Math.Max(timer.Expires - group.CpuIntervalClock(kind), 1000);
                return new IntervalTimerValue(ToTimeval(timer.Interval), ToTimeval(left));
            default:
                return null;
        }
    }

    private static long ToNanoseconds(Timeval value) =>
        value.Seconds >= long.MaxValue / Ktime.NanosecondsPerSecond
            ? long.MaxValue
            : (value.Seconds * Ktime.NanosecondsPerSecond) + (value.Microseconds * 1000);

    private static Timeval ToTimeval(long nanoseconds)
    {
        long microseconds = (nanoseconds + 999) / 1000;
        return new Timeval(microseconds / MicrosecondsPerSecond, microseconds % MicrosecondsPerSecond);
    }
}
