using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>/proc/PID/sched: what the scheduler keeps about a task. Times are in milliseconds, as Linux prints them.</summary>
internal static class ProcessSched
{
    private const int NameWidth = 45;

    /// <summary>Weights are shown with Linux's resolution (SCHED_FIXEDPOINT_SHIFT).</summary>
    private const int LoadScale = 1024;

    public static void Write(Task current, ProcessContext context, GeneratedText text)
    {
        Task task = context.Task;
        SchedEntity entity = task.Sched;
        task.OnProcessor?.Settle();
        string title = $"{task.Comm} ({task.Pid.In(context.SuperBlock.Pids)}, #threads: {task.ThreadGroup.Threads.Count})";
        text.Line(title);
        text.Line(new string('-', NameWidth + 22));
        Time(text, "se.vruntime", entity.VirtualRuntime);
        Time(text, "se.deadline", entity.VirtualDeadline);
        Time(text, "se.sum_exec_runtime", entity.UserTime + entity.SystemTime);
        Number(text, "se.nr_migrations", entity.Migrations);
        Number(text, "nr_switches", entity.VoluntarySwitches + entity.InvoluntarySwitches);
        Number(text, "nr_voluntary_switches", entity.VoluntarySwitches);
        Number(text, "nr_involuntary_switches", entity.InvoluntarySwitches);
        Number(text, "se.load.weight", (long)entity.Weight * LoadScale);
        Number(text, "policy", (int)entity.Policy);
        Number(text, "prio", Priority(entity));
        if (entity.Budget is { } budget)
        {
            Number(text, "dl.runtime", budget.Remaining);
            Number(text, "dl.deadline", budget.AbsoluteDeadline);
        }
        else if (entity.Class == SchedClass.Fair)
        {
            Number(text, "se.slice", entity.Slice);
        }
    }

    /// <summary>The kernel's own scale: −1 deadline, 0 to 99 real time (0 highest), 100 to 139 fair.</summary>
    private static int Priority(SchedEntity entity) => entity.Class switch
    {
        SchedClass.Deadline => -1,
        SchedClass.RealTime => 99 - entity.EffectivePriority,
        _ => 120 + entity.Nice,
    };

    private static void Number(GeneratedText text, string name, long value) =>
        text.Line($"{name.PadRight(NameWidth)}:{value,21}");

    private static void Time(GeneratedText text, string name, long nanoseconds)
    {
        string sign = nanoseconds < 0 ? "-" : "";
        long size = Math.Abs(nanoseconds);
        string value = $"{sign}{size / 1_000_000}.{size % 1_000_000:d6}";
        text.Line($"{name.PadRight(NameWidth)}:{value,21}");
    }
}
