using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Futexes;

/// <summary>One task's wait on one futex (struct futex_q's twin).</summary>
internal sealed class FutexWaiter(Task task)
{
    public Task Task { get; } = task;

    public FutexKey Key { get; set; }

    public uint Bitset { get; set; } = uint.MaxValue;

    /// <summary>Which of several words it is (futex_waitv).</summary>
    public int Index { get; init; }

    /// <summary>A wake-up chose it; it is off the queue.</summary>
    public bool IsWoken { get; set; }

    /// <summary>The waiter wants a PI lock: it may only be woken by being given it.</summary>
    public PiState? Pi { get; set; }

    /// <summary>The PI futex that it may be requeued to (FUTEX_WAIT_REQUEUE_PI).</summary>
    public FutexKey? RequeueTarget { get; init; }

    internal FutexWaiter? Next { get; set; }

    internal FutexWaiter? Previous { get; set; }

    internal FutexQueue? Queue { get; set; }
}

/// <summary>The waiters of one futex, first come first woken.</summary>
internal sealed class FutexQueue
{
    public FutexWaiter? Head { get; private set; }

    public FutexWaiter? Tail { get; private set; }

    public void Add(FutexWaiter waiter)
    {
        waiter.Queue = this;
        waiter.Previous = Tail;
        waiter.Next = null;
        if (Tail is null)
            Head = waiter;
        else
            Tail.Next = waiter;
        Tail = waiter;
    }

    public void Remove(FutexWaiter waiter)
    {
        if (waiter.Previous is null)
            Head = waiter.Next;
        else
            waiter.Previous.Next = waiter.Next;
        if (waiter.Next is null)
            Tail = waiter.Previous;
        else
            waiter.Next.Previous = waiter.Previous;
        waiter.Next = waiter.Previous = null;
        waiter.Queue = null;
    }
}

/// <summary>All futexes of a machine that somebody waits on. Guarded by the kernel lock.</summary>
internal sealed class FutexTable
{
    private readonly Dictionary<FutexKey, FutexQueue> _queues = [];

    /// <summary>PI futexes that are held or waited for through the kernel.</summary>
    public Dictionary<FutexKey, PiState> PiStates { get; } = [];

    public FutexQueue? Find(FutexKey key) => _queues.GetValueOrDefault(key);

    public void Add(FutexWaiter waiter)
    {
        if (!_queues.TryGetValue(waiter.Key, out FutexQueue? queue))
        {
            queue = new FutexQueue();
            _queues.Add(waiter.Key, queue);
        }

        queue.Add(waiter);
    }

    /// <summary>Takes a waiter off; no effect if it is on no queue.</summary>
    public void Remove(FutexWaiter waiter)
    {
        if (waiter.Queue is not { } queue)
            return;
        queue.Remove(waiter);
        if (queue.Head is null)
            _queues.Remove(waiter.Key);
    }

    /// <summary>Wakes up to <paramref name="count"/> waiters whose bitset matches. How many.</summary>
    public int Wake(FutexKey key, int count, uint bitset)
    {
        if (Find(key) is not { } queue)
            return 0;
        int woken = 0;
        for (FutexWaiter? waiter = queue.Head; waiter is not null && woken < count;)
        {
            FutexWaiter? next = waiter.Next;
            if (waiter.Pi is not null || waiter.RequeueTarget is not null)
                return woken > 0 ? woken : -(int)Errno.EINVAL;
            if ((waiter.Bitset & bitset) != 0)
            {
                WakeOne(waiter);
                woken++;
            }

            waiter = next;
        }

        return woken;
    }

    public void WakeOne(FutexWaiter waiter)
    {
        Remove(waiter);
        waiter.IsWoken = true;
        waiter.Task.Wake();
    }
}
