using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Futexes;

/// <summary>
/// Locks in user words that carry their owner's thread id: FUTEX_LOCK_PI and its kin. The kernel passes an unlocked one
/// straight to the first waiter, so the word never shows it free while somebody waits.
/// </summary>
internal static class FutexPi
{
    /// <summary>Locks: EDEADLK if the caller owns it, ESRCH if its owner is gone, EAGAIN while that one exits, ETIMEDOUT.</summary>
    public static async KTask<Errno> LockAsync(Task current, UserPtr<uint> word, bool shared, Ktime deadline, bool tryOnly)
    {
        if ((word.Address.Value & 3) != 0)
            return Errno.EINVAL;
        MmStruct mm = current.Mm!;
        FutexTable table = current.Kernel.Futexes;
        uint self = (uint)current.Pid.In(current.Namespaces.Pid);
        for (; ; )
        {
            Errno error = FutexKey.Find(mm, word.Address, shared, out FutexKey key);
            if (error != Errno.Success)
                return error;
            error = TryTake(mm, table, current, word.Address, key, self, tryOnly, out PiState? state, out bool fault);
            if (fault)
            {
                error = await mm.FaultInAsync(current, word.Address, write: true);
                if (error != Errno.Success)
                    return error;
                continue;
            }

            if (error != Errno.Success || state is null)
                return error;
            var waiter = new FutexWaiter(current) { Key = key, Pi = state };
            LinkedListNode<FutexWaiter> node = PriorityInheritance.Add(state, waiter);
            PriorityInheritance.Update(table, state.Owner);
            WakeReason reason = WakeReason.Woken;
            while (!waiter.IsWoken && reason == WakeReason.Woken)
                reason = await current.SleepAsync(WaitMode.Interruptible, deadline);
            if (waiter.IsWoken)
                return Errno.Success;
            state.Waiters.Remove(node);
            DropIfUnused(table, state);
            PriorityInheritance.Update(table, state.Owner);
            return reason == WakeReason.TimedOut ? Errno.ETIMEDOUT : Errno.ERESTARTNOINTR;
        }
    }

    /// <summary>Unlocks: EPERM if the caller does not own it. The first waiter owns it when this returns.</summary>
    public static async KTask<Errno> UnlockAsync(Task current, UserPtr<uint> word, bool shared)
    {
        if ((word.Address.Value & 3) != 0)
            return Errno.EINVAL;
        MmStruct mm = current.Mm!;
        uint self = (uint)current.Pid.In(current.Namespaces.Pid);
        for (; ; )
        {
            Errno error = FutexKey.Find(mm, word.Address, shared, out FutexKey key);
            if (error != Errno.Success)
                return error;
            if (mm.TryRead32(word.Address, out uint seen))
            {
                if ((seen & FutexWord.TidMask) != self)
                    return Errno.EPERM;
                uint next = NextOwnerWord(current.Kernel.Futexes, key, out PiState? state);
                if (mm.TryCompareExchange32(word.Address, seen, next, out uint observed))
                {
                    if (observed != seen)
                        continue;
                    if (state is not null)
                        PassTo(current.Kernel.Futexes, state);
                    return Errno.Success;
                }
            }

            error = await mm.FaultInAsync(current, word.Address, write: true);
            if (error != Errno.Success)
                return error;
        }
    }

    /// <summary>
    /// A thread ends: PI futexes that it owns and others wait for pass on, marked OWNER_DIED, unless its robust list has
    /// done so already.
    /// </summary>
    public static async KTask ExitAsync(Task current)
    {
        FutexTable table = current.Kernel.Futexes;
        if (table.PiStates.Count == 0)
            return;
        var states = new PiState[table.PiStates.Count];
        table.PiStates.Values.CopyTo(states, 0);
        foreach (PiState state in states)
        {
            if (state.Owner != current)
                continue;
            if (state.Key.Owner is MmStruct mm && mm == current.Mm)
                await MarkOwnerDiedAsync(current, mm, new VirtAddr(state.Key.Offset), state);
            else
                state.Owner = null;
        }
    }

