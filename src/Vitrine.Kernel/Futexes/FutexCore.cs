using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Futexes;

/// <summary>
/// Waiting on and waking of user words (futex(2)). The check of the word and the queueing are one atomic section, as the
/// waker must take the kernel lock too; a page that is not there is faulted in and the check begins again.
/// </summary>
internal static class FutexCore
{
    /// <summary>
    /// Waits while the word has the value. EAGAIN if it has not, ETIMEDOUT; an interrupted wait with a deadline goes on
    /// through the restart block.
    /// </summary>
    public static async KTask<Errno> WaitAsync(Task current, UserPtr<uint> word, bool shared, uint value, Ktime deadline, uint bitset)
    {
        if (bitset == 0)
            return Errno.EINVAL;
        if ((word.Address.Value & 3) != 0)
            return Errno.EINVAL;
        MmStruct mm = current.Mm!;
        for (; ; )
        {
            Errno error = FutexKey.Find(mm, word.Address, shared, out FutexKey key);
            if (error != Errno.Success)
                return error;
            if (!mm.TryRead32(word.Address, out uint seen))
            {
                error = await mm.FaultInAsync(current, word.Address, write: false);
                if (error != Errno.Success)
                    return error;
                continue;
            }

            if (seen != value)
                return Errno.EAGAIN;
            var waiter = new FutexWaiter(current) { Key = key, Bitset = bitset };
            current.Kernel.Futexes.Add(waiter);
            WakeReason reason = WakeReason.Woken;
            while (!waiter.IsWoken && reason == WakeReason.Woken)
                reason = await current.SleepAsync(WaitMode.Interruptible, deadline);
            if (waiter.IsWoken)
                return Errno.Success;
            current.Kernel.Futexes.Remove(waiter);
            if (reason == WakeReason.TimedOut)
                return Errno.ETIMEDOUT;
            if (deadline.IsNever)
                return Errno.ERESTARTSYS;
            current.Restart = new RestartBlock(
                RestartKind.FutexWait, deadline, word.Address, value, bitset | (shared ? 1UL << 32 : 0));
            return Errno.ERESTART_RESTARTBLOCK;
        }
    }

    /// <summary>Wakes waiters. How many, or a negative errno.</summary>
    public static KTask<SyscallResult> WakeAsync(Task current, UserPtr<uint> word, bool shared, int count, uint bitset)
    {
        if (bitset == 0 || (word.Address.Value & 3) != 0)
            return KTask<SyscallResult>.FromResult(Errno.EINVAL);
        if (shared && !current.Mm!.TryRead32(word.Address, out _))
            return WakeAbsentAsync(current, word, count, bitset);
        Errno error = FutexKey.Find(current.Mm!, word.Address, shared, out FutexKey key);
        // Linux wakes one for a count of zero or less.
        return KTask<SyscallResult>.FromResult(error != Errno.Success ? error : current.Kernel.Futexes.Wake(key, Math.Max(count, 1), bitset));
    }

    /// <summary>A shared futex is known by its page, so the page must be there to be named: EFAULT for one that can't be had.</summary>
    private static async KTask<Errno> MakePresentAsync(Task current, UserPtr<uint> word, bool shared) =>
        !shared || current.Mm!.TryRead32(word.Address, out _)
            ? Errno.Success
            : await current.Mm.FaultInAsync(current, word.Address, write: false);

    private static async KTask<SyscallResult> WakeAbsentAsync(Task current, UserPtr<uint> word, int count, uint bitset)
    {
        Errno error = await MakePresentAsync(current, word, shared: true);
        FutexKey key = default;
        if (error == Errno.Success)
            error = FutexKey.Find(current.Mm!, word.Address, shared: true, out key);
        return error != Errno.Success ? error : current.Kernel.Futexes.Wake(key, Math.Max(count, 1), bitset);
    }

