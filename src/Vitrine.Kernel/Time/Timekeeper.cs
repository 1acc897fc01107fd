using Vitrine.Hardware;

namespace Vitrine.Kernel.Time;

/// <summary>
/// The machine's clocks, all derived from its one clock device. Monotonic time starts at 0 at boot; realtime is
/// monotonic plus an offset that settimeofday moves. No suspend yet, so boottime equals monotonic.
/// </summary>
internal sealed class Timekeeper(IClockDevice device)
{
    private readonly long _monotonicStart = device.MonotonicNanoseconds;

    /// <summary>Realtime minus monotonic, in nanoseconds.</summary>
    public long RealtimeOffset { get; set; } = device.RealtimeNanoseconds - device.MonotonicNanoseconds;

    public Ktime Now => new(device.MonotonicNanoseconds - _monotonicStart);

    /// <summary>Nanoseconds since the epoch (CLOCK_REALTIME).</summary>
    public long Realtime => device.MonotonicNanoseconds + RealtimeOffset;

    /// <summary>Nanoseconds since the epoch at boot (btime of /proc/stat).</summary>
    public long BootRealtime => _monotonicStart + RealtimeOffset;

    public Timespec RealtimeTimespec => Timespec.FromNanoseconds(Realtime);

    /// <summary>The device's monotonic reading at boot: what the vvar page needs to compute <see cref="Now"/>.</summary>
    public long MonotonicStart => _monotonicStart;
}
