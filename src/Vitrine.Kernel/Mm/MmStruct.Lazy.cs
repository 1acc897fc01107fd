namespace Vitrine.Kernel.Mm;

/// <content>
/// Lazily freed memory (MADV_FREE): private pages that their owner needs no more stay until memory is short. One that is
/// written to before then is wanted again: its entry has become dirty.
/// </content>
internal sealed unsafe partial class MmStruct
{
    /// <summary>Its place among the address spaces that have lazily freed pages, in order of when they began to.</summary>
    internal LinkedListNode<MmStruct>? LazyNode { get; set; }

    /// <summary>Takes lazily freed pages, up to so many; how many it were. When none is left, the mappings say so.</summary>
    internal long ReclaimLazy(long wanted)
    {
        long freed = 0;
        MmuGather gather = Memory.Gather;
        gather.Begin(this);
        for (int i = 0; i < Areas.Count && freed < wanted; i++)
        {
            VmArea area = Areas[i];
            if (!area.HasLazy)
                continue;
            if ((area.Flags & VmFlags.Locked) == 0)
                freed += ReclaimLazy(gather, area, wanted - freed);
            if (freed < wanted)
                area.HasLazy = false;
        }

        gather.Finish();
        return freed;
    }

    private long ReclaimLazy(MmuGather gather, VmArea area, long wanted)
    {
        long freed = 0;
        for (ulong address = area.Start.Value; address < area.End.Value && freed < wanted;)
        {
            ulong next = Math.Min((address + Page.HugeSize) & ~(Page.HugeSize - 1), area.End.Value);
            ulong* slot = FindEntry(address);
            if (slot is null)
            {
                address = next;
                continue;
            }

            for (; address < next && freed < wanted; address += Page.Size, slot++)
            {
                if ((*slot & Pte.Lazy) != 0 && TryReclaimLazy(gather, slot, address))
                    freed++;
            }
        }

        return freed;
    }

    /// <summary>Takes one page, unless it was written to meanwhile or somebody else has it too.</summary>
    private bool TryReclaimLazy(MmuGather gather, ulong* slot, ulong address)
    {
        ulong entry = Volatile.Read(ref *slot);
        PageFrameNumber frame = Pte.Frame(entry);
        if ((entry & Pte.Dirty) == 0 && Memory[frame]->RefCount == 1)
        {
            // The processor may be setting the dirty bit this moment: then it stays.
            if (Interlocked.CompareExchange(ref *slot, 0, entry) == entry)
            {
                Memory[FrameOfTable(slot)]->MapCount--;
                CountUnmapped(frame, entry);
                gather.AddRange(address, Page.Size);
                gather.AddFrame(frame);
                Memory.Vm.Add(VmCounter.LazyFreed, 1);
                return true;
            }
        }

        _ = Interlocked.And(ref *slot, ~Pte.Lazy);
        return false;
    }

    private void FreeLazily(VmArea area, ulong start, ulong end)
    {
        bool any = false;
        MmuGather gather = Memory.Gather;
        gather.Begin(this);
        ForEachEntry(start, end, (address, slot) =>
        {
            if ((*slot & Pte.Special) != 0)
                return;
            PageDescriptor* page = Memory[Pte.Frame(*slot)];

            // What somebody else has too is not this one's to give up.
            if ((page->Flags & PageFlags.Anonymous) == 0 || page->RefCount != 1)
                return;
            _ = Interlocked.And(ref *slot, ~(Pte.Accessed | Pte.Dirty));
            _ = Interlocked.Or(ref *slot, Pte.Lazy);
            gather.AddRange(address, Page.Size);
            Memory.Vm.Add(VmCounter.PageLazyFree, 1);
            any = true;
        });
        gather.Finish();
        if (!any)
            return;
        area.HasLazy = true;
        Memory.RememberLazy(this);
    }
}

/// <content>The address spaces that have lazily freed pages.</content>
internal sealed partial class PhysicalMemory
{
    private readonly LinkedList<MmStruct> _lazy = new();

    internal void RememberLazy(MmStruct mm)
    {
        if (mm.LazyNode is null)
            mm.LazyNode = _lazy.AddLast(mm);
    }

    internal void ForgetLazy(MmStruct mm)
    {
        if (mm.LazyNode is { } node)
            _lazy.Remove(node);
        mm.LazyNode = null;
    }

    /// <summary>Takes lazily freed pages, the longest unwanted address space's first.</summary>
    private long ReclaimLazy(long wanted)
    {
        long freed = 0;
        while (freed < wanted && _lazy.First is { } first)
        {
            freed += first.Value.ReclaimLazy(wanted - freed);
            if (freed < wanted)
                ForgetLazy(first.Value);
        }

        return freed;
    }
}