    /// <summary>Wakes some waiters and moves others to a second futex; with a value, only if the first word has it (EAGAIN).</summary>
    public static async KTask<SyscallResult> RequeueAsync(
        Task current, UserPtr<uint> from, UserPtr<uint> to, bool shared, bool targetShared, int wake, int move, uint? expected)
    {
        if (wake < 0 || move < 0)
            return Errno.EINVAL;
        if (((from.Address.Value | to.Address.Value) & 3) != 0)
            return Errno.EINVAL;
        MmStruct mm = current.Mm!;
        for (; ; )
        {
            Errno error = FutexKey.FindBoth(mm, from.Address, shared, to.Address, targetShared, out FutexKey source, out FutexKey target);
            if (error != Errno.Success)
                return error;
            if ((shared && !mm.TryRead32(from.Address, out _)) || (targetShared && !mm.TryRead32(to.Address, out _)))
            {
                error = await MakePresentAsync(current, from, shared);
                if (error == Errno.Success)
                    error = await MakePresentAsync(current, to, targetShared);
                if (error != Errno.Success)
                    return error;
                continue;
            }

            if (expected is { } value)
            {
                if (!mm.TryRead32(from.Address, out uint seen))
                {
                    error = await mm.FaultInAsync(current, from.Address, write: false);
                    if (error != Errno.Success)
                        return error;
                    continue;
                }

                if (seen != value)
                    return Errno.EAGAIN;
            }

            return Requeue(current.Kernel.Futexes, source, target, wake, move);
        }
    }

    /// <summary>Changes the second word by an encoded operation and wakes waiters of the first, and of the second if its old value compares so.</summary>
    public static async KTask<SyscallResult> WakeOperationAsync(
        Task current, UserPtr<uint> first, UserPtr<uint> second, bool shared, int wakeFirst, int wakeSecond, uint operation)
    {
        if (((first.Address.Value | second.Address.Value) & 3) != 0)
            return Errno.EINVAL;
        MmStruct mm = current.Mm!;
        for (; ; )
        {
            Errno error = FutexKey.FindBoth(mm, first.Address, shared, second.Address, shared, out FutexKey one, out FutexKey two);
            if (error != Errno.Success)
                return error;
            var decoded = FutexWordOperation.Decode(operation);
            if (!decoded.IsValid)
                return Errno.ENOSYS;
            if (!decoded.TryApply(mm, second.Address, out uint old))
            {
                error = await mm.FaultInAsync(current, second.Address, write: true);
                if (error != Errno.Success)
                    return error;
                continue;
            }

            FutexTable table = current.Kernel.Futexes;
            int woken = table.Wake(one, Math.Max(wakeFirst, 1), uint.MaxValue);
            if (woken >= 0 && decoded.Compares(old))
            {
                int more = table.Wake(two, Math.Max(wakeSecond, 1), uint.MaxValue);
                if (more > 0)
                    woken += more;
            }

            return woken;
        }
    }

    private static SyscallResult Requeue(FutexTable table, FutexKey source, FutexKey target, int wake, int move)
    {
        if (table.Find(source) is not { } queue)
            return 0;
        int done = 0;
        for (FutexWaiter? waiter = queue.Head; waiter is not null && done - wake < move;)
        {
            FutexWaiter? next = waiter.Next;
            if (waiter.Pi is not null || waiter.RequeueTarget is not null)
                return Errno.EINVAL;
            if (done < wake)
            {
                table.WakeOne(waiter);
            }
            else if (source != target)
            {
                table.Remove(waiter);
                waiter.Key = target;
                table.Add(waiter);
            }

            done++;
            waiter = next;
        }

        return done;
    }
}

/// <summary>FUTEX_WAKE_OP's third word: what to do with the second futex word and what its old value is compared with.</summary>
internal readonly record struct FutexWordOperation(uint Operation, uint Comparison, int Argument, int Operand)
{
    private const uint OperandIsShift = 8;

    public bool IsValid => Operation <= 4 && Comparison <= 5;

    public static FutexWordOperation Decode(uint word)
    {
        uint operation = word >> 28 & 0xf;
        int argument = (int)(word << 8) >> 20;
        int comparand = (int)(word << 20) >> 20;
        if ((operation & OperandIsShift) != 0)
            argument = 1 << (argument & 31);
        return new FutexWordOperation(operation & 7, word >> 24 & 0xf, argument, comparand);
    }

    /// <summary>Applies it atomically; false if the page must be faulted in first.</summary>
    public bool TryApply(MmStruct mm, VirtAddr address, out uint old) => Operation switch
    {
        0 => mm.TryExchange32(address, (uint)Argument, out old),
        1 => mm.TryAdd32(address, (uint)Argument, out old),
        2 => mm.TryOr32(address, (uint)Argument, out old),
        3 => mm.TryAnd32(address, ~(uint)Argument, out old),
        _ => mm.TryXor32(address, (uint)Argument, out old),
    };

    public bool Compares(uint old) => Comparison switch
    {
        0 => (int)old == Operand,
        1 => (int)old != Operand,
        2 => (int)old < Operand,
        3 => (int)old <= Operand,
        4 => (int)old > Operand,
        _ => (int)old >= Operand,
    };
}
