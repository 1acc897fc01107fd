using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm;

/// <content>madvise, msync, mincore.</content>
internal sealed partial class MmStruct
{
    /// <summary>madvise(2). Ranges that are not mapped are reported with ENOMEM after the rest has been done.</summary>
    public async KTask<Errno> AdviseAsync(Task current, VirtAddr start, ulong length, MemoryAdvice advice)
    {
        if (!IsKnown(advice) || !start.IsPageAligned)
            return Errno.EINVAL;
        ulong aligned = Page.AlignUp(length);
        if ((length != 0 && aligned == 0) || start.Value + aligned < start.Value)
            return Errno.EINVAL;
        if (aligned == 0)
            return Errno.Success;
        if (advice is MemoryAdvice.PopulateRead or MemoryAdvice.PopulateWrite)
            return await PopulateAdviceAsync(current, start, aligned, advice == MemoryAdvice.PopulateWrite);
        VirtAddr end = start + aligned;
        Errno unmapped = Errno.Success;
        VirtAddr at = start;
        while (at < end)
        {
            int index = Areas.FirstEndingAfter(at);
            if (index == Areas.Count)
                return Errno.ENOMEM;
            VmArea area = Areas[index];
            if (area.Start > at)
            {
                unmapped = Errno.ENOMEM;
                at = area.Start;
                if (at >= end)
                    break;
            }

            VirtAddr to = area.End < end ? area.End : end;
            Errno error = advice switch
            {
                _ when IsSealedFrom(area, advice) => Errno.EPERM,
                MemoryAdvice.Remove => await RemoveAsync(current, area, at, to),
                MemoryAdvice.WillNeed => await PrefetchAsync(current, area, at, to),
                _ => Advise(area, at, to, advice),
            };
            if (error != Errno.Success)
                return error;
            at = to;
        }

        return unmapped;
    }

    /// <summary>msync(2).</summary>
    public async KTask<Errno> SyncAsync(Task current, VirtAddr start, ulong length, MsyncFlags flags)
    {
        if ((flags & ~(MsyncFlags.Async | MsyncFlags.Invalidate | MsyncFlags.Sync)) != 0 || !start.IsPageAligned
            || (flags & (MsyncFlags.Async | MsyncFlags.Sync)) == (MsyncFlags.Async | MsyncFlags.Sync))
        {
            return Errno.EINVAL;
        }

        ulong aligned = Page.AlignUp(length);
        if (start.Value + aligned < start.Value || (length != 0 && aligned == 0))
            return Errno.ENOMEM;
        VirtAddr end = start + aligned;
        Errno unmapped = Errno.Success;
        VirtAddr at = start;
        while (at < end)
        {
            int index = Areas.FirstEndingAfter(at);
            if (index == Areas.Count)
                return Errno.ENOMEM;
            VmArea area = Areas[index];
            if (area.Start > at)
            {
                unmapped = Errno.ENOMEM;
                at = area.Start;
                if (at >= end)
                    break;
            }

            VirtAddr to = area.End < end ? area.End : end;
            if ((flags & MsyncFlags.Invalidate) != 0 && (area.Flags & VmFlags.Locked) != 0)
                return Errno.EBUSY;
            if ((flags & MsyncFlags.Sync) != 0 && area.IsShared && area.File is { } file)
            {
                CollectDirty(area, at.Value, to.Value);
                file.Get();
                Errno error = await file.SyncAsync(current, dataOnly: false);
                file.Put();
                if (error != Errno.Success)
                    return error;
            }

            at = to;
        }

        return unmapped;
    }

    /// <summary>One byte a page for mincore(2): bit 0 says whether it is in memory. ENOMEM at a hole.</summary>
    public unsafe Errno Residency(Task current, VirtAddr start, Span<byte> pages)
    {
        for (int i = 0; i < pages.Length; i++)
        {
            VirtAddr at = start + ((ulong)i << Page.Shift);
            if (Areas.Find(at) is not { } area)
                return Errno.ENOMEM;
            ulong* slot = FindEntry(at.Value);
            if (slot is not null && *slot != 0)
            {
                pages[i] = 1;
                continue;
            }

            bool visible = area.Mapping is { } space && (area.File is null || MaySeeCache(current, area.File));
            pages[i] = area.Mapping is null ? (byte)0
                : !visible ? (byte)1
                : area.Mapping.Find(area.IndexOf(at)) is { IsUptodate: true } ? (byte)1 : (byte)0;
        }

        return Errno.Success;
    }

