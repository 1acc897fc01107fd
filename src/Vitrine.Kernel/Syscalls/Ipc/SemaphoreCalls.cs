using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc.SysV;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>System V semaphores: semget(2), semop(2), semtimedop(2), semctl(2).</summary>
internal static class SemaphoreCalls
{
    [Syscall(64, "semget", SyscallSupport.Real)]
    public static SyscallResult SemGet(Task current, int key, int count, [Strace("octal")] IpcFlags flags)
    {
        IpcNamespace ns = current.Namespaces.Ipc;
        if (count < 0 || count > ns.SemaphoresPerSet)
            return Errno.EINVAL;
        Errno error = ns.SemaphoreSets.Get(
            current, key, flags, existing => count > existing.Count ? Errno.EINVAL : Errno.Success, out SysVSemaphoreSet? set);
        if (error != Errno.Success)
            return error;
        if (set is not null)
            return set.Id;
        if (count == 0)
            return Errno.EINVAL;
        if (ns.SemaphoreCount + count > ns.SemaphoreMaximum)
            return Errno.ENOSPC;
        if (current.Cgroup.ChargeKernelMemory(SysVSemaphoreSet.SizeOf(count)) != Errno.Success)
            return Errno.ENOMEM;
        set = new SysVSemaphoreSet(current, key, flags, count);
        error = ns.SemaphoreSets.Add(set, ns.SemaphoreSetMaximum);
        if (error != Errno.Success)
        {
            current.Cgroup.UnchargeKernelMemory(SysVSemaphoreSet.SizeOf(count));
            return error;
        }

        ns.SemaphoreCount += count;
        return set.Id;
    }

    [Syscall(65, "semop", SyscallSupport.Real)]
    public static KTask<SyscallResult> SemOp(Task current, int id, UserPtr<SemaphoreOperation> operations, uint count) =>
        SemTimedOp(current, id, operations, count, default);

