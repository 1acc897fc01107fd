using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.System;

/// <summary>meminfo, vmstat, buddyinfo, zoneinfo, swaps (proc(5)).</summary>
internal static class MemoryFiles
{
    private const int NameWidth = 16;
    private const int ValueWidth = 8;

    public static void MemInfo(Task current, GeneratedText text)
    {
        PhysicalMemory memory = current.Kernel.Memory;
        VmStatistics vm = memory.Vm;
        long watermarks = 0;
        foreach (Zone zone in memory.Zones)
            watermarks += zone.WatermarkLow;
        long fileCache = vm[VmCounter.InactiveFile] + vm[VmCounter.ActiveFile];
        long available = Math.Max(0, memory.FreeFrames - watermarks + fileCache - Math.Min(fileCache / 2, watermarks));
        long cached = Math.Max(0, vm[VmCounter.FilePages]);
        Line(text, "MemTotal", memory.TotalFrames);
        Line(text, "MemFree", memory.FreeFrames);
        Line(text, "MemAvailable", available);
        Line(text, "Buffers", 0);
        Line(text, "Cached", cached);
        Line(text, "SwapCached", 0);
        Line(text, "Active", vm[VmCounter.ActiveAnon] + vm[VmCounter.ActiveFile]);
        Line(text, "Inactive", vm[VmCounter.InactiveAnon] + vm[VmCounter.InactiveFile]);
        Line(text, "Active(anon)", vm[VmCounter.ActiveAnon]);
        Line(text, "Inactive(anon)", vm[VmCounter.InactiveAnon]);
        Line(text, "Active(file)", vm[VmCounter.ActiveFile]);
        Line(text, "Inactive(file)", vm[VmCounter.InactiveFile]);
        Line(text, "Unevictable", vm[VmCounter.Unevictable]);
        Line(text, "Mlocked", vm[VmCounter.Mlock]);
        Line(text, "SwapTotal", 0);
        Line(text, "SwapFree", 0);
        Line(text, "Dirty", vm[VmCounter.Dirty]);
        Line(text, "Writeback", vm[VmCounter.Writeback]);
        Line(text, "AnonPages", vm[VmCounter.AnonPages]);
        Line(text, "Mapped", vm[VmCounter.Mapped]);
        Line(text, "Shmem", vm[VmCounter.Shmem]);
        // Kernel objects live outside guest RAM; what cgroups are charged for them is what slabs would hold.
        long slab = current.Kernel.RootCgroup.KernelMemory >> 12;
        Line(text, "KReclaimable", 0);
        Line(text, "Slab", slab);
        Line(text, "SReclaimable", 0);
        Line(text, "SUnreclaim", slab);
        text.AppendKilobytes("KernelStack:", 0, NameWidth, ValueWidth);
        Line(text, "PageTables", vm[VmCounter.PageTablePages]);
        Line(text, "NFS_Unstable", 0);
        Line(text, "Bounce", 0);
        Line(text, "WritebackTmp", 0);
        Line(text, "CommitLimit", memory.TotalFrames / 2);
        Line(text, "Committed_AS", (long)memory.Committed);
        text.AppendKilobytes("VmallocTotal:", 34359738367, NameWidth - 1, 11);
        Line(text, "VmallocUsed", 0);
        Line(text, "VmallocChunk", 0);
        Line(text, "Percpu", 0);
        Line(text, "AnonHugePages", 0);
        Line(text, "ShmemHugePages", 0);
        Line(text, "ShmemPmdMapped", 0);
        Line(text, "FileHugePages", 0);
        Line(text, "FilePmdMapped", 0);
        text.Append("HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n");
        text.AppendKilobytes("Hugepagesize:", 2048, NameWidth, ValueWidth);
        text.AppendKilobytes("Hugetlb:", 0, NameWidth, ValueWidth);
    }

    public static void VmStat(Task current, GeneratedText text)
    {
        VmStatistics vm = current.Kernel.Memory.Vm;
        for (VmCounter counter = 0; counter < VmCounter.Count; counter++)
            text.Append(VmStatistics.NameOf(counter)).Append(' ').Append(vm[counter]).Append('\n');
    }

    public static void BuddyInfo(Task current, GeneratedText text)
    {
        foreach (Zone zone in current.Kernel.Memory.Zones)
        {
            text.Append("Node 0, zone ").Append(zone.Name.PadLeft(8)).Append(' ');
            for (int order = 0; order < Zone.Orders; order++)
                text.AppendPadded(zone.FreeBlocks(order), 6).Append(' ');
            text.Append('\n');
        }
    }

    public static void ZoneInfo(Task current, GeneratedText text)
    {
        foreach (Zone zone in current.Kernel.Memory.Zones)
        {
            text.Append("Node 0, zone ").Append(zone.Name.PadLeft(8)).Append("\n  pages free     ").Append(zone.Free);
            text.Append("\n        min      ").Append(zone.WatermarkMin).Append("\n        low      ").Append(zone.WatermarkLow);
            text.Append("\n        high     ").Append(zone.WatermarkHigh).Append("\n        spanned  ").Append(zone.Spanned);
            text.Append("\n        present  ").Append(zone.Spanned).Append("\n        managed  ").Append(zone.Managed);
            text.Append("\n  start_pfn:           ").Append(zone.Start).Append('\n');
        }
    }

    public static void Swaps(Task current, GeneratedText text) =>
        text.Append("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");

    private static void Line(GeneratedText text, string name, long pages) =>
        text.AppendKilobytes(name + ":", (ulong)Math.Max(pages, 0) * 4, NameWidth, ValueWidth);
}
