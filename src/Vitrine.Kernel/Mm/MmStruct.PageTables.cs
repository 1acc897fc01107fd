using System.Runtime.CompilerServices;

namespace Vitrine.Kernel.Mm;

/// <content>
/// The page tables: finding and making entries, installing frames, taking ranges out. Entries that processors may be
/// using are changed by atomic exchange, since accessed and dirty bits are set under our hands.
/// </content>
internal sealed unsafe partial class MmStruct
{
    public MmStatistics Statistics { get; private init; } = new();

    /// <summary>The page-table entry of an address, or null where there is no table (or a large page).</summary>
    internal ulong* FindEntry(ulong address)
    {
        ulong* table = TableAt(PageTableRoot.Value);
        for (int level = 3; level > 0; level--)
        {
            ulong entry = Volatile.Read(ref table[Pte.Index(address, level)]);
            if ((entry & (Pte.Present | Pte.Large)) != Pte.Present)
                return null;
            table = TableAt(entry & Pte.FrameMask);
        }

        return table + Pte.Index(address, 0);
    }

    /// <summary>The entry, its tables made where they are missing; null when there is no memory for them.</summary>
    internal ulong* EnsureEntry(ulong address)
    {
        ulong* table = TableAt(PageTableRoot.Value);
        for (int level = 3; level > 0; level--)
        {
            ulong* slot = table + Pte.Index(address, level);
            ulong entry = Volatile.Read(ref *slot);
            if (entry == 0)
            {
                PageFrameNumber frame = Memory.TryAllocate(FrameRequest.PageTable, Cgroup);
                if (frame.IsNone)
                    return null;
                Statistics.TableFrames++;
                entry = Pte.Of(frame, Pte.Table);

                // SAFETY: the release makes the new table's zeros visible before the entry that leads to it.
                Volatile.Write(ref *slot, entry);
                Memory[FrameOfTable(slot)]->MapCount++;
            }

            table = TableAt(entry & Pte.FrameMask);
        }

        return table + Pte.Index(address, 0);
    }

    /// <summary>Fills an empty entry.</summary>
    internal void SetEntry(ulong* slot, ulong value)
    {
        Volatile.Write(ref *slot, value);
        Memory[FrameOfTable(slot)]->MapCount++;
    }

    /// <summary>What a mapping's protection is in an entry, without the writable bit.</summary>
    internal static ulong ProtectionBits(VmFlags flags)
    {
        if ((flags & VmFlags.Access) == 0)
            return Pte.Inaccessible;
        return Pte.Present | Pte.User | ((flags & VmFlags.Execute) != 0 ? 0 : Pte.NoExecute);
    }

    /// <summary>Counts a frame in as mapped here.</summary>
    internal void CountMapped(PageFrameNumber frame)
    {
        PageDescriptor* page = Memory[frame];
        Statistics.AddRss(KindOf(page->Flags), 1);
        if (page->MapCount++ == 0)
            Memory.Vm.Add((page->Flags & PageFlags.Anonymous) != 0 ? VmCounter.AnonPages : VmCounter.Mapped, 1);
    }

    /// <summary>Counts a frame out, and carries the entry's dirty and accessed bits over to it.</summary>
    internal void CountUnmapped(PageFrameNumber frame, ulong entry)
    {
        PageDescriptor* page = Memory[frame];
        Statistics.AddRss(KindOf(page->Flags), -1);
        if (--page->MapCount == 0)
            Memory.Vm.Add((page->Flags & PageFlags.Anonymous) != 0 ? VmCounter.AnonPages : VmCounter.Mapped, -1);
        if ((page->Flags & PageFlags.Anonymous) == 0)
        {
            if ((entry & Pte.Dirty) != 0)
                Memory.MarkDirty(frame);
            if ((entry & Pte.Accessed) != 0)
                page->Flags |= PageFlags.Referenced;
        }
    }

    /// <summary>Flushes one page's translation everywhere.</summary>
    internal void FlushPage(ulong address) => Kernel.Complex.Flush(PageTableRoot, new VirtAddr(address & ~(Page.Size - 1)), 1);

    internal void FlushAll() => Kernel.Complex.FlushAll(PageTableRoot);

    /// <summary>
    /// Takes all entries of [start, end) out, frames going to the gather. The tables stay.
    /// </summary>
    /// <param name="keepAnonymous">Leave private copies.</param>
    internal void Zap(MmuGather gather, ulong start, ulong end, bool keepAnonymous = false)
    {
        if (start < end)
            ZapLevel(gather, TableAt(PageTableRoot.Value), 3, start, end, keepAnonymous, freeTables: false);
    }

