using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>Mappings that grow downwards: the stack.</content>
internal sealed partial class MmStruct
{
    /// <summary>What exec maps of the stack at first: arguments apart, 128 KiB and a page, as Linux's setup_arg_pages.</summary>
    private const ulong InitialStack = (128 << 10) + Page.Size;

    /// <summary>Makes the stack's mapping, which ends at <paramref name="top"/>, for exec.</summary>
    public KTask<Result<VirtAddr>> MapStackAsync(Task current, VirtAddr top, bool executable)
    {
        ulong end = Page.AlignDown(top.Value);
        VmFlags flags = VmFlags.Read | VmFlags.Write | VmFlags.MayRead | VmFlags.MayWrite | VmFlags.MayExecute
            | VmFlags.GrowsDown | VmFlags.Account | DefaultFlags;
        if (executable)
            flags |= VmFlags.Execute;
        ulong size = Math.Min(InitialStack, Math.Max(Page.AlignDown(current.LimitOf(ResourceLimit.Stack)), Page.Size));
        var start = new VirtAddr(end - size);
        if (!Areas.IsFree(start, new VirtAddr(end)))
            return KTask<Result<VirtAddr>>.FromResult(Errno.ENOMEM);
        if (!NewArea(start, size, flags).TryGet(out VmArea? area, out Errno error))
            return KTask<Result<VirtAddr>>.FromResult(error);
        Areas.Insert(area);
        StackTop = new VirtAddr(end);
        return KTask<Result<VirtAddr>>.FromResult(new VirtAddr(end));
    }

    /// <summary>The stack above an address, grown down to it if its limits allow; null if there is none (expand_stack).</summary>
    private VmArea? GrowStackTo(Task current, VirtAddr address)
    {
        int index = Areas.FirstEndingAfter(address);
        if (index == Areas.Count)
            return null;
        VmArea area = Areas[index];
        if (!area.IsGrowsDown || address.Value < MinimumAddress)
            return null;
        ulong size = area.End - address;
        ulong growth = (area.Start - address) >> Page.Shift;
        if (size > current.LimitOf(ResourceLimit.Stack) || !MayExpand(current, area.Flags, growth))
            return null;
        if (index > 0)
        {
            VmArea below = Areas[index - 1];
            bool needsGap = !below.IsGrowsDown && (below.Flags & VmFlags.Access) != 0;
            if (needsGap && address - below.End < StackGuardGap)
                return null;
        }

        if ((area.Flags & VmFlags.Locked) != 0
            && ((ulong)Statistics.LockedVm + growth) << Page.Shift > current.LimitOf(ResourceLimit.MemoryLock)
            && !MayLockUnlimited(current))
        {
            return null;
        }

        if (Commit(area.Flags, growth) != Errno.Success)
            return null;
        area.PageOffset -= growth;
        area.Start = address;
        Statistics.AddArea(area.Flags, (long)growth);
        if ((area.Flags & VmFlags.Locked) != 0)
            Statistics.LockedVm += (long)growth;
        return area;
    }
}
