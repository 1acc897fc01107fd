namespace Vitrine.Kernel.Sched;

/// <content>
/// Which processor: a task that wakes goes where it ran if nobody else is there, else to an idle processor, else where the
/// load is least; an idle processor takes waiting tasks of others; a crowded one gives some away now and then.
/// </content>
internal sealed partial class Scheduler
{
    /// <summary>How often a queue's load is compared with the others', in nanoseconds.</summary>
    private const long BalanceInterval = 8_000_000;

    private QueueLoad[] _loads = [];

    private RunQueue Select(SchedEntity entity)
    {
        RunQueue[] queues = Queues;
        if (queues.Length == 1)
            return queues[0];
        RunQueue previous = queues[Math.Min(entity.Processor, queues.Length - 1)];
        bool mayStay = MayRun(entity, previous.Processor.Id);
        if (mayStay && IsFree(previous))
        {
            previous.LocalWakeUps++;
            return previous;
        }

        RunQueue? best = mayStay ? previous : null;
        long least = best is null ? long.MaxValue : Crowd(best, entity);
        for (int i = 1; i < queues.Length; i++)
        {
            RunQueue queue = queues[(previous.Processor.Id + i) % queues.Length];
            if (!MayRun(entity, queue.Processor.Id))
                continue;
            if (IsFree(queue))
                return queue;
            long crowd = Crowd(queue, entity);
            if (crowd < least)
            {
                least = crowd;
                best = queue;
            }
        }

        return best ?? previous;
    }

    private static bool IsFree(RunQueue queue) => queue.Processor.IsIdle && queue.Waiting == 0;

    /// <summary>How little a queue has to offer: load for fair tasks, for others the class and priority of what runs there.</summary>
    private static long Crowd(RunQueue queue, SchedEntity entity)
    {
        if (entity.Class == SchedClass.Fair)
            return queue.Load;
        if (queue.Processor.Current?.Sched is not { } running)
            return queue.RealTimeCount > 0 ? queue.RealTime.HighestPriority : 0;
        return running.Class switch
        {
            SchedClass.Deadline => long.MaxValue - 1,
            SchedClass.RealTime => Math.Max(running.EffectivePriority, queue.RealTimeCount > 0 ? queue.RealTime.HighestPriority : 0),
            _ => queue.RealTimeCount > 0 ? queue.RealTime.HighestPriority : 0,
        };
    }

    /// <summary>A processor with nothing to do takes a task that waits elsewhere. False: there is none.</summary>
    private bool Pull(RunQueue idle)
    {
        RunQueue? busiest = null;
        SchedEntity? found = null;
        foreach (RunQueue queue in Queues)
        {
            if (queue == idle || queue.Waiting == 0 || (busiest is not null && queue.Load <= busiest.Load))
                continue;
            if (FindMovable(queue, idle.Processor.Id) is not { } entity)
                continue;
            busiest = queue;
            found = entity;
        }

        if (busiest is null)
            return false;
        Move(found!, busiest, idle);
        return true;
    }

    /// <summary>
    /// Gives a waiting task away if another processor has less to do, or its tasks have had more. The processor is about to
    /// take one of those that wait: the last one stays, or another comes for it.
    /// </summary>
    private void Balance(RunQueue queue, long now)
    {
        if (now < queue.NextBalance || queue.Waiting == 0)
            return;
        queue.NextBalance = now + BalanceInterval;
        ReadOnlySpan<QueueLoad> loads = ReadLoads();
        FairBalance.Align(loads);
        if (queue.Waiting > 1 && FindUrgent(queue, loads) is { } urgent)
        {
            MoveAway(urgent.Entity, queue, urgent.To);
        }
        else if (FairBalance.Choose(loads, queue.Processor.Id, out int to, out SchedEntity? back) is { } entity)
        {
            if (back is not null)
                Move(back, Queues[to], queue);
            MoveAway(entity, queue, Queues[to]);
        }
        else
        {
            WakeThoseBehind(queue, loads);
        }
    }

    /// <summary>
    /// A processor with only one task never looks round by itself: where the host gave it too little, it is told to (the
    /// active balance of Linux).
    /// </summary>
    private void WakeThoseBehind(RunQueue queue, ReadOnlySpan<QueueLoad> loads)
    {
        long time = loads[queue.Processor.Id].Time;
        for (int i = 0; i < loads.Length; i++)
        {
            if (!loads[i].Fair.IsAdrift && loads[i].Fair.Tasks == 1 && time - loads[i].Time >= FairBalance.Patience && Queues[i].Waiting == 0)
                Queues[i].Processor.RequestReschedule();
        }
    }

    private ReadOnlySpan<QueueLoad> ReadLoads()
    {
        RunQueue[] queues = Queues;
        if (_loads.Length == 0)
            _loads = new QueueLoad[queues.Length];
        for (int i = 0; i < queues.Length; i++)
        {
            long uncharged = queues[i].Fair.Current is not null && queues[i].Processor.Current is not null ? queues[i].Processor.ReallyUncharged : 0;
            _loads[i] = new QueueLoad(queues[i].Fair, queues[i].Load, uncharged);
        }

        return _loads;
    }

    /// <summary>A real-time or deadline task for the processor with the least load.</summary>
    private (SchedEntity Entity, RunQueue To)? FindUrgent(RunQueue queue, ReadOnlySpan<QueueLoad> loads)
    {
        if (queue.FirstDeadline is null && queue.RealTimeCount == 0)
            return null;
        int least = -1;
        for (int i = 0; i < loads.Length; i++)
        {
            if (i != queue.Processor.Id && loads[i].Load < queue.Load && (least < 0 || loads[i].Load < loads[least].Load))
                least = i;
        }

        if (least < 0)
            return null;
        return FindUrgent(queue, least) is { } entity ? (entity, Queues[least]) : null;
    }

    private static SchedEntity? FindUrgent(RunQueue queue, int processor)
    {
        foreach (SchedEntity entity in queue.FirstDeadline is null ? [] : queue.Deadline)
        {
            if (MayRun(entity, processor))
                return entity;
        }

        return queue.RealTimeCount > 0 ? queue.RealTime.FindMovable(processor) : null;
    }

    private static SchedEntity? FindMovable(RunQueue queue, int processor) =>
        FindUrgent(queue, processor) ?? (queue.Fair.Count > 0 ? queue.Fair.FindMovable(processor) : null);

    private void MoveAway(SchedEntity entity, RunQueue from, RunQueue to)
    {
        Move(entity, from, to);
        Notify(to, entity, entity.QueuedAt);
    }

    private void Move(SchedEntity entity, RunQueue from, RunQueue to)
    {
        if (entity.Class == SchedClass.Fair)
            from.Fair.Leave(entity);
        from.Remove(entity);
        if (entity.Class == SchedClass.Fair)
            to.Fair.PlaceFrom(entity, from.Fair);
        entity.Migrations++;
        entity.Sequence = _sequence++;
        entity.ArrivedAt = _kernel.Time.Now.Nanoseconds;
        to.Add(entity, atFront: false);
    }
}
