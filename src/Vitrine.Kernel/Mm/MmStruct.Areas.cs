using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm;

/// <content>Keeping the set of mappings: making, splitting, merging, closing.</content>
internal sealed partial class MmStruct
{
    /// <summary>Frees what a mapping holds; it is no longer in <see cref="Areas"/> and has no entries.</summary>
    private void Close(VmArea area)
    {
        area.Operations?.Close(area);
        Uncommit(area.Flags, area.Pages);
        Statistics.AddArea(area.Flags, -(long)area.Pages);
        if ((area.Flags & VmFlags.Locked) != 0)
            Statistics.LockedVm -= (long)area.Pages;
        area.SetMapping(null);
        OpenFile? file = area.File;
        area.File = null;
        Cgroup.UnchargeKernelMemory(VmArea.DeclaredSize);
        file?.Put();
    }

    /// <summary>A mapping like another one over [start, end), with references of its own, counted but not inserted.</summary>
    private Result<VmArea> CloneArea(VmArea from, MmStruct to, VirtAddr start, VirtAddr end)
    {
        if (to.Cgroup.ChargeKernelMemory(VmArea.DeclaredSize) != Errno.Success)
            return Errno.ENOMEM;
        var area = new VmArea(to, start, end, from.Flags)
        {
            PageOffset = from.PageOffset + ((start - from.Start) >> Page.Shift),
            File = from.File?.Get(),
            Operations = from.Operations,
            HasAnonymous = from.HasAnonymous,
            HasLazy = from.HasLazy,
            AnonymousName = from.AnonymousName,
            Policy = from.Policy,
        };
        area.SetMapping(from.Mapping);
        area.Operations?.Open(area);
        return area;
    }

    /// <summary>Cuts a mapping in two at an address inside it; it keeps the lower part.</summary>
    private Errno Split(VmArea area, VirtAddr at)
    {
        if (area.Operations?.MaySplit(area) is { } refused && refused != Errno.Success)
            return refused;
        if (Areas.Count >= Memory.MaximumAreas)
            return Errno.ENOMEM;
        if (!CloneArea(area, this, at, area.End).TryGet(out VmArea? upper, out Errno error))
            return error;

        // The pages stay counted as they are: only the bounds change.
        area.End = at;
        Areas.Insert(upper);
        return Errno.Success;
    }

    /// <summary>Makes the bounds of [start, end) bounds of mappings.</summary>
    private Errno SplitAround(VirtAddr start, VirtAddr end)
    {
        if (Areas.Find(start) is { } first && first.Start < start)
        {
            Errno error = Split(first, start);
            if (error != Errno.Success)
                return error;
        }

        if (Areas.Find(end) is { } last && last.Start < end)
            return Split(last, end);
        return Errno.Success;
    }

    /// <summary>Merges a mapping with equal neighbours; returns the one that holds it now.</summary>
    private VmArea Merge(VmArea area)
    {
        int index = Areas.IndexOf(area);
        if (index + 1 < Areas.Count && CanMerge(area, Areas[index + 1]))
            Absorb(area, Areas[index + 1]);
        if (index > 0 && CanMerge(Areas[index - 1], area))
        {
            VmArea lower = Areas[index - 1];
            Absorb(lower, area);
            return lower;
        }

        return area;
    }

    private static bool CanMerge(VmArea lower, VmArea upper) =>
        lower.End == upper.Start
        && lower.Flags == upper.Flags
        && (lower.Flags & VmFlags.SpecialMask) == 0
        && lower.File == upper.File
        && lower.Mapping == upper.Mapping
        && lower.Operations is null && upper.Operations is null
        && lower.PageOffset + lower.Pages == upper.PageOffset
        && lower.AnonymousName == upper.AnonymousName
        && lower.Policy == upper.Policy;

    /// <summary>The lower one takes over the upper one's range; the upper one goes.</summary>
    private void Absorb(VmArea lower, VmArea upper)
    {
        lower.HasAnonymous |= upper.HasAnonymous;
        lower.HasLazy |= upper.HasLazy;
        Areas.Remove(upper);
        lower.End = upper.End;
        upper.SetMapping(null);
        OpenFile? file = upper.File;
        upper.File = null;
        Cgroup.UnchargeKernelMemory(VmArea.DeclaredSize);
        file?.Put();
    }

    /// <summary>Counts pages against the commit limit if the mapping is accountable. ENOMEM by the heuristic.</summary>
    private Errno Commit(VmFlags flags, ulong pages) =>
        (flags & VmFlags.Account) == 0 ? Errno.Success : Memory.Commit(pages);

    private void Uncommit(VmFlags flags, ulong pages)
    {
        if ((flags & VmFlags.Account) != 0)
            Memory.Uncommit(pages);
    }
}
