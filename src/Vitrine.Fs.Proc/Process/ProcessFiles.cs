using System.Globalization;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>The small files of /proc/PID.</summary>
internal static class ProcessFiles
{
    // Names and units in the order of the numbers (getrlimit(2)).
    private static readonly (string Name, string Unit)[] LimitNames =
    [
        ("Max cpu time", "seconds"), ("Max file size", "bytes"), ("Max data size", "bytes"), ("Max stack size", "bytes"),
        ("Max core file size", "bytes"), ("Max resident set", "bytes"), ("Max processes", "processes"), ("Max open files", "files"),
        ("Max locked memory", "bytes"), ("Max address space", "bytes"), ("Max file locks", "locks"), ("Max pending signals", "signals"),
        ("Max msgqueue size", "bytes"), ("Max nice priority", ""), ("Max realtime priority", ""), ("Max realtime timeout", "us"),
    ];

    public static void Comm(Task current, ProcessContext context, GeneratedText text) => text.Line(context.Task.Comm);

    public static Errno SetComm(Task current, ProcessContext context, string value)
    {
        if (current.ThreadGroup != context.Task.ThreadGroup)
            return Errno.EINVAL;
        context.Task.Comm = value.Length < Task.CommLength ? value : value[..(Task.CommLength - 1)];
        return Errno.Success;
    }

    public static void Limits(Task current, ProcessContext context, GeneratedText text)
    {
        text.Append("Limit                     Soft Limit           Hard Limit           Units     \n");
        for (int i = 0; i < LimitNames.Length; i++)
        {
            RLimit limit = context.Task.ThreadGroup.Limits[i];
            text.Append(LimitNames[i].Name.PadRight(25)).Append(' ').Append(Limit(limit.Soft)).Append(' ').Append(Limit(limit.Hard)).Append(' ');
            text.Append(LimitNames[i].Unit.PadRight(10)).Append('\n');
        }
    }

    public static void Personality(Task current, ProcessContext context, GeneratedText text) =>
        text.AppendHex(context.Task.Personality, 8).Append('\n');

    public static void Syscall(Task current, ProcessContext context, GeneratedText text)
    {
        Task task = context.Task;
        if (task.State == Vitrine.Kernel.Sched.TaskState.Running)
        {
            text.Line("running");
            return;
        }

        text.Append(task.SyscallNumber);
        unsafe
        {
            // SAFETY: a task that has not ended owns its registers; the kernel lock is held, and no processor is on it.
            Vitrine.Cpu.RegisterFile* r = task.Registers;
            if (r is null)
            {
                text.Append(" 0x0 0x0\n");
                return;
            }

            if (task.SyscallNumber >= 0)
            {
                foreach (ulong argument in (ReadOnlySpan<ulong>)[r->Rdi, r->Rsi, r->Rdx, r->R10, r->R8, r->R9])
                    text.Append(" 0x").AppendHex(argument);
            }

            text.Append(" 0x").AppendHex(r->Rsp).Append(" 0x").AppendHex(r->Rip).Append('\n');
        }
    }

    public static void Mounts(Task current, ProcessContext context, GeneratedText text) => WriteMounts(current, context, text, mountInfo: false);

    public static void MountInfo(Task current, ProcessContext context, GeneratedText text) => WriteMounts(current, context, text, mountInfo: true);

    public static void WaitChannel(Task current, ProcessContext context, GeneratedText text) => text.Append('0');

    public static void SchedStat(Task current, ProcessContext context, GeneratedText text)
    {
        Task task = context.Task;
        task.OnProcessor?.Settle();
        text.Append(task.Sched.UserTime + task.Sched.SystemTime).Append(' ').Append(task.Sched.RunDelay).Append(' ');
        text.Append(task.Sched.TimesRun).Append('\n');
    }

    public static void Cgroup(Task current, ProcessContext context, GeneratedText text) => text.Append("0::").Line(context.Task.Cgroup.Path);

    public static void OomScore(Task current, ProcessContext context, GeneratedText text) =>
        text.Append(current.Kernel.Memory.Oom.Score(context.Task.ThreadGroup)).Append('\n');

    public static void OomScoreAdjustment(Task current, ProcessContext context, GeneratedText text) =>
        text.Append(context.Task.ThreadGroup.OomScoreAdjustment).Append('\n');

