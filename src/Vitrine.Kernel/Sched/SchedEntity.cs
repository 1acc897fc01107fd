namespace Vitrine.Kernel.Sched;

/// <summary>What the scheduler keeps about a task (sched_entity's twin). Plain data, guarded by the kernel lock.</summary>
internal sealed class SchedEntity
{
    /// <summary>Weight of nice 0 (NICE_0_LOAD unscaled).</summary>
    public const int NiceZeroWeight = 1024;

    // sched_prio_to_weight: each step of nice is worth about 10 % of CPU time, a factor of 1.25.
    private static ReadOnlySpan<int> Weights =>
    [
        88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
        9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
        1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
        110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
    ];

    private int _nice;

    /// <summary>−20 to 19.</summary>
    public int Nice
    {
        get => _nice;
        set => _nice = Math.Clamp(value, -20, 19);
    }

    /// <summary>SCHED_OTHER, SCHED_BATCH or SCHED_IDLE: the fair class has these three.</summary>
    public SchedPolicy Policy { get; set; }

    /// <summary>Children start with nice 0 and SCHED_OTHER (SCHED_FLAG_RESET_ON_FORK).</summary>
    public bool ResetOnFork { get; set; }

    public int Weight => Policy == SchedPolicy.Idle ? 3 : Weights[_nice + 20];

    /// <summary>Virtual run time: nanoseconds of CPU scaled by weight.</summary>
    public long VirtualRuntime { get; set; }

    /// <summary>Order of arrival, so that equal virtual times are first come, first served and runs repeat.</summary>
    public ulong Sequence { get; set; }

    public int HeapIndex { get; set; } = -1;

    public bool OnRunQueue => HeapIndex >= 0;

    /// <summary>Bit n: may run on processor n.</summary>
    public ulong Affinity { get; set; } = ulong.MaxValue;

    /// <summary>The processor it last ran on.</summary>
    public int Processor { get; set; }

    /// <summary>CPU time in nanoseconds.</summary>
    public long UserTime { get; set; }

    public long SystemTime { get; set; }

    public long VoluntarySwitches { get; set; }

    public long InvoluntarySwitches { get; set; }

    /// <summary>When it was put on the run queue, for run-delay accounting.</summary>
    public Time.Ktime QueuedAt { get; set; }

    public long RunDelay { get; set; }

    public long TimesRun { get; set; }

    /// <summary>A child's start: the parent's policy, affinity and place in virtual time.</summary>
    public void CopyPolicy(SchedEntity parent)
    {
        bool reset = parent.ResetOnFork;
        _nice = reset && parent._nice < 0 ? 0 : parent._nice;
        Policy = reset ? SchedPolicy.Other : parent.Policy;
        Affinity = parent.Affinity;
        VirtualRuntime = parent.VirtualRuntime;
    }

    public void Charge(long nanoseconds) => VirtualRuntime += nanoseconds * NiceZeroWeight / Weight;
}
