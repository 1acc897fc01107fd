namespace Vitrine.Kernel.Mm;

/// <summary>What an address space is counted for, in pages: /proc/PID/status and statm show it.</summary>
internal sealed class MmStatistics
{
    private long _file;
    private long _anonymous;
    private long _swap;
    private long _shmem;

    /// <summary>All mappings.</summary>
    public long TotalVm { get; set; }

    public long LockedVm { get; set; }

    public long PinnedVm { get; set; }

    /// <summary>Private writable mappings that are not stacks (RLIMIT_DATA).</summary>
    public long DataVm { get; set; }

    public long ExecVm { get; set; }

    public long StackVm { get; set; }

    public long HighestTotal { get; set; }

    public long HighestRss { get; set; }

    /// <summary>Frames of page tables.</summary>
    public long TableFrames { get; set; }

    /// <summary>Resident pages (without swap entries).</summary>
    public long Resident => _file + _anonymous + _shmem;

    public long Rss(RssKind kind) => kind switch
    {
        RssKind.File => _file,
        RssKind.Anonymous => _anonymous,
        RssKind.Swap => _swap,
        _ => _shmem,
    };

    public void AddRss(RssKind kind, long delta)
    {
        switch (kind)
        {
            case RssKind.File:
                _file += delta;
                break;
            case RssKind.Anonymous:
                _anonymous += delta;
                break;
            case RssKind.Swap:
                _swap += delta;
                break;
            default:
                _shmem += delta;
                break;
        }

        if (delta > 0 && Resident > HighestRss)
            HighestRss = Resident;
    }

    /// <summary>Counts a mapping of a kind in or out.</summary>
    public void AddArea(VmFlags flags, long pages)
    {
        TotalVm += pages;
        if (TotalVm > HighestTotal)
            HighestTotal = TotalVm;
        if ((flags & VmFlags.GrowsDown) != 0)
            StackVm += pages;
        else if ((flags & (VmFlags.Execute | VmFlags.Write)) == VmFlags.Execute)
            ExecVm += pages;
        else if (IsData(flags))
            DataVm += pages;
    }

    /// <summary>Private, writable, no stack (is_data_mapping).</summary>
    public static bool IsData(VmFlags flags) =>
        (flags & (VmFlags.Write | VmFlags.Shared | VmFlags.GrowsDown)) == VmFlags.Write;
}
