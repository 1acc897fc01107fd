using Vitrine.Kernel.Tasks;

namespace Vitrine.Fs.Proc.Process;

/// <summary>Sums over a thread, or over all threads of a process, the dead ones included.</summary>
internal static class ProcessUsage
{
    public static UsageCounters Of(Task task, bool whole)
    {
        if (!whole)
            return One(task);
        ThreadGroup group = task.ThreadGroup;
        UsageCounters total = group.Dead;
        foreach (Task thread in group.Threads)
            total.Add(One(thread));
        // The group's own clocks include dead threads.
        total.UserTime = group.UserTime;
        total.SystemTime = group.SystemTime;
        return total;
    }

    private static UsageCounters One(Task task) => new()
    {
        UserTime = task.Sched.UserTime,
        SystemTime = task.Sched.SystemTime,
        MinorFaults = task.MinorFaults,
        MajorFaults = task.MajorFaults,
        VoluntarySwitches = task.Sched.VoluntarySwitches,
        InvoluntarySwitches = task.Sched.InvoluntarySwitches,
    };
}

/// <summary>The controlling terminal in stat; none until terminals exist.</summary>
internal static class ProcessTerminal
{
    public static long DeviceOf(ThreadGroup group) => 0;

    public static long ForegroundGroupOf(ThreadGroup group, Vitrine.Kernel.Namespaces.PidNamespace pids) => -1;
}
