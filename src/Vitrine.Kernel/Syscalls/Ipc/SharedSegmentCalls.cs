using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc.SysV;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2).</summary>
internal static class SharedSegmentCalls
{
    [Syscall(29, "shmget", SyscallSupport.Real, Note = "SHM_HUGETLB: EINVAL, there are no huge pages")]
    public static SyscallResult ShmGet(Task current, int key, ulong size, [Strace("octal")] IpcFlags flags)
    {
        IpcNamespace ns = current.Namespaces.Ipc;
        Errno error = ns.SharedSegments.Get(
            current, key, flags, existing => size > existing.Size ? Errno.EINVAL : Errno.Success, out SharedSegment? segment);
        if (error != Errno.Success)
            return error;
        if (segment is not null)
            return segment.Id;
        if (size < 1 || size > ns.SharedMaximum)
            return Errno.EINVAL;
        ulong pages = Page.AlignUp(size) >> Page.Shift;
        if (pages << Page.Shift < size || pages + ns.SharedPages > ns.SharedPageMaximum)
            return Errno.ENOSPC;
        if ((flags & IpcFlags.SharedHugeTlb) != 0)
            return Errno.EINVAL;
        bool commits = (flags & IpcFlags.SharedNoReserve) == 0;
        if (commits && current.Kernel.Memory.Commit(pages) != Errno.Success)
            return Errno.ENOMEM;
        if (current.Cgroup.ChargeKernelMemory(SharedSegment.DeclaredSize) != Errno.Success)
        {
            current.Kernel.Memory.Uncommit(commits ? pages : 0);
            return Errno.ENOMEM;
        }

        segment = new SharedSegment(current, key, flags, size);
        ns.SharedPages += pages;
        error = ns.SharedSegments.Add(segment, ns.SharedSegmentMaximum);
        if (error == Errno.Success)
            return segment.Id;
        segment.MarkRemoved();
        return error;
    }

