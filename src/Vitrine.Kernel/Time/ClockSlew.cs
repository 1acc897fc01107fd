using Vitrine.Kernel.Sched;

namespace Vitrine.Kernel.Time;

/// <summary>
/// adjtime(3)'s slow correction of CLOCK_REALTIME (time_adjust of kernel/time/ntp.c): at most 500 microseconds a second, in
/// a step at every tick.
/// </summary>
internal sealed class ClockSlew(KernelInstance kernel) : KernelTimer
{
    /// <summary>MAX_TICKADJ, for one tick, in nanoseconds.</summary>
    private const long Step = 500_000 * Timekeeper.TickNanoseconds / Ktime.NanosecondsPerSecond;

    private long _left;

    /// <summary>What is still to be corrected, in microseconds.</summary>
    public long LeftMicroseconds => _left / 1000;

    /// <summary>Replaces what is left of a correction before; 0 ends it.</summary>
    public void Begin(long microseconds)
    {
        if (IsQueued)
            kernel.Timers.Cancel(this);
        _left = microseconds * 1000;
        if (_left != 0)
            kernel.Timers.Start(this, kernel.Time.Now + Timekeeper.TickNanoseconds);
    }

    public override void Fire(Ktime now)
    {
        long step = Math.Clamp(_left, -Step, Step);
        _left -= step;
        kernel.Time.Slew(step);
        if (_left != 0)
            kernel.Timers.Start(this, now + Timekeeper.TickNanoseconds);
    }
}
