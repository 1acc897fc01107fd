using System.Runtime.CompilerServices;
using Vitrine.Cpu;
using Vitrine.Hardware;
using Vitrine.Kernel.Cgroups;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// The frames of guest RAM: descriptors, zones, reference counts, and the counters of memory management. Split by
/// aspect: Allocation (watermarks, charging), Contents (writing to frames), GiveBack (returning them to the host),
/// Reclaim (the LRU lists). Guarded by the kernel lock.
/// </summary>
internal sealed unsafe partial class PhysicalMemory : IDisposable
{
    /// <summary>Frame 0 means "none", so it is never given out; the shared page of zeros is frame 1.</summary>
    private const uint ReservedFrames = 2;

    private const uint DmaEnd = 16u << (20 - Page.Shift);
    private const uint Dma32End = 1u << (32 - Page.Shift);

    private readonly PageDescriptor* _pages;
    private readonly nuint _descriptorBytes;
    private readonly List<Cgroup?> _cgroups = [null];

    public PhysicalMemory(KernelInstance kernel, GuestMemory ram, IRamDevice? device = null)
    {
        Kernel = kernel;
        Ram = ram;
        _device = device;
        _descriptorBytes = (nuint)ram.FrameCount * (nuint)sizeof(PageDescriptor);

        // SAFETY: freed once, in Dispose. Zeroed pages of the host, committed as descriptors are touched.
        _pages = (PageDescriptor*)LazyArray.Allocate(_descriptorBytes);
        Zones = MakeZones(ram.FrameCount);
        foreach (Zone zone in Zones)
            TotalFrames += zone.Managed;
        Vm[VmCounter.FreePages] = TotalFrames;
        SetMinFree(DefaultMinFreeKilobytes());
    }

    /// <summary>vm.max_map_count: mappings an address space may have.</summary>
    public int MaximumAreas { get; set; } = MmStruct.DefaultMaximumAreas;

    public KernelInstance Kernel { get; }

    public GuestMemory Ram { get; }

    /// <summary>DMA, DMA32, Normal: those that the RAM reaches, lowest first.</summary>
    public Zone[] Zones { get; }

    public VmStatistics Vm { get; } = new();

    /// <summary>Frames that the allocator manages (MemTotal).</summary>
    public long TotalFrames { get; }

    public long FreeFrames => Vm[VmCounter.FreePages];

    /// <summary>Frames in use: at a machine's end, after the last mount, none but those it keeps for itself (vDSO).</summary>
    public long UsedFrames => TotalFrames - FreeFrames;

    /// <summary>The frame of zeros that reads of untouched anonymous memory see. Mapped read-only, never counted.</summary>
    public static PageFrameNumber ZeroFrame => new(1);

    /// <summary>The descriptor of a frame. Plain memory: valid for the machine's life.</summary>
    public PageDescriptor* this[PageFrameNumber pfn]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _pages + pfn.Value;
    }

    /// <summary>Takes a reference on a frame in use.</summary>
    public void Get(PageFrameNumber pfn) => _pages[pfn.Value].RefCount++;

    /// <summary>Drops a reference; the last one frees the frame (or the block it heads).</summary>
    public void Put(PageFrameNumber pfn)
    {
        PageDescriptor* page = _pages + pfn.Value;
        if (page->RefCount <= 0)
            throw new InvalidOperationException($"frame {pfn.Value:x} was put more often than it was taken");
        if (--page->RefCount == 0)
            Free(pfn);
    }

    /// <summary>Frees the descriptors; the machine has ended.</summary>
    public void Dispose() => LazyArray.Free(_pages, _descriptorBytes);

    /// <summary>The number under which frames remember a cgroup.</summary>
    private ushort NumberOf(Cgroup cgroup)
    {
        if (cgroup.FrameOwnerNumber == 0)
        {
            _cgroups.Add(cgroup);
            cgroup.FrameOwnerNumber = checked((ushort)(_cgroups.Count - 1));
        }

        return cgroup.FrameOwnerNumber;
    }

    private Zone[] MakeZones(uint frames)
    {
        var zones = new List<Zone>(3)
        {
            new("DMA", _pages, 0, Math.Min(frames, DmaEnd), ReservedFrames),
        };
        if (frames > DmaEnd)
            zones.Add(new Zone("DMA32", _pages, DmaEnd, Math.Min(frames, Dma32End), 0));
        if (frames > Dma32End)
            zones.Add(new Zone("Normal", _pages, Dma32End, frames, 0));
        return [.. zones];
    }

    private Zone ZoneOf(uint pfn)
    {
        int index = pfn < DmaEnd ? 0 : pfn < Dma32End ? 1 : 2;
        return Zones[index];
    }
}
