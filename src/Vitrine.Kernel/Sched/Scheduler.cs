using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// Who runs where and when: a run queue for each processor; deadline tasks before real-time tasks before fair ones.
/// Guarded by the kernel lock. Balancing is in Scheduler.Balance.cs, changes of policy in Scheduler.Policy.cs.
/// </summary>
internal sealed partial class Scheduler
{
    /// <summary>A fair request's length in nanoseconds, unless the task asked for another (base_slice).</summary>
    public const long BaseSlice = 3_000_000;

    /// <summary>A turn among SCHED_RR tasks of one priority, in nanoseconds (sched_rr_timeslice_ms).</summary>
    public const long RoundRobinTurn = 100_000_000;

    /// <summary>No timer interrupt is asked for sooner than this, in nanoseconds.</summary>
    public const long LeastSlice = 100_000;

    private readonly KernelInstance _kernel;
    private RunQueue[]? _queues;
    private ulong _sequence;

    public Scheduler(KernelInstance kernel)
    {
        _kernel = kernel;
        Load = new LoadAverage(kernel);
    }

    public LoadAverage Load { get; }

    /// <summary>Context switches since boot (ctxt of /proc/stat).</summary>
    public long ContextSwitches { get; private set; }

    /// <summary>kernel.sched_rt_period_us, in nanoseconds.</summary>
    public long RealTimePeriod { get; set; } = 1_000_000_000;

    /// <summary>kernel.sched_rt_runtime_us in nanoseconds: what real-time tasks may have of each period while others wait; negative: all.</summary>
    public long RealTimeRuntime { get; set; } = 950_000_000;

    private RunQueue[] Queues => _queues ??= MakeQueues();

    /// <summary>The queue of a processor, for reports.</summary>
    public RunQueue QueueOf(Processor processor) => Queues[processor.Id];

    /// <summary>Puts a runnable task on a queue and sees that a processor takes notice.</summary>
    public void Enqueue(Task task)
    {
        SchedEntity entity = task.Sched;
        if (entity.OnRunQueue || task.OnProcessor is not null)
            return;
        Ktime now = _kernel.Time.Now;
        entity.Budget?.WakeUp(now.Nanoseconds);
        if (entity.Budget is { IsThrottled: true })
            return;
        RunQueue queue = Select(entity);
        queue.WakeUps++;
        Join(queue, entity, now);
        Notify(queue, entity, now);
    }

    /// <summary>A processor has left a task that goes on later: it is put back where it was.</summary>
    public void PutBack(Processor processor, Task task)
    {
        SchedEntity entity = task.Sched;
        RunQueue queue = Queues[processor.Id];
        if (entity.Budget is { IsThrottled: true })
            return;
        Ktime now = _kernel.Time.Now;
        if (!MayRun(entity, processor.Id))
        {
            Quit(queue, entity);
            RunQueue other = Select(entity);
            entity.Migrations++;
            Join(other, entity, now);
            Notify(other, entity, now);
            return;
        }

        if (queue.Fair.Current == entity)
            queue.Fair.Release();
        bool atFront = entity.TurnLeft > 0;
        if (!atFront)
            entity.TurnLeft = RoundRobinTurn;
        entity.Sequence = _sequence++;
        entity.QueuedAt = now;
        queue.Add(entity, atFront);
    }

    /// <summary>A processor has left a task that sleeps, is stopped, or has ended.</summary>
    public void Left(Processor processor, Task task)
    {
        Quit(Queues[processor.Id], task.Sched);
        task.Sched.WithoutSleep = 0;
        if (task.State is TaskState.Zombie or TaskState.Dead && task.Sched.Budget is not null)
            DropBudget(task.Sched);
    }

