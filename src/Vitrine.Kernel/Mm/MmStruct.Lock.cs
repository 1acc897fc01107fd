using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>mlock and its family, and faulting ranges in.</content>
internal sealed partial class MmStruct
{
    /// <summary>mlock2(2): locks a range and makes it present.</summary>
    public async KTask<Errno> LockAsync(Task current, VirtAddr start, ulong length, MlockFlags flags)
    {
        if (!MayLock(current))
            return Errno.EPERM;
        length = Page.AlignUp(length + (ulong)start.PageOffset);
        start = start.PageBase;
        ulong limit = current.LimitOf(ResourceLimit.MemoryLock);
        ulong wanted = (length >> Page.Shift) + (ulong)Statistics.LockedVm;
        if (wanted > limit >> Page.Shift && !MayLockUnlimited(current))
            wanted -= LockedPages(start, start + length);
        if (wanted > limit >> Page.Shift && !MayLockUnlimited(current))
            return Errno.ENOMEM;
        VmFlags lockFlags = (flags & MlockFlags.OnFault) != 0 ? VmFlags.LockedMask : VmFlags.Locked;
        Errno error = ApplyLock(start, length, lockFlags);
        if (error != Errno.Success || (flags & MlockFlags.OnFault) != 0)
            return error;
        error = await PopulateAsync(current, start, length);

        // mlock reports what get_user_pages finds as Linux translates it.
        return error switch
        {
            Errno.EFAULT => Errno.ENOMEM,
            Errno.ENOMEM => Errno.EAGAIN,
            _ => error,
        };
    }

    public Errno Unlock(VirtAddr start, ulong length)
    {
        length = Page.AlignUp(length + (ulong)start.PageOffset);
        return ApplyLock(start.PageBase, length, VmFlags.None);
    }

    /// <summary>mlockall(2).</summary>
    public async KTask<Errno> LockAllAsync(Task current, MlockallFlags flags)
    {
        if (flags == 0 || flags == MlockallFlags.OnFault
            || (flags & ~(MlockallFlags.Current | MlockallFlags.Future | MlockallFlags.OnFault)) != 0)
        {
            return Errno.EINVAL;
        }

        if (!MayLock(current))
            return Errno.EPERM;
        ulong limit = current.LimitOf(ResourceLimit.MemoryLock) >> Page.Shift;
        if ((flags & MlockallFlags.Current) != 0 && (ulong)Statistics.TotalVm > limit && !MayLockUnlimited(current))
            return Errno.ENOMEM;
        VmFlags lockFlags = (flags & MlockallFlags.OnFault) != 0 ? VmFlags.LockedMask : VmFlags.Locked;
        DefaultFlags = (DefaultFlags & ~VmFlags.LockedMask) | ((flags & MlockallFlags.Future) != 0 ? lockFlags : VmFlags.None);
        if ((flags & MlockallFlags.Current) == 0)
            return Errno.Success;
        LockAllAreas(lockFlags);
        if ((flags & MlockallFlags.OnFault) == 0)
        {
            VirtAddr at = default;
            while (Areas.FirstEndingAfter(at) is var index && index < Areas.Count)
            {
                VmArea area = Areas[index];
                VirtAddr end = area.End;
                // Errors are ignored, as on Linux.
                if ((area.Flags & VmFlags.Locked) != 0)
                    _ = await PopulateAsync(current, area.Start, area.Length);
                at = end;
            }
        }

        return Errno.Success;
    }

    public void UnlockAll()
    {
        DefaultFlags &= ~VmFlags.LockedMask;
        LockAllAreas(VmFlags.None);
    }

