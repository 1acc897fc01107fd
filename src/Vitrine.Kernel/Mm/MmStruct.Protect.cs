using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>mprotect, and changing flags of a range in general.</content>
internal sealed partial class MmStruct
{
    /// <summary>
    /// mprotect(2): as <c>Protect</c>; private locked mappings that become writable get their own pages at once, so
    /// that writing to them faults no more.
    /// </summary>
    public KTask<Errno> ProtectAsync(Task current, VirtAddr start, ulong length, ProtectionFlags protection)
    {
        List<(VirtAddr Start, VirtAddr End)>? opened = null;
        Errno error = Protect(current, start, length, protection, ref opened);
        return opened is null ? KTask<Errno>.FromResult(error) : CopyLockedAsync(current, opened, error);
    }

    /// <summary>Changes the protection of [start, start + length).</summary>
    public Errno Protect(Task current, VirtAddr start, ulong length, ProtectionFlags protection)
    {
        List<(VirtAddr Start, VirtAddr End)>? opened = null;
        return Protect(current, start, length, protection, ref opened);
    }

    /// <param name="opened">Gets the parts of private locked mappings that become writable.</param>
    private Errno Protect(
        Task current, VirtAddr start, ulong length, ProtectionFlags protection, ref List<(VirtAddr Start, VirtAddr End)>? opened)
    {
        const ProtectionFlags Grows = ProtectionFlags.GrowsDown | ProtectionFlags.GrowsUp;
        ProtectionFlags grows = protection & Grows;
        protection &= ~Grows;
        if (grows == Grows || !start.IsPageAligned)
            return Errno.EINVAL;
        if (length == 0)
            return Errno.Success;
        length = Page.AlignUp(length);
        if (start.Value + length <= start.Value)
            return Errno.ENOMEM;
        if ((protection & ~(ProtectionFlags.Read | ProtectionFlags.Write | ProtectionFlags.Execute | ProtectionFlags.Semaphore)) != 0)
            return Errno.EINVAL;
        bool readImpliesExecute = (protection & ProtectionFlags.Read) != 0 && current.ReadImpliesExec;
        var end = new VirtAddr(start.Value + length);
        int index = Areas.FirstEndingAfter(start);
        if (index == Areas.Count)
            return Errno.ENOMEM;
        if (grows == ProtectionFlags.GrowsDown)
        {
            if (Areas[index].Start >= end)
                return Errno.ENOMEM;
            if (!Areas[index].IsGrowsDown)
                return Errno.EINVAL;
            start = Areas[index].Start;
        }
        else if (grows != 0)
        {
            return Errno.EINVAL;
        }

        if (Areas[index].Start > start)
            return Errno.ENOMEM;

        VirtAddr at = start;
        while (at < end)
        {
            index = Areas.FirstEndingAfter(at);
            if (index == Areas.Count || Areas[index].Start > at)
                return Errno.ENOMEM;
            VmArea area = Areas[index];
            VmFlags flags = (area.Flags & ~VmFlags.Access) | ToVmFlags(protection);
            if (readImpliesExecute && (area.Flags & VmFlags.MayExecute) != 0)
                flags |= VmFlags.Execute;

            // MayRead, MayWrite and MayExecute stand four bits above what they allow.
            if (((VmFlags)(~((ulong)flags >> 4)) & flags & VmFlags.Access) != 0)
                return Errno.EACCES;
            VirtAddr to = area.End < end ? area.End : end;
            bool opens = (area.Flags & (VmFlags.Write | VmFlags.Shared | VmFlags.LockedMask)) == VmFlags.Locked
                && (flags & VmFlags.Write) != 0;
            Errno error = ProtectArea(current, area, at, to, flags);
            if (error != Errno.Success)
                return error;
            if (opens)
                (opened ??= []).Add((at, to));
            at = to;
        }

        return Errno.Success;
    }

    private async KTask<Errno> CopyLockedAsync(Task current, List<(VirtAddr Start, VirtAddr End)> opened, Errno result)
    {
        // What can't be copied now will be when it is written to.
        foreach ((VirtAddr start, VirtAddr end) in opened)
            _ = await PopulateAsync(current, start, end - start);
        return result;
    }