    /// <summary>Passes the state's lock to its first waiter. The word must say so already.</summary>
    public static void PassTo(FutexTable table, PiState state)
    {
        Task? before = state.Owner;
        if (state.Waiters.First is { } first)
        {
            state.Waiters.RemoveFirst();
            state.Owner = first.Value.Task;
            first.Value.IsWoken = true;
            PriorityInheritance.Update(table, state.Owner);
            first.Value.Task.Wake();
        }

        DropIfUnused(table, state);
        PriorityInheritance.Update(table, before);
    }

    /// <summary>The word after the owner lets go: free, or the first waiter's with the waiters bit if more wait.</summary>
    public static uint NextOwnerWord(FutexTable table, FutexKey key, out PiState? state)
    {
        if (!table.PiStates.TryGetValue(key, out state) || state.Waiters.First is not { } first)
            return 0;
        Task next = first.Value.Task;
        return (uint)next.Pid.In(next.Namespaces.Pid) | (state.Waiters.Count > 1 ? FutexWord.Waiters : 0);
    }

    internal static Errno TryTake(
        MmStruct mm, FutexTable table, Task current, VirtAddr address, FutexKey key, uint self, bool tryOnly, out PiState? state, out bool fault)
    {
        state = null;
        fault = false;
        for (; ; )
        {
            if (!mm.TryRead32(address, out uint seen))
            {
                fault = true;
                return Errno.Success;
            }

            uint owner = seen & FutexWord.TidMask;
            if (owner == self)
                return Errno.EDEADLK;
            if (table.Find(key) is not null)
                return Errno.EINVAL;
            if (owner == 0)
            {
                // Free, or its owner died: taken by storing our id; the died bit stays for the new owner to see.
                bool others = table.PiStates.TryGetValue(key, out PiState? waiting) && waiting.Waiters.Count > 0;
                uint taken = self | (seen & FutexWord.OwnerDied) | (others ? FutexWord.Waiters : 0);
                if (!mm.TryCompareExchange32(address, seen, taken, out uint observed))
                {
                    fault = true;
                    return Errno.Success;
                }

                if (observed != seen)
                    continue;
                if (waiting is not null)
                    waiting.Owner = current;
                return Errno.Success;
            }

            if (tryOnly)
                return Errno.EAGAIN;
            Task? holder = current.Namespaces.Pid.Find((int)owner)?.Task;
            if (holder is null)
                return Errno.ESRCH;
            if (holder.IsKernelThread)
                return Errno.EPERM;
            if (holder.IsExiting)
                return Errno.ESRCH;
            if ((seen & FutexWord.Waiters) == 0)
            {
                if (!mm.TryCompareExchange32(address, seen, seen | FutexWord.Waiters, out uint observed))
                {
                    fault = true;
                    return Errno.Success;
                }

                if (observed != seen)
                    continue;
            }

            if (!table.PiStates.TryGetValue(key, out state))
            {
                state = new PiState(key) { Owner = holder };
                table.PiStates.Add(key, state);
            }

            return Errno.Success;
        }
    }

    private static async KTask MarkOwnerDiedAsync(Task current, MmStruct mm, VirtAddr address, PiState state)
    {
        for (; ; )
        {
            if (mm.TryRead32(address, out uint seen))
            {
                uint next = NextOwnerWord(current.Kernel.Futexes, state.Key, out _) | FutexWord.OwnerDied;
                if (mm.TryCompareExchange32(address, seen, next, out uint observed))
                {
                    if (observed != seen)
                        continue;
                    PassTo(current.Kernel.Futexes, state);
                    return;
                }
            }

            if (await mm.FaultInAsync(current, address, write: true) != Errno.Success)
            {
                state.Owner = null;
                return;
            }
        }
    }

    internal static void DropIfUnused(FutexTable table, PiState state)
    {
        if (state.Waiters.Count == 0)
            table.PiStates.Remove(state.Key);
    }
}
