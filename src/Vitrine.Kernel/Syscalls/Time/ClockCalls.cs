using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Syscalls.Time;

/// <summary>Reading and setting clocks: clock_gettime and its kin, gettimeofday, time, adjtimex.</summary>
internal static class ClockCalls
{
    [Syscall(228, "clock_gettime", SyscallSupport.Real)]
    public static KTask<SyscallResult> ClockGetTime(Task current, [Strace("clock")] ClockId clock, [Strace("out-timespec")] UserPtr<Timespec> time) =>
        ReadAsync(current, clock, time);

    [Syscall(229, "clock_getres", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ClockGetRes(Task current, [Strace("clock")] ClockId clock, [Strace("out-timespec")] UserPtr<Timespec> resolution)
    {
        long nanoseconds = clock is ClockId.RealtimeCoarse or ClockId.MonotonicCoarse ? Timekeeper.TickNanoseconds : 1;
        if (!current.Kernel.Time.TryRead(clock, out _) && !CpuClock.Find(current, clock).Ok)
            return Errno.EINVAL;
        return resolution.IsNull ? 0 : await current.WriteUserAsync(resolution, Timespec.FromNanoseconds(nanoseconds));
    }

    [Syscall(227, "clock_settime", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ClockSetTime(Task current, [Strace("clock")] ClockId clock, [Strace("timespec")] UserPtr<Timespec> time)
    {
        if (clock != ClockId.Realtime)
            return clock < 0 && CpuClock.Find(current, clock).Ok ? Errno.EPERM : Errno.EINVAL;
        Result<Timespec> read = await current.ReadUserAsync(time);
        if (!read.TryGet(out Timespec value, out Errno error))
            return error;
        return Set(current, value);
    }

    [Syscall(96, "gettimeofday", SyscallSupport.Real)]
    public static async KTask<SyscallResult> GetTimeOfDay(Task current, [Strace("out-timeval")] UserPtr<Timeval> time, UserPtr<TimeZoneValue> zone)
    {
        Timekeeper clock = current.Kernel.Time;
        if (!time.IsNull)
        {
            Timespec now = clock.RealtimeTimespec;
            Errno error = await current.WriteUserAsync(time, new Timeval(now.Seconds, now.Nanoseconds / 1000));
            if (error != Errno.Success)
                return error;
        }

        return zone.IsNull ? 0 : await current.WriteUserAsync(zone, clock.TimeZone);
    }

    [Syscall(164, "settimeofday", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SetTimeOfDay(Task current, [Strace("timeval")] UserPtr<Timeval> time, UserPtr<TimeZoneValue> zone)
    {
        Timespec? wanted = null;
        if (!time.IsNull)
        {
            Result<Timeval> read = await current.ReadUserAsync(time);
            if (!read.TryGet(out Timeval value, out Errno error))
                return error;
            if (value.Microseconds is < 0 or > 1_000_000)
                return Errno.EINVAL;
            wanted = new Timespec(value.Seconds, value.Microseconds * 1000);
        }

        TimeZoneValue? newZone = null;
        if (!zone.IsNull)
        {
            Result<TimeZoneValue> read = await current.ReadUserAsync(zone);
            if (!read.TryGet(out TimeZoneValue value, out Errno error))
                return error;
            newZone = value;
        }

        if (wanted is { IsValid: false })
            return Errno.EINVAL;
        if (!IsCapable(current))
            return Errno.EPERM;
        if (newZone is { } z)
        {
            if (z.MinutesWest is < -15 * 60 or > 15 * 60)
                return Errno.EINVAL;
            current.Kernel.Time.SetTimeZone(z);
        }

        return wanted is { } t ? Set(current, t) : Errno.Success;
    }

    [Syscall(201, "time", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Time(Task current, UserPtr<long> time)
    {
        long seconds = current.Kernel.Time.RealtimeTimespec.Seconds;
        Errno error = time.IsNull ? Errno.Success : await current.WriteUserAsync(time, seconds);
        return error != Errno.Success ? error : seconds;
    }

    [Syscall(159, "adjtimex", SyscallSupport.Partial, Note = "the clock can be read, stepped and slewed as adjtime does; it has no frequency and no phase-locked loop to adjust: EINVAL")]
    public static KTask<SyscallResult> AdjTimex(Task current, UserPtr<ClockAdjustment> adjustment) =>
        AdjustAsync(current, ClockId.Realtime, adjustment);

    [Syscall(305, "clock_adjtime", SyscallSupport.Partial, Note = "as adjtimex, for CLOCK_REALTIME")]
    public static KTask<SyscallResult> ClockAdjTime(Task current, [Strace("clock")] ClockId clock, UserPtr<ClockAdjustment> adjustment) =>
        AdjustAsync(current, clock, adjustment);

    private static async KTask<SyscallResult> ReadAsync(Task current, ClockId clock, UserPtr<Timespec> time)
    {
        if (!current.Kernel.Time.TryRead(clock, out long nanoseconds))
        {
            Result<ClockSource> cpu = CpuClock.Find(current, clock);
            if (!cpu.TryGet(out ClockSource source, out Errno error))
                return error;
            nanoseconds = source.ReadCpu() + CpuClock.InFlight(current, source);
        }

        return await current.WriteUserAsync(time, Timespec.FromNanoseconds(nanoseconds));
    }

    private static Errno Set(Task current, Timespec value)
    {
        if (!value.IsValid || value.Seconds >= long.MaxValue / Ktime.NanosecondsPerSecond)
            return Errno.EINVAL;
        if (!IsCapable(current))
            return Errno.EPERM;
        // The clock must not show a moment before boot (timespec64_valid_settod).
        long nanoseconds = Ktime.Duration(value);
        if (nanoseconds < current.Kernel.Time.Now.Nanoseconds)
            return Errno.EINVAL;
        current.Kernel.Time.SetRealtime(nanoseconds);
        return Errno.Success;
    }

    private static async KTask<SyscallResult> AdjustAsync(Task current, ClockId clock, UserPtr<ClockAdjustment> at)
    {
        if (clock != ClockId.Realtime)
            return clock is ClockId.Tai or ClockId.Monotonic or ClockId.Boottime or ClockId.MonotonicRaw ? Errno.EOPNOTSUPP : Errno.EINVAL;
        Result<ClockAdjustment> read = await current.ReadUserAsync(at);
        if (!read.TryGet(out ClockAdjustment adjustment, out Errno error))
            return error;
        const uint setOffset = 0x0100, tai = 0x0080, nano = 0x2000, adjustOnce = 0x8001, readAdjustment = 0xa001;
        if (adjustment.Modes != 0 && adjustment.Modes != readAdjustment && !IsCapable(current))
            return Errno.EPERM;
        Timekeeper time = current.Kernel.Time;
        bool isAdjtime = adjustment.Modes is adjustOnce or readAdjustment;
        if ((adjustment.Modes & ~(setOffset | tai | nano)) != 0 && !isAdjtime)
            return Errno.EINVAL;
        long left = 0;
        if (isAdjtime)
        {
            left = current.Kernel.ClockSlew.LeftMicroseconds;
            if (adjustment.Modes == adjustOnce)
                current.Kernel.ClockSlew.Begin(adjustment.Offset);
        }
        else if ((adjustment.Modes & setOffset) != 0)
        {
            long fraction = (adjustment.Modes & nano) != 0 ? adjustment.TimeFraction : adjustment.TimeFraction * 1000;
            if (fraction is < 0 or >= Ktime.NanosecondsPerSecond)
                return Errno.EINVAL;
            time.SetRealtime(time.Realtime + (adjustment.TimeSeconds * Ktime.NanosecondsPerSecond) + fraction);
        }

        if (!isAdjtime && (adjustment.Modes & tai) != 0)
            time.SetTaiOffset(adjustment.Constant * Ktime.NanosecondsPerSecond);
        Timespec now = time.RealtimeTimespec;
        const int unsynchronised = 0x40, timeError = 5;
        adjustment.Offset = left;
        adjustment.Frequency = 0;
        adjustment.MaximumError = adjustment.EstimatedError = 16_000_000;
        adjustment.Status = unsynchronised;
        adjustment.Constant = 2;
        adjustment.Precision = 1;
        adjustment.Tolerance = 32_768_000;
        adjustment.TimeSeconds = now.Seconds;
        adjustment.TimeFraction = now.Nanoseconds / 1000;
        adjustment.Tick = 10_000;
        adjustment.Tai = (int)(time.TaiOffset / Ktime.NanosecondsPerSecond);
        error = await current.WriteUserAsync(at, adjustment);
        return error != Errno.Success ? error : timeError;
    }

    private static bool IsCapable(Task current) => current.Credentials.IsCapable(current.Kernel.InitUserNamespace, Capability.SysTime);
}
