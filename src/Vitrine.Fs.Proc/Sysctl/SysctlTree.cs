using System.Globalization;
using Vitrine.Kernel;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Sysctl;

/// <summary>/proc/sys: settings of the kernel (proc_sys(5)). Every value is the kernel's own; what can't be changed yet is read-only.</summary>
internal static class SysctlTree
{
    private static readonly StaticEntry[] KernelEntries =
    [
        Text("ostype", _ => KernelVersion.OsType),
        Text("osrelease", _ => KernelVersion.Release),
        Text("version", _ => KernelVersion.Version),
        Setting("hostname", t => t.Namespaces.Uts.NodeName, SetHostName),
        Setting("domainname", t => t.Namespaces.Uts.DomainName, SetDomainName),
        Setting("pid_max", t => Number(t.Namespaces.Pid.Maximum), SetPidMaximum),
        Text("threads-max", t => Number(t.Kernel.Tasks.MaximumThreads)),
        Text("ngroups_max", _ => "65536"),
        Text("cap_last_cap", _ => Number((int)Capability.CheckpointRestore)),
        Text("overflowuid", _ => Number(Uid.Overflow.Value)),
        Text("overflowgid", _ => Number(Gid.Overflow.Value)),
        Setting("ns_last_pid", t => Number(t.Namespaces.Pid.Last), SetLastPid),
        Setting("core_pattern", t => t.Kernel.CorePattern, SetCorePattern),
        Setting("core_uses_pid", t => t.Kernel.CoreUsesPid ? "1" : "0", SetCoreUsesPid),
        Text("randomize_va_space", _ => "2"),
        Text("dmesg_restrict", _ => "0"),
        Text("kptr_restrict", _ => "0"),
        Text("perf_event_paranoid", _ => "4"),
        Text("printk", _ => "4\t4\t1\t7"),
        Setting("sched_rt_period_us", t => Number(t.Kernel.Scheduler.RealTimePeriod / 1000), SetRealTimePeriod),
        Setting("sched_rt_runtime_us", t => Number(t.Kernel.Scheduler.RealTimeRuntime < 0 ? -1 : t.Kernel.Scheduler.RealTimeRuntime / 1000), SetRealTimeRuntime),
        Text("sched_rr_timeslice_ms", _ => Number(Vitrine.Kernel.Sched.Scheduler.RoundRobinTurn / 1_000_000)),
        Text("tainted", _ => "0"),
        Text("unprivileged_bpf_disabled", _ => "2"),
        Directory("random", RandomEntries),
        .. IpcEntries.All,
        Directory("pty",
        [
            Setting("max", t => Number(t.Kernel.Terminals.PairMaximum), (t, value) => SetNumber(value, n => t.Kernel.Terminals.PairMaximum = n)),
            Setting("reserve", t => Number(t.Kernel.Terminals.PairReserve), (t, value) => SetNumber(value, n => t.Kernel.Terminals.PairReserve = n)),
            Text("nr", t => Number(t.Kernel.Terminals.PairCount)),
        ]),
    ];

    private static readonly StaticEntry[] DeviceEntries =
    [
        Directory("tty",
        [
            Setting("legacy_tiocsti", t => t.Kernel.Terminals.AllowsInsertion ? "1" : "0", SetInsertion),
            Text("ldisc_autoload", _ => "0"),
        ]),
    ];

    private static StaticEntry[] RandomEntries =>
    [
        Text("boot_id", t => t.Kernel.BootId),
        Text("entropy_avail", _ => "256"),
        Text("poolsize", _ => "256"),
        Text("uuid", t => KernelInstance.RandomUuid(t.Kernel.Entropy)),
    ];

    private static readonly StaticEntry[] VmEntries =
    [
        Count("max_map_count", t => t.Kernel.Memory.MaximumAreas, (t, value) => t.Kernel.Memory.MaximumAreas = (int)value, 0, int.MaxValue),
        Text("mmap_min_addr", _ => Number(Vitrine.Kernel.Mm.MmStruct.MinimumAddress)),
        Text("overcommit_memory", _ => "0"),
        Text("overcommit_ratio", _ => "50"),
        Text("overcommit_kbytes", _ => "0"),
        Text("nr_hugepages", _ => "0"),
        Text("oom_kill_allocating_task", _ => "0"),
        Text("panic_on_oom", _ => "0"),
    ];

