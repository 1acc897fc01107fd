namespace Vitrine.Kernel.Time;

/// <summary>
/// A one-shot timer on the monotonic clock (the hrtimer's twin). <see cref="Fire"/> runs under the kernel lock in
/// interrupt context: it may wake and queue, never wait. Subclasses carry their state as plain fields.
/// </summary>
internal abstract class KernelTimer
{
    internal int HeapIndex { get; set; } = -1;

    /// <summary>When it fires; meaningful while queued.</summary>
    public Ktime Expires { get; internal set; }

    public bool IsQueued => HeapIndex >= 0;

    /// <summary>Called once when the timer expires, after it has left the queue; may start it again.</summary>
    public abstract void Fire(Ktime now);
}

/// <summary>All pending timers of a machine: a binary heap by expiry. Guarded by the kernel lock.</summary>
internal sealed class TimerQueue
{
    private KernelTimer[] _heap = new KernelTimer[64];
    private int _count;

    /// <summary>Called when the earliest deadline moves closer, so that whoever sleeps until it sleeps less long.</summary>
    public Action<Ktime>? EarlierDeadline { get; set; }

    /// <summary>The earliest expiry, or <see cref="Ktime.Never"/>.</summary>
    public Ktime NextExpiry => _count == 0 ? Ktime.Never : _heap[0].Expires;

    public int Count => _count;

    /// <summary>Queues the timer, or moves it if it is queued.</summary>
    public void Start(KernelTimer timer, Ktime expires)
    {
        if (timer.IsQueued)
            Cancel(timer);
        if (_count == _heap.Length)
            Array.Resize(ref _heap, _heap.Length * 2);
        timer.Expires = expires;
        timer.HeapIndex = _count;
        _heap[_count++] = timer;
        SiftUp(timer.HeapIndex);
        if (timer.HeapIndex == 0)
            EarlierDeadline?.Invoke(expires);
    }

    /// <summary>Takes the timer out. False if it was not queued.</summary>
    public bool Cancel(KernelTimer timer)
    {
        int index = timer.HeapIndex;
        if (index < 0)
            return false;
        timer.HeapIndex = -1;
        KernelTimer last = _heap[--_count];
        _heap[_count] = null!;
        if (last != timer)
        {
            _heap[index] = last;
            last.HeapIndex = index;
            SiftUp(index);
            SiftDown(last.HeapIndex);
        }

        return true;
    }

    /// <summary>When the pending timers are due, earliest first.</summary>
    public Ktime[] Expiries()
    {
        Ktime[] expiries = Array.ConvertAll(_heap[.._count], static timer => timer.Expires);
        Array.Sort(expiries);
        return expiries;
    }

    /// <summary>Fires all timers due at <paramref name="now"/>, earliest first.</summary>
    public void RunExpired(Ktime now)
    {
        while (_count > 0 && _heap[0].Expires <= now)
        {
            KernelTimer timer = _heap[0];
            Cancel(timer);
            timer.Fire(now);
        }
    }

    private void SiftUp(int index)
    {
        KernelTimer timer = _heap[index];
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (_heap[parent].Expires <= timer.Expires)
                break;
            _heap[index] = _heap[parent];
            _heap[index].HeapIndex = index;
            index = parent;
        }

        _heap[index] = timer;
        timer.HeapIndex = index;
    }

    private void SiftDown(int index)
    {
        KernelTimer timer = _heap[index];
        for (; ; )
        {
            int child = (2 * index) + 1;
            if (child >= _count)
                break;
            if (child + 1 < _count && _heap[child + 1].Expires < _heap[child].Expires)
                child++;
            if (timer.Expires <= _heap[child].Expires)
                break;
            _heap[index] = _heap[child];
            _heap[index].HeapIndex = index;
            index = child;
        }

        _heap[index] = timer;
        timer.HeapIndex = index;
    }
}