    /// <summary>The page cache's state is told only to those who could change the file (can_do_mincore).</summary>
    private static bool MaySeeCache(Task current, OpenFile file) =>
        file.CanWrite || current.Credentials.Fsuid == file.Inode.Uid
        || current.Credentials.IsCapable(current.Kernel.InitUserNamespace, Security.Capability.Fowner);

    private static bool IsKnown(MemoryAdvice advice) => advice switch
    {
        // No same-page merging, no poisoning, no huge pages to collapse into; guard regions came after 6.12.
        MemoryAdvice.Mergeable or MemoryAdvice.Unmergeable or MemoryAdvice.HardwarePoison or MemoryAdvice.SoftOffline
            or MemoryAdvice.Collapse or MemoryAdvice.GuardInstall or MemoryAdvice.GuardRemove => false,
        >= MemoryAdvice.Normal and <= MemoryAdvice.DontNeed => true,
        >= MemoryAdvice.Free and <= MemoryAdvice.DontNeedLocked => true,
        _ => false,
    };

    private Errno Advise(VmArea area, VirtAddr start, VirtAddr end, MemoryAdvice advice)
    {
        const VmFlags Pattern = VmFlags.RandomRead | VmFlags.SequentialRead;
        VmFlags flags = area.Flags;
        switch (advice)
        {
            case MemoryAdvice.DontNeed:
            case MemoryAdvice.DontNeedLocked:
            case MemoryAdvice.Free:
                return Discard(area, start, end, advice);
            case MemoryAdvice.Cold:
            case MemoryAdvice.PageOut:
                return (flags & (VmFlags.Locked | VmFlags.PfnMap | VmFlags.HugeTlb)) != 0 ? Errno.EINVAL : Cool(start, end);
            case MemoryAdvice.Normal:
                flags &= ~Pattern;
                break;
            case MemoryAdvice.Random:
                flags = (flags & ~Pattern) | VmFlags.RandomRead;
                break;
            case MemoryAdvice.Sequential:
                flags = (flags & ~Pattern) | VmFlags.SequentialRead;
                break;
            case MemoryAdvice.DontFork:
                flags |= VmFlags.DontCopy;
                break;
            case MemoryAdvice.DoFork:
                if ((flags & VmFlags.Io) != 0)
                    return Errno.EINVAL;
                flags &= ~VmFlags.DontCopy;
                break;
            case MemoryAdvice.WipeOnFork:
                if (area.File is not null || area.IsShared)
                    return Errno.EINVAL;
                flags |= VmFlags.WipeOnFork;
                break;
            case MemoryAdvice.KeepOnFork:
                flags &= ~VmFlags.WipeOnFork;
                break;
            case MemoryAdvice.DontDump:
                flags |= VmFlags.DontDump;
                break;
            case MemoryAdvice.DoDump:
                if ((flags & VmFlags.SpecialMask) != 0)
                    return Errno.EINVAL;
                flags &= ~VmFlags.DontDump;
                break;
            case MemoryAdvice.HugePage:
                flags = (flags & ~VmFlags.NoHugePage) | VmFlags.HugePage;
                break;
            case MemoryAdvice.NoHugePage:
                flags = (flags & ~VmFlags.HugePage) | VmFlags.NoHugePage;
                break;
            default:
                return Errno.EINVAL;
        }

        return SetFlags(area, start, end, flags, out _);
    }