    /// <summary>Gives part of a mapping new flags, splitting and merging; protections of its pages follow.</summary>
    private Errno ProtectArea(Task current, VmArea area, VirtAddr start, VirtAddr end, VmFlags flags)
    {
        if ((area.Flags & VmFlags.Sealed) != 0)
            return Errno.EPERM;
        if (flags == area.Flags)
            return Errno.Success;
        ulong pages = (end - start) >> Page.Shift;
        if ((flags & VmFlags.Write) != 0 && (area.Flags & VmFlags.Write) == 0)
        {
            if (!MayExpandData(current, area.Flags, flags, pages))
                return Errno.ENOMEM;
            if ((area.Flags & (VmFlags.Account | VmFlags.Write | VmFlags.HugeTlb | VmFlags.Shared | VmFlags.NoReserve)) == 0)
            {
                if (Memory.Commit(pages) != Errno.Success)
                    return Errno.ENOMEM;
                flags |= VmFlags.Account;
            }
        }
        else if ((flags & VmFlags.Write) == 0 && (area.Flags & VmFlags.Account) != 0 && area.IsAnonymous && !area.HasAnonymous)
        {
            // Never written to, and from now on it can't be: nothing to reserve.
            flags &= ~VmFlags.Account;
        }

        bool wasAccounted = (area.Flags & VmFlags.Account) != 0;
        bool isAccounted = (flags & VmFlags.Account) != 0;
        Errno error = SetFlags(area, start, end, flags, out area);
        if (error != Errno.Success)
        {
            if (isAccounted && !wasAccounted)
                Memory.Uncommit(pages);
            return error;
        }

        if (wasAccounted && !isAccounted)
            Memory.Uncommit(pages);

        ChangeProtection(area, start.Value, end.Value);
        return Errno.Success;
    }

    private bool MayExpandData(Task current, VmFlags from, VmFlags to, ulong pages) =>
        MmStatistics.IsData(from) || !MmStatistics.IsData(to)
        || (ulong)Statistics.DataVm + pages <= current.LimitOf(ResourceLimit.Data) >> Page.Shift;

    /// <summary>Changes the flags of part of a mapping: cuts it out, counts it anew, merges it with its neighbours.</summary>
    private Errno SetFlags(VmArea area, VirtAddr start, VirtAddr end, VmFlags flags, out VmArea changed)
    {
        changed = area;
        if (flags == area.Flags)
            return Errno.Success;
        Errno error = SplitAround(start, end);
        if (error != Errno.Success)
            return error;
        changed = Areas.Find(start)!;
        Statistics.AddArea(changed.Flags, -(long)changed.Pages);
        changed.Flags = flags;
        Statistics.AddArea(flags, (long)changed.Pages);
        changed = Merge(changed);
        return Errno.Success;
    }

    /// <summary>Rewrites the entries of a range for their mapping's present protection.</summary>
    private unsafe void ChangeProtection(VmArea area, ulong start, ulong end)
    {
        ulong bits = ProtectionBits(area.Flags);
        bool mayWrite = (area.Flags & VmFlags.Write) != 0;
        bool narrowed = false;
        for (ulong address = start; address < end;)
        {
            ulong next = Math.Min((address + Page.HugeSize) & ~(Page.HugeSize - 1), end);
            ulong* slot = FindEntry(address);
            if (slot is null)
            {
                address = next;
                continue;
            }

            for (; address < next; address += Page.Size, slot++)
            {
                ulong entry = Volatile.Read(ref *slot);
                if (entry == 0)
                    continue;
                ulong seen;
                ulong changed;
                do
                {
                    seen = entry;
                    changed = (seen & (Pte.FrameMask | Pte.Accessed | Pte.Dirty | Pte.Special)) | bits;
                    if (mayWrite && (seen & Pte.Writable) != 0)
                        changed |= Pte.Writable;
                    else if (mayWrite && MayMakeWritable(area, seen))
                        changed |= Pte.Writable;
                    entry = Interlocked.CompareExchange(ref *slot, changed, seen);
                }
                while (entry != seen);
                narrowed |= (seen & Pte.Present) != 0 && changed != seen;
            }
        }

        if (!narrowed)
            return;
        ulong pages = (end - start) >> Page.Shift;
        if (pages > 33)
            FlushAll();
        else
            Kernel.Complex.Flush(PageTableRoot, new VirtAddr(start), pages);
    }

    /// <summary>Whether a page may become writable without a fault: our own anonymous page, or a shared one.</summary>
    private unsafe bool MayMakeWritable(VmArea area, ulong entry)
    {
        if ((entry & Pte.Special) != 0)
            return false;
        if (area.IsShared)
            return area.Mapping is { TracksDirty: false };
        PageDescriptor* page = Memory[Pte.Frame(entry)];
        return (entry & Pte.Dirty) != 0 && (page->Flags & PageFlags.Anonymous) != 0 && page->RefCount == 1;
    }
}
