using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Sched;

/// <summary>Which part of the scheduler decides over a task; the first that has a task runs it.</summary>
internal enum SchedClass
{
    Deadline = 0,
    RealTime = 1,
    Fair = 2,
}

/// <summary>What the scheduler keeps about a task (sched_entity's twin). Plain data, guarded by the kernel lock.</summary>
internal sealed class SchedEntity(Task task)
{
    /// <summary>Weight of nice 0 (NICE_0_LOAD unscaled).</summary>
    public const int NiceZeroWeight = 1024;

    private const int IdleWeight = 3;

    // sched_prio_to_weight: each step of nice is worth about 10 % of CPU time, a factor of 1.25.
    private static ReadOnlySpan<int> Weights =>
    [
        88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
        9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
        1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
        110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
    ];

    public Task Task { get; } = task;

    /// <summary>−20 to 19.</summary>
    public int Nice { get; private set; }

    public SchedPolicy Policy { get; private set; }

    /// <summary>1 to 99 for SCHED_FIFO and SCHED_RR, else 0.</summary>
    public int RealTimePriority { get; private set; }

    /// <summary>The real-time priority lent by who waits for a lock that the task owns; 0: none.</summary>
    public int LentPriority { get; set; }

    /// <summary>Children start without a real-time or deadline policy, and with a nice value of 0 at least (SCHED_FLAG_RESET_ON_FORK).</summary>
    public bool ResetOnFork { get; set; }

    /// <summary>Runtime, deadline and period of SCHED_DEADLINE, with the budget that is left.</summary>
    public DeadlineBudget? Budget { get; private set; }

    public SchedClass Class => Budget is not null ? SchedClass.Deadline
        : (RealTimePriority | LentPriority) != 0 ? SchedClass.RealTime
        : SchedClass.Fair;

    /// <summary>1 to 99 in the real-time class: its own priority or a higher one that was lent.</summary>
    public int EffectivePriority => Math.Max(RealTimePriority, LentPriority);

    public int Weight { get; private set; } = NiceZeroWeight;

    /// <summary>A request's length in nanoseconds: what sched_setattr asked for, or 0 for the scheduler's own.</summary>
    public long CustomSlice { get; set; }

    /// <summary>The request's length in nanoseconds.</summary>
    public long Slice => CustomSlice != 0 ? CustomSlice : Scheduler.BaseSlice;

    /// <summary>Virtual run time: nanoseconds of CPU scaled by weight, in the time of its queue.</summary>
    public long VirtualRuntime { get; set; }

    /// <summary>The virtual time by which the current request should have been served.</summary>
    public long VirtualDeadline { get; set; }

    /// <summary>While it is off the queue: how much virtual time it is owed (negative: has had too much).</summary>
    public long Lag { get; set; }

    /// <summary>The queue's virtual time when it left.</summary>
    public long LeftAt { get; set; }

    /// <summary>The deadline it was picked with: until that request is served nobody of its kind preempts it.</summary>
    public long PickedDeadline { get; set; }

    /// <summary>Nanoseconds left of the turn among equals (SCHED_RR).</summary>
    public long TurnLeft { get; set; } = Scheduler.RoundRobinTurn;

    /// <summary>CPU time in the real-time class since it last slept, in nanoseconds, for RLIMIT_RTTIME.</summary>
    public long WithoutSleep { get; set; }

    /// <summary>The current request is served: whoever waits may have its turn.</summary>
    public bool IsServed { get; set; }

    /// <summary>When it came to its processor's queue: by waking up, as a new task, or by being moved.</summary>
    public long ArrivedAt { get; set; }

    /// <summary>Order of arrival, so that equals are first come, first served and runs repeat.</summary>
    public ulong Sequence { get; set; }

    /// <summary>The queue it waits on; null while it runs or sleeps.</summary>
    public RunQueue? Queue { get; set; }

    public bool OnRunQueue => Queue is not null;

    /// <summary>Neighbours on the list of its real-time priority.</summary>
    public SchedEntity? Next { get; set; }

    public SchedEntity? Previous { get; set; }

    /// <summary>Children in <see cref="FairTree"/>, with the least virtual run time below and in it.</summary>
    public SchedEntity? Left { get; set; }

    public SchedEntity? Right { get; set; }

    public long LeastVirtualRuntime { get; set; }

    public uint TreeRank { get; set; }

    /// <summary>Bit n: may run on processor n.</summary>
    public ulong Affinity { get; set; } = ulong.MaxValue;

    /// <summary>The processor it last ran on, or waits for.</summary>
    public int Processor { get; set; }

    /// <summary>CPU time in nanoseconds.</summary>
    public long UserTime { get; set; }

    public long SystemTime { get; set; }

    /// <summary>Nanoseconds that were counted although the host had the processor: so much of what comes is not counted.</summary>
    public long Refund { get; set; }

    public long VoluntarySwitches { get; set; }

    public long InvoluntarySwitches { get; set; }

    /// <summary>How often it was moved to another processor.</summary>
    public long Migrations { get; set; }

    /// <summary>When it was put on the run queue, for run-delay accounting.</summary>
    public Time.Ktime QueuedAt { get; set; }

    public long RunDelay { get; set; }

    public long TimesRun { get; set; }

    /// <summary>SCHED_IDLE: runs when nobody else wants to.</summary>
    public bool IsIdlePolicy => Policy == SchedPolicy.Idle;

    /// <summary>A child's start: the parent's policy, affinity and place in virtual time.</summary>
    public void CopyPolicy(SchedEntity parent)
    {
        bool reset = parent.ResetOnFork;
        Affinity = parent.Affinity;
        Processor = parent.Processor;
        VirtualRuntime = parent.VirtualRuntime;
        if (reset)
        {
            // What a reset takes away is priority; to be less than others is inherited.
            bool urgent = parent.RealTimePriority != 0 || parent.Budget is not null;
            Set(urgent ? SchedPolicy.Other : parent.Policy, 0, null);
            SetNice(urgent ? 0 : Math.Max(parent.Nice, 0));
            return;
        }

        CustomSlice = parent.CustomSlice;
        Set(parent.Policy, parent.RealTimePriority, null);
        SetNice(parent.Nice);
    }

    /// <summary>Changes policy and parameters; the task must be on no queue.</summary>
    public void Set(SchedPolicy policy, int realTimePriority, DeadlineBudget? budget)
    {
        Policy = policy;
        RealTimePriority = realTimePriority;
        Budget = budget;
        TurnLeft = Scheduler.RoundRobinTurn;
        SetWeight();
    }

    /// <summary>Changes the nice value; the task must be on no queue.</summary>
    public void SetNice(int nice)
    {
        Nice = Math.Clamp(nice, -20, 19);
        SetWeight();
    }

    /// <summary>Nanoseconds of CPU time as virtual time.</summary>
    public long ToVirtual(long nanoseconds) => Weight == NiceZeroWeight ? nanoseconds : nanoseconds * NiceZeroWeight / Weight;

    /// <summary>Virtual time as nanoseconds of CPU time.</summary>
    public long ToReal(long virtualTime) => Weight == NiceZeroWeight ? virtualTime : virtualTime * Weight / NiceZeroWeight;

    private void SetWeight() => Weight = Policy == SchedPolicy.Idle ? IdleWeight : Weights[Nice + 20];
}