    public static Errno SetOomScoreAdjustment(Task current, ProcessContext context, string value)
    {
        if (!int.TryParse(value.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int adjustment)
            || adjustment is < -1000 or > 1000)
        {
            return Errno.EINVAL;
        }

        ThreadGroup group = context.Task.ThreadGroup;
        bool capable = current.Credentials.IsCapable(current.Kernel.InitUserNamespace, Capability.SysResource);
        if (adjustment < group.OomScoreAdjustmentMinimum && !capable)
            return Errno.EACCES;
        if (capable)
            group.OomScoreAdjustmentMinimum = adjustment;
        group.OomScoreAdjustment = adjustment;
        return Errno.Success;
    }

    public static void CoreDumpFilter(Task current, ProcessContext context, GeneratedText text)
    {
        if (context.Task.Mm is { } mm)
            text.Append(((uint)mm.CoreFilter).ToString("x8", CultureInfo.InvariantCulture)).Append('\n');
    }

    /// <summary>A number as C writes it: octal and hexadecimal too. Bits that are not known are dropped.</summary>
    public static Errno SetCoreDumpFilter(Task current, ProcessContext context, string value)
    {
        ReadOnlySpan<char> text = value.AsSpan().TrimEnd().TrimEnd('\0');
        uint number;
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            if (!uint.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number))
                return Errno.EINVAL;
        }
        else if (text.Length > 1 && text[0] == '0')
        {
            number = 0;
            foreach (char digit in text)
            {
                if (digit is < '0' or > '7')
                    return Errno.EINVAL;
                number = (number << 3) | (uint)(digit - '0');
            }
        }
        else if (!uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            return Errno.EINVAL;
        }

        if (context.Task.Mm is not { } mm)
            return Errno.ESRCH;
        mm.CoreFilter = (CoreFilter)number & CoreFilter.All;
        return Errno.Success;
    }

    /// <summary>(uid_t)−1: not set by any login.</summary>
    public static void LoginUid(Task current, ProcessContext context, GeneratedText text) => text.Append(uint.MaxValue);

    public static void IdMap(Task current, ProcessContext context, GeneratedText text) =>
        text.AppendPadded(0, 10).Append(' ').AppendPadded(0, 10).Append(' ').AppendPadded(uint.MaxValue, 10).Append('\n');

    public static void SetGroups(Task current, ProcessContext context, GeneratedText text) => text.Line("allow");

    public static void Io(Task current, ProcessContext context, GeneratedText text)
    {
        long charactersRead = 0, charactersWritten = 0, reads = 0, writes = 0, blocksIn = 0, blocksOut = 0;
        foreach (Task thread in context.IsThread ? [context.Task] : context.Task.ThreadGroup.Threads.ToArray())
        {
            charactersRead += thread.Counters.CharactersRead;
            charactersWritten += thread.Counters.CharactersWritten;
            reads += thread.Counters.ReadCalls;
            writes += thread.Counters.WriteCalls;
            blocksIn += thread.Counters.BlocksIn;
            blocksOut += thread.Counters.BlocksOut;
        }

        text.Append("rchar: ").Append(charactersRead).Append("\nwchar: ").Append(charactersWritten).Append("\nsyscr: ").Append(reads);
        text.Append("\nsyscw: ").Append(writes).Append("\nread_bytes: ").Append(blocksIn * 512).Append("\nwrite_bytes: ").Append(blocksOut * 512);
        text.Append("\ncancelled_write_bytes: 0\n");
    }

    public static void Children(Task current, ProcessContext context, GeneratedText text)
    {
        foreach (Task child in context.Task.Children)
            text.Append(child.Pid.In(context.SuperBlock.Pids)).Append(' ');
    }

    private static void WriteMounts(Task current, ProcessContext context, GeneratedText text, bool mountInfo)
    {
        if (context.Task.Fs is not { } fs)
            return;
        var table = new global::System.Text.StringBuilder();
        if (mountInfo)
            MountTable.WriteMountInfo(table, context.Task.Namespaces.Mount, fs.Root);
        else
            MountTable.WriteMounts(table, context.Task.Namespaces.Mount, fs.Root);
        text.Append(table.ToString());
    }

    private static string Limit(ulong value) =>
        (value == RLimit.Infinity ? "unlimited" : value.ToString(CultureInfo.InvariantCulture)).PadRight(20);
}
