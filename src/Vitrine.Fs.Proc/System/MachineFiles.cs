using Vitrine.Kernel;
using Vitrine.Kernel.Drivers.Block;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.System;

/// <summary>version, cmdline, filesystems, devices, partitions, cgroups, locks (proc(5)).</summary>
internal static class MachineFiles
{
    public static void Version(Task current, GeneratedText text) => text.Line(KernelVersion.Banner);

    public static void CommandLine(Task current, GeneratedText text) => text.Line(current.Kernel.CommandLine);

    /// <summary>The kernel's configuration, compressed as with CONFIG_IKCONFIG_PROC.</summary>
    public static void Configuration(Task current, GeneratedText text)
    {
        using var packed = new global::System.IO.MemoryStream();
        using (var gzip = new global::System.IO.Compression.GZipStream(packed, global::System.IO.Compression.CompressionLevel.Optimal))
            gzip.Write(global::System.Text.Encoding.ASCII.GetBytes(KernelConfig.Text()));
        text.Append(packed.ToArray().AsSpan());
    }

    public static void FileSystems(Task current, GeneratedText text)
    {
        foreach (FileSystemType type in current.Kernel.FileSystems.All)
            text.Append(type.NeedsNoDevice ? "nodev" : "").Append('\t').Line(type.Name);
    }

    public static void Devices(Task current, GeneratedText text)
    {
        text.Line("Character devices:");
        foreach (DeviceRange range in current.Kernel.Devices.Characters)
            text.AppendPadded(range.Major, 3).Append(' ').Line(range.Name);
        text.Append('\n').Line("Block devices:");
        foreach (DeviceRange range in current.Kernel.Devices.Blocks)
            text.AppendPadded(range.Major, 3).Append(' ').Line(range.Name);
    }

    /// <summary>What is written to sysrq-trigger: c crashes the kernel; other letters have no action here, which the log says.</summary>
    public static Errno TriggerSysRq(Task current, string letters)
    {
        if (letters.StartsWith('c'))
            throw new Vitrine.Kernel.Async.KernelPanicException("sysrq triggered crash");
        current.Kernel.Log.Info("sysrq: HELP : crash(c)");
        return Errno.Success;
    }

    /// <summary>The disks that have a medium, in KiB.</summary>
    public static void Partitions(Task current, GeneratedText text)
    {
        text.Append("major minor  #blocks  name\n\n");
        for (int i = 0; i < LoopDevices.Count; i++)
        {
            BlockDevice disk = current.Kernel.LoopDevices[i];
            if (disk.Size > 0)
                text.Line($"{disk.Number.Major,4}  {disk.Number.Minor,7} {disk.Size >> 10,10} {disk.Name}");
        }
    }

    /// <summary>Requests, merged ones, sectors of 512 bytes and milliseconds: read, written; under way, busy, weighted; discarded; flushed.</summary>
    public static void DiskStatistics(Task current, GeneratedText text)
    {
        const long Millisecond = 1_000_000;
        for (int i = 0; i < LoopDevices.Count; i++)
        {
            BlockDevice disk = current.Kernel.LoopDevices[i];
            BlockStatistics s = disk.Statistics;
            text.Append($"{disk.Number.Major,4} {disk.Number.Minor,7} {disk.Name}");
            text.Append(' ').Append(s.Reads.Requests).Append(" 0 ").Append(s.Reads.Sectors).Append(' ').Append(s.Reads.Time / Millisecond);
            text.Append(' ').Append(s.Writes.Requests).Append(" 0 ").Append(s.Writes.Sectors).Append(' ').Append(s.Writes.Time / Millisecond);
            text.Append(' ').Append(s.InFlight).Append(' ').Append(s.BusyTime / Millisecond).Append(' ').Append(s.WeightedTime / Millisecond);
            text.Append(" 0 0 0 0 ").Append(s.Flushes.Requests).Append(' ').Append(s.Flushes.Time / Millisecond).Append('\n');
        }
    }

    public static void Cgroups(Task current, GeneratedText text) => text.Line("#subsys_name\thierarchy\tnum_cgroups\tenabled");

    public static void Locks(Task current, GeneratedText text)
    {
        var lines = new global::System.Text.StringBuilder();
        VirtualFileSystem vfs = current.Kernel.Vfs;
        vfs.Locks.Write(lines, group => group.Leader.Pid.In(current.Namespaces.Pid));
        vfs.Leases.Write(lines, vfs.Locks.Count + 1, group => group.Leader.Pid.In(current.Namespaces.Pid));
        text.Append(lines.ToString());
    }
}
