namespace Vitrine.Kernel.Mm;

/// <summary>One line of /proc/meminfo: kilobytes, or a plain number.</summary>
internal readonly record struct MemInfoLine(string Name, long Value, bool IsKilobytes = true);

/// <summary>What /proc/meminfo, sysinfo(2) and free(1) show, taken at one moment.</summary>
internal static class MemInfo
{
    private const int KilobytesShift = Page.Shift - 10;

    /// <summary>Pages that could be had without swapping (si_mem_available).</summary>
    public static long AvailablePages(PhysicalMemory memory)
    {
        VmStatistics vm = memory.Vm;
        long reserve = 0;
        long low = 0;
        foreach (Zone zone in memory.Zones)
        {
            reserve += Math.Min(zone.WatermarkHigh + zone.LowReserve, zone.Managed);
            low += zone.WatermarkLow;
        }

        long available = vm[VmCounter.FreePages] - reserve;
        long cache = vm[VmCounter.ActiveFile] + vm[VmCounter.InactiveFile];
        available += cache - Math.Min(cache / 2, low);
        return Math.Max(available, 0);
    }

    /// <summary>All lines in Linux's order.</summary>
    public static MemInfoLine[] Collect(KernelInstance kernel)
    {
        PhysicalMemory memory = kernel.Memory;
        VmStatistics vm = memory.Vm;
        long objects = kernel.RootCgroup.KernelMemory >> 10;
        long inactiveAnon = vm[VmCounter.InactiveAnon] + vm[VmCounter.AnonPages];
        return
        [
            new("MemTotal", Kb(memory.TotalFrames)),
            new("MemFree", Kb(vm[VmCounter.FreePages])),
            new("MemAvailable", Kb(AvailablePages(memory))),
            new("Buffers", 0),
            new("Cached", Kb(vm[VmCounter.FilePages])),
            new("SwapCached", 0),
            new("Active", Kb(vm[VmCounter.ActiveAnon] + vm[VmCounter.ActiveFile])),
            new("Inactive", Kb(inactiveAnon + vm[VmCounter.InactiveFile])),
            new("Active(anon)", Kb(vm[VmCounter.ActiveAnon])),
            new("Inactive(anon)", Kb(inactiveAnon)),
            new("Active(file)", Kb(vm[VmCounter.ActiveFile])),
            new("Inactive(file)", Kb(vm[VmCounter.InactiveFile])),
            new("Unevictable", Kb(vm[VmCounter.Unevictable])),
            new("Mlocked", Kb(vm[VmCounter.Mlock])),
            new("SwapTotal", 0),
            new("SwapFree", 0),
            new("Dirty", Kb(vm[VmCounter.Dirty])),
            new("Writeback", Kb(vm[VmCounter.Writeback])),
            new("AnonPages", Kb(vm[VmCounter.AnonPages])),
            new("Mapped", Kb(vm[VmCounter.Mapped])),
            new("Shmem", Kb(vm[VmCounter.Shmem])),
            new("KReclaimable", 0),
            new("Slab", objects),
            new("SReclaimable", 0),
            new("SUnreclaim", objects),
            new("KernelStack", Kb(vm[VmCounter.KernelStack])),
            new("PageTables", Kb(vm[VmCounter.PageTablePages])),
            new("SecPageTables", 0),
            new("NFS_Unstable", 0),
            new("Bounce", 0),
            new("WritebackTmp", 0),
            new("CommitLimit", Kb((long)memory.CommitLimit)),
            new("Committed_AS", Kb((long)memory.Committed)),
            new("VmallocTotal", 34359738367),
            new("VmallocUsed", 0),
            new("VmallocChunk", 0),
            new("Percpu", 0),
            new("AnonHugePages", 0),
            new("ShmemHugePages", 0),
            new("ShmemPmdMapped", 0),
            new("FileHugePages", 0),
            new("FilePmdMapped", 0),
            new("HugePages_Total", 0, false),
            new("HugePages_Free", 0, false),
            new("HugePages_Rsvd", 0, false),
            new("HugePages_Surp", 0, false),
            new("Hugepagesize", (long)(Page.HugeSize >> 10)),
            new("Hugetlb", 0),
            new("DirectMap4k", (long)(memory.Ram.Length >> 10)),
            new("DirectMap2M", 0),
            new("DirectMap1G", 0),
        ];
    }

    /// <summary>The lines of the only memory node (/sys/devices/system/node/node0/meminfo) in Linux's order.</summary>
    public static MemInfoLine[] CollectNode(KernelInstance kernel)
    {
        MemInfoLine[] all = Collect(kernel);
        string[] names =
        [
            "MemTotal", "MemFree", "MemUsed", "SwapCached", "Active", "Inactive", "Active(anon)", "Inactive(anon)", "Active(file)",
            "Inactive(file)", "Unevictable", "Mlocked", "Dirty", "Writeback", "FilePages", "Mapped", "AnonPages", "Shmem", "KernelStack",
            "PageTables", "SecPageTables", "NFS_Unstable", "Bounce", "WritebackTmp", "KReclaimable", "Slab", "SReclaimable", "SUnreclaim",
            "AnonHugePages", "ShmemHugePages", "ShmemPmdMapped", "FileHugePages", "FilePmdMapped", "HugePages_Total", "HugePages_Free",
            "HugePages_Surp",
        ];
        return Array.ConvertAll(names, name => name switch
        {
            "MemUsed" => new MemInfoLine(name, Find("MemTotal").Value - Find("MemFree").Value),
            "FilePages" => new MemInfoLine(name, Find("Cached").Value),
            _ => Find(name),
        });

        MemInfoLine Find(string name) => Array.Find(all, line => line.Name == name);
    }

    private static long Kb(long pages) => pages << KilobytesShift;
}
