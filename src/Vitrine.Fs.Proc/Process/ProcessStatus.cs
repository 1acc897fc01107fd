using System.Globalization;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>/proc/PID/status (proc_pid_status(5)).</summary>
internal static class ProcessStatus
{
    public static void Status(Task current, ProcessContext context, GeneratedText text)
    {
        Task task = context.Task;
        ThreadGroup group = task.ThreadGroup;
        PidNamespace pids = context.SuperBlock.Pids;
        Credentials credentials = task.Credentials;
        text.Append("Name:\t").Append(Escape(task.Comm));
        if (!task.IsKernelThread)
            text.Append("\nUmask:\t").Append(Octal4((uint)(task.Fs?.Umask ?? FileMode.None)));
        char state = ProcessStat.StateLetter(task);
        text.Append("\nState:\t").Append(state).Append(StateName(state));
        text.Append("\nTgid:\t").Append(group.Leader.Pid.In(pids));
        text.Append("\nNgid:\t0\nPid:\t").Append(task.Pid.In(pids));
        text.Append("\nPPid:\t").Append(ProcessStat.ParentNumber(context));
        text.Append("\nTracerPid:\t").Append(task.Tracer?.Pid.In(pids) ?? 0);
        text.Append("\nUid:\t").Append(credentials.Uid.Value).Append('\t').Append(credentials.Euid.Value).Append('\t')
            .Append(credentials.Suid.Value).Append('\t').Append(credentials.Fsuid.Value);
        text.Append("\nGid:\t").Append(credentials.Gid.Value).Append('\t').Append(credentials.Egid.Value).Append('\t')
            .Append(credentials.Sgid.Value).Append('\t').Append(credentials.Fsgid.Value);
        text.Append("\nFDSize:\t").Append(task.Files?.Capacity ?? 0).Append("\nGroups:\t");
        foreach (Gid gid in credentials.Groups)
            text.Append(gid.Value).Append(' ');
        Levels(text, "NStgid", group.Leader.Pid, pids);
        Levels(text, "NSpid", task.Pid, pids);
        Levels(text, "NSpgid", group.ProcessGroup, pids);
        Levels(text, "NSsid", group.Session, pids);
        text.Append("\nKthread:\t").Append(task.IsKernelThread ? 1 : 0).Append('\n');
        if (task.Mm is { } mm)
            Memory(text, mm);
        text.Append("CoreDumping:\t").Append(task.ThreadGroup.CoreDump is null ? 0 : 1).Append("\nTHP_enabled:\t").Append(0).Append("\nuntag_mask:\t0xffffffffffffffff\n");
        Signals(text, task);
        text.Append("CapInh:\t").AppendHex(credentials.Inheritable, 16).Append("\nCapPrm:\t").AppendHex(credentials.Permitted, 16);
        text.Append("\nCapEff:\t").AppendHex(credentials.Effective, 16).Append("\nCapBnd:\t").AppendHex(credentials.Bounding, 16);
        text.Append("\nCapAmb:\t").AppendHex(credentials.Ambient, 16).Append("\nNoNewPrivs:\t").Append(task.NoNewPrivileges ? 1 : 0);
        text.Append("\nSeccomp:\t0\nSeccomp_filters:\t0");
        ulong allowed = task.Sched.Affinity & AllProcessors(task);
        text.Append("\nCpus_allowed:\t").AppendHex(allowed).Append("\nCpus_allowed_list:\t").Append(RangeList(allowed));
        text.Append("\nMems_allowed:\t1\nMems_allowed_list:\t0");
        UsageCounters usage = ProcessUsage.Of(task, whole: false);
        text.Append("\nvoluntary_ctxt_switches:\t").Append(usage.VoluntarySwitches);
        text.Append("\nnonvoluntary_ctxt_switches:\t").Append(usage.InvoluntarySwitches).Append('\n');
    }

    /// <summary>A set of processors as "0-2,5".</summary>
    public static string RangeList(ulong set)
    {
        var parts = new List<string>();
        for (int i = 0; i < 64; i++)
        {
            if ((set & (1UL << i)) == 0)
                continue;
            int start = i;
            while (i + 1 < 64 && (set & (1UL << (i + 1))) != 0)
                i++;
            parts.Add(start == i ? start.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{start}-{i}"));
        }

        return string.Join(',', parts);
    }

    private static ulong AllProcessors(Task task) =>
        task.Kernel.Processors.Length >= 64 ? ulong.MaxValue : (1UL << task.Kernel.Processors.Length) - 1;

    private static void Memory(GeneratedText text, MmStruct mm)
    {
        MmStatistics s = mm.Statistics;
        Line(text, "VmPeak", Math.Max(s.HighestTotal, s.TotalVm));
        Line(text, "VmSize", s.TotalVm);
        Line(text, "VmLck", s.LockedVm);
        Line(text, "VmPin", s.PinnedVm);
        Line(text, "VmHWM", Math.Max(s.HighestRss, s.Resident));
        Line(text, "VmRSS", s.Resident);
        Line(text, "RssAnon", s.Rss(RssKind.Anonymous));
        Line(text, "RssFile", s.Rss(RssKind.File));
        Line(text, "RssShmem", s.Rss(RssKind.Shmem));
        Line(text, "VmData", s.DataVm);
        Line(text, "VmStk", s.StackVm);
        ulong code = Page.AlignUp(mm.EndCode.Value) - Page.AlignDown(mm.StartCode.Value);
        Line(text, "VmExe", (long)(code >> Page.Shift));
        Line(text, "VmLib", Math.Max(s.ExecVm - (long)(code >> Page.Shift), 0));
        Line(text, "VmPTE", s.TableFrames);
        Line(text, "VmSwap", s.Rss(RssKind.Swap));
        text.Append("HugetlbPages:\t       0 kB\n");
    }

    private static void Signals(GeneratedText text, Task task)
    {
        ThreadGroup group = task.ThreadGroup;
        text.Append("Threads:\t").Append(group.Threads.Count);
        text.Append("\nSigQ:\t").Append(task.Kernel.Users[task.Credentials.Uid].PendingSignals).Append('/')
            .Append(group.Limit(ResourceLimit.SignalsPending).Soft);
        text.Append("\nSigPnd:\t").AppendHex(task.Pending.Set.Bits, 16);
        text.Append("\nShdPnd:\t").AppendHex(group.SharedPending.Set.Bits, 16);
        text.Append("\nSigBlk:\t").AppendHex(task.Blocked.Bits, 16);
        text.Append("\nSigIgn:\t").AppendHex(group.Handlers.Ignored.Bits, 16);
        text.Append("\nSigCgt:\t").AppendHex(group.Handlers.Caught.Bits, 16).Append('\n');
    }

    private static void Line(GeneratedText text, string name, long pages) =>
        text.Append(name).Append(":\t").AppendPadded(pages * 4, 8).Append(" kB\n");

    private static void Levels(GeneratedText text, string name, PidNumber pid, PidNamespace from)
    {
        text.Append('\n').Append(name).Append(':');
        foreach (int number in pid.NumbersFrom(from))
            text.Append('\t').Append(number);
    }

    private static string Octal4(uint value) => Convert.ToString(value & 0xfff, 8).PadLeft(4, '0');

    private static string StateName(char state) => state switch
    {
        'R' => " (running)",
        'S' => " (sleeping)",
        'D' => " (disk sleep)",
        'T' => " (stopped)",
        't' => " (tracing stop)",
        'Z' => " (zombie)",
        'I' => " (idle)",
        _ => " (dead)",
    };

    private static string Escape(string comm) => comm.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
