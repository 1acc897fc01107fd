using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Tasks;

/// <summary>A process: what its threads share (signal_struct's and sighand_struct's twin). Guarded by the kernel lock.</summary>
internal sealed partial class ThreadGroup(KernelInstance kernel)
{
    public KernelInstance Kernel { get; } = kernel;

    public Task Leader { get; set; } = null!;

    /// <summary>All threads that have not been released, in order of creation; a zombie leader stays until it is waited for.</summary>
    public List<Task> Threads { get; } = [];

    /// <summary>Threads that have not begun to exit.</summary>
    public int LiveThreads { get; set; }

    /// <summary>CPU time of all threads, dead ones included, in nanoseconds.</summary>
    public long UserTime { get; set; }

    public long SystemTime { get; set; }

    /// <summary>Counters of threads that are gone.</summary>
    public UsageCounters Dead;

    /// <summary>Counters and CPU time of children that were waited for.</summary>
    public UsageCounters Children;

    /// <summary>When the process started.</summary>
    public Ktime StartTime { get; set; }

    /// <summary>Soft and hard limits by <see cref="ResourceLimit"/>.</summary>
    public RLimit[] Limits { get; init; } = new RLimit[RLimit.Count];

    public PidNumber ProcessGroup { get; set; } = null!;

    /// <summary>A core file of the process is being written; its threads wait for that before they end.</summary>
    public CoreDumps.CoreDump? CoreDump { get; set; }

    public PidNumber Session { get; set; } = null!;

    public bool IsSessionLeader { get; set; }

    /// <summary>Started from outside by somebody who can continue it when it is stopped, as a shell can: its group is not orphaned.</summary>
    public bool IsJobOfCaller { get; set; }

    /// <summary>That one has been told of the present stop.</summary>
    public bool IsStopReported { get; set; }

    /// <summary>Orphans below it come to it instead of process 1 (PR_SET_CHILD_SUBREAPER).</summary>
    public bool IsChildSubreaper { get; set; }

    /// <summary>An ancestor is or was a subreaper.</summary>
    public bool HasChildSubreaper { get; set; }

    /// <summary>−1000 to 1000 (/proc/PID/oom_score_adj).</summary>
    public int OomScoreAdjustment { get; set; }

    public int OomScoreAdjustmentMinimum { get; set; }

    /// <summary>The user whose process count it is in.</summary>
    public UserAccount? Account { get; set; }

    /// <summary>exec has happened since fork: setpgid by the parent is refused.</summary>
    public bool HasExeced { get; set; }

    public RLimit Limit(ResourceLimit resource) => Limits[(int)resource];

    public override string ToString() => Leader?.ToString() ?? "process";
}

/// <summary>The counters of getrusage that are summed when threads and children go.</summary>
internal struct UsageCounters
{
    public long UserTime;
    public long SystemTime;
    public long MinorFaults;
    public long MajorFaults;
    public long VoluntarySwitches;
    public long InvoluntarySwitches;
    public long BlocksIn;
    public long BlocksOut;

    /// <summary>Largest resident set seen, in pages.</summary>
    public long MaxResidentSet;

    public void Add(in UsageCounters other)
    {
        UserTime += other.UserTime;
        SystemTime += other.SystemTime;
        MinorFaults += other.MinorFaults;
        MajorFaults += other.MajorFaults;
        VoluntarySwitches += other.VoluntarySwitches;
        InvoluntarySwitches += other.InvoluntarySwitches;
        BlocksIn += other.BlocksIn;
        BlocksOut += other.BlocksOut;
        MaxResidentSet = Math.Max(MaxResidentSet, other.MaxResidentSet);
    }
}
