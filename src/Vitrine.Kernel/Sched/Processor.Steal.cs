using Vitrine.Hardware.Host;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <content>
/// Steal time: what passed while the host ran something else on this processor's thread. It is nobody's CPU time (as with
/// Linux's paravirtual steal clock): shares follow weights also on a busy host. Time is charged as it passes and looked
/// through now and then; what was stolen is taken back from the queue's accounts at once, and from the task's clocks,
/// which must not go back, by not counting as much of what comes next.
/// </content>
internal sealed partial class Processor
{
    /// <summary>How often the host is asked, at most, in nanoseconds.</summary>
    private const long StealInterval = 1_000_000;

    /// <summary>Less is the measurement's own.</summary>
    private const long LeastSteal = 100_000;

    private HostThreadClock? _clock;

    /// <summary>When the host was last asked, and its answer.</summary>
    private Ktime _askedAt;
    private long _given;

    /// <summary>Charged to tasks since then.</summary>
    private long _chargedSince;

    /// <summary>Nanoseconds in which the host ran something else, for /proc/stat.</summary>
    public long StealTime { get; private set; }

    /// <summary>Nanoseconds that the running task has really had and has not been charged for. Under the kernel lock, any thread.</summary>
    public long ReallyUncharged => _clock is { } clock
        ? Math.Clamp(clock.Nanoseconds - _given - _chargedSince, 0, Math.Max(Uncharged, 0))
        : Uncharged;

    /// <summary>What counts of a stretch of time for a task's clocks.</summary>
    private static long Counted(Task task, long used)
    {
        long refund = Math.Min(task.Sched.Refund, used);
        task.Sched.Refund -= refund;
        return used - refund;
    }

    private void StartStealClock()
    {
        // Virtual time does not pass while the host runs something else.
        if (_kernel.VirtualClock is not null)
            return;
        _clock = HostThreadClock.OfThisThread();
        _askedAt = _kernel.Time.Now;
        _given = _clock?.Nanoseconds ?? 0;
    }

    /// <summary>The task has been charged up to now: whether the host has really given that.</summary>
    private void LookForSteal(Task task, Ktime now)
    {
        if (_clock is null || now - _askedAt < StealInterval)
            return;
        long given = _clock.Nanoseconds;
        long stolen = _chargedSince - (given - _given);
        _askedAt = now;
        _given = given;
        _chargedSince = 0;
        if (stolen < LeastSteal)
            return;
        StealTime += stolen;
        task.Sched.Refund += stolen;
        _kernel.Scheduler.TakeBack(this, task, stolen);
    }
}