    [Syscall(30, "shmat", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ShmAt(Task current, int id, VirtAddr address, [Strace("hex")] IpcFlags flags)
    {
        MapFlags map = MapFlags.Shared;
        if (id < 0)
            return Errno.EINVAL;
        bool remap = (flags & IpcFlags.AttachRemap) != 0;
        if (address.Value != 0)
        {
            if (!address.IsPageAligned)
            {
                if ((flags & IpcFlags.AttachRound) == 0)
                    return Errno.EINVAL;
                address = address.PageBase;
                if (address.Value == 0 && remap)
                    return Errno.EINVAL;
            }

            map |= MapFlags.Fixed;
        }
        else if (remap)
        {
            return Errno.EINVAL;
        }

        bool readOnly = (flags & IpcFlags.AttachReadOnly) != 0;
        ProtectionFlags protection = readOnly ? ProtectionFlags.Read : ProtectionFlags.Read | ProtectionFlags.Write;
        uint wanted = readOnly ? 0x124u : 0x1B6u;
        if ((flags & IpcFlags.AttachExecute) != 0)
        {
            protection |= ProtectionFlags.Execute;
            wanted |= 0x49;
        }

        if (current.Namespaces.Ipc.SharedSegments.Find(id) is not { } segment)
            return Errno.EINVAL;
        if (!segment.MayAccess(current, wanted))
            return Errno.EACCES;
        MmStruct mm = current.Mm!;
        if (address.Value != 0 && !remap)
        {
            if (address.Value + segment.Size < address.Value || !mm.Areas.IsFree(address, address + Page.AlignUp(segment.Size)))
                return Errno.EINVAL;
        }

        if (!segment.Open(current, readOnly).TryGet(out OpenFile? file, out Errno error))
            return error;
        Result<VirtAddr> mapped = await mm.MapAsync(current, address, segment.Size, protection, map, file, 0);
        file.Put();
        return mapped.Ok ? mapped.Value.Value : mapped.Error;
    }

    [Syscall(67, "shmdt", SyscallSupport.Real)]
    public static SyscallResult ShmDt(Task current, VirtAddr address)
    {
        if (!address.IsPageAligned)
            return Errno.EINVAL;
        MmStruct mm = current.Mm!;
        SharedSegment? segment = null;
        VirtAddr end = default;

        // What is still there of the attachment at this address; it may have been split, or cut by munmap.
        for (int i = mm.Areas.FirstEndingAfter(address); i < mm.Areas.Count;)
        {
            VmArea area = mm.Areas[i];
            if (segment is not null && area.End > end)
                break;
            if (area.Operations is SegmentMapping mapping
                && area.Start >= address && (area.Start - address) >> Page.Shift == area.PageOffset
                && (segment is null || mapping.Segment == segment))
            {
                segment = mapping.Segment;
                end = address + Page.AlignUp(segment.Size);
                Errno error = mm.Unmap(area.Start, area.Length);
                if (error != Errno.Success)
                    return error;
                i = mm.Areas.FirstEndingAfter(address);
                continue;
            }

            i++;
        }

        return segment is null ? Errno.EINVAL : 0;
    }

    [Syscall(31, "shmctl", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ShmCtl(Task current, int id, IpcCommand command, VirtAddr buffer)
    {
        IpcNamespace ns = current.Namespaces.Ipc;
        IpcIds<SharedSegment> segments = ns.SharedSegments;
        if (id < 0 || command < 0)
            return Errno.EINVAL;
        int highest = segments.HighestIndex;
        Errno error;
        switch (command)
        {
            case IpcCommand.Info:
                error = await current.WriteUserAsync(new UserPtr<SharedLimits>(buffer), new SharedLimits
                {
                    Maximum = ns.SharedMaximum,
                    Minimum = 1,
                    MaximumSegments = (ulong)ns.SharedSegmentMaximum,
                    MaximumPerProcess = (ulong)ns.SharedSegmentMaximum,
                    MaximumPages = ns.SharedPageMaximum,
                });
                return error != Errno.Success ? error : highest;
            case IpcCommand.SharedInfo:
                error = await current.WriteUserAsync(new UserPtr<SharedUsage>(buffer), Usage(ns));
                return error != Errno.Success ? error : highest;
            case IpcCommand.Status:
            case IpcCommand.SharedStatus:
            case IpcCommand.SharedStatusAny:
                SharedSegment? shown = command == IpcCommand.Status ? segments.Find(id) : segments.At(id);
                return await StatusAsync(current, shown, command, new UserPtr<SharedSegmentStatus>(buffer));
            case IpcCommand.Set:
                return await SetAsync(current, id, new UserPtr<SharedSegmentStatus>(buffer));
            case IpcCommand.Remove:
                if (segments.Find(id) is not { } segment)
                    return Errno.EINVAL;
                if (!segment.MayControl(current))
                    return Errno.EPERM;
                segment.Destroy();
                return 0;
            case IpcCommand.SharedLock:
            case IpcCommand.SharedUnlock:
                return Lock(current, segments.Find(id), command == IpcCommand.SharedLock);
            default:
                return Errno.EINVAL;
        }
    }

    private static SharedUsage Usage(IpcNamespace ns)
    {
        var usage = new SharedUsage { Segments = ns.SharedSegments.Count, Pages = ns.SharedPages };
        for (int index = 0; ns.SharedSegments.Next(ref index, out SharedSegment? segment); index++)
            usage.Resident += (ulong)segment.ResidentPages;
        return usage;
    }

    private static SyscallResult Lock(Task current, SharedSegment? segment, bool locks)
    {
        if (segment is null)
            return Errno.EINVAL;
        if (!current.Credentials.IsCapable(segment.Namespace.Owner!, Capability.IpcLock))
        {
            Uid who = current.Credentials.Euid;
            if (who != segment.Uid && who != segment.CreatorUid)
                return Errno.EPERM;
            if (locks && current.LimitOf(ResourceLimit.MemoryLock) == 0)
                return Errno.EPERM;
        }

        segment.IsLocked = locks;
        return 0;
    }

    private static async KTask<SyscallResult> StatusAsync(
        Task current, SharedSegment? segment, IpcCommand command, UserPtr<SharedSegmentStatus> buffer)
    {
        if (segment is null)
            return Errno.EINVAL;
        if (command != IpcCommand.SharedStatusAny && !segment.MayAccess(current, 0x124))
            return Errno.EACCES;
        int result = command == IpcCommand.Status ? 0 : segment.Id;
        Errno error = await current.WriteUserAsync(buffer, segment.Status(current));
        return error != Errno.Success ? error : result;
    }

    private static async KTask<SyscallResult> SetAsync(Task current, int id, UserPtr<SharedSegmentStatus> buffer)
    {
        Result<SharedSegmentStatus> read = await current.ReadUserAsync(buffer);
        if (!read.TryGet(out SharedSegmentStatus status, out Errno error))
            return error;
        if (current.Namespaces.Ipc.SharedSegments.Find(id) is not { } segment)
            return Errno.EINVAL;
        return segment.MayControl(current) ? segment.SetOwner(current, in status.Permission) : Errno.EPERM;
    }
}
