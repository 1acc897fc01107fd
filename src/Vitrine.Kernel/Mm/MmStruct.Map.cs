using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm;

/// <content>mmap, munmap and brk.</content>
internal sealed partial class MmStruct
{
    /// <summary>The flags that MAP_SHARED_VALIDATE lets through (LEGACY_MAP_MASK): huge page sizes are among them.</summary>
    private const MapFlags LegacyFlags = MapFlags.Shared | MapFlags.Private | MapFlags.Fixed | MapFlags.Anonymous
        | MapFlags.DenyWrite | MapFlags.Executable | MapFlags.Uninitialized | MapFlags.GrowsDown | MapFlags.Locked
        | MapFlags.NoReserve | MapFlags.Populate | MapFlags.NonBlock | MapFlags.Stack | MapFlags.HugeTlb | MapFlags.Only32Bit
        | MapFlags.FixedNoReplace | MapFlags.Above4G | MapFlags.Huge2M | MapFlags.Huge1G;

    /// <summary>Maps a file or anonymous memory, as mmap(2) does; works on any address space.</summary>
    /// <param name="file">Borrowed; the mapping takes a reference of its own. Null: anonymous.</param>
    /// <param name="fileOffset">Bytes, page-aligned.</param>
    public KTask<Result<VirtAddr>> MapAsync(
        Task current, VirtAddr address, ulong length, ProtectionFlags protection, MapFlags flags, OpenFile? file, ulong fileOffset)
    {
        Result<VmArea> made = Map(current, address, length, protection, flags, file, fileOffset >> Page.Shift, out VirtAddr start);
        if (!made.TryGet(out VmArea? area, out Errno error))
            return KTask<Result<VirtAddr>>.FromResult(error);
        bool populate = (area.Flags & VmFlags.LockedMask) == VmFlags.Locked
            || (flags & (MapFlags.Populate | MapFlags.NonBlock)) == MapFlags.Populate;
        return populate
            ? PopulateMappedAsync(current, start, Page.AlignUp(length))
            : KTask<Result<VirtAddr>>.FromResult(start);
    }

    /// <summary>Removes all mappings in a range, as munmap(2) does.</summary>
    public Errno Unmap(VirtAddr address, ulong length)
    {
        if (!address.IsPageAligned || length == 0 || !IsUserRange(address, length))
            return Errno.EINVAL;
        return UnmapRange(address, new VirtAddr(address.Value + Page.AlignUp(length)));
    }

    public KTask<Errno> UnmapAsync(Task current, VirtAddr address, ulong length) => KTask<Errno>.FromResult(Unmap(address, length));

    /// <summary>Maps frames that the machine owns, such as the vDSO, at or near a place.</summary>
    public Result<VirtAddr> MapSpecial(Task current, VirtAddr hint, string name, PageFrameNumber[] frames, ProtectionFlags protection)
    {
        ulong length = (ulong)frames.Length << Page.Shift;
        if (!FindGap(current, hint, length, MapFlags.None).TryGet(out VirtAddr start, out Errno error))
            return error;
        VmFlags flags = ToVmFlags(protection) | VmFlags.MayRead | VmFlags.PfnMap | VmFlags.DontExpand
            | ((protection & ProtectionFlags.Execute) != 0 ? VmFlags.MayExecute : VmFlags.None);
        Result<VmArea> made = NewArea(start, length, flags);
        if (!made.TryGet(out VmArea? area, out error))
            return error;
        area.PageOffset = 0;
        area.Operations = new SpecialMapping(name, frames);
        Publish(area);
        return start;
    }

    /// <summary>Moves the end of the heap, as brk(2) does; the end as it is then.</summary>
    public KTask<VirtAddr> SetBrkAsync(Task current, VirtAddr wanted)
    {
        if (wanted < StartBrk || wanted.Value > TaskSize)
            return KTask<VirtAddr>.FromResult(Brk);
        ulong data = (Brk - StartBrk) + (EndData - StartData);
        ulong limit = current.LimitOf(ResourceLimit.Data);
        if (wanted > Brk && limit != ulong.MaxValue && data + (wanted - Brk) > limit)
            return KTask<VirtAddr>.FromResult(Brk);
        ulong oldEnd = Page.AlignUp(Brk.Value);
        ulong newEnd = Page.AlignUp(wanted.Value);
        if (newEnd == oldEnd)
        {
            Brk = wanted;
            return KTask<VirtAddr>.FromResult(Brk);
        }

        if (newEnd < oldEnd)
        {
            if (UnmapRange(new VirtAddr(newEnd), new VirtAddr(oldEnd)) == Errno.Success)
                Brk = wanted;
            return KTask<VirtAddr>.FromResult(Brk);
        }

        // One page more must be free, so that heap and neighbour never touch.
        ulong length = newEnd - oldEnd;
        if (!IsGap(oldEnd, length + Page.Size) || ExpandBrk(current, oldEnd, length) != Errno.Success)
            return KTask<VirtAddr>.FromResult(Brk);
        Brk = wanted;
        if ((DefaultFlags & VmFlags.LockedMask) != VmFlags.Locked)
            return KTask<VirtAddr>.FromResult(Brk);
        return PopulateBrkAsync(current, new VirtAddr(oldEnd), length);
    }

