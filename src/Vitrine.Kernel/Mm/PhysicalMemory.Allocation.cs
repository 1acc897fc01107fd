using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>Taking and freeing frames: watermarks, reclaim, cgroup charges.</content>
internal sealed partial class PhysicalMemory
{
    /// <summary>vm.min_free_kbytes: what the watermarks are computed from.</summary>
    public long MinFreeKilobytes { get; private set; }

    /// <summary>
    /// Takes a block of 2^order frames, reclaiming clean page cache if the free lists are short. Never waits.
    /// </summary>
    /// <param name="charge">The cgroup that pays, if user code caused it.</param>
    /// <returns>A frame with one reference, or none.</returns>
    public unsafe PageFrameNumber TryAllocate(FrameRequest request, Cgroup? charge = null, int order = 0)
    {
        uint pfn = TakeFrom(request, order, low: true);
        if (pfn == 0)
        {
            if ((request & FrameRequest.NoReclaim) == 0)
            {
                Vm.Add(VmCounter.AllocStallNormal, 1);
                ReclaimForAllocation(order);
            }

            pfn = TakeFrom(request, order, low: false);
            if (pfn == 0)
                return PageFrameNumber.None;
        }

        Prepare(pfn, request, order);
        if (charge is not null)
        {
            _pages[pfn].Cgroup = NumberOf(charge);
            charge.ChargeFrames(1L << order);
        }

        return new PageFrameNumber(pfn);
    }

    /// <summary>
    /// Takes a frame however long it takes: reclaims, has the OOM killer free memory, waits. ENOMEM when the caller
    /// itself is to die, or nothing is left to kill.
    /// </summary>
    public KTask<Result<PageFrameNumber>> AllocateAsync(Task current, FrameRequest request, int order = 0)
    {
        PageFrameNumber pfn = TryAllocate(request, current.Cgroup, order);
        return pfn.IsNone ? AllocateSlowAsync(current, request, order) : KTask<Result<PageFrameNumber>>.FromResult(pfn);
    }

    /// <summary>Sets the watermarks of all zones as Linux does from vm.min_free_kbytes.</summary>
    public void SetMinFree(long kilobytes)
    {
        const int WatermarkScale = 10;
        MinFreeKilobytes = kilobytes;
        long minFrames = kilobytes >> (Page.Shift - 10);
        foreach (Zone zone in Zones)
        {
            zone.WatermarkMin = minFrames * zone.Managed / TotalFrames;
            long step = Math.Max(zone.WatermarkMin / 4, zone.Managed * WatermarkScale / 10000);
            zone.WatermarkLow = zone.WatermarkMin + step;
            zone.WatermarkHigh = zone.WatermarkLow + step;
        }

        // lowmem_reserve_ratio: 256 for DMA and DMA32, of what the zones above manage.
        long above = 0;
        for (int i = Zones.Length - 1; i >= 0; i--)
        {
            Zones[i].LowReserve = above / 256;
            above += Zones[i].Managed;
        }
    }

    private long DefaultMinFreeKilobytes()
    {
        long lowmem = TotalFrames << (Page.Shift - 10);
        return Math.Clamp((long)Math.Sqrt(lowmem * 16), 128, 262144);
    }

    private async KTask<Result<PageFrameNumber>> AllocateSlowAsync(Task current, FrameRequest request, int order)
    {
        for (; ; )
        {
            Errno error = await WaitForMemoryAsync(current, order);
            if (error != Errno.Success)
                return error;
            PageFrameNumber pfn = TryAllocate(request, current.Cgroup, order);
            if (!pfn.IsNone)
                return pfn;
        }
    }

    private uint TakeFrom(FrameRequest request, int order, bool low)
    {
        for (int i = Zones.Length - 1; i >= 0; i--)
        {
            Zone zone = Zones[i];
            long mark = low ? zone.WatermarkLow : (request & FrameRequest.Reserve) != 0 ? zone.WatermarkMin / 4 : zone.WatermarkMin;
            if (i < Zones.Length - 1)
                mark += zone.LowReserve;
            if (zone.Free - (1L << order) < mark)
                continue;
            uint pfn = zone.Take(order);
            if (pfn == 0)
                continue;
            Vm.Add(i == 0 ? VmCounter.AllocDma : i == 1 ? VmCounter.AllocDma32 : VmCounter.AllocNormal, 1L << order);
            Vm.Add(VmCounter.FreePages, -(1L << order));
            return pfn;
        }

        return 0;
    }

    private unsafe void Prepare(uint pfn, FrameRequest request, int order)
    {
        bool zero = (request & FrameRequest.Zero) != 0;
        for (uint i = 0; i < 1u << order; i++)
        {
            PageDescriptor* page = _pages + pfn + i;
            if ((page->Flags & PageFlags.Touched) == 0)
                CommittedFrames++;
            else if (zero)
                Ram.FrameSpan(new PageFrameNumber(pfn + i)).Clear();
            page->Flags = PageFlags.Touched | (i == 0 ? PageFlags.None : PageFlags.Tail);
            page->RefCount = 0;
            page->MapCount = 0;
            page->Owner = 0;
            page->Index = pfn;
            page->Cgroup = 0;
            page->Private = 0;
        }

        PageDescriptor* head = _pages + pfn;
        head->RefCount = 1;
        head->Order = (byte)order;
        head->Index = 0;
        if ((request & FrameRequest.Table) != 0)
        {
            head->Flags |= PageFlags.PageTable;
            Vm.Add(VmCounter.PageTablePages, 1);
        }
    }

    private unsafe void Free(PageFrameNumber pfn)
    {
        PageDescriptor* page = _pages + pfn.Value;
        int order = page->Order;
        if ((page->Flags & (PageFlags.Reserved | PageFlags.Lru | PageFlags.Locked | PageFlags.Buddy | PageFlags.Hot)) != 0)
            throw new InvalidOperationException($"frame {pfn.Value:x} is freed with flags {page->Flags}");
        if ((page->Flags & PageFlags.PageTable) != 0)
            Vm.Add(VmCounter.PageTablePages, -1);
        else
            DropCode(pfn, order);
        if (page->Cgroup != 0)
        {
            _cgroups[page->Cgroup]!.ChargeFrames(-(1L << order));
            page->Cgroup = 0;
        }

        for (uint i = 0; i < 1u << order; i++)
            _pages[pfn.Value + i].Flags &= PageFlags.Touched;
        Vm.Add(VmCounter.PageFree, 1L << order);
        Vm.Add(VmCounter.FreePages, 1L << order);
        ZoneOf(pfn.Value).Give(pfn.Value, order);
        FramesFreed();
    }
}
