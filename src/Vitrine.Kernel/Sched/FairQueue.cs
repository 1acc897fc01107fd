namespace Vitrine.Kernel.Sched;

/// <summary>
/// The fair class of one processor: earliest eligible virtual deadline first (Stoica, Abdel-Wahab: "Earliest Eligible
/// Virtual Deadline First", 1995; kernel/sched/fair.c since 6.6). Virtual time is the average of all virtual run times,
/// by weight. Who has had less than that is eligible, and of those the one whose request is due first goes next; its
/// deadline is a slice, scaled by weight, behind the start of its request.
/// </summary>
internal sealed class FairQueue
{
    private readonly FairTree _waiting = new();

    /// <summary>Virtual times are summed as distances from here; never goes back.</summary>
    private long _base;

    /// <summary>Of the waiting: the sum of weights, and of weights times distances.</summary>
    private long _weight;
    private long _weighted;

    /// <summary>Tasks that wait.</summary>
    public int Count => _waiting.Count;

    /// <summary>The tasks that wait.</summary>
    public FairTree Waiting => _waiting;

    /// <summary>Tasks that wait or run.</summary>
    public int Tasks => _waiting.Count + (Current is null ? 0 : 1);

    /// <summary>What must be added to this queue's virtual times to compare them with other queues' (<see cref="FairBalance"/>).</summary>
    public long Frame { get; set; }

    /// <summary>How far it was behind the one that is furthest when that was last looked at, in virtual nanoseconds.</summary>
    public long Gap { get; set; }

    /// <summary>The queue has been empty, and so its times say nothing in comparison with others.</summary>
    public bool IsAdrift { get; set; } = true;

    /// <summary>The task of this queue that runs: in no tree, but it counts in the average.</summary>
    public SchedEntity? Current { get; private set; }

    /// <summary>Sum of the weights of all that wait or run.</summary>
    public long Weight => _weight + (Current?.Weight ?? 0);

    /// <summary>The queue's virtual time.</summary>
    public long VirtualTime
    {
        get
        {
            (long weighted, long weight) = Sums();
            return weight == 0 ? _base : _base + FloorDivide(weighted, weight);
        }
    }

    /// <summary>True for a virtual run time that is not ahead of the queue's virtual time.</summary>
    public bool IsEligible(long virtualRuntime)
    {
        (long weighted, long weight) = Sums();
        return weighted >= (virtualRuntime - _base) * weight;
    }

    /// <summary>Gives an entity that comes from elsewhere (sleep, fork, another queue) its place, keeping the lag it left with.</summary>
    /// <param name="entity">In no queue.</param>
    /// <param name="isNew">A new task: its first request is half as long, so that it is looked at soon.</param>
    public void Place(SchedEntity entity, bool isNew)
    {
        long time = VirtualTime;
        long lag = entity.Lag;

        // Too much of the past is forgotten as it would have been had the task waited here until it was owed nothing.
        if (lag < 0)
            lag = Math.Min(0, lag + Math.Max(0, time - entity.LeftAt));

        // Whoever joins moves the average towards himself: what is owed must be more by that.
        long others = Weight;
        if (others == 0)
            lag = 0;
        else if (lag != 0)
            lag = lag * (others + entity.Weight) / others;
        entity.VirtualRuntime = time - lag;
        long request = entity.ToVirtual(entity.Slice);
        entity.VirtualDeadline = entity.VirtualRuntime + (isNew ? request / 2 : request);
    }

    /// <summary>Notes what an entity is owed before it leaves the queue or its processor; <see cref="Place"/> undoes it.</summary>
    public void Leave(SchedEntity entity)
    {
        long time = VirtualTime;
        long limit = entity.ToVirtual(Math.Max(2 * entity.Slice, Time.Timekeeper.TickNanoseconds));
        entity.Lag = Math.Clamp(time - entity.VirtualRuntime, -limit, limit);
        entity.LeftAt = time;
        IsAdrift |= Tasks == 1;
    }

    public void Add(SchedEntity entity)
    {
        AdvanceBase(entity.VirtualRuntime);
        _weight += entity.Weight;
        _weighted += (entity.VirtualRuntime - _base) * entity.Weight;
        _waiting.Add(entity);
    }

    public void Remove(SchedEntity entity)
    {
        _waiting.Remove(entity);
        _weight -= entity.Weight;
        _weighted -= (entity.VirtualRuntime - _base) * entity.Weight;
    }

    /// <summary>Takes the next to run out of the tree and makes it the current one; null if nobody waits.</summary>
    public SchedEntity? Take(SchedEntity? chosen = null)
    {
        SchedEntity? next = chosen ?? Pick();
        if (next is null)
            return null;
        Remove(next);
        next.PickedDeadline = next.VirtualDeadline;
        Current = next;
        return next;
    }

