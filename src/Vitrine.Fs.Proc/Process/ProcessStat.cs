using Vitrine.Fs.Proc.System;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>/proc/PID/stat: one line of 52 fields (proc_pid_stat(5)).</summary>
internal static class ProcessStat
{
    /// <summary>The letter that ps shows.</summary>
    public static char StateLetter(Task task) => task.State switch
    {
        TaskState.Running or TaskState.New => 'R',
        TaskState.Interruptible => 'S',
        TaskState.Uninterruptible or TaskState.Killable => 'D',
        TaskState.Stopped => 'T',
        TaskState.Traced => 't',
        TaskState.Idle => 'I',
        TaskState.Zombie => 'Z',
        _ => 'X',
    };

    /// <summary>Process number of the parent as seen here; 0 if it is outside.</summary>
    public static int ParentNumber(ProcessContext context) => context.Task.ThreadGroup.Leader.Parent?.ThreadGroup.Leader.Pid.In(context.SuperBlock.Pids) ?? 0;

    public static void Stat(Task current, ProcessContext context, GeneratedText text)
    {
        Task task = context.Task;
        ThreadGroup group = task.ThreadGroup;
        bool may = ProcessAccess.MayRead(current, task);
        bool whole = !context.IsThread;
        MmStruct? mm = task.Mm;
        UsageCounters total = ProcessUsage.Of(task, whole);
        text.Append(task.Pid.In(context.SuperBlock.Pids)).Append(" (").Append(task.Comm).Append(") ").Append(StateLetter(task));
        Field(text, ParentNumber(context));
        Field(text, group.ProcessGroup.In(context.SuperBlock.Pids));
        Field(text, group.Session.In(context.SuperBlock.Pids));
        Field(text, ProcessTerminal.DeviceOf(group));
        Field(text, ProcessTerminal.ForegroundGroupOf(group, context.SuperBlock.Pids));
        Field(text, ProcessFlags(task));
        Field(text, total.MinorFaults);
        Field(text, whole ? group.Children.MinorFaults : 0);
        Field(text, total.MajorFaults);
        Field(text, whole ? group.Children.MajorFaults : 0);
        Field(text, total.UserTime / ProcessorFiles.TickNanoseconds);
        Field(text, total.SystemTime / ProcessorFiles.TickNanoseconds);
        Field(text, whole ? group.Children.UserTime / ProcessorFiles.TickNanoseconds : 0);
        Field(text, whole ? group.Children.SystemTime / ProcessorFiles.TickNanoseconds : 0);
        Field(text, Priority(task.Sched));
        Field(text, task.Sched.Nice);
        Field(text, group.Threads.Count);
        Field(text, 0);
        Field(text, task.StartTime.Nanoseconds / ProcessorFiles.TickNanoseconds);
        Field(text, mm is null ? 0 : mm.Statistics.TotalVm << Page.Shift);
        Field(text, mm?.Statistics.Resident ?? 0);
        Unsigned(text, group.Limit(ResourceLimit.ResidentSet).Soft);
        Address(text, may, mm?.StartCode);
        Address(text, may, mm?.EndCode);
        Address(text, may, mm?.StartStack);
        // ESP and EIP are shown only for processes that are exiting.
        Field(text, 0);
        Field(text, 0);
        // Signal bitmaps of 31 bits: obsolete, status has the real ones.
        Unsigned(text, task.Pending.Set.Bits & 0x7fffffff);
        Unsigned(text, task.Blocked.Bits & 0x7fffffff);
        Unsigned(text, group.Handlers.Ignored.Bits & 0x7fffffff);
        Unsigned(text, group.Handlers.Caught.Bits & 0x7fffffff);
        Field(text, may && task.State is not TaskState.Running ? 1 : 0);
        Field(text, 0);
        Field(text, 0);
        Field(text, (int)task.ExitSignal);
        Field(text, task.Sched.Processor);
        Field(text, task.Sched.RealTimePriority);
        Field(text, (int)task.Sched.Policy);
        Field(text, 0);
        Field(text, 0);
        Field(text, 0);
        Address(text, may, mm?.StartData);
        Address(text, may, mm?.EndData);
        Address(text, may, mm?.StartBrk);
        Address(text, may, mm?.ArgStart);
        Address(text, may, mm?.ArgEnd);
        Address(text, may, mm?.EnvStart);
        Address(text, may, mm?.EnvEnd);
        Field(text, may ? task.ExitCode : 0);
        text.Append('\n');
    }

    /// <summary>The PF_* bits that tools know: exiting, kernel thread, forked without exec.</summary>
    /// <summary>As top shows it: 0 to 39 for fair tasks, −2 to −100 for real-time ones, −101 for deadline tasks.</summary>
    private static int Priority(SchedEntity entity) => entity.Class switch
    {
        SchedClass.Deadline => -101,
        SchedClass.RealTime => -1 - entity.EffectivePriority,
        _ => 20 + entity.Nice,
    };

    private static long ProcessFlags(Task task)
    {
        const long Exiting = 0x4;
        const long ForkNoExec = 0x40;
        const long KernelThread = 0x200000;
        const long Randomize = 0x400000;
        long flags = task.IsExiting ? Exiting : 0;
        if (task.IsKernelThread)
            return flags | KernelThread;
        return flags | Randomize | (task.ThreadGroup.HasExeced ? 0 : ForkNoExec);
    }

    private static void Field(GeneratedText text, long value) => text.Append(' ').Append(value);

    private static void Unsigned(GeneratedText text, ulong value) => text.Append(' ').Append(value);

    private static void Address(GeneratedText text, bool may, VirtAddr? value) => Unsigned(text, may && value is { } address ? address.Value : 0);
}
