using Vitrine.Kernel.Async;
using Vitrine.Kernel.Futexes;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>futex(2) and robust lists.</summary>
internal static class FutexCalls
{
    [Syscall(202, "futex", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Futex(
        Task current,
        UserPtr<uint> word,
        [Strace("futex-op")] FutexFlags operation,
        uint value,
        [Strace("hex")] ulong timeoutOrCount,
        UserPtr<uint> second,
        uint value3)
    {
        var command = (FutexCommand)(operation & FutexFlags.CommandMask);
        bool shared = (operation & FutexFlags.Private) == 0;
        bool realtime = (operation & FutexFlags.ClockRealtime) != 0;
        if ((operation & ~(FutexFlags.CommandMask | FutexFlags.Private | FutexFlags.ClockRealtime)) != 0)
            return Errno.ENOSYS;
        if (realtime && command is not (FutexCommand.Wait or FutexCommand.WaitBitset or FutexCommand.WaitRequeuePi or FutexCommand.LockPi2))
            return Errno.ENOSYS;
        Ktime deadline = Ktime.Never;
        if (timeoutOrCount != 0 && command is (FutexCommand.Wait or FutexCommand.WaitBitset or FutexCommand.WaitRequeuePi
            or FutexCommand.LockPi or FutexCommand.LockPi2))
        {
            Result<Timespec> read = await current.ReadUserAsync(new UserPtr<Timespec>(new VirtAddr(timeoutOrCount)));
            if (!read.TryGet(out Timespec time, out Errno error))
                return error;
            if (!time.IsValid)
                return Errno.EINVAL;
            deadline = Deadline(current, command, time, realtime);
        }

        switch (command)
        {
            case FutexCommand.Wait:
                return await FutexCore.WaitAsync(current, word, shared, value, deadline, uint.MaxValue);
            case FutexCommand.WaitBitset:
                return await FutexCore.WaitAsync(current, word, shared, value, deadline, value3);
            case FutexCommand.Wake:
                return await FutexCore.WakeAsync(current, word, shared, (int)value, uint.MaxValue);
            case FutexCommand.WakeBitset:
                return await FutexCore.WakeAsync(current, word, shared, (int)value, value3);
            case FutexCommand.Requeue:
                return await FutexCore.RequeueAsync(current, word, second, shared, shared, (int)value, (int)timeoutOrCount, null);
            case FutexCommand.CompareRequeue:
                return await FutexCore.RequeueAsync(current, word, second, shared, shared, (int)value, (int)timeoutOrCount, value3);
            case FutexCommand.WakeOperation:
                return await FutexCore.WakeOperationAsync(current, word, second, shared, (int)value, (int)timeoutOrCount, value3);
            case FutexCommand.LockPi:
            case FutexCommand.LockPi2:
                return await FutexPi.LockAsync(current, word, shared, deadline, tryOnly: false);
            case FutexCommand.TryLockPi:
                return await FutexPi.LockAsync(current, word, shared, Ktime.Never, tryOnly: true);
            case FutexCommand.UnlockPi:
                return await FutexPi.UnlockAsync(current, word, shared);
            case FutexCommand.WaitRequeuePi:
                return await FutexRequeuePi.WaitAsync(current, word, second, shared, value, deadline);
            case FutexCommand.CompareRequeuePi:
                return await FutexRequeuePi.RequeueAsync(current, word, second, shared, (int)value, (int)timeoutOrCount, value3);
            default:
                return Errno.ENOSYS;
        }
    }

    [Syscall(273, "set_robust_list", SyscallSupport.Real)]
    public static unsafe SyscallResult SetRobustList(Task current, UserPtr<RobustListHead> head, ulong length)
    {
        if (length != (ulong)sizeof(RobustListHead))
            return Errno.EINVAL;
        current.RobustHead = head;
        return 0;
    }

    [Syscall(274, "get_robust_list", SyscallSupport.Real)]
    public static async KTask<SyscallResult> GetRobustList(Task current, int pid, UserPtr<ulong> head, UserPtr<ulong> length)
    {
        Task? target = pid == 0 ? current : current.Namespaces.Pid.Find(pid)?.Task;
        if (target is null)
            return Errno.ESRCH;
        if (!PtraceAccess.MayRead(current, target))
            return Errno.EPERM;
        Errno error = await current.WriteUserAsync(length, 24UL);
        return error != Errno.Success ? error : await current.WriteUserAsync(head, target.RobustHead.Address.Value);
    }

    private static Ktime Deadline(Task current, FutexCommand command, Timespec time, bool realtime)
    {
        Timekeeper clock = current.Kernel.Time;
        long length = Ktime.Duration(time);
        return command switch
        {
            // FUTEX_WAIT's is relative, all others are absolute; FUTEX_LOCK_PI's always on the real-time clock.
            FutexCommand.Wait => clock.Now + length,
            FutexCommand.LockPi => clock.ToMonotonic(ClockId.Realtime, length),
            _ => clock.ToMonotonic(realtime ? ClockId.Realtime : ClockId.Monotonic, length),
        };
    }
}
