using Vitrine.Kernel.Tasks;

namespace Vitrine.Fs.Proc.Process;

/// <summary>Sums over a thread, or over all threads of a process, the dead ones included.</summary>
internal static class ProcessUsage
{
    public static UsageCounters Of(Task task, bool whole)
    {
        task.OnProcessor?.Settle();
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

/// <summary>The controlling terminal in stat.</summary>
internal static class ProcessTerminal
{
    /// <summary>tty_nr: 0 without one.</summary>
    public static long DeviceOf(ThreadGroup group) => (long)(group.Terminal?.Number.Encode() ?? 0);

    /// <summary>tpgid: −1 without a terminal.</summary>
    public static long ForegroundGroupOf(ThreadGroup group, Vitrine.Kernel.Namespaces.PidNamespace pids) =>
        group.Terminal is { } terminal ? terminal.Foreground?.In(pids) ?? 0 : -1;
}
