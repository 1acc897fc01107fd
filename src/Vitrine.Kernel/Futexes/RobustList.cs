using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Futexes;

/// <summary>
/// What a dying thread does with the locks on its robust list (get_robust_list(2)): each that it owns is marked
/// OWNER_DIED and one waiter is woken. The list is user memory: everything read is checked, and its length is limited.
/// </summary>
internal static class RobustList
{
    private const int Limit = 2048;

    public static async KTask ExitAsync(Task task)
    {
        UserPtr<RobustListHead> at = task.RobustHead;
        if (at.IsNull)
            return;
        task.RobustHead = default;
        Result<RobustListHead> read = await task.ReadUserAsync(at);
        if (!read.TryGet(out RobustListHead head, out _))
            return;
        ulong pending = head.Pending & ~1UL;
        bool pendingIsPi = (head.Pending & 1) != 0;
        ulong entry = head.Next & ~1UL;
        bool isPi = (head.Next & 1) != 0;
        for (int i = 0; i < Limit && entry != at.Address.Value; i++)
        {
            // The next pointer must be read before the lock is given up: its new owner may reuse the entry.
            Result<ulong> next = await task.ReadUserAsync(new UserPtr<ulong>(new VirtAddr(entry)));
            if (entry != pending && !await HandleAsync(task, entry + (ulong)head.FutexOffset, isPi, isPending: false))
                return;
            if (!next.TryGet(out ulong following, out _))
                return;
            entry = following & ~1UL;
            isPi = (following & 1) != 0;
        }

        if (pending != 0)
            _ = await HandleAsync(task, pending + (ulong)head.FutexOffset, pendingIsPi, isPending: true);
    }

    private static async KTask<bool> HandleAsync(Task task, ulong address, bool isPi, bool isPending)
    {
        if ((address & 3) != 0)
            return false;
        var word = new VirtAddr(address);
        MmStruct mm = task.Mm!;
        uint self = (uint)task.Pid.In(task.Namespaces.Pid);
        for (; ; )
        {
            if (mm.TryRead32(word, out uint seen))
            {
                // A lock operation that was cut off between unlocking the word and waking: wake for it.
                if (isPending && !isPi && seen == 0)
                    return await WakeAsync(task, word);
                if ((seen & FutexWord.TidMask) != self)
                    return true;
                uint next = (seen & FutexWord.Waiters) | FutexWord.OwnerDied;
                if (mm.TryCompareExchange32(word, seen, next, out uint observed))
                {
                    if (observed != seen)
                        continue;
                    // A PI lock's waiters are served when the kernel's own list is walked.
                    return isPi || (seen & FutexWord.Waiters) == 0 || await WakeAsync(task, word);
                }
            }

            if (await mm.FaultInAsync(task, word, write: true) != Errno.Success)
                return false;
        }
    }

    private static async KTask<bool> WakeAsync(Task task, VirtAddr word)
    {
        _ = await FutexCore.WakeAsync(task, new UserPtr<uint>(word), shared: true, 1, uint.MaxValue);
        return true;
    }
}
