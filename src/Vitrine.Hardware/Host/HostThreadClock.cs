using Vitrine.Abi;

namespace Vitrine.Hardware.Host;

/// <summary>
/// The CPU time that the host has given one thread. What a processor's thread lacks of the time that has passed while it
/// had work, the host's other programs had (on Linux in a virtual machine: steal time).
/// </summary>
[HostBoundary("reads a host thread's CPU time")]
internal sealed unsafe class HostThreadClock
{
    private readonly int _clock;

    private HostThreadClock(int clock) => _clock = clock;

    /// <summary>The calling thread's clock; null where the host has none.</summary>
    public static HostThreadClock? OfThisThread()
    {
        int clock = 0;
        return Libc.GetThreadClock(Libc.GetThread(), &clock) == 0 ? new HostThreadClock(clock) : null;
    }

    /// <summary>Nanoseconds; any thread may ask. After the thread's end it stands still at 0.</summary>
    public long Nanoseconds
    {
        get
        {
            long* time = stackalloc long[2];
            return Libc.GetTime(_clock, time) == 0 ? (time[0] * 1_000_000_000) + time[1] : 0;
        }
    }
}
