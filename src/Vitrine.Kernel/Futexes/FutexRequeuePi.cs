using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Futexes;

/// <summary>
/// Waiting on a plain futex to be moved to a lock with an owner: FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI, of which
/// condition variables with such locks are made. A waiter wakes up owning the lock.
/// </summary>
internal static class FutexRequeuePi
{
    /// <summary>
    /// Waits while the word has the value, to be given the lock in the second word. EAGAIN if it has not, and for a signal
    /// that comes when the lock is waited for already; ETIMEDOUT.
    /// </summary>
    public static async KTask<Errno> WaitAsync(
        Task current, UserPtr<uint> word, UserPtr<uint> lockWord, bool shared, uint value, Ktime deadline)
    {
        if (word == lockWord || ((word.Address.Value | lockWord.Address.Value) & 3) != 0)
            return Errno.EINVAL;
        MmStruct mm = current.Mm!;
        FutexTable table = current.Kernel.Futexes;
        for (; ; )
        {
            Errno error = FutexKey.FindBoth(mm, lockWord.Address, shared, word.Address, shared, out FutexKey target, out FutexKey key);
            if (error != Errno.Success)
                return error;
            if (key == target)
                return Errno.EINVAL;
            if (!mm.TryRead32(word.Address, out uint seen))
            {
                error = await mm.FaultInAsync(current, word.Address, write: false);
                if (error != Errno.Success)
                    return error;
                continue;
            }

            if (seen != value)
                return Errno.EAGAIN;
            var waiter = new FutexWaiter(current) { Key = key, RequeueTarget = target };
            table.Add(waiter);
            WakeReason reason = WakeReason.Woken;
            while (!waiter.IsWoken && reason == WakeReason.Woken)
                reason = await current.SleepAsync(WaitMode.Interruptible, deadline);
            if (waiter.IsWoken)
                return Errno.Success;
            if (waiter.Pi is not { } state)
            {
                table.Remove(waiter);
                return reason == WakeReason.TimedOut ? Errno.ETIMEDOUT : Errno.ERESTARTNOINTR;
            }

            _ = state.Waiters.Remove(waiter);
            FutexPi.DropIfUnused(table, state);
            PriorityInheritance.Update(table, state.Owner);

            // Which call to begin again can't be told any more.
            return reason == WakeReason.TimedOut ? Errno.ETIMEDOUT : Errno.EAGAIN;
        }
    }

    /// <summary>
    /// Gives the lock to the first waiter if it is free, and has the next ones wait for the lock. How many it were; EAGAIN if
    /// the word has not the value, EINVAL if waiters wait for something else.
    /// </summary>
    public static async KTask<SyscallResult> RequeueAsync(
        Task current, UserPtr<uint> word, UserPtr<uint> lockWord, bool shared, int wake, int move, uint expected)
    {
        if (wake != 1 || move < 0 || word == lockWord || ((word.Address.Value | lockWord.Address.Value) & 3) != 0)
            return Errno.EINVAL;
        MmStruct mm = current.Mm!;
        for (; ; )
        {
            Errno error = FutexKey.FindBoth(mm, word.Address, shared, lockWord.Address, shared, out FutexKey source, out FutexKey target);
            if (error != Errno.Success)
                return error;
            if (source == target)
                return Errno.EINVAL;
            if (!mm.TryRead32(word.Address, out uint seen))
            {
                error = await mm.FaultInAsync(current, word.Address, write: false);
                if (error != Errno.Success)
                    return error;
                continue;
            }

            if (seen != expected)
                return Errno.EAGAIN;
            SyscallResult result = Requeue(current, source, target, lockWord.Address, move, out bool fault);
            if (!fault)
                return result;
            error = await mm.FaultInAsync(current, lockWord.Address, write: true);
            if (error != Errno.Success)
                return error;
        }
    }

    private static SyscallResult Requeue(Task current, FutexKey source, FutexKey target, VirtAddr lockWord, int move, out bool fault)
    {
        MmStruct mm = current.Mm!;
        FutexTable table = current.Kernel.Futexes;
        fault = false;
        if (table.Find(source) is not { Head: { } first })
            return 0;
        if (first.RequeueTarget != target)
            return Errno.EINVAL;
        uint self = (uint)first.Task.Pid.In(first.Task.Namespaces.Pid);
        Errno error = FutexPi.TryTake(mm, table, first.Task, lockWord, target, self, tryOnly: false, out PiState? state, out fault);
        if (error != Errno.Success || fault)
            return error;
        int done = 0;
        if (state is null)
        {
            if (move > 0 && !mm.TryOr32(lockWord, FutexWord.Waiters, out _))
                throw new InvalidOperationException("a futex word that was written a moment ago can't be written");
            table.WakeOne(first);
            done++;
        }

        // One more than are to be moved: the place of the one that is woken.
        while (done - 1 < move && table.Find(source) is { Head: { } waiter })
        {
            if (waiter.RequeueTarget != target)
                return Errno.EINVAL;
            if (state is null && !table.PiStates.TryGetValue(target, out state))
            {
                state = new PiState(target) { Owner = first.Task };
                table.PiStates.Add(target, state);
            }

            if (state.Owner == waiter.Task)
                return Errno.EDEADLK;
            table.Remove(waiter);
            waiter.Pi = state;
            _ = PriorityInheritance.Add(state, waiter);
            done++;
        }

        if (state is not null)
        {
            FutexPi.DropIfUnused(table, state);
            PriorityInheritance.Update(table, state.Owner);
        }

        return done;
    }
}
