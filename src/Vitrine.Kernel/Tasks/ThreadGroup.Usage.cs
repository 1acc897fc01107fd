using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Tasks;

/// <content>What getrusage and wait4 report.</content>
internal sealed partial class ThreadGroup
{
    /// <summary>The process's own usage: dead and live threads.</summary>
    public UsageCounters OwnUsage()
    {
        UsageCounters usage = Dead;
        usage.UserTime = UserTime;
        usage.SystemTime = SystemTime;
        foreach (Task thread in Threads)
        {
            usage.Add(ThreadCounters(thread));
            if (thread.Mm is { } mm)
                usage.MaxResidentSet = Math.Max(usage.MaxResidentSet, mm.Statistics.HighestRss);
        }

        return usage;
    }

    /// <summary>Own usage and that of the children waited for: what goes to the parent.</summary>
    public UsageCounters TotalUsage()
    {
        UsageCounters usage = OwnUsage();
        usage.Add(Children);
        return usage;
    }

    public static ResourceUsage ToUser(in UsageCounters usage) => new()
    {
        UserTime = ToTimeval(usage.UserTime),
        SystemTime = ToTimeval(usage.SystemTime),
        MaxResidentSet = usage.MaxResidentSet * ((long)Page.Size / 1024),
        MinorFaults = usage.MinorFaults,
        MajorFaults = usage.MajorFaults,
        BlocksIn = usage.BlocksIn,
        BlocksOut = usage.BlocksOut,
        VoluntarySwitches = usage.VoluntarySwitches,
        InvoluntarySwitches = usage.InvoluntarySwitches,
    };

    /// <summary>The counters of one thread, CPU time apart.</summary>
    internal static UsageCounters ThreadCounters(Task thread) => new()
    {
        MinorFaults = thread.MinorFaults,
        MajorFaults = thread.MajorFaults,
        BlocksIn = thread.Counters.BlocksIn,
        BlocksOut = thread.Counters.BlocksOut,
        VoluntarySwitches = thread.Sched.VoluntarySwitches,
        InvoluntarySwitches = thread.Sched.InvoluntarySwitches,
    };

    internal static Timeval ToTimeval(long nanoseconds) =>
        new(nanoseconds / Ktime.NanosecondsPerSecond, nanoseconds % Ktime.NanosecondsPerSecond / 1000);
}
