using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>mremap: growing, shrinking and moving mappings with their pages.</content>
internal sealed partial class MmStruct
{
    /// <summary>mremap(2).</summary>
    public async KTask<Result<VirtAddr>> RemapAsync(
        Task current, VirtAddr address, ulong oldLength, ulong newLength, MremapFlags flags, VirtAddr newAddress)
    {
        if ((flags & ~(MremapFlags.MayMove | MremapFlags.Fixed | MremapFlags.DontUnmap)) != 0
            || ((flags & (MremapFlags.Fixed | MremapFlags.DontUnmap)) != 0 && (flags & MremapFlags.MayMove) == 0)
            || ((flags & MremapFlags.DontUnmap) != 0 && oldLength != newLength)
            || !address.IsPageAligned)
        {
            return Errno.EINVAL;
        }

        oldLength = Page.AlignUp(oldLength);
        newLength = Page.AlignUp(newLength);
        bool elsewhere = (flags & (MremapFlags.Fixed | MremapFlags.DontUnmap)) != 0;
        if (newLength == 0 || newLength > TaskSize)
            return Errno.EINVAL;
        Errno error = elsewhere ? CheckTarget(address, oldLength, newLength, newAddress) : Errno.Success;
        if (error != Errno.Success)
            return error;
        for (; ; )
        {
            Result<VirtAddr> result = TryRemap(current, address, oldLength, newLength, flags, newAddress, out bool outOfFrames, out bool populate);
            if (outOfFrames)
            {
                error = await Memory.WaitForMemoryAsync(current, 0);
                if (error != Errno.Success)
                    return error;
                continue;
            }

            if (populate && result.Ok && newLength > oldLength)
                _ = await PopulateAsync(current, result.Value + oldLength, newLength - oldLength);
            return result;
        }
    }

    private Result<VirtAddr> TryRemap(
        Task current, VirtAddr address, ulong oldLength, ulong newLength, MremapFlags flags, VirtAddr newAddress, out bool outOfFrames, out bool populate)
    {
        outOfFrames = false;
        populate = false;
        if (Areas.Find(address) is not { } area)
            return Errno.EFAULT;
        if ((area.Flags & VmFlags.Sealed) != 0)
            return Errno.EPERM;
        bool elsewhere = (flags & (MremapFlags.Fixed | MremapFlags.DontUnmap)) != 0;
        if (oldLength == newLength && !elsewhere)
            return address;
        Errno error;
        if (newLength > oldLength || elsewhere)
        {
            error = CheckResize(current, area, address, Math.Min(oldLength, newLength), newLength, flags);
            if (error != Errno.Success)
                return error;
        }

        if ((flags & MremapFlags.Fixed) != 0)
        {
            error = UnmapRange(newAddress, newAddress + newLength);
            if (error != Errno.Success)
                return error;
        }

        if (oldLength > newLength)
        {
            error = UnmapRange(address + newLength, address + oldLength);
            if (error != Errno.Success)
                return error;
            oldLength = newLength;
            if (!elsewhere)
                return address;
        }

        area = Areas.Find(address)!;
        populate = (area.Flags & VmFlags.LockedMask) == VmFlags.Locked;
        if (!elsewhere && address + oldLength == area.End && oldLength != 0 && CanGrowInPlace(area, newLength - oldLength))
            return GrowInPlace(area, newLength - oldLength, address);
        if ((flags & MremapFlags.MayMove) == 0)
            return Errno.ENOMEM;
        if ((flags & MremapFlags.DontUnmap) != 0 && !MayExpand(current, area.Flags, newLength >> Page.Shift))
            return Errno.ENOMEM;
        MapFlags mapFlags = (flags & MremapFlags.Fixed) != 0 ? MapFlags.Fixed : MapFlags.None;
        VirtAddr hint = elsewhere ? newAddress : default;
        if (!FindGap(current, hint, newLength, mapFlags).TryGet(out VirtAddr target, out error))
            return error;
        return Move(area, address, oldLength, newLength, target, (flags & MremapFlags.DontUnmap) != 0, out outOfFrames);
    }

    /// <summary>What must hold of a new place before anything is changed.</summary>
    private Errno CheckTarget(VirtAddr address, ulong oldLength, ulong newLength, VirtAddr newAddress)
    {
        if (!newAddress.IsPageAligned || newAddress.Value > TaskSize - newLength)
            return Errno.EINVAL;
        if (address.Value + oldLength > newAddress.Value && newAddress.Value + newLength > address.Value)
            return Errno.EINVAL;
        return Areas.Count + 2 >= Memory.MaximumAreas - 3 ? Errno.ENOMEM : Errno.Success;
    }

