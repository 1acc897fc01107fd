using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Futexes;

/// <summary>Waiting on several futexes at once (futex_waitv(2)).</summary>
internal static class FutexVector
{
    private const uint Private = 0x80;

    /// <summary>The index of a word that was woken; EAGAIN if one has not its value, ETIMEDOUT, ERESTARTSYS.</summary>
    public static async KTask<SyscallResult> WaitAsync(Task current, FutexWaitVector[] words, Ktime deadline)
    {
        MmStruct mm = current.Mm!;
        FutexTable table = current.Kernel.Futexes;
        var waiters = new FutexWaiter[words.Length];
        for (int i = 0; i < words.Length;)
        {
            var address = new VirtAddr(words[i].Address);
            if ((words[i].Address & (sizeof(uint) - 1)) != 0)
                return Errno.EINVAL;
            Errno error = FutexKey.Find(mm, address, (words[i].Flags & Private) == 0, out FutexKey key);
            if (error == Errno.Success && !mm.TryRead32(address, out _))
            {
                error = await mm.FaultInAsync(current, address, write: false);
                if (error != Errno.Success)
                    return error;
                // What was checked before may have changed meanwhile.
                i = 0;
                continue;
            }

            if (error != Errno.Success)
                return error;
            waiters[i] = new FutexWaiter(current) { Key = key, Index = i };
            i++;
        }

        // From here to the sleep nothing waits: all words are checked and queued in one step.
        for (int i = 0; i < words.Length; i++)
        {
            if (mm.TryRead32(new VirtAddr(words[i].Address), out uint seen) && seen == (uint)words[i].Value)
            {
                table.Add(waiters[i]);
                continue;
            }

            for (int j = 0; j < i; j++)
                table.Remove(waiters[j]);
            return Errno.EAGAIN;
        }

        WakeReason reason = WakeReason.Woken;
        int woken = -1;
        while (woken < 0 && reason == WakeReason.Woken)
        {
            reason = await current.SleepAsync(WaitMode.Interruptible, deadline);
            woken = Array.FindIndex(waiters, w => w.IsWoken);
        }

        foreach (FutexWaiter waiter in waiters)
            table.Remove(waiter);
        if (woken >= 0)
            return woken;
        return reason == WakeReason.TimedOut ? Errno.ETIMEDOUT : Errno.ERESTARTSYS;
    }
}
