using Vitrine.Hardware;

namespace Vitrine.Kernel.Time;

/// <summary>
/// The machine's clocks, all derived from its one clock device. Monotonic time starts at 0 at boot; realtime is
/// monotonic plus an offset that settimeofday moves. No suspend yet, so boottime equals monotonic.
/// </summary>
internal sealed class Timekeeper(IClockDevice device)
{
    /// <summary>Nanoseconds of a tick: what the coarse clocks move by (HZ = 250).</summary>
    public const long TickNanoseconds = 4_000_000;

    private readonly List<IRealtimeListener> _listeners = [];
    private readonly long _monotonicStart = device.MonotonicNanoseconds;

    /// <summary>Realtime minus the device's monotonic reading, in nanoseconds.</summary>
    public long RealtimeOffset { get; private set; } = device.RealtimeNanoseconds - device.MonotonicNanoseconds;

    /// <summary>TAI minus UTC in nanoseconds (adjtimex ADJ_TAI).</summary>
    public long TaiOffset { get; private set; }

    /// <summary>What settimeofday was told.</summary>
    public TimeZoneValue TimeZone { get; private set; }

    /// <summary>How far CLOCK_REALTIME went when it was set last, in nanoseconds.</summary>
    public long LastStep { get; private set; }

    /// <summary>Who sleeps until a moment of a clock that can be set looks at it again when it was.</summary>
    public Sched.WaitQueue WasSet { get; } = new();

    /// <summary>Told when an offset or the time zone has changed.</summary>
    public Action? Changed { get; set; }

    public Ktime Now => new(device.MonotonicNanoseconds - _monotonicStart);

    /// <summary>Nanoseconds since the epoch (CLOCK_REALTIME).</summary>
    public long Realtime => device.MonotonicNanoseconds + RealtimeOffset;

    /// <summary>Nanoseconds since the epoch at boot (btime of /proc/stat).</summary>
    public long BootRealtime => _monotonicStart + RealtimeOffset;

    public Timespec RealtimeTimespec => Timespec.FromNanoseconds(Realtime);

    /// <summary>The device's monotonic reading at boot: what the vvar page needs to compute <see cref="Now"/>.</summary>
    public long MonotonicStart => _monotonicStart;

    /// <summary>Reads a clock that is no CPU clock; false if there is none of this number.</summary>
    public bool TryRead(ClockId clock, out long nanoseconds)
    {
        nanoseconds = clock switch
        {
            // The alarm clocks go with a device that can wake the machine; there is none.
            ClockId.Realtime => Realtime,
            ClockId.Monotonic or ClockId.MonotonicRaw or ClockId.Boottime => Now.Nanoseconds,
            ClockId.MonotonicCoarse => CoarseMonotonic,
            ClockId.RealtimeCoarse => CoarseMonotonic + RealtimeOffset + _monotonicStart,
            ClockId.Tai => Realtime + TaiOffset,
            _ => long.MinValue,
        };
        return nanoseconds != long.MinValue;
    }

    /// <summary>The monotonic moment at which a clock shows a time.</summary>
    public Ktime ToMonotonic(ClockId clock, long nanoseconds) => clock switch
    {
        ClockId.Realtime or ClockId.RealtimeAlarm or ClockId.RealtimeCoarse => Shift(nanoseconds, RealtimeOffset + _monotonicStart),
        ClockId.Tai => Shift(nanoseconds, RealtimeOffset + _monotonicStart + TaiOffset),
        _ => new Ktime(nanoseconds),
    };

    /// <summary>As <see cref="ToMonotonic"/>, and what was before boot is a negative moment: periods count from it.</summary>
    public long ToMonotonicOrBefore(ClockId clock, long nanoseconds) => nanoseconds == long.MaxValue ? long.MaxValue : clock switch
    {
        ClockId.Realtime or ClockId.RealtimeAlarm => nanoseconds - RealtimeOffset - _monotonicStart,
        ClockId.Tai => nanoseconds - RealtimeOffset - _monotonicStart - TaiOffset,
        _ => nanoseconds,
    };

    /// <summary>Sets CLOCK_REALTIME.</summary>
    public void SetRealtime(long nanoseconds)
    {
        long before = RealtimeOffset;
        RealtimeOffset = nanoseconds - device.MonotonicNanoseconds;
        LastStep = RealtimeOffset - before;
        Changed?.Invoke();
        foreach (IRealtimeListener listener in _listeners.ToArray())
            listener.RealtimeWasSet();
        WasSet.WakeAll();
    }

    /// <summary>Moves CLOCK_REALTIME by a little without anybody being told that it was set: a step of a slew.</summary>
    public void Slew(long nanoseconds)
    {
        RealtimeOffset += nanoseconds;
        Changed?.Invoke();
    }

    public void AddListener(IRealtimeListener listener) => _listeners.Add(listener);

    public void RemoveListener(IRealtimeListener listener) => _listeners.Remove(listener);

    public void SetTimeZone(TimeZoneValue zone)
    {
        TimeZone = zone;
        Changed?.Invoke();
    }

    public void SetTaiOffset(long nanoseconds)
    {
        TaiOffset = nanoseconds;
        Changed?.Invoke();
        WasSet.WakeAll();
    }

    /// <summary>Whether deadlines of a clock move when CLOCK_REALTIME, or its distance to TAI, is set.</summary>
    public static bool IsWallClock(ClockId clock) => clock is ClockId.Realtime or ClockId.RealtimeAlarm or ClockId.Tai;

    private long CoarseMonotonic => Now.Nanoseconds / TickNanoseconds * TickNanoseconds;

    private static Ktime Shift(long nanoseconds, long offset) =>
        nanoseconds == long.MaxValue ? Ktime.Never : new Ktime(Math.Max(nanoseconds - offset, 0));
}