    /// <summary>
    /// Takes all entries of a mapping that goes out, and the tables that become empty. Only where no pointer to an
    /// entry is held: reclaim, which may run inside any allocation, never frees tables.
    /// </summary>
    private void ZapWithTables(MmuGather gather, ulong start, ulong end) =>
        ZapLevel(gather, TableAt(PageTableRoot.Value), 3, start, end, keepAnonymous: false, freeTables: true);

    /// <summary>Calls the visitor for each entry of [start, end) that maps a frame.</summary>
    internal void ForEachEntry(ulong start, ulong end, EntryVisitor visitor)
    {
        ulong address = start;
        while (address < end)
        {
            ulong* slot = FindEntry(address);
            ulong next = (address + Page.HugeSize) & ~(Page.HugeSize - 1);
            if (slot is not null)
            {
                for (; address < Math.Min(next, end); address += Page.Size, slot++)
                {
                    if (*slot != 0)
                        visitor(address, slot);
                }
            }

            address = next;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong* TableAt(ulong physical) => (ulong*)(Memory.Ram.Base + physical);

    private PageFrameNumber FrameOfTable(ulong* slot) => new((uint)((ulong)((byte*)slot - Memory.Ram.Base) >> Page.Shift));

    private static RssKind KindOf(PageFlags flags) =>
        (flags & PageFlags.Anonymous) != 0 ? RssKind.Anonymous : (flags & PageFlags.SwapBacked) != 0 ? RssKind.Shmem : RssKind.File;

    private void ZapLevel(MmuGather gather, ulong* table, int level, ulong start, ulong end, bool keepAnonymous, bool freeTables)
    {
        if (level == 0)
        {
            ZapTable(gather, table, start, end, keepAnonymous);
            return;
        }

        int shift = Page.Shift + (9 * level);
        ulong span = 1UL << shift;
        for (ulong address = start; address < end;)
        {
            ulong next = Math.Min((address + span) & ~(span - 1), end);
            ulong* slot = table + Pte.Index(address, level);
            ulong entry = *slot;
            if (entry != 0)
            {
                ulong* lower = TableAt(entry & Pte.FrameMask);
                ZapLevel(gather, lower, level - 1, address, next, keepAnonymous, freeTables);
                PageFrameNumber lowerFrame = Pte.Frame(entry);
                if (freeTables && Memory[lowerFrame]->MapCount == 0)
                {
                    _ = Interlocked.Exchange(ref *slot, 0);
                    Memory[FrameOfTable(slot)]->MapCount--;
                    Statistics.TableFrames--;
                    gather.AddRange(address & ~(span - 1), Page.Size);
                    gather.AddFrame(lowerFrame);
                }
            }

            address = next;
        }
    }

    private void ZapTable(MmuGather gather, ulong* table, ulong start, ulong end, bool keepAnonymous)
    {
        int cleared = 0;
        ulong* slot = table + Pte.Index(start, 0);
        for (ulong address = start; address < end; address += Page.Size, slot++)
        {
            ulong entry = *slot;
            if (entry == 0)
                continue;
            PageFrameNumber frame = Pte.Frame(entry);
            bool counted = (entry & Pte.Special) == 0;
            if (keepAnonymous && counted && (Memory[frame]->Flags & PageFlags.Anonymous) != 0)
                continue;
            entry = Interlocked.Exchange(ref *slot, 0);
            cleared++;
            gather.AddRange(address, Page.Size);
            if (counted)
            {
                CountUnmapped(frame, entry);
                gather.AddFrame(frame);
            }
        }

        if (cleared != 0)
            Memory[FrameOfTable(table)]->MapCount -= cleared;
    }

    /// <summary>Everything out; nobody runs here any more.</summary>
    private void TearDown()
    {
        Memory.ForgetLazy(this);
        FlushAll();
        MmuGather gather = Memory.Gather;
        gather.Begin(this, flushed: true);
        for (int i = 0; i < Areas.Count; i++)
        {
            VmArea area = Areas[i];
            ZapWithTables(gather, area.Start.Value, area.End.Value);
        }

        gather.Finish();
        for (int i = 0; i < Areas.Count; i++)
            Close(Areas[i]);
        Areas.Clear();
        if (Statistics.TableFrames != 1 || Statistics.Resident != 0)
            throw new InvalidOperationException($"an address space ends with {Statistics.TableFrames} tables and {Statistics.Resident} resident pages");
        Memory.Put(PageTableRoot.Frame);
        PageTableRoot = default;
    }
}

/// <summary>Sees a page-table entry in use.</summary>
internal unsafe delegate void EntryVisitor(ulong address, ulong* slot);
