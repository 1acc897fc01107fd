using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// The constant-bandwidth server of a SCHED_DEADLINE task: so much run time in every period, due by a deadline. When the
/// budget is used up the task waits for its next period (Documentation/scheduler/sched-deadline.rst).
/// </summary>
internal sealed class DeadlineBudget(Task task, long runtime, long relativeDeadline, long period, ulong flags) : KernelTimer
{
    /// <summary>SCHED_FLAG_DL_OVERRUN: SIGXCPU when the budget is exceeded.</summary>
    private const ulong OverrunFlag = 4;

    /// <summary>Nanoseconds.</summary>
    public long Runtime { get; } = runtime;

    public long RelativeDeadline { get; } = relativeDeadline;

    public long Period { get; } = period;

    public ulong Flags { get; } = flags;

    /// <summary>When the current instance is due, in nanoseconds of the monotonic clock.</summary>
    public long AbsoluteDeadline { get; private set; }

    /// <summary>What is left of the current instance's budget.</summary>
    public long Remaining { get; private set; }

    /// <summary>Waits for its next period.</summary>
    public bool IsThrottled { get; private set; }

    /// <summary>The share of a processor in 2^-20.</summary>
    public long Bandwidth => (long)(((Int128)Runtime << 20) / Period);

    /// <summary>The task wakes: what is left is used up only if the rate that it was given is kept.</summary>
    public void WakeUp(long now)
    {
        if (IsThrottled)
            return;
        bool late = AbsoluteDeadline <= now;
        if (late || (Int128)Remaining * RelativeDeadline > (Int128)(AbsoluteDeadline - now) * Runtime)
        {
            AbsoluteDeadline = now + RelativeDeadline;
            Remaining = Runtime;
        }
    }

    /// <summary>True when the budget is used up with this: the task must stop until <see cref="Fire"/>.</summary>
    public bool Charge(long nanoseconds, long now)
    {
        Remaining -= nanoseconds;
        if (Remaining > 0 || IsThrottled)
            return false;
        if ((Flags & OverrunFlag) != 0)
            SignalSender.SendKernel(task, SignalNumber.Xcpu);
        Throttle(now);
        return true;
    }

    /// <summary>The task is done for this period (sched_yield).</summary>
    public void GiveUp(long now)
    {
        Remaining = Math.Min(Remaining, 0);
        Throttle(now);
    }

    /// <summary>The next period begins.</summary>
    public override void Fire(Ktime now)
    {
        if (!IsThrottled)
            return;
        Replenish(now.Nanoseconds);
        IsThrottled = false;
        task.Kernel.Scheduler.BudgetIsBack(task);
    }

    public void Cancel()
    {
        if (IsQueued)
            task.Kernel.Timers.Cancel(this);
    }

    private void Throttle(long now)
    {
        long next = AbsoluteDeadline - RelativeDeadline + Period;
        if (next <= now)
        {
            // The period is over already: on with the next one.
            Replenish(now);
            return;
        }

        IsThrottled = true;
        Cancel();
        task.Kernel.Timers.Start(this, new Ktime(next));
    }

    private void Replenish(long now)
    {
        while (Remaining <= 0)
        {
            AbsoluteDeadline += Period;
            Remaining += Runtime;
        }

        if (AbsoluteDeadline < now)
        {
            AbsoluteDeadline = now + RelativeDeadline;
            Remaining = Runtime;
        }
    }
}
