using System.Globalization;
using Vitrine.Fs.Proc.Process;
using Vitrine.Fs.Proc.Sysctl;
using Vitrine.Fs.Proc.System;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc;

/// <summary>The root: the fixed entries, then a directory per process.</summary>
internal sealed class ProcRoot(ProcSuperBlock superBlock) : StaticDirectory(superBlock, Entries)
{
    private const long FirstProcess = 256;

    private static readonly StaticEntry[] Entries =
    [
        new("self", FileMode.Symlink, sb => new TextSymlink(sb, current => NumberOf((ProcSuperBlock)sb, current.ThreadGroup.Leader))),
        new("thread-self", FileMode.Symlink, sb => new TextSymlink(sb, current => ThreadLink((ProcSuperBlock)sb, current))),
        new("buddyinfo", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MemoryFiles.BuddyInfo)),
        new("cgroups", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MachineFiles.Cgroups)),
        new("cmdline", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MachineFiles.CommandLine)),
        new("config.gz", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MachineFiles.Configuration)),
        new("cpuinfo", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, ProcessorFiles.CpuInfo)),
        new("devices", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MachineFiles.Devices)),
        new("filesystems", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MachineFiles.FileSystems)),
        new("loadavg", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, ProcessorFiles.LoadAverages)),
        new("locks", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MachineFiles.Locks)),
        new("meminfo", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MemoryFiles.MemInfo)),
        new("misc", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, (_, _) => { })),
        new("modules", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, (_, _) => { })),
        new("mounts", FileMode.Symlink, sb => new TextSymlink(sb, _ => "self/mounts")),
        new("net", FileMode.Symlink, sb => new TextSymlink(sb, _ => "self/net")),
        new("partitions", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MachineFiles.Partitions)),
        new("diskstats", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MachineFiles.DiskStatistics)),
        new("stat", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, ProcessorFiles.Stat)),
        new("swaps", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MemoryFiles.Swaps)),
        new("sys", FileMode.Directory, SysctlTree.Make),
        new("sysvipc", FileMode.Directory, SysVFiles.Make),
        new("sysrq-trigger", FileMode.Regular, sb => new SimpleText(sb, (FileMode)0x80, static (_, _) => { }, MachineFiles.TriggerSysRq)),
        new("tty", FileMode.Directory, TerminalFiles.Make),
        new("schedstat", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, ProcessorFiles.SchedulerStatistics)),
        new("uptime", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, ProcessorFiles.Uptime)),
        new("version", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MachineFiles.Version)),
        new("vmstat", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MemoryFiles.VmStat)),
        new("zoneinfo", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, MemoryFiles.ZoneInfo)),
    ];

    protected override GeneratedInode? Find(Task current, FileName name)
    {
        if (base.Find(current, name) is { } entry)
            return entry;
        if (ParseNumber(name) is not { } number || superBlock.Pids.Find(number)?.Task is not { } task)
            return null;
        // A thread that is no leader can be looked up, but is not listed (proc(5)).
        if (superBlock.Options.HidePid == 2 && !ProcessAccess.MaySee(current, task, superBlock))
            return null;
        return new ProcessDirectory(superBlock, task, isThread: false);
    }

    public override void List(Task current, GeneratedListing listing)
    {
        base.List(current, listing);
        foreach (KeyValuePair<int, PidNumber> entry in superBlock.Pids.All)
        {
            if (listing.IsFull)
                return;
            if (FirstProcess + entry.Key < listing.Position || entry.Value.Task is not { IsLeader: true } task)
                continue;
            if (superBlock.Options.HidePid == 2 && !ProcessAccess.MaySee(current, task, superBlock))
                continue;
            listing.Add(
                FirstProcess + entry.Key, entry.Key.ToString(CultureInfo.InvariantCulture), ProcessDirectory.InodeOf(task), FileMode.Directory);
        }
    }

    /// <summary>A decimal process number without leading zeros.</summary>
    internal static int? ParseNumber(FileName name)
    {
        ReadOnlySpan<byte> bytes = name.Bytes;
        if (bytes.Length is 0 or > 9 || (bytes[0] == '0' && bytes.Length > 1))
            return null;
        int value = 0;
        foreach (byte b in bytes)
        {
            if (b is < (byte)'0' or > (byte)'9')
                return null;
            value = (value * 10) + (b - '0');
        }

        return value;
    }

    private static string? NumberOf(ProcSuperBlock superBlock, Task task)
    {
        int number = task.Pid.In(superBlock.Pids);
        return number == 0 ? null : number.ToString(CultureInfo.InvariantCulture);
    }

    private static string? ThreadLink(ProcSuperBlock superBlock, Task task) =>
        NumberOf(superBlock, task.ThreadGroup.Leader) is { } leader ? $"{leader}/task/{NumberOf(superBlock, task)}" : null;
}
