using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Time;

/// <summary>ITIMER_REAL of a process: SIGALRM on the monotonic clock. It runs on when its signal is delivered.</summary>
internal sealed class RealIntervalTimer(ThreadGroup group) : KernelTimer
{
    /// <summary>Nanoseconds; 0: fires once.</summary>
    public long Interval { get; private set; }

    /// <summary>Nanoseconds to the next expiry; 0 if it is not set.</summary>
    public long Remaining(Ktime now) => IsQueued ? Math.Max(1, Expires - now) : 0;

    public void Set(long value, long interval)
    {
        group.Kernel.Timers.Cancel(this);
        Interval = interval;
        if (value > 0)
            group.Kernel.Timers.Start(this, group.Kernel.Time.Now + value);
    }

    public override void Fire(Ktime now)
    {
        SignalSender.SendKernelToGroup(group, SignalNumber.Alrm);
        // Ignored, or lost: nobody will take it and so start the timer again.
        if (!group.SharedPending.Has(SignalNumber.Alrm))
            RestartAfterDelivery();
    }

    /// <summary>SIGALRM has been taken: the next period's end that lies ahead is the next expiry.</summary>
    public void RestartAfterDelivery()
    {
        if (Interval == 0 || IsQueued || group.LiveThreads == 0)
            return;
        long now = group.Kernel.Time.Now.Nanoseconds;
        long due = Expires.Nanoseconds;
        long next = due + (((Math.Max(now - due, 0)) / Interval) + 1) * Interval;
        group.Kernel.Timers.Start(this, new Ktime(next));
    }
}
