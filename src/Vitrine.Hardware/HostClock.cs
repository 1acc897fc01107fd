using System.Diagnostics;
using Vitrine.Abi;

namespace Vitrine.Hardware;

/// <summary>The clock of real mode: the host's monotonic and realtime clocks, realtime read once at power-on.</summary>
[HostBoundary("is the machine's clock")]
internal sealed class HostClock : IClockDevice
{
    private static readonly bool CountsNanoseconds = Stopwatch.Frequency == 1_000_000_000;
    private readonly long _realtimeOffset;

    public HostClock() =>
        _realtimeOffset = ((DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100) - MonotonicNanoseconds;

    public long MonotonicNanoseconds => CountsNanoseconds
        ? Stopwatch.GetTimestamp()
        : (long)((Int128)Stopwatch.GetTimestamp() * 1_000_000_000 / Stopwatch.Frequency);

    public long RealtimeNanoseconds => MonotonicNanoseconds + _realtimeOffset;
}