    /// <summary>Faults a range in, for reading or writing as its mappings allow; stops at the first failure.</summary>
    internal async KTask<Errno> PopulateAsync(Task current, VirtAddr start, ulong length)
    {
        VirtAddr end = start + length;
        for (VirtAddr at = start; at < end; at += Page.Size)
        {
            if (current.IsFatalSignalPending)
                return Errno.EINTR;
            VmArea? area = Areas.Find(at);
            if (area is null)
                return Errno.ENOMEM;
            if ((area.Flags & VmFlags.SpecialMask) != 0)
                continue;
            if ((area.Flags & VmFlags.Access) == 0)
                return Errno.EFAULT;

            // Writing breaks copy-on-write in advance; shared pages need no write to be there.
            bool write = (area.Flags & (VmFlags.Write | VmFlags.Shared)) == VmFlags.Write;
            if (IsPresent(at.Value, write))
                continue;
            Errno error = await FaultInAsync(current, at, write);
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }

    private unsafe bool IsPresent(ulong address, bool write)
    {
        ulong* slot = FindEntry(address);
        ulong needed = write ? Pte.Present | Pte.Writable : Pte.Present;
        return slot is not null && (*slot & needed) == needed;
    }

    private static bool MayLock(Task current) =>
        current.LimitOf(ResourceLimit.MemoryLock) != 0 || MayLockUnlimited(current);

    private static bool MayLockUnlimited(Task current) =>
        current.Credentials.IsCapable(current.Kernel.InitUserNamespace, Capability.IpcLock);

    /// <summary>EAGAIN if a locked mapping would pass RLIMIT_MEMLOCK (mlock_future_ok).</summary>
    private Errno CheckLocked(Task current, VmFlags flags, ulong pages)
    {
        if ((flags & VmFlags.Locked) == 0 || MayLockUnlimited(current))
            return Errno.Success;
        return (ulong)Statistics.LockedVm + pages > current.LimitOf(ResourceLimit.MemoryLock) >> Page.Shift ? Errno.EAGAIN : Errno.Success;
    }

    private ulong LockedPages(VirtAddr start, VirtAddr end)
    {
        ulong pages = 0;
        for (int i = Areas.FirstEndingAfter(start); i < Areas.Count && Areas[i].Start < end; i++)
        {
            if ((Areas[i].Flags & VmFlags.Locked) == 0)
                continue;
            pages += (Math.Min(Areas[i].End.Value, end.Value) - Math.Max(Areas[i].Start.Value, start.Value)) >> Page.Shift;
        }

        return pages;
    }

    private Errno ApplyLock(VirtAddr start, ulong length, VmFlags lockFlags)
    {
        if (start.Value + length < start.Value)
            return Errno.EINVAL;
        if (length == 0)
            return Errno.Success;
        VirtAddr end = start + length;
        VirtAddr at = start;
        while (at < end)
        {
            VmArea? area = Areas.Find(at);
            if (area is null)
                return Errno.ENOMEM;
            VirtAddr to = area.End < end ? area.End : end;
            Errno error = LockArea(area, at, to, lockFlags);
            if (error != Errno.Success)
                return error;
            at = to;
        }

        return Errno.Success;
    }

    private Errno LockArea(VmArea area, VirtAddr start, VirtAddr end, VmFlags lockFlags)
    {
        VmFlags flags = (area.Flags & ~VmFlags.LockedMask) | lockFlags;
        if (flags == area.Flags || (area.Flags & VmFlags.SpecialMask) != 0)
            return Errno.Success;
        long pages = (long)((end - start) >> Page.Shift);
        bool was = (area.Flags & VmFlags.Locked) != 0;
        bool becomes = (flags & VmFlags.Locked) != 0;
        Errno error = SetFlags(area, start, end, flags, out _);
        if (error == Errno.Success && was != becomes)
            Statistics.LockedVm += becomes ? pages : -pages;
        return error;
    }

    private void LockAllAreas(VmFlags lockFlags)
    {
        VirtAddr at = default;
        while (Areas.FirstEndingAfter(at) is var index && index < Areas.Count)
        {
            VmArea area = Areas[index];
            at = area.End;
            _ = LockArea(area, area.Start, area.End, lockFlags);
        }
    }
}
