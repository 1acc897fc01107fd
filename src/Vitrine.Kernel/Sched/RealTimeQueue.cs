using System.Numerics;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// The real-time class of one processor: a list for each priority, highest first (SCHED_FIFO, SCHED_RR). A share of each
/// second is kept for others, so that a real-time loop does not lock the machine up (sched_rt_runtime_us).
/// </summary>
internal sealed class RealTimeQueue(Scheduler scheduler)
{
    private const int Priorities = 100;

    private readonly SchedEntity?[] _first = new SchedEntity?[Priorities];
    private readonly SchedEntity?[] _last = new SchedEntity?[Priorities];
    private UInt128 _present;
    private long _periodStart;
    private long _used;

    public int Count { get; private set; }

    /// <summary>The highest priority that waits; 0 if nobody does.</summary>
    public int HighestPriority => Count == 0 ? 0 : 127 - (int)UInt128.LeadingZeroCount(_present);

    /// <param name="entity">Waits from now on.</param>
    /// <param name="atFront">It was preempted and goes on first among equals.</param>
    public void Add(SchedEntity entity, bool atFront)
    {
        int priority = entity.EffectivePriority;
        SchedEntity? first = _first[priority];
        SchedEntity? last = _last[priority];
        entity.Previous = atFront ? null : last;
        entity.Next = atFront ? first : null;
        if (entity.Previous is { } previous)
            previous.Next = entity;
        else
            _first[priority] = entity;
        if (entity.Next is { } next)
            next.Previous = entity;
        else
            _last[priority] = entity;
        _present |= UInt128.One << priority;
        Count++;
    }

    public void Remove(SchedEntity entity)
    {
        int priority = entity.EffectivePriority;
        if (entity.Previous is { } previous)
            previous.Next = entity.Next;
        else
            _first[priority] = entity.Next;
        if (entity.Next is { } next)
            next.Previous = entity.Previous;
        else
            _last[priority] = entity.Previous;
        entity.Next = entity.Previous = null;
        if (_first[priority] is null)
            _present &= ~(UInt128.One << priority);
        Count--;
    }

    public SchedEntity? First => Count == 0 ? null : _first[HighestPriority];

    /// <summary>The highest-priority waiting entity that may go to a processor.</summary>
    public SchedEntity? FindMovable(int processor)
    {
        for (int priority = HighestPriority; priority > 0; priority--)
        {
            for (SchedEntity? entity = _first[priority]; entity is not null; entity = entity.Next)
            {
                if ((entity.Affinity & (1UL << processor)) != 0)
                    return entity;
            }
        }

        return null;
    }

    /// <summary>Charges the class; the running entity's turn among equals gets shorter.</summary>
    public void Charge(SchedEntity entity, long nanoseconds, long now)
    {
        StartPeriod(now);
        _used += nanoseconds;
        if (entity.Policy == SchedPolicy.RoundRobin)
            entity.TurnLeft -= nanoseconds;
    }

    /// <summary>True when the class has had its share of this period.</summary>
    public bool IsThrottled(long now)
    {
        long runtime = scheduler.RealTimeRuntime;
        return runtime >= 0 && runtime < scheduler.RealTimePeriod && now - _periodStart < scheduler.RealTimePeriod && _used >= runtime;
    }

    /// <summary>Nanoseconds until <see cref="IsThrottled"/> changes its answer, if the class runs (or is throttled) on.</summary>
    public long UntilChange(long now)
    {
        if (scheduler.RealTimeRuntime < 0 || scheduler.RealTimeRuntime >= scheduler.RealTimePeriod)
            return long.MaxValue;
        return Math.Max(IsThrottled(now) ? _periodStart + scheduler.RealTimePeriod - now : scheduler.RealTimeRuntime - _used, Scheduler.LeastSlice);
    }

    private void StartPeriod(long now)
    {
        if (now - _periodStart < scheduler.RealTimePeriod)
            return;
        _periodStart = now;
        _used = 0;
    }
}
