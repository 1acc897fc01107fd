namespace Vitrine.Kernel.Mm;

/// <content>
/// Reclaim of file pages: an active and an inactive list with a second chance (mm/vmscan.c's part that needs no I/O).
/// New pages start inactive; a page that is used again there becomes active; the inactive list is refilled from the
/// active one's old end.
/// </content>
internal sealed unsafe partial class PhysicalMemory
{
    /// <summary>Pages taken per round (SWAP_CLUSTER_MAX).</summary>
    private const int ReclaimCluster = 32;

    private Workingset? _workingset;
    private uint _inactiveHead;
    private uint _inactiveTail;
    private uint _activeHead;
    private uint _activeTail;

    internal Workingset Workingset => _workingset ??= new Workingset(this);

    /// <summary>Drops all clean, unused page cache (drop_caches).</summary>
    public long DropCaches()
    {
        Vm.Add(VmCounter.DropPageCache, 1);
        long before = Vm[VmCounter.FilePages];
        while (_activeTail != 0)
            Deactivate(_activeTail);
        long scan = Vm[VmCounter.InactiveFile];
        _ = ShrinkInactive(long.MaxValue, scan, unmap: false, spare: false);
        return before - Vm[VmCounter.FilePages];
    }

    internal void AddToLru(PageFrameNumber frame)
    {
        PageDescriptor* page = _pages + frame.Value;
        page->Flags |= PageFlags.Lru;
        LinkInactive(frame.Value);
        if (Workingset.Refaulted(page->Owner, page->Index))
            Activate(frame.Value);
    }

    internal void RemoveFromLru(PageFrameNumber frame)
    {
        PageDescriptor* page = _pages + frame.Value;
        if ((page->Flags & PageFlags.Lru) == 0)
            return;
        Unlink(frame.Value);
        page->Flags &= ~(PageFlags.Lru | PageFlags.Active | PageFlags.Referenced);
    }

    internal void MarkAccessed(PageFrameNumber frame)
    {
        PageDescriptor* page = _pages + frame.Value;
        if ((page->Flags & PageFlags.Referenced) == 0)
        {
            page->Flags |= PageFlags.Referenced;
        }
        else if ((page->Flags & (PageFlags.Lru | PageFlags.Active)) == PageFlags.Lru)
        {
            Activate(frame.Value);
        }
    }

    /// <summary>Frees page cache for an allocation that found the free lists short (direct reclaim).</summary>
    private void ReclaimForAllocation(int order)
    {
        long wanted = Math.Max(ReclaimCluster, 1L << order);
        foreach (Zone zone in Zones)
            wanted = Math.Max(wanted, Math.Min(zone.WatermarkHigh - zone.Free, 1024));
        wanted -= ReclaimLazy(wanted);
        long scanned = 0;
        while (wanted > 0)
        {
            long inactive = Vm[VmCounter.InactiveFile];
            if (inactive < Vm[VmCounter.ActiveFile])
                Refill(Math.Max(ReclaimCluster, Vm[VmCounter.ActiveFile] / 16));
            inactive = Vm[VmCounter.InactiveFile];
            if (inactive == 0)
                return;

            // Give up after everything has been looked at twice.
            long freed = ShrinkInactive(wanted, Math.Min(inactive, wanted * 4), unmap: true, spare: true);
            scanned += Math.Min(inactive, wanted * 4);
            wanted -= freed;
            if (freed == 0 && scanned > 2 * (inactive + Vm[VmCounter.ActiveFile]))
                return;
        }
    }

    private void Refill(long count)
    {
        while (count-- > 0 && _activeTail != 0)
        {
            Vm.Add(VmCounter.Refill, 1);
            Deactivate(_activeTail);
        }
    }

    private long ShrinkInactive(long wanted, long scan, bool unmap, bool spare)
    {
        long freed = 0;
        while (scan-- > 0 && freed < wanted && _inactiveTail != 0)
        {
            uint pfn = _inactiveTail;
            PageDescriptor* page = _pages + pfn;
            Vm.Add(VmCounter.ScanDirect, 1);
            if (TryReclaim(pfn, page, unmap, spare))
            {
                freed++;
                Vm.Add(VmCounter.StealDirect, 1);
            }
        }

        return freed;
    }

    /// <summary>Frees the oldest inactive page, or moves it out of the way.</summary>
    private bool TryReclaim(uint pfn, PageDescriptor* page, bool unmap, bool spare)
    {
        bool busy = (page->Flags & (PageFlags.Locked | PageFlags.Dirty | PageFlags.Writeback | PageFlags.Mlocked)) != 0
            || page->RefCount != 1 + page->MapCount;
        if (!busy && spare && (page->Flags & PageFlags.Referenced) != 0)
        {
            page->Flags &= ~PageFlags.Referenced;
            if (page->MapCount > 0)
                Activate(pfn);
            else
                Rotate(pfn);
            return false;
        }

        if (busy || (page->MapCount > 0 && !unmap))
        {
            Rotate(pfn);
            return false;
        }

        AddressSpace space = SpaceOf(page->Owner)!;
        if (page->MapCount > 0)
        {
            if (space.IsLockedByMapping(page->Index))
            {
                Rotate(pfn);
                return false;
            }

            space.UnmapPages(page->Index, page->Index + 1, keepAnonymous: true);
            if (page->RefCount != 1 || (page->Flags & PageFlags.Dirty) != 0)
            {
                Rotate(pfn);
                return false;
            }
        }

        Workingset.Evicted(page->Owner, page->Index);
        space.Drop(new Folio(this, new PageFrameNumber(pfn)));
        return true;
    }

    private void Activate(uint pfn)
    {
        Unlink(pfn);
        PageDescriptor* page = _pages + pfn;
        page->Flags = (page->Flags | PageFlags.Active) & ~PageFlags.Referenced;
        page->Previous = 0;
        page->Next = _activeHead;
        if (_activeHead != 0)
            _pages[_activeHead].Previous = pfn;
        else
            _activeTail = pfn;
        _activeHead = pfn;
        Vm.Add(VmCounter.ActiveFile, 1);
        Vm.Add(VmCounter.PageActivate, 1);
    }

    private void Deactivate(uint pfn)
    {
        Unlink(pfn);
        _pages[pfn].Flags &= ~(PageFlags.Active | PageFlags.Referenced);
        LinkInactive(pfn);
        Vm.Add(VmCounter.PageDeactivate, 1);
    }

    private void Rotate(uint pfn)
    {
        Unlink(pfn);
        LinkInactive(pfn);
    }

    private void LinkInactive(uint pfn)
    {
        PageDescriptor* page = _pages + pfn;
        page->Previous = 0;
        page->Next = _inactiveHead;
        if (_inactiveHead != 0)
            _pages[_inactiveHead].Previous = pfn;
        else
            _inactiveTail = pfn;
        _inactiveHead = pfn;
        Vm.Add(VmCounter.InactiveFile, 1);
    }

    private void Unlink(uint pfn)
    {
        PageDescriptor* page = _pages + pfn;
        bool active = (page->Flags & PageFlags.Active) != 0;
        Vm.Add(active ? VmCounter.ActiveFile : VmCounter.InactiveFile, -1);
        if (page->Previous != 0)
            _pages[page->Previous].Next = page->Next;
        else if (active)
            _activeHead = page->Next;
        else
            _inactiveHead = page->Next;
        if (page->Next != 0)
            _pages[page->Next].Previous = page->Previous;
        else if (active)
            _activeTail = page->Previous;
        else
            _inactiveTail = page->Previous;
        page->Next = page->Previous = 0;
    }
}
