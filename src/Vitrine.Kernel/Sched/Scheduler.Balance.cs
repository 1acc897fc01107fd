namespace Vitrine.Kernel.Sched;

/// <content>
/// Which processor: a task that wakes goes where it ran if nobody else is there, else to an idle processor, else where the
/// load is least; an idle processor takes waiting tasks of others; a crowded one gives some away now and then.
/// </content>
internal sealed partial class Scheduler
{
    /// <summary>How often a queue's load is compared with the others', in nanoseconds.</summary>
    private const long BalanceInterval = 8_000_000;

    /// <summary>
    /// After how long a task moves that would only turn the difference round: so that three equal tasks on two
    /// processors take turns at having one alone.
    /// </summary>
    private const long RotationTime = 48_000_000;

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
            if (FindMovable(queue, idle.Processor.Id, long.MaxValue) is not { } entity)
                continue;
            busiest = queue;
            found = entity;
        }

        if (busiest is null)
            return false;
        Move(found!, busiest, idle);
        return true;
    }

    /// <summary>Gives a waiting task away if another processor has less to do.</summary>
    private void Balance(RunQueue queue, long now)
    {
        if (now < queue.NextBalance || queue.Waiting == 0)
            return;
        long elapsed = Math.Min(now - queue.NextBalance + BalanceInterval, 4 * BalanceInterval);
        queue.NextBalance = now + BalanceInterval;
        RunQueue? least = null;
        foreach (RunQueue other in Queues)
        {
            if (other != queue && (least is null || other.Load < least.Load))
                least = other;
        }

        long difference = queue.Load - least!.Load;
        if (difference <= 0)
        {
            queue.Imbalance = 0;
            return;
        }

        if (FindMovable(queue, least.Processor.Id, difference) is not { } entity)
            return;
        if (entity.Class != SchedClass.Fair || entity.Weight < difference)
        {
            // Its own processor is about to take one of those that wait; the last one stays.
            if (queue.Waiting > 1)
                MoveAway(entity, queue, least);
            return;
        }

        queue.Imbalance += difference * elapsed;
        if (queue.Waiting < 2 || queue.Imbalance < entity.Weight * RotationTime)
            return;
        queue.Imbalance = 0;
        least.Imbalance = 0;
        least.NextBalance = now + BalanceInterval;
        MoveAway(entity, queue, least);
    }

    private static SchedEntity? FindMovable(RunQueue queue, int processor, long belowWeight)
    {
        foreach (SchedEntity entity in queue.FirstDeadline is null ? [] : queue.Deadline)
        {
            if (MayRun(entity, processor))
                return entity;
        }

        if (queue.RealTimeCount > 0 && queue.RealTime.FindMovable(processor) is { } realTime)
            return realTime;
        return queue.Fair.Count > 0 ? queue.Fair.FindMovable(processor, belowWeight) : null;
    }

    private void MoveAway(SchedEntity entity, RunQueue from, RunQueue to)
    {
        Move(entity, from, to);
        Notify(to, entity, entity.QueuedAt);
    }

    private void Move(SchedEntity entity, RunQueue from, RunQueue to)
    {
        Time.Ktime queued = entity.QueuedAt;
        if (entity.Class == SchedClass.Fair)
            from.Fair.Leave(entity);
        from.Remove(entity);
        entity.Migrations++;
        Join(to, entity, _kernel.Time.Now);
        entity.QueuedAt = queued;
    }
}
