using System.Runtime.CompilerServices;

namespace Vitrine.Kernel.Mm;

/// <summary>Gauges and event counters, in the order of /proc/vmstat.</summary>
internal enum VmCounter
{
    FreePages = 0,
    InactiveAnon,
    ActiveAnon,
    InactiveFile,
    ActiveFile,
    Unevictable,
    Mlock,
    Slab,
    AnonPages,
    Mapped,
    FilePages,
    Dirty,
    Writeback,
    Shmem,
    PageTablePages,
    WorkingsetRefault,
    WorkingsetActivate,
    KernelStack,
    Dirtied,
    Written,
    PageIn,
    PageOut,
    SwapIn,
    SwapOut,
    AllocDma,
    AllocDma32,
    AllocNormal,
    AllocMovable,
    AllocStallNormal,
    PageFree,
    PageActivate,
    PageDeactivate,
    PageLazyFree,
    PageFault,
    MajorFault,
    LazyFreed,
    Refill,
    Reuse,
    StealKswapd,
    StealDirect,
    ScanKswapd,
    ScanDirect,
    DropPageCache,
    DropSlab,
    OomKill,
    UnevictableMlocked,
    UnevictableMunlocked,
    Count,
}

/// <summary>The counters of memory management, kept true as things happen. Pages unless the name says else.</summary>
internal sealed class VmStatistics
{
    private Values _values;

    public long this[VmCounter counter]
    {
        get => _values[(int)counter];
        set => _values[(int)counter] = value;
    }

    public void Add(VmCounter counter, long delta) => _values[(int)counter] += delta;

    /// <summary>The name of a counter in /proc/vmstat.</summary>
    public static string NameOf(VmCounter counter) => counter switch
    {
        VmCounter.FreePages => "nr_free_pages",
        VmCounter.InactiveAnon => "nr_inactive_anon",
        VmCounter.ActiveAnon => "nr_active_anon",
        VmCounter.InactiveFile => "nr_inactive_file",
        VmCounter.ActiveFile => "nr_active_file",
        VmCounter.Unevictable => "nr_unevictable",
        VmCounter.Mlock => "nr_mlock",
        VmCounter.Slab => "nr_slab_unreclaimable",
        VmCounter.AnonPages => "nr_anon_pages",
        VmCounter.Mapped => "nr_mapped",
        VmCounter.FilePages => "nr_file_pages",
        VmCounter.Dirty => "nr_dirty",
        VmCounter.Writeback => "nr_writeback",
        VmCounter.Shmem => "nr_shmem",
        VmCounter.PageTablePages => "nr_page_table_pages",
        VmCounter.WorkingsetRefault => "workingset_refault_file",
        VmCounter.WorkingsetActivate => "workingset_activate_file",
        VmCounter.KernelStack => "nr_kernel_stack",
        VmCounter.Dirtied => "nr_dirtied",
        VmCounter.Written => "nr_written",
        VmCounter.PageIn => "pgpgin",
        VmCounter.PageOut => "pgpgout",
        VmCounter.SwapIn => "pswpin",
        VmCounter.SwapOut => "pswpout",
        VmCounter.AllocDma => "pgalloc_dma",
        VmCounter.AllocDma32 => "pgalloc_dma32",
        VmCounter.AllocNormal => "pgalloc_normal",
        VmCounter.AllocMovable => "pgalloc_movable",
        VmCounter.AllocStallNormal => "allocstall_normal",
        VmCounter.PageFree => "pgfree",
        VmCounter.PageActivate => "pgactivate",
        VmCounter.PageDeactivate => "pgdeactivate",
        VmCounter.PageLazyFree => "pglazyfree",
        VmCounter.PageFault => "pgfault",
        VmCounter.MajorFault => "pgmajfault",
        VmCounter.LazyFreed => "pglazyfreed",
        VmCounter.Refill => "pgrefill",
        VmCounter.Reuse => "pgreuse",
        VmCounter.StealKswapd => "pgsteal_kswapd",
        VmCounter.StealDirect => "pgsteal_direct",
        VmCounter.ScanKswapd => "pgscan_kswapd",
        VmCounter.ScanDirect => "pgscan_direct",
        VmCounter.DropPageCache => "drop_pagecache",
        VmCounter.DropSlab => "drop_slab",
        VmCounter.OomKill => "oom_kill",
        VmCounter.UnevictableMlocked => "unevictable_pgs_mlocked",
        VmCounter.UnevictableMunlocked => "unevictable_pgs_munlocked",
        _ => throw new ArgumentOutOfRangeException(nameof(counter)),
    };

    [InlineArray((int)VmCounter.Count)]
    private struct Values
    {
        private long _first;
    }
}