    private static readonly StaticEntry[] FsEntries =
    [
        Text("aio-nr", t => Number(t.Kernel.AioEvents)),
        Text("aio-max-nr", _ => Number(Vitrine.Kernel.Syscalls.Ipc.AioCalls.MaximumEvents)),
        Count("file-max", t => t.Kernel.Vfs.Settings.FileMaximum, (t, value) => t.Kernel.Vfs.Settings.FileMaximum = value, 0, long.MaxValue),
        Text("file-nr", t => $"{Number(t.Kernel.Audit.LiveFiles)}\t0\t{Number(t.Kernel.Vfs.Settings.FileMaximum)}"),
        Count("nr_open", t => t.Kernel.Vfs.Settings.NrOpen, (t, value) => t.Kernel.Vfs.Settings.NrOpen = (int)value, 8, 1 << 30),
        Count("mount-max", t => t.Kernel.Vfs.Settings.MountMaximum, (t, value) => t.Kernel.Vfs.Settings.MountMaximum = (int)value, 1, int.MaxValue),
        Count("pipe-max-size", t => t.Kernel.Vfs.Settings.PipeMaximumSize, (t, value) => t.Kernel.Vfs.Settings.PipeMaximumSize = (int)Math.Min(global::System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)value), 1 << 30), 4096, 1L << 31),
        Text("overflowuid", _ => Number(Uid.Overflow.Value)),
        Text("overflowgid", _ => Number(Gid.Overflow.Value)),
        Directory("inotify",
        [
            Count("max_queued_events", t => t.Kernel.Vfs.Settings.InotifyMaximumEvents, (t, value) => t.Kernel.Vfs.Settings.InotifyMaximumEvents = (int)value, 0, int.MaxValue),
            Count("max_user_instances", t => t.Kernel.Vfs.Settings.InotifyMaximumInstances, (t, value) => t.Kernel.Vfs.Settings.InotifyMaximumInstances = (int)value, 0, int.MaxValue),
            Count("max_user_watches", t => t.Kernel.Vfs.Settings.InotifyMaximumWatches, (t, value) => t.Kernel.Vfs.Settings.InotifyMaximumWatches = (int)value, 0, int.MaxValue),
        ]),
        Directory("fanotify",
        [
            Count("max_queued_events", t => t.Kernel.Vfs.Settings.FanotifyMaximumEvents, (t, value) => t.Kernel.Vfs.Settings.FanotifyMaximumEvents = (int)value, 0, int.MaxValue),
            Count("max_user_groups", t => t.Kernel.Vfs.Settings.FanotifyMaximumGroups, (t, value) => t.Kernel.Vfs.Settings.FanotifyMaximumGroups = (int)value, 0, int.MaxValue),
            Count("max_user_marks", t => t.Kernel.Vfs.Settings.FanotifyMaximumMarks, (t, value) => t.Kernel.Vfs.Settings.FanotifyMaximumMarks = (int)value, 0, int.MaxValue),
        ]),
        Directory("mqueue", IpcEntries.Mqueue),
        Count("lease-break-time", t => t.Kernel.Vfs.Settings.LeaseBreakTime, (t, value) => t.Kernel.Vfs.Settings.LeaseBreakTime = (int)value, 0, int.MaxValue),
        Count("leases-enable", t => t.Kernel.Vfs.Settings.LeasesEnabled ? 1 : 0, (t, value) => t.Kernel.Vfs.Settings.LeasesEnabled = value != 0, 0, int.MaxValue),
        Count("dir-notify-enable", t => t.Kernel.Vfs.Settings.DirectoryNotifyEnabled ? 1 : 0, (t, value) => t.Kernel.Vfs.Settings.DirectoryNotifyEnabled = value != 0, 0, int.MaxValue),
        Count("protected_symlinks", t => t.Kernel.Vfs.Settings.ProtectedSymlinks, (t, value) => t.Kernel.Vfs.Settings.ProtectedSymlinks = (int)value, 0, 1),
        Count("protected_hardlinks", t => t.Kernel.Vfs.Settings.ProtectedHardlinks, (t, value) => t.Kernel.Vfs.Settings.ProtectedHardlinks = (int)value, 0, 1),
        Count("protected_fifos", t => t.Kernel.Vfs.Settings.ProtectedFifos, (t, value) => t.Kernel.Vfs.Settings.ProtectedFifos = (int)value, 0, 2),
        Count("protected_regular", t => t.Kernel.Vfs.Settings.ProtectedRegular, (t, value) => t.Kernel.Vfs.Settings.ProtectedRegular = (int)value, 0, 2),
    ];

    private static readonly StaticEntry[] NetEntries =
    [
        Directory("core", [Text("somaxconn", _ => "4096"), Text("wmem_default", _ => "212992"), Text("rmem_default", _ => "212992"), Text("wmem_max", _ => "212992"), Text("rmem_max", _ => "212992")]),
        Directory("unix", [Text("max_dgram_qlen", _ => "10")]),
    ];

    public static GeneratedInode Make(GeneratedSuperBlock superBlock) => new StaticDirectory(
        superBlock, [Directory("dev", DeviceEntries), Directory("fs", FsEntries), Directory("kernel", KernelEntries), Directory("net", NetEntries), Directory("vm", VmEntries)]);

    private static StaticEntry Directory(string name, StaticEntry[] entries) =>
        new(name, FileMode.Directory, sb => new StaticDirectory(sb, entries));

    private static StaticEntry Text(string name, Func<Task, string> value) =>
        new(name, FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, (current, text) => text.Line(value(current))));

    internal static StaticEntry Setting(string name, Func<Task, string> value, Func<Task, string, Errno> store) =>
        new(name, FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadWriteMode, (current, text) => text.Line(value(current)), store));

    /// <summary>A number that root can set within bounds (proc_doulongvec_minmax).</summary>
    internal static StaticEntry Count(string name, Func<Task, long> value, Action<Task, long> store, long minimum, long maximum) =>
        Setting(
            name,
            task => Number(value(task)),
            (task, text) =>
            {
                if (!long.TryParse(text.AsSpan().Trim().TrimEnd('\0'), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
                    return Errno.EINVAL;
                if (number < minimum || number > maximum)
                    return Errno.EINVAL;
                store(task, number);
                return Errno.Success;
            });

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    private static Errno SetHostName(Task current, string value)
    {
        UtsNamespace uts = current.Namespaces.Uts;
        if (!current.Credentials.IsCapable(uts.Owner!, Capability.SysAdmin))
            return Errno.EPERM;
        string name = value.TrimEnd('\n');
        uts.NodeName = name.Length <= 64 ? name : name[..64];
        return Errno.Success;
    }

    private static Errno SetDomainName(Task current, string value)
    {
        UtsNamespace uts = current.Namespaces.Uts;
        if (!current.Credentials.IsCapable(uts.Owner!, Capability.SysAdmin))
            return Errno.EPERM;
        string name = value.TrimEnd('\n');
        uts.DomainName = name.Length <= 64 ? name : name[..64];
        return Errno.Success;
    }

    private static Errno SetInsertion(Task current, string value)
    {
        switch (value.Trim())
        {
            case "0":
                current.Kernel.Terminals.AllowsInsertion = false;
                return Errno.Success;
            case "1":
                current.Kernel.Terminals.AllowsInsertion = true;
                return Errno.Success;
            default:
                return Errno.EINVAL;
        }
    }

    private static Errno SetNumber(string value, Action<int> set)
    {
        if (!int.TryParse(value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return Errno.EINVAL;
        set(number);
        return Errno.Success;
    }

    /// <summary>The next process gets the number after it, for restoring (CAP_CHECKPOINT_RESTORE).</summary>
    private static Errno SetLastPid(Task current, string value)
    {
        PidNamespace pids = current.Namespaces.Pid;
        if (!current.Credentials.IsCapable(pids.Owner!, Capability.CheckpointRestore) && !current.Credentials.IsCapable(pids.Owner!, Capability.SysAdmin))
            return Errno.EPERM;
        if (!int.TryParse(value.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number > pids.Maximum)
            return Errno.EINVAL;
        pids.Last = number;
        return Errno.Success;
    }

    private static Errno SetPidMaximum(Task current, string value)
    {
        if (!int.TryParse(value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int maximum))
            return Errno.EINVAL;
        // At least 301 (RESERVED_PIDS + 1), at most 4 Mi.
        if (maximum is < 301 or > PidNamespace.DefaultMaximum)
            return Errno.EINVAL;
        current.Namespaces.Pid.Maximum = maximum;
        return Errno.Success;
    }

    private static Errno SetRealTimePeriod(Task current, string value)
    {
        if (!int.TryParse(value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int microseconds) || microseconds < 1)
            return Errno.EINVAL;
        Vitrine.Kernel.Sched.Scheduler scheduler = current.Kernel.Scheduler;
        if (microseconds * 1000L < scheduler.RealTimeRuntime)
            return Errno.EINVAL;
        scheduler.RealTimePeriod = microseconds * 1000L;
        return Errno.Success;
    }

    private static Errno SetRealTimeRuntime(Task current, string value)
    {
        if (!int.TryParse(value.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int microseconds) || microseconds < -1)
            return Errno.EINVAL;
        Vitrine.Kernel.Sched.Scheduler scheduler = current.Kernel.Scheduler;
        if (microseconds * 1000L > scheduler.RealTimePeriod)
            return Errno.EINVAL;
        scheduler.RealTimeRuntime = microseconds < 0 ? -1 : microseconds * 1000L;
        return Errno.Success;
    }

    private static Errno SetCorePattern(Task current, string value)
    {
        value = value.TrimEnd('\n');

        // Pipes to a helper program are not there yet.
        if (value.Length > 127 || value.StartsWith('|'))
            return Errno.EINVAL;
        current.Kernel.CorePattern = value;
        return Errno.Success;
    }

    private static Errno SetCoreUsesPid(Task current, string value)
    {
        if (!int.TryParse(value.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number))
            return Errno.EINVAL;
        current.Kernel.CoreUsesPid = number != 0;
        return Errno.Success;
    }
}