    /// <summary>An anonymous private mapping where the heap begins (vm_brk_flags): exec's bss and brk's growth.</summary>
    internal Errno ExpandBrk(Task current, ulong start, ulong length, bool executable = false)
    {
        VmFlags flags = VmFlags.Read | VmFlags.Write | VmFlags.MayRead | VmFlags.MayWrite | VmFlags.MayExecute | VmFlags.Account | DefaultFlags;
        if (executable)
            flags |= VmFlags.Execute;
        Errno error = CheckLocked(current, flags, length >> Page.Shift);
        if (error != Errno.Success)
            return error;
        if (!MayExpand(current, flags, length >> Page.Shift) || Areas.Count >= Memory.MaximumAreas)
            return Errno.ENOMEM;
        if (!NewArea(new VirtAddr(start), length, flags).TryGet(out VmArea? area, out error))
            return error;
        Publish(area);
        return Errno.Success;
    }

    internal static VmFlags ToVmFlags(ProtectionFlags protection) =>
        (VmFlags)(protection & (ProtectionFlags.Read | ProtectionFlags.Write | ProtectionFlags.Execute));

    /// <summary>Unmaps [start, end), page-aligned and in user space.</summary>
    internal Errno UnmapRange(VirtAddr start, VirtAddr end)
    {
        int first = Areas.FirstEndingAfter(start);
        if (first == Areas.Count || Areas[first].Start >= end)
            return Errno.Success;
        if (HasSealed(start, end))
            return Errno.EPERM;
        Errno error = SplitAround(start, end);
        if (error != Errno.Success)
            return error;
        first = Areas.FirstEndingAfter(start);
        int count = 0;
        MmuGather gather = Memory.Gather;
        gather.Begin(this);
        while (first + count < Areas.Count && Areas[first + count].Start < end)
        {
            VmArea area = Areas[first + count++];
            ZapWithTables(gather, area.Start.Value, area.End.Value);
        }

        gather.Finish();
        if (count == 1)
        {
            VmArea only = Areas[first];
            Areas.RemoveAt(first, 1);
            GapOpened(start);
            Close(only);
            return Errno.Success;
        }

        var gone = new VmArea[count];
        for (int i = 0; i < count; i++)
            gone[i] = Areas[first + i];
        Areas.RemoveAt(first, count);
        GapOpened(start);
        foreach (VmArea area in gone)
            Close(area);
        return Errno.Success;
    }

    private Result<VmArea> Map(
        Task current, VirtAddr address, ulong length, ProtectionFlags protection, MapFlags flags, OpenFile? file, ulong pageOffset, out VirtAddr start)
    {
        start = default;
        if (length == 0)
            return Errno.EINVAL;
        if ((protection & ProtectionFlags.Read) != 0 && current.ReadImpliesExec && (file is null || (file.Path.Mount.Flags & MountFlags.NoExec) == 0))
            protection |= ProtectionFlags.Execute;
        if ((flags & MapFlags.FixedNoReplace) != 0)
            flags |= MapFlags.Fixed;
        if ((flags & MapFlags.Fixed) == 0 && address.Value != 0)
            address = new VirtAddr(Math.Max(address.PageBase.Value, MinimumAddress));
        length = Page.AlignUp(length);
        if (length == 0 || length > TaskSize)
            return Errno.ENOMEM;
        if (pageOffset + (length >> Page.Shift) < pageOffset)
            return Errno.EOVERFLOW;
        if (Areas.Count >= Memory.MaximumAreas)
            return Errno.ENOMEM;
        if (!FindGap(current, address, length, flags).TryGet(out start, out Errno error))
            return error;
        if (!start.IsPageAligned)
            return Errno.EINVAL;
        if (start.Value < MinimumAddress && !current.Credentials.IsCapable(Kernel.InitUserNamespace, Capability.SysRawio))
            return Errno.EPERM;
        if ((flags & MapFlags.FixedNoReplace) != 0 && !Areas.IsFree(start, start + length))
            return Errno.EEXIST;

        VmFlags vmFlags = ToVmFlags(protection) | DefaultFlags | VmFlags.MayRead | VmFlags.MayWrite | VmFlags.MayExecute;
        if ((flags & MapFlags.GrowsDown) != 0)
            vmFlags |= VmFlags.GrowsDown;
        if ((flags & MapFlags.Locked) != 0)
        {
            if (!MayLock(current))
                return Errno.EPERM;
            vmFlags |= VmFlags.Locked;
        }

        error = CheckLocked(current, vmFlags, length >> Page.Shift);
        if (error != Errno.Success)
            return error;
        error = file is null
            ? CheckAnonymous(flags, start, ref vmFlags, ref pageOffset)
            : CheckFile(file, flags, protection, ref vmFlags);
        if (error != Errno.Success)
            return error;
        if ((flags & MapFlags.NoReserve) != 0)
            vmFlags |= VmFlags.NoReserve;
        return Place(current, start, length, vmFlags, file, pageOffset);
    }