    /// <summary>Takes the next task for a processor, or null when none may run on it.</summary>
    public Task? PickNext(Processor processor)
    {
        RunQueue queue = Queues[processor.Id];
        Ktime now = _kernel.Time.Now;
        if (_queues!.Length > 1)
            Balance(queue, now.Nanoseconds);
        SchedEntity? next = Choose(queue, now.Nanoseconds);
        if (next is null)
        {
            queue.IdlePicks++;
            return null;
        }

        next.IsServed = false;
        long delay = now - next.QueuedAt;
        next.RunDelay += delay;
        next.TimesRun++;
        next.Processor = processor.Id;
        queue.RunDelay += delay;
        queue.Picks++;
        ContextSwitches++;
        return next.Task;
    }

    /// <summary>True if a waiting task should take the processor from the one that runs.</summary>
    public bool ShouldPreempt(Processor processor, Task current, Ktime now)
    {
        RunQueue queue = Queues[processor.Id];
        SchedEntity entity = current.Sched;
        if (!MayRun(entity, processor.Id) || entity.Budget is { IsThrottled: true })
            return true;
        if (queue.Waiting == 0)
            return false;
        switch (entity.Class)
        {
            case SchedClass.Deadline:
                return queue.FirstDeadline is { } earlier && earlier.Budget!.AbsoluteDeadline < entity.Budget!.AbsoluteDeadline;
            case SchedClass.RealTime:
                if (queue.FirstDeadline is not null)
                    return true;
                if (queue.Fair.Count > 0 && queue.RealTime.IsThrottled(now.Nanoseconds))
                    return true;
                int highest = queue.RealTimeCount == 0 ? 0 : queue.RealTime.HighestPriority;
                return highest > entity.EffectivePriority || (highest == entity.EffectivePriority && entity.TurnLeft <= 0);
            default:
                if (queue.FirstDeadline is not null || (queue.RealTimeCount > 0 && !queue.RealTime.IsThrottled(now.Nanoseconds)))
                    return true;
                return entity.IsServed && queue.Fair.Count > 0;
        }
    }

    /// <summary>Charges the running task for time on its processor.</summary>
    public void Charge(Processor processor, Task task, long nanoseconds, Ktime now)
    {
        SchedEntity entity = task.Sched;
        RunQueue queue = Queues[processor.Id];
        queue.RunTime += nanoseconds;
        switch (entity.Class)
        {
            case SchedClass.Deadline:
                entity.Budget!.Charge(nanoseconds, now.Nanoseconds);
                break;
            case SchedClass.RealTime:
                queue.RealTime.Charge(entity, nanoseconds, now.Nanoseconds);
                CheckRealTimeLimit(task, nanoseconds);
                break;
            default:
                if (FairQueue.Charge(entity, nanoseconds))
                    entity.IsServed = true;
                break;
        }
    }

    /// <summary>Of what the running task was charged, the host had so much.</summary>
    public void TakeBack(Processor processor, Task task, long nanoseconds)
    {
        RunQueue queue = Queues[processor.Id];
        queue.RunTime -= nanoseconds;
        if (queue.Fair.Current == task.Sched)
            FairQueue.TakeBack(task.Sched, nanoseconds);
    }

    /// <summary>Nanoseconds after which <see cref="ShouldPreempt"/> may say something else with nothing new happening; <see cref="long.MaxValue"/>: never.</summary>
    public long TimeToPreempt(Processor processor, Task current, Ktime now)
    {
        RunQueue queue = Queues[processor.Id];
        SchedEntity entity = current.Sched;
        if (entity.Budget is { } budget)
            return Math.Max(budget.Remaining, LeastSlice);
        if (queue.Waiting == 0)
            return long.MaxValue;
        if (entity.Class == SchedClass.RealTime)
        {
            long turn = entity.Policy == SchedPolicy.RoundRobin && queue.RealTimeCount > 0 ? Math.Max(entity.TurnLeft, LeastSlice) : long.MaxValue;
            return queue.Fair.Count > 0 ? Math.Min(turn, queue.RealTime.UntilChange(now.Nanoseconds)) : turn;
        }

        long rest = queue.Fair.Count > 0 ? FairQueue.Remaining(entity) : long.MaxValue;
        return queue.RealTimeCount > 0 ? Math.Min(rest, queue.RealTime.UntilChange(now.Nanoseconds)) : rest;
    }