    /// <summary>The current entity runs no longer. It is added, or has left, by the caller.</summary>
    public void Release() => Current = null;

    /// <summary>Who of the waiting goes next.</summary>
    public SchedEntity? Pick()
    {
        if (_waiting.Count == 0)
            return null;
        AdvanceBase(long.MaxValue);
        // With the running one ahead of the average somebody waiting is behind it; alone with rounding, the first is taken.
        return _waiting.FindEarliestEligible(this) ?? _waiting.First;
    }

    /// <summary>Of the waiting entities that may go to a processor, the one that came to this queue first.</summary>
    public SchedEntity? FindMovable(int processor)
    {
        SchedEntity? first = null;
        foreach (SchedEntity entity in _waiting)
        {
            if ((entity.Affinity & (1UL << processor)) != 0 && (first is null || entity.ArrivedAt < first.ArrivedAt))
                first = entity;
        }

        return first;
    }

    /// <summary>Gives an entity that another queue let go the place that it had there, where the times of both can be compared.</summary>
    /// <param name="entity">In no queue; it has its times of the other one.</param>
    /// <param name="other">Where it waited.</param>
    public void PlaceFrom(SchedEntity entity, FairQueue other)
    {
        if (IsAdrift || other.IsAdrift)
        {
            entity.LeftAt = VirtualTime;
            Place(entity, isNew: false);
            return;
        }

        long time = VirtualTime;
        long limit = Math.Max(FairBalance.LongestDebt, 2 * entity.ToVirtual(entity.Slice));
        long request = entity.VirtualDeadline - entity.VirtualRuntime;
        entity.VirtualRuntime = time + Math.Clamp(entity.VirtualRuntime + other.Frame - Frame - time, -limit, limit);
        entity.VirtualDeadline = entity.VirtualRuntime + request;
    }

    /// <summary>Charges the current entity; a request that is served is followed by the next. True at that moment.</summary>
    public static bool Charge(SchedEntity entity, long nanoseconds)
    {
        entity.VirtualRuntime += entity.ToVirtual(nanoseconds);
        if (entity.VirtualRuntime < entity.VirtualDeadline)
            return false;
        entity.VirtualDeadline = entity.VirtualRuntime + entity.ToVirtual(entity.Slice);
        return true;
    }

    /// <summary>The current entity did not have all that it was charged for: its request stands where it would.</summary>
    public static void TakeBack(SchedEntity entity, long nanoseconds)
    {
        long time = entity.ToVirtual(nanoseconds);
        entity.VirtualRuntime -= time;
        entity.VirtualDeadline -= time;
        entity.PickedDeadline -= time;
    }

    /// <summary>True if an entity that has just come should run instead of the current one.</summary>
    public bool Preempts(SchedEntity woken, SchedEntity current)
    {
        if (current.IsIdlePolicy != woken.IsIdlePolicy)
            return current.IsIdlePolicy;
        if (woken.Policy != SchedPolicy.Other)
            return false;

        // Until its request is served, only one that asked for shorter turns comes before it.
        bool isProtected = current.PickedDeadline == current.VirtualDeadline && IsEligible(current.VirtualRuntime);
        if (isProtected && woken.Slice >= current.Slice)
            return false;
        SchedEntity? best = Pick();
        return best == woken && (!IsEligible(current.VirtualRuntime) || woken.VirtualDeadline < current.VirtualDeadline);
    }

    /// <summary>Nanoseconds of CPU time until the current entity's request is served.</summary>
    public static long Remaining(SchedEntity current) =>
        Math.Max(current.ToReal(current.VirtualDeadline - current.VirtualRuntime), Scheduler.LeastSlice);

    /// <summary>A running task has come into this class: it is the current one from now on.</summary>
    public void Adopt(SchedEntity entity)
    {
        Place(entity, isNew: false);
        entity.PickedDeadline = entity.VirtualDeadline;
        Current = entity;
    }

    private (long Weighted, long Weight) Sums() => Current is { } current
        ? (_weighted + ((current.VirtualRuntime - _base) * current.Weight), _weight + current.Weight)
        : (_weighted, _weight);

    private void AdvanceBase(long other)
    {
        long least = Math.Min(_waiting.LeastVirtualRuntime, other);
        if (Current is { } current)
            least = Math.Min(least, current.VirtualRuntime);
        if (least == long.MaxValue || least <= _base)
            return;
        _weighted -= (least - _base) * _weight;
        _base = least;
    }

    private static long FloorDivide(long value, long divisor)
    {
        long quotient = value / divisor;
        return value % divisor < 0 ? quotient - 1 : quotient;
    }
}
