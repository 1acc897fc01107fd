using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Tasks;

/// <content>Sleeping and waking: what the scheduler and the wait queues know of a task.</content>
internal sealed partial class Task
{
    private SleepTimer? _sleepTimer;
    private WakeReason _wakeReason;
    private Action? _continuation;

    /// <summary>Scheduling state. Changed only here and by the exit, stop and trace paths.</summary>
    public TaskState State { get; set; } = TaskState.New;

    /// <summary>What the scheduler keeps about the task: weight, virtual time, queue position, statistics.</summary>
    public SchedEntity Sched { get; }

    /// <summary>The entry for waits on a single queue; a task sleeps on one such queue at a time.</summary>
    public WaitEntry SleepEntry { get; }

    /// <summary>Kernel code to go on with when the task is next on a processor.</summary>
    public bool HasContinuation => _continuation is not null;

    /// <summary>Sleeps without a queue: whoever holds the task wakes it (schedule_timeout's twin).</summary>
    public SleepAwaitable SleepAsync(WaitMode mode, Ktime deadline) => new(this, mode, deadline, null);

    /// <summary>
    /// Ends the task's sleep: it becomes runnable, its continuation runs when a processor picks it. True if it slept.
    /// Never runs the continuation inline. A stopped, traced or dead task is not woken by this.
    /// </summary>
    public bool Wake() => EndSleep(WakeReason.Woken);

    /// <summary>Wakes the task for a signal if its kind of sleep allows that.</summary>
    /// <param name="fatal">The signal will kill the task.</param>
    public bool WakeForSignal(bool fatal)
    {
        switch (State)
        {
            case TaskState.Interruptible:
            case TaskState.Killable when fatal:
                return EndSleep(WakeReason.Interrupted);
            case TaskState.Stopped or TaskState.Traced when fatal:
                MakeRunnable();
                return true;
            default:
                return false;
        }
    }

    /// <summary>Ends a wait that a machine coming to rest does not wait for.</summary>
    internal bool WakeForFreeze() => State is TaskState.Interruptible or TaskState.Idle && EndSleep(WakeReason.Interrupted);

    /// <summary>
    /// Puts a task that has nothing suspended to sleep, as state alone: the processor leaves it at its way out of the
    /// kernel, and it looks at its work again when it is woken.
    /// </summary>
    internal void Park(TaskState state) => State = state;

    /// <summary>Takes a task that is <see cref="TaskState.New"/> (or ends a stop) onto the run queue.</summary>
    public void MakeRunnable()
    {
        State = TaskState.Running;
        Kernel.Scheduler.Enqueue(this);
    }

    internal Action? TakeContinuation()
    {
        Action? continuation = _continuation;
        _continuation = null;
        return continuation;
    }

    /// <summary>The running task gives up its processor although it could go on; taken by the processor loop.</summary>
    internal bool WantsToYield { get; set; }

    /// <summary>Lets others have their turn if the processor was asked for; await it in loops that may run long.</summary>
    public RescheduleAwaitable RescheduleAsync() => new(this);

    /// <summary>Makes the running task continue here after others had their turn.</summary>
    internal void Requeue(Action continuation)
    {
        if (_continuation is not null)
            throw new InvalidOperationException("a task has two continuations");
        _continuation = continuation;
        WantsToYield = true;
    }

    internal bool SleepEndsAtOnce(WaitMode mode, Ktime deadline)
    {
        if (SleepEntry.Fired && SleepEntry.Queue is not null)
        {
            _wakeReason = WakeReason.Woken;
            return true;
        }

        bool interrupted = mode switch
        {
            WaitMode.Interruptible => HasInterruptingWork,
            WaitMode.Killable => IsFatalSignalPending,
            WaitMode.Idle => (Work & TaskWork.Freeze) != 0,
            _ => false,
        };
        if (interrupted)
        {
            _wakeReason = WakeReason.Interrupted;
            return true;
        }

        if (!deadline.IsNever && deadline <= Kernel.Time.Now)
        {
            _wakeReason = WakeReason.TimedOut;
            return true;
        }

        return false;
    }

    internal void BeginSleep(WaitMode mode, Ktime deadline, Action continuation)
    {
        if (_continuation is not null || State != TaskState.Running)
            throw new InvalidOperationException($"task {Comm} cannot sleep: it is {State}");
        _continuation = continuation;
        State = mode switch
        {
            WaitMode.Interruptible => TaskState.Interruptible,
            WaitMode.Killable => TaskState.Killable,
            WaitMode.Idle => TaskState.Idle,
            _ => TaskState.Uninterruptible,
        };
        if (!deadline.IsNever)
        {
            _sleepTimer ??= new SleepTimer(this);
            Kernel.Timers.Start(_sleepTimer, deadline);
        }
    }

    internal WakeReason TakeWakeReason()
    {
        WakeReason reason = _wakeReason;
        _wakeReason = WakeReason.Woken;
        return reason;
    }

    private bool EndSleep(WakeReason reason)
    {
        if (State is not (TaskState.Interruptible or TaskState.Uninterruptible or TaskState.Killable or TaskState.Idle))
            return false;
        if (_sleepTimer is { IsQueued: true })
            Kernel.Timers.Cancel(_sleepTimer);
        _wakeReason = reason;
        State = TaskState.Running;
        Kernel.Scheduler.Enqueue(this);
        return true;
    }

    private sealed class SleepTimer(Task task) : KernelTimer
    {
        public override void Fire(Ktime now) => task.EndSleep(WakeReason.TimedOut);
    }
}
