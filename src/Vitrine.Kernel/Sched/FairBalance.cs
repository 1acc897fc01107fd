namespace Vitrine.Kernel.Sched;

/// <summary>What balancing looks at in one processor's queue.</summary>
/// <param name="Fair">Its fair tasks.</param>
/// <param name="Load">Sum of weights, with what tasks of other classes count.</param>
/// <param name="Uncharged">Nanoseconds that its running fair task has had and has not been charged for yet.</param>
internal readonly record struct QueueLoad(FairQueue Fair, long Load, long Uncharged)
{
    /// <summary>Its virtual time as of now, comparable with other queues'.</summary>
    public long Time
    {
        get
        {
            long weight = Fair.Weight;
            return Fair.VirtualTime + Fair.Frame + (weight == 0 ? 0 : Uncharged * SchedEntity.NiceZeroWeight / weight);
        }
    }
}

/// <summary>
/// Which fair task should wait for another processor. Two aims: loads are as equal as whole tasks allow (as the periodic
/// balance of kernel/sched/fair.c has it, by weighted load); and what then remains unequal does not add up: the virtual
/// times of the queues are kept comparable, a task that moves keeps its place in them, and a queue that has fallen behind
/// gives a task away although that turns the difference of loads round, until it has caught up. So shares follow weights
/// over any longer time also where tasks can't be divided evenly, as one queue for all would have it (the round balance of
/// Li, Baumberger, Hahn: "Efficient and Scalable Multiprocessor Fair Scheduling Using Distributed Weighted Round-Robin", 2009).
/// Guarded by the kernel lock; keeps nothing itself.
/// </summary>
internal static class FairBalance
{
    /// <summary>How far a queue may fall behind another before loads are turned round, in virtual nanoseconds.</summary>
    public const long Patience = 20_000_000;

    /// <summary>
    /// No queue is further from the others than this, in virtual nanoseconds: what could not be had for long (tasks that
    /// may not move) is forgotten, else somebody would wait for as long later.
    /// </summary>
    public const long LongestDebt = 250_000_000;

    /// <summary>
    /// Brings the queues' times into one frame. A queue that has been empty starts where the others are. So does one whose
    /// only task is owed more than a whole processor: that can't be had, and is not saved up.
    /// </summary>
    public static void Align(ReadOnlySpan<QueueLoad> queues)
    {
        long sum = 0;
        long load = 0;
        long furthest = long.MinValue;
        int count = 0;
        foreach (ref readonly QueueLoad queue in queues)
        {
            load += queue.Load;
            if (queue.Fair.IsAdrift)
                continue;
            long time = queue.Time;
            furthest = Math.Max(furthest, time);
            sum += time;
            count++;
        }

        long mean = count == 0 ? 0 : sum / count;
        foreach (ref readonly QueueLoad queue in queues)
        {
            long distance = queue.Time - mean;
            long wanted = distance;
            if (queue.Fair.IsAdrift)
                wanted = 0;
            else if (queue.Fair.Tasks == 1 && distance < 0 && queue.Fair.Weight * queues.Length >= load)
                wanted = furthest - mean;
            else
                wanted = Math.Clamp(distance, -LongestDebt, LongestDebt);
            queue.Fair.Frame += wanted - distance;
            queue.Fair.IsAdrift = queue.Fair.Tasks == 0;
        }
    }

    /// <summary>A waiting task that should go from one queue to another, or null.</summary>
    /// <param name="queues">All queues, aligned, by processor.</param>
    /// <param name="from">The processor to give something away, about to choose its next task.</param>
    /// <param name="to">Where to.</param>
    /// <param name="back">One no heavier that should come in return, where the queue has only one task.</param>
    public static SchedEntity? Choose(ReadOnlySpan<QueueLoad> queues, int from, out int to, out SchedEntity? back)
    {
        back = null;
        QueueLoad giver = queues[from];
        long time = giver.Time;
        int furthest = -1;
        int lightest = -1;
        for (int i = 0; i < queues.Length; i++)
        {
            if (i == from)
                continue;
            if (queues[i].Load <= giver.Load && (lightest < 0 || queues[i].Load < queues[lightest].Load))
                lightest = i;
            if (!queues[i].Fair.IsAdrift && (furthest < 0 || queues[i].Time > queues[furthest].Time))
                furthest = i;
        }

        to = furthest;
        long gap = furthest < 0 ? 0 : queues[furthest].Time - time;
        bool grows = gap > giver.Fair.Gap;
        giver.Fair.Gap = gap;

        // With less load it catches up by itself, unless its processor is the slower one (the host runs something else there).
        if (gap >= Patience && (grows || queues[furthest].Load <= giver.Load))
        {
            SchedEntity? entity = giver.Fair.Tasks > 1 ? FindTurning(giver, queues[furthest], furthest) : FindExchange(giver, queues[furthest], from, furthest, out back);
            if (entity is not null)
                return entity;
        }

        // Where no single task turns it round, one after the other goes.
        to = lightest;

        // Who is ahead gets its way only when the others have caught up.
        bool mayEven = lightest >= 0 && giver.Fair.Tasks > 1 && (queues[lightest].Fair.IsAdrift || queues[lightest].Time >= time);
        return mayEven ? FindEvening(giver, queues[lightest], lightest) : null;
    }

    /// <summary>The task whose move leaves the loads least different; null if none makes them less different.</summary>
    private static SchedEntity? FindEvening(QueueLoad from, QueueLoad to, int processor)
    {
        SchedEntity? best = null;
        long least = from.Load - to.Load;
        foreach (SchedEntity entity in from.Fair.Waiting)
        {
            long rest = Math.Abs(from.Load - to.Load - (2L * entity.Weight));
            if (MayMove(entity, processor) && (rest < least || (rest == least && best is not null && entity.VirtualRuntime < best.VirtualRuntime)))
            {
                best = entity;
                least = rest;
            }
        }

        return best;
    }

    /// <summary>The task whose move turns the difference of loads round and leaves the least; of equal ones the one that has had least.</summary>
    private static SchedEntity? FindTurning(QueueLoad from, QueueLoad to, int processor)
    {
        SchedEntity? best = null;
        long least = long.MaxValue;
        foreach (SchedEntity entity in from.Fair.Waiting)
        {
            long turned = (2L * entity.Weight) - (from.Load - to.Load);
            if (turned <= 0 || !MayMove(entity, processor))
                continue;
            if (turned < least || (turned == least && entity.VirtualRuntime < best!.VirtualRuntime))
            {
                best = entity;
                least = turned;
            }
        }

        return best;
    }

    /// <summary>
    /// The only task of a queue that is behind all the same, and the lightest of the other queue's in return; of equal ones
    /// the one that has had most.
    /// </summary>
    private static SchedEntity? FindExchange(QueueLoad from, QueueLoad to, int processor, int other, out SchedEntity? back)
    {
        back = null;
        SchedEntity? only = from.Fair.Waiting.First;
        if (only is null || !MayMove(only, other))
            return null;
        foreach (SchedEntity entity in to.Fair.Waiting)
        {
            if (entity.Weight > only.Weight || !MayMove(entity, processor))
                continue;
            if (back is null || entity.Weight < back.Weight || (entity.Weight == back.Weight && entity.VirtualRuntime > back.VirtualRuntime))
                back = entity;
        }

        return back is null ? null : only;
    }

    private static bool MayMove(SchedEntity entity, int processor) => (entity.Affinity & (1UL << processor)) != 0;
}
