namespace Vitrine.Kernel.Sched;

/// <summary>The tasks that wait for one processor, by class (struct rq's twin).</summary>
internal sealed class RunQueue(Scheduler scheduler, Processor processor)
{
    private List<SchedEntity>? _deadline;
    private RealTimeQueue? _realTime;

    public Processor Processor { get; } = processor;

    public FairQueue Fair { get; } = new();

    public RealTimeQueue RealTime => _realTime ??= new RealTimeQueue(scheduler);

    public int RealTimeCount => _realTime?.Count ?? 0;

    /// <summary>Waiting SCHED_DEADLINE tasks with budget, earliest deadline first: few, so a sorted list.</summary>
    public List<SchedEntity> Deadline => _deadline ??= [];

    public SchedEntity? FirstDeadline => _deadline is { Count: > 0 } list ? list[0] : null;

    public int Waiting => Fair.Count + RealTimeCount + (_deadline?.Count ?? 0);

    /// <summary>The load that balancing compares: weights of the fair tasks; each of another class counts like the highest nice value.</summary>
    public long Load
    {
        get
        {
            long load = Fair.Weight + ((RealTimeCount + (_deadline?.Count ?? 0)) * RealTimeLoad);
            return Processor.Current is { } current && current.Sched.Class != SchedClass.Fair ? load + RealTimeLoad : load;
        }
    }

    /// <summary>When its load is next compared with the others'.</summary>
    public long NextBalance { get; set; }

    /// <summary>For /proc/schedstat.</summary>
    public long RunTime { get; set; }

    public long RunDelay { get; set; }

    public long Picks { get; set; }

    public long Yields { get; set; }

    public long WakeUps { get; set; }

    public long LocalWakeUps { get; set; }

    public long IdlePicks { get; set; }

    private const long RealTimeLoad = 88761;

    public void Add(SchedEntity entity, bool atFront)
    {
        entity.Queue = this;
        entity.Processor = Processor.Id;
        switch (entity.Class)
        {
            case SchedClass.Deadline:
                int at = Deadline.Count;
                while (at > 0 && Deadline[at - 1].Budget!.AbsoluteDeadline > entity.Budget!.AbsoluteDeadline)
                    at--;
                Deadline.Insert(at, entity);
                break;
            case SchedClass.RealTime:
                RealTime.Add(entity, atFront);
                break;
            default:
                Fair.Add(entity);
                break;
        }
    }

    public void Remove(SchedEntity entity)
    {
        entity.Queue = null;
        switch (entity.Class)
        {
            case SchedClass.Deadline:
                Deadline.Remove(entity);
                break;
            case SchedClass.RealTime:
                RealTime.Remove(entity);
                break;
            default:
                Fair.Remove(entity);
                break;
        }
    }
}
