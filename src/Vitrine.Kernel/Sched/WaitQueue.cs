using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// One registration on a wait queue. The plain form wakes its task; poll, epoll and others override
/// <see cref="OnWake"/>, which runs under the kernel lock, inline in the waker, and must not wait.
/// </summary>
internal class WaitEntry
{
    internal WaitEntry? Next;
    internal WaitEntry? Previous;

    public WaitQueue? Queue { get; internal set; }

    public Task? Task { get; set; }

    /// <summary>Woken one at a time, last in the queue (WQ_FLAG_EXCLUSIVE).</summary>
    public bool Exclusive { get; set; }

    /// <summary>Set by a wake-up; the waiter clears it before it checks its condition.</summary>
    public bool Fired { get; set; }

    /// <summary>Called for a wake-up with this key (poll events, 0 = any). True if it counts as a woken exclusive waiter.</summary>
    public virtual bool OnWake(uint key)
    {
        Fired = true;
        return Task is not null && Task.Wake();
    }
}

/// <summary>
/// Tasks that wait for a condition (wait_queue_head's twin). Guarded by the kernel lock. Kernel code between two
/// awaits is atomic, so the pattern is: <c>while (!condition) { reason = await queue.WaitAsync(...); … }</c>, and no
/// wake-up is lost between the check and the sleep.
/// </summary>
internal sealed class WaitQueue
{
    private WaitEntry? _head;
    private WaitEntry? _tail;

    public bool IsEmpty => _head is null;

    /// <summary>Registers an entry; exclusive ones behind all others.</summary>
    public void Add(WaitEntry entry)
    {
        if (entry.Queue is not null)
            throw new InvalidOperationException("a wait entry is on a queue already");
        entry.Queue = this;
        entry.Fired = false;
        if (entry.Exclusive)
        {
            entry.Previous = _tail;
            entry.Next = null;
            if (_tail is null)
                _head = entry;
            else
                _tail.Next = entry;
            _tail = entry;
        }
        else
        {
            entry.Next = _head;
            entry.Previous = null;
            if (_head is null)
                _tail = entry;
            else
                _head.Previous = entry;
            _head = entry;
        }
    }

    /// <summary>Takes an entry off; no effect if it is on no queue.</summary>
    public void Remove(WaitEntry entry)
    {
        if (entry.Queue is null)
            return;
        if (entry.Queue != this)
            throw new InvalidOperationException("a wait entry is on another queue");
        if (entry.Previous is null)
            _head = entry.Next;
        else
            entry.Previous.Next = entry.Next;
        if (entry.Next is null)
            _tail = entry.Previous;
        else
            entry.Next.Previous = entry.Previous;
        entry.Next = entry.Previous = null;
        entry.Queue = null;
    }

    /// <summary>Wakes all non-exclusive waiters and up to <paramref name="exclusive"/> exclusive ones.</summary>
    public void Wake(int exclusive = 1, uint key = 0)
    {
        WaitEntry? entry = _head;
        while (entry is not null)
        {
            WaitEntry? next = entry.Next;
            bool counted = entry.Exclusive;
            if (entry.OnWake(key) && counted && --exclusive == 0)
                return;
            entry = next;
        }
    }

    public void WakeAll(uint key = 0) => Wake(int.MaxValue, key);

    /// <summary>Sleeps on this queue until a wake-up, a signal that the mode lets through, or the deadline.</summary>
    public SleepAwaitable WaitAsync(Task current, WaitMode mode, Ktime deadline, bool exclusive = false)
    {
        WaitEntry entry = current.SleepEntry;
        entry.Exclusive = exclusive;
        Add(entry);
        return new SleepAwaitable(current, mode, deadline, this);
    }

    public SleepAwaitable WaitAsync(Task current, WaitMode mode) => WaitAsync(current, mode, Ktime.Never);
}