    private Errno Discard(VmArea area, VirtAddr start, VirtAddr end, MemoryAdvice advice)
    {
        VmFlags refused = VmFlags.PfnMap | VmFlags.HugeTlb;
        if (advice != MemoryAdvice.DontNeedLocked)
            refused |= VmFlags.Locked;
        if ((area.Flags & refused) != 0 || (advice == MemoryAdvice.Free && !area.IsAnonymous))
            return Errno.EINVAL;

        if (advice == MemoryAdvice.Free)
        {
            FreeLazily(area, start.Value, end.Value);
            return Errno.Success;
        }

        MmuGather gather = Memory.Gather;
        gather.Begin(this);
        Zap(gather, start.Value, end.Value);
        gather.Finish();
        return Errno.Success;
    }

    /// <summary>Makes the pages of a range look unused to reclaim.</summary>
    private unsafe Errno Cool(VirtAddr start, VirtAddr end)
    {
        MmuGather gather = Memory.Gather;
        gather.Begin(this);
        ForEachEntry(start.Value, end.Value, (address, slot) =>
        {
            if ((*slot & Pte.Present) == 0)
                return;
            _ = Interlocked.And(ref *slot, ~Pte.Accessed);
            gather.AddRange(address, Page.Size);
            if ((*slot & Pte.Special) == 0)
                Memory[Pte.Frame(*slot)]->Flags &= ~PageFlags.Referenced;
        });
        gather.Finish();
        return Errno.Success;
    }

    private unsafe void CollectDirty(VmArea area, ulong start, ulong end)
    {
        if (area.Mapping is not { TracksDirty: true })
            return;
        MmuGather gather = Memory.Gather;
        gather.Begin(this);
        ForEachEntry(start, end, (address, slot) =>
        {
            if ((*slot & (Pte.Dirty | Pte.Special)) != Pte.Dirty)
                return;
            _ = Interlocked.And(ref *slot, ~(Pte.Dirty | Pte.Writable));
            gather.AddRange(address, Page.Size);
            Memory.MarkDirty(Pte.Frame(*slot));
        });
        gather.Finish();
    }

    private static async KTask<Errno> RemoveAsync(Task current, VmArea area, VirtAddr start, VirtAddr end)
    {
        if ((area.Flags & VmFlags.Locked) != 0 || area.Mapping is not { } space)
            return Errno.EINVAL;
        if ((area.Flags & (VmFlags.Shared | VmFlags.MayWrite)) != (VmFlags.Shared | VmFlags.MayWrite))
            return Errno.EACCES;
        long offset = (long)(area.IndexOf(start) << Page.Shift);
        long length = (long)(end - start);
        if (area.File is { } file)
        {
            file.Get();
            Errno error = await file.AllocateAsync(current, FallocateMode.PunchHole | FallocateMode.KeepSize, offset, length);
            file.Put();
            return error;
        }

        space.Pin();
        await space.PunchHoleAsync(current, offset, offset + length);
        space.Unpin();
        return Errno.Success;
    }

    private static async KTask<Errno> PrefetchAsync(Task current, VmArea area, VirtAddr start, VirtAddr end)
    {
        if (area.Mapping is not { } space)
            return Errno.Success;
        int pages = (int)Math.Min((end - start) >> Page.Shift, 4096);
        space.Pin();

        // Only a hint: what can't be read now will show when it is touched.
        _ = await FileMap.PrefetchAsync(current, space, area.IndexOf(start), pages);
        space.Unpin();
        return Errno.Success;
    }

    private async KTask<Errno> PopulateAdviceAsync(Task current, VirtAddr start, ulong length, bool write)
    {
        VirtAddr end = start + length;
        for (VirtAddr at = start; at < end; at += Page.Size)
        {
            if (current.IsFatalSignalPending)
                return Errno.EINTR;
            if (Areas.Find(at) is not { } area)
                return Errno.ENOMEM;
            if ((area.Flags & (VmFlags.Io | VmFlags.PfnMap)) != 0
                || (area.Flags & (write ? VmFlags.Write : VmFlags.Read)) == 0)
            {
                return Errno.EINVAL;
            }

            if (IsPresent(at.Value, write))
                continue;
            Errno error = await FaultInAsync(current, at, write);
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }
}