    private Errno CheckResize(Task current, VmArea area, VirtAddr address, ulong oldLength, ulong newLength, MremapFlags flags)
    {
        const VmFlags Rigid = VmFlags.DontExpand | VmFlags.PfnMap;
        if (oldLength == 0 && (area.Flags & (VmFlags.Shared | VmFlags.MayShare)) == 0)
            return Errno.EINVAL;
        if ((flags & MremapFlags.DontUnmap) != 0 && (area.Flags & Rigid) != 0)
            return Errno.EINVAL;
        if (oldLength > area.End - address)
            return Errno.EFAULT;
        if (newLength <= oldLength)
            return area.Operations?.MayMove(area) ?? Errno.Success;
        ulong offset = area.IndexOf(address);
        if (offset + (newLength >> Page.Shift) < offset)
            return Errno.EINVAL;
        if ((area.Flags & Rigid) != 0)
            return Errno.EFAULT;
        ulong growth = (newLength - oldLength) >> Page.Shift;
        Errno error = CheckLocked(current, area.Flags, growth);
        if (error != Errno.Success)
            return error;
        return MayExpand(current, area.Flags, growth) ? Errno.Success : Errno.ENOMEM;
    }

    private bool CanGrowInPlace(VmArea area, ulong growth) =>
        area.End.Value + growth > area.End.Value && area.End.Value + growth <= TaskSize && IsGap(area.End.Value, growth);

    private Result<VirtAddr> GrowInPlace(VmArea area, ulong growth, VirtAddr address)
    {
        ulong pages = growth >> Page.Shift;
        if (Commit(area.Flags, pages) != Errno.Success)
            return Errno.ENOMEM;
        area.End += growth;
        Statistics.AddArea(area.Flags, (long)pages);
        if ((area.Flags & VmFlags.Locked) != 0)
            Statistics.LockedVm += (long)pages;
        _ = Merge(area);
        return address;
    }

    /// <summary>Makes a mapping like a part of another one elsewhere, carries the pages over and removes the old part (move_vma).</summary>
    private Result<VirtAddr> Move(
        VmArea area, VirtAddr from, ulong oldLength, ulong newLength, VirtAddr to, bool keepOld, out bool outOfFrames)
    {
        outOfFrames = false;
        ulong newPages = newLength >> Page.Shift;
        if (Areas.Count >= Memory.MaximumAreas - 3)
            return Errno.ENOMEM;
        bool removesOld = !keepOld && oldLength != 0;

        // What the removal of the old part needs is had before anything moves: from then on nothing can fail.
        Errno error = removesOld ? SplitAround(from, from + oldLength) : Errno.Success;
        area = Areas.Find(from)!;
        if (error == Errno.Success)
            error = Commit(area.Flags, newPages);
        if (error != Errno.Success)
        {
            _ = Merge(area);
            return error;
        }

        if (!CloneArea(area, this, area.Start, area.Start + newLength).TryGet(out VmArea? moved, out error))
        {
            Uncommit(area.Flags, newPages);
            _ = Merge(area);
            return error;
        }

        moved.Start = to;
        moved.End = to + newLength;
        moved.PageOffset = area.IsAnonymous && !area.HasAnonymous ? to.Value >> Page.Shift : area.IndexOf(from);
        Statistics.AddArea(moved.Flags, (long)newPages);
        if ((moved.Flags & VmFlags.Locked) != 0)
            Statistics.LockedVm += (long)newPages;
        Areas.Insert(moved);
        if (!MoveEntries(from.Value, to.Value, oldLength))
        {
            _ = UnmapRange(to, to + newLength);
            _ = Merge(area);
            outOfFrames = true;
            return Errno.ENOMEM;
        }

        if (keepOld)
        {
            // The lock moves with the pages; all of the old mapping loses it.
            if ((area.Flags & VmFlags.Locked) != 0)
                Statistics.LockedVm -= (long)area.Pages;
            area.Flags &= ~VmFlags.LockedMask;
            if (area.Start == from && area.Length == oldLength)
                area.HasAnonymous = false;
        }
        else if (removesOld)
        {
            error = UnmapRange(from, from + oldLength);
            if (error != Errno.Success)
                throw new InvalidOperationException($"the old place of a moved mapping can't be unmapped: {error}");
        }

        _ = Merge(moved);
        return to;
    }

    /// <summary>Moves entries; false, with nothing moved, if a table can't be had.</summary>
    private unsafe bool MoveEntries(ulong from, ulong to, ulong length)
    {
        for (ulong offset = 0; offset < length;)
        {
            ulong* slot = FindEntry(from + offset);
            if (slot is null)
            {
                offset = ((from + offset + Page.HugeSize) & ~(Page.HugeSize - 1)) - from;
                continue;
            }

            if (*slot != 0 && EnsureEntry(to + offset) is null)
                return false;
            offset += Page.Size;
        }

        MmuGather gather = Memory.Gather;
        gather.Begin(this);
        for (ulong offset = 0; offset < length; offset += Page.Size)
        {
            ulong* slot = FindEntry(from + offset);
            if (slot is null || *slot == 0)
                continue;
            ulong entry = Interlocked.Exchange(ref *slot, 0);
            Memory[FrameOfTable(slot)]->MapCount--;
            SetEntry(FindEntry(to + offset), entry);
            gather.AddRange(from + offset, Page.Size);
        }

        gather.Finish();
        return true;
    }
}
