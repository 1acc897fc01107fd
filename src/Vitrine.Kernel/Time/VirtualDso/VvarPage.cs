using Vitrine.Kernel.Mm;

namespace Vitrine.Kernel.Time.VirtualDso;

/// <summary>
/// The page of numbers that the vDSO's code computes with: a sequence count (odd while the kernel changes the rest), the
/// time zone, and per clock what must be added to the time-stamp counter. One page for all programs of the machine.
/// </summary>
internal sealed unsafe class VvarPage
{
    private const int TimeZoneOffset = 16;
    private const int ClockOffsets = 64;

    private readonly byte* _page;

    public VvarPage(KernelInstance kernel, PageFrameNumber frame)
    {
        Frame = frame;
        _page = kernel.Memory.Ram.Frame(frame);
        Update(kernel.Time);
    }

    public PageFrameNumber Frame { get; }

    /// <summary>A clock was set: all offsets are written again.</summary>
    public void Update(Timekeeper time)
    {
        // SAFETY: the frame is the machine's own for as long as RAM exists; all offsets are within the page. Programs on
        // other processors read meanwhile: the odd sequence count makes them wait.
        ref int sequence = ref *(int*)_page;
        Volatile.Write(ref sequence, sequence + 1);
        Thread.MemoryBarrier();
        *(TimeZoneValue*)(_page + TimeZoneOffset) = time.TimeZone;
        var offsets = (long*)(_page + ClockOffsets);
        for (int id = 0; id <= (int)ClockId.Tai; id++)
        {
            offsets[id] = (ClockId)id switch
            {
                ClockId.Realtime => time.RealtimeOffset,
                ClockId.Tai => time.RealtimeOffset + time.TaiOffset,
                ClockId.Monotonic or ClockId.MonotonicRaw or ClockId.Boottime => -time.MonotonicStart,

                // Added after rounding the monotonic time down to a tick.
                ClockId.RealtimeCoarse => time.RealtimeOffset + time.MonotonicStart,
                _ => 0,
            };
        }

        Volatile.Write(ref sequence, sequence + 1);
    }
}