    private static Errno CheckAnonymous(MapFlags flags, VirtAddr start, ref VmFlags vmFlags, ref ulong pageOffset)
    {
        switch (flags & MapFlags.TypeMask)
        {
            case MapFlags.Shared:
                if ((vmFlags & VmFlags.GrowsDown) != 0)
                    return Errno.EINVAL;
                pageOffset = 0;
                vmFlags |= VmFlags.Shared | VmFlags.MayShare;
                return Errno.Success;
            case MapFlags.Private:
                pageOffset = start.Value >> Page.Shift;
                return Errno.Success;
            default:
                return Errno.EINVAL;
        }
    }

    private static Errno CheckFile(OpenFile file, MapFlags flags, ProtectionFlags protection, ref VmFlags vmFlags)
    {
        switch (flags & MapFlags.TypeMask)
        {
            case MapFlags.Shared:
            case MapFlags.SharedValidate:
                if ((flags & MapFlags.TypeMask) == MapFlags.SharedValidate && (flags & ~(LegacyFlags | MapFlags.SharedValidate)) != 0)
                    return Errno.EOPNOTSUPP;
                if ((protection & ProtectionFlags.Write) != 0 && !file.CanWrite)
                    return Errno.EACCES;
                vmFlags |= VmFlags.Shared | VmFlags.MayShare;
                if (!file.CanWrite)
                    vmFlags &= ~(VmFlags.MayWrite | VmFlags.Shared);
                break;
            case MapFlags.Private:
                break;
            default:
                return Errno.EINVAL;
        }

        if (!file.CanRead)
            return Errno.EACCES;
        if ((file.Path.Mount.Flags & MountFlags.NoExec) != 0)
        {
            if ((vmFlags & VmFlags.Execute) != 0)
                return Errno.EPERM;
            vmFlags &= ~VmFlags.MayExecute;
        }

        return (vmFlags & VmFlags.GrowsDown) != 0 ? Errno.EINVAL : Errno.Success;
    }

    /// <summary>mmap_region's twin: limits, what was there goes, the new mapping comes.</summary>
    private Result<VmArea> Place(Task current, VirtAddr start, ulong length, VmFlags flags, OpenFile? file, ulong pageOffset)
    {
        ulong pages = length >> Page.Shift;
        ulong replaced = PagesMapped(start, start + length);
        if (!MayExpand(current, flags, pages - replaced))
            return Errno.ENOMEM;
        if ((flags & (VmFlags.NoReserve | VmFlags.Shared | VmFlags.Write)) == VmFlags.Write
            || (file is null && (flags & (VmFlags.Shared | VmFlags.NoReserve)) == VmFlags.Shared))
        {
            flags |= VmFlags.Account;
        }

        Errno error = UnmapRange(start, start + length);
        if (error != Errno.Success)
            return error;
        if (!NewArea(start, length, flags).TryGet(out VmArea? area, out error))
            return error;
        area.PageOffset = pageOffset;
        if (file is not null)
        {
            area.File = file.Get();
            error = file.Map(current, area);
        }
        else if ((flags & VmFlags.Shared) != 0)
        {
            error = area.SetAnonymousShared(Kernel);
        }

        if (error != Errno.Success)
        {
            Close(area);
            return error;
        }

        return Publish(area);
    }

    /// <summary>A mapping that is charged, committed and counted but not yet in the set.</summary>
    private Result<VmArea> NewArea(VirtAddr start, ulong length, VmFlags flags)
    {
        if (Cgroup.ChargeKernelMemory(VmArea.DeclaredSize) != Errno.Success)
            return Errno.ENOMEM;
        if (Commit(flags, length >> Page.Shift) != Errno.Success)
        {
            Cgroup.UnchargeKernelMemory(VmArea.DeclaredSize);
            return Errno.ENOMEM;
        }

        Statistics.AddArea(flags, (long)(length >> Page.Shift));
        if ((flags & VmFlags.Locked) != 0)
            Statistics.LockedVm += (long)(length >> Page.Shift);
        return new VmArea(this, start, start + length, flags) { PageOffset = start.Value >> Page.Shift };
    }

    private VmArea Publish(VmArea area)
    {
        Areas.Insert(area);
        return area.Operations is null ? Merge(area) : area;
    }

    private ulong PagesMapped(VirtAddr start, VirtAddr end)
    {
        ulong pages = 0;
        for (int i = Areas.FirstEndingAfter(start); i < Areas.Count && Areas[i].Start < end; i++)
        {
            ulong from = Math.Max(Areas[i].Start.Value, start.Value);
            ulong to = Math.Min(Areas[i].End.Value, end.Value);
            pages += (to - from) >> Page.Shift;
        }

        return pages;
    }

    private async KTask<Result<VirtAddr>> PopulateMappedAsync(Task current, VirtAddr start, ulong length)
    {
        // mmap has succeeded whatever happens to the pages.
        _ = await PopulateAsync(current, start, length);
        return start;
    }

    private async KTask<VirtAddr> PopulateBrkAsync(Task current, VirtAddr start, ulong length)
    {
        _ = await PopulateAsync(current, start, length);
        return Brk;
    }
}