    [Syscall(220, "semtimedop", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SemTimedOp(
        Task current, int id, UserPtr<SemaphoreOperation> operations, uint count, [Strace("timespec")] UserPtr<Timespec> timeout)
    {
        Ktime deadline = Ktime.Never;
        if (!timeout.IsNull)
        {
            Result<Timespec> read = await current.ReadUserAsync(timeout);
            if (!read.TryGet(out Timespec time, out Errno failed))
                return failed;
            if (count < 1 || id < 0)
                return Errno.EINVAL;
            if (count > (uint)current.Namespaces.Ipc.SemaphoreOperationMaximum)
                return Errno.E2BIG;
            if (!time.IsValid)
                return Errno.EINVAL;
            deadline = current.Kernel.Time.Now + Ktime.Duration(time);
        }

        IpcNamespace ns = current.Namespaces.Ipc;
        if (count < 1 || id < 0)
            return Errno.EINVAL;
        if (count > (uint)ns.SemaphoreOperationMaximum)
            return Errno.E2BIG;
        byte[] bytes = new byte[count * SemaphoreOperation.Size];
        Errno error = await current.ReadUserBytesAsync(operations.Address, bytes);
        if (error != Errno.Success)
            return error;
        SemaphoreOperation[] asked = MemoryMarshal.Cast<byte, SemaphoreOperation>(bytes).ToArray();
        if (ns.SemaphoreSets.Find(id) is not { } set)
            return Errno.EINVAL;
        bool alters = false;
        bool undoes = false;
        bool beyond = false;
        foreach (SemaphoreOperation operation in asked)
        {
            alters |= operation.Change != 0;
            undoes |= operation.IsUndo;
            beyond |= operation.Number >= set.Count;
        }

        if (beyond)
            return Errno.EFBIG;
        if (!set.MayAccess(current, alters ? 0x92u : 0x124u))
            return Errno.EACCES;
        SemaphoreUndo? undo = null;
        if (undoes && !current.SemaphoreUndos.For(current, set).TryGet(out undo, out error))
            return error;
        return await set.OperateAsync(current, asked, undo, deadline);
    }

    [Syscall(66, "semctl", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SemCtl(Task current, int id, int number, IpcCommand command, [Strace("hex")] ulong argument)
    {
        IpcNamespace ns = current.Namespaces.Ipc;
        if (id < 0)
            return Errno.EINVAL;
        switch (command)
        {
            case IpcCommand.Info:
            case IpcCommand.SemaphoreInfo:
                int highest = ns.SemaphoreSets.HighestIndex;
                Errno error = await current.WriteUserAsync(new UserPtr<SemaphoreInfo>(new VirtAddr(argument)), Info(ns, command));
                return error != Errno.Success ? error : highest;
            case IpcCommand.Status:
            case IpcCommand.SemaphoreStatus:
            case IpcCommand.SemaphoreStatusAny:
                SysVSemaphoreSet? shown = command == IpcCommand.Status ? ns.SemaphoreSets.Find(id) : ns.SemaphoreSets.At(id);
                return await StatusAsync(current, shown, command, new UserPtr<SemaphoreStatus>(new VirtAddr(argument)));
            case IpcCommand.SemaphoreGetAll:
            case IpcCommand.SemaphoreSetAll:
                return await AllAsync(current, id, command == IpcCommand.SemaphoreSetAll, new UserPtr<ushort>(new VirtAddr(argument)));
            case IpcCommand.SemaphoreGetValue:
            case IpcCommand.SemaphoreGetPid:
            case IpcCommand.SemaphoreGetNegativeCount:
            case IpcCommand.SemaphoreGetZeroCount:
                return Get(current, ns.SemaphoreSets.Find(id), number, command);
            case IpcCommand.SemaphoreSetValue:
                return SetValue(current, ns.SemaphoreSets.Find(id), number, (int)argument);
            case IpcCommand.Set:
                return await SetAsync(current, id, new UserPtr<SemaphoreStatus>(new VirtAddr(argument)));
            case IpcCommand.Remove:
                if (ns.SemaphoreSets.Find(id) is not { } set)
                    return Errno.EINVAL;
                if (!set.MayControl(current))
                    return Errno.EPERM;
                ns.SemaphoreSets.Remove(set);
                return 0;
            default:
                return Errno.EINVAL;
        }
    }

    private static SemaphoreInfo Info(IpcNamespace ns, IpcCommand command)
    {
        bool usage = command == IpcCommand.SemaphoreInfo;
        return new SemaphoreInfo
        {
            Map = ns.SemaphoreMaximum,
            MaximumSets = ns.SemaphoreSetMaximum,
            MaximumSemaphores = ns.SemaphoreMaximum,
            UndoStructures = ns.SemaphoreMaximum,
            MaximumPerSet = ns.SemaphoresPerSet,
            MaximumOperations = ns.SemaphoreOperationMaximum,
            UndoEntries = IpcNamespace.UndoEntries,
            UndoSize = usage ? ns.SemaphoreSets.Count : 20,
            MaximumValue = SysVSemaphoreSet.MaximumValue,
            MaximumAdjustment = usage ? (int)ns.SemaphoreCount : SysVSemaphoreSet.MaximumValue,
        };
    }

    private static SyscallResult Get(Task current, SysVSemaphoreSet? set, int number, IpcCommand command)
    {
        if (set is null)
            return Errno.EINVAL;
        if (!set.MayAccess(current, 0x124))
            return Errno.EACCES;
        if (number < 0 || number >= set.Count)
            return Errno.EINVAL;
        return command switch
        {
            IpcCommand.SemaphoreGetValue => set.ValueOf(number),
            IpcCommand.SemaphoreGetPid => IpcObject.Number(current, set.LastProcessOf(number)),
            _ => set.WaitersOf(number, forZero: command == IpcCommand.SemaphoreGetZeroCount),
        };
    }

    private static SyscallResult SetValue(Task current, SysVSemaphoreSet? set, int number, int value)
    {
        if (value is < 0 or > SysVSemaphoreSet.MaximumValue)
            return Errno.ERANGE;
        if (set is null || number < 0 || number >= set.Count)
            return Errno.EINVAL;
        if (!set.MayAccess(current, 0x92))
            return Errno.EACCES;
        set.SetValues(current, number, [(ushort)value]);
        return 0;
    }

    private static async KTask<SyscallResult> AllAsync(Task current, int id, bool store, UserPtr<ushort> array)
    {
        IpcIds<SysVSemaphoreSet> sets = current.Namespaces.Ipc.SemaphoreSets;
        if (sets.Find(id) is not { } set)
            return Errno.EINVAL;
        if (!set.MayAccess(current, store ? 0x92u : 0x124u))
            return Errno.EACCES;
        byte[] bytes = new byte[set.Count * sizeof(ushort)];
        if (!store)
        {
            for (int i = 0; i < set.Count; i++)
                MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan())[i] = (ushort)set.ValueOf(i);
            return await current.WriteUserBytesAsync(array.Address, bytes);
        }

        Errno error = await current.ReadUserBytesAsync(array.Address, bytes);
        if (error != Errno.Success)
            return error;
        foreach (ushort value in MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan()))
        {
            if (value > SysVSemaphoreSet.MaximumValue)
                return Errno.ERANGE;
        }

        if (set.IsRemoved)
            return Errno.EIDRM;
        set.SetValues(current, 0, MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan()));
        return 0;
    }

    private static async KTask<SyscallResult> StatusAsync(
        Task current, SysVSemaphoreSet? set, IpcCommand command, UserPtr<SemaphoreStatus> buffer)
    {
        if (set is null)
            return Errno.EINVAL;
        if (command != IpcCommand.SemaphoreStatusAny && !set.MayAccess(current, 0x124))
            return Errno.EACCES;
        int result = command == IpcCommand.Status ? 0 : set.Id;
        Errno error = await current.WriteUserAsync(buffer, set.Status());
        return error != Errno.Success ? error : result;
    }

    private static async KTask<SyscallResult> SetAsync(Task current, int id, UserPtr<SemaphoreStatus> buffer)
    {
        Result<SemaphoreStatus> read = await current.ReadUserAsync(buffer);
        if (!read.TryGet(out SemaphoreStatus status, out Errno error))
            return error;
        if (current.Namespaces.Ipc.SemaphoreSets.Find(id) is not { } set)
            return Errno.EINVAL;
        return set.MayControl(current) ? set.SetOwner(current, in status.Permission) : Errno.EPERM;
    }
}