    /// <summary>The running task lets others go first (sched_yield).</summary>
    public void Yield(Task current)
    {
        if (current.OnProcessor is not { } processor)
            return;
        RunQueue queue = Queues[processor.Id];
        queue.Yields++;
        SchedEntity entity = current.Sched;
        if (entity.Budget is { } budget)
            budget.GiveUp(_kernel.Time.Now.Nanoseconds);
        else if (queue.Waiting == 0)
            return;
        else if (entity.Class == SchedClass.RealTime)
            entity.TurnLeft = 0;
        else
            entity.VirtualDeadline += entity.ToVirtual(entity.Slice);
        current.WantsToYield = true;
    }

    /// <summary>The next period of a deadline task has begun.</summary>
    internal void BudgetIsBack(Task task)
    {
        SchedEntity entity = task.Sched;
        if (task.State != TaskState.Running || entity.OnRunQueue || task.OnProcessor is not null)
            return;
        Ktime now = _kernel.Time.Now;
        RunQueue queue = Select(entity);
        Join(queue, entity, now);
        Notify(queue, entity, now);
    }

    private static bool MayRun(SchedEntity entity, int processor) => (entity.Affinity & (1UL << processor)) != 0;

    private SchedEntity? Choose(RunQueue queue, long now)
    {
        if (queue.Waiting == 0 && !Pull(queue))
            return null;
        SchedEntity? next = queue.FirstDeadline;
        if (next is null && queue.RealTimeCount > 0 && (queue.Fair.Count == 0 || !queue.RealTime.IsThrottled(now)))
            next = queue.RealTime.First;
        if (next is not null)
        {
            queue.Remove(next);
            return next;
        }

        next = queue.Fair.Take();
        if (next is not null)
            next.Queue = null;
        return next;
    }

    private void Join(RunQueue queue, SchedEntity entity, Ktime now)
    {
        if (entity.Class == SchedClass.Fair)
        {
            // What it has had too much of in another queue's time, it brings along.
            if (entity.Processor != queue.Processor.Id)
                entity.LeftAt = queue.Fair.VirtualTime;
            queue.Fair.Place(entity, isNew: entity.TimesRun == 0);
        }

        entity.Sequence = _sequence++;
        entity.QueuedAt = now;
        entity.ArrivedAt = now.Nanoseconds;
        queue.Add(entity, atFront: false);
    }

    private static void Quit(RunQueue queue, SchedEntity entity)
    {
        if (queue.Fair.Current != entity)
            return;
        queue.Fair.Leave(entity);
        queue.Fair.Release();
    }

    private void Notify(RunQueue queue, SchedEntity entity, Ktime now)
    {
        Processor processor = queue.Processor;
        if (processor.IsIdle)
        {
            processor.WakeIdle();
            return;
        }

        if (processor.Current is not { } running)
            return;
        if (Preempts(queue, entity, running.Sched, now))
            processor.RequestReschedule();
        else if (TimeToPreempt(processor, running, now) is < long.MaxValue and var rest)
            _kernel.Tick.Lower(now.Nanoseconds + rest);
    }

    private static bool Preempts(RunQueue queue, SchedEntity entity, SchedEntity running, Ktime now)
    {
        if (entity.Class != running.Class)
            return entity.Class < running.Class && (entity.Class != SchedClass.RealTime || !queue.RealTime.IsThrottled(now.Nanoseconds));
        return entity.Class switch
        {
            SchedClass.Deadline => entity.Budget!.AbsoluteDeadline < running.Budget!.AbsoluteDeadline,
            SchedClass.RealTime => entity.EffectivePriority > running.EffectivePriority,
            _ => queue.Fair.Preempts(entity, running),
        };
    }

    private RunQueue[] MakeQueues()
    {
        var queues = new RunQueue[_kernel.Processors.Length];
        for (int i = 0; i < queues.Length; i++)
            queues[i] = new RunQueue(this, _kernel.Processors[i]);
        return queues;
    }
}
