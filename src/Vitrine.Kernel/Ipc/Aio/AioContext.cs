using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Ipc.Aio;

/// <summary>
/// A context of asynchronous I/O (io_setup(2), kioctx's twin): requests in flight and events that nobody has taken. It
/// belongs to an address space and is named by the address of a mapping there, as in Linux; the events themselves are kept
/// here, not in that mapping.
/// </summary>
internal sealed class AioContext(MmStruct mm, VirtAddr id, int capacity)
{
    private readonly Queue<AioEvent> _events = new();
    private readonly List<AioPoll> _polls = [];
    private readonly WaitQueue _wait = new();

    /// <summary>The address that names it.</summary>
    public VirtAddr Id { get; } = id;

    /// <summary>Events that can be outstanding: in flight or not taken.</summary>
    public int Capacity { get; } = capacity;

    public int InFlight { get; set; }

    /// <summary>It has been destroyed: who waits in it ends with EINVAL.</summary>
    public bool IsDead { get; private set; }

    public bool IsFull => InFlight + _events.Count >= Capacity;

    public KernelInstance Kernel => mm.Kernel;

    public Cgroup Cgroup => mm.Cgroup;

    public static long SizeOf(int capacity) => 512 + (64L * capacity);

    /// <summary>A request is done.</summary>
    public void Complete(ulong data, VirtAddr block, long result, EventFile? signal)
    {
        InFlight--;
        _events.Enqueue(new AioEvent { Data = data, Block = block.Value, Result = result });
        signal?.Signal(1);
        _wait.WakeAll();
    }

    public void Watch(AioPoll poll) => _polls.Add(poll);

    /// <summary>Takes a request that waits out of the context (io_cancel). Null: none with this block waits.</summary>
    public AioPoll? Cancel(VirtAddr block)
    {
        foreach (AioPoll poll in _polls)
        {
            if (poll.Block == block && !poll.IsDone)
                return poll;
        }

        return null;
    }

    internal void Forget(AioPoll poll) => _polls.Remove(poll);

    /// <summary>Takes up to <paramref name="most"/> events, waiting for at least so many. EINTR only if there was none.</summary>
    public async KTask<Result<AioEvent[]>> TakeAsync(Task current, int least, int most, Ktime deadline, bool immediate)
    {
        var taken = new List<AioEvent>();
        for (; ; )
        {
            while (taken.Count < most && _events.TryDequeue(out AioEvent next))
                taken.Add(next);
            if (taken.Count >= least || taken.Count == most || immediate)
                return taken.ToArray();
            if (IsDead)
                return taken.Count > 0 ? taken.ToArray() : Errno.EINVAL;
            WakeReason reason = await _wait.WaitAsync(current, WaitMode.Interruptible, deadline);
            if (reason == WakeReason.TimedOut && _events.Count == 0)
                return taken.ToArray();
            if (reason == WakeReason.Interrupted && _events.Count == 0)
                return taken.Count > 0 ? taken.ToArray() : Errno.EINTR;
        }
    }

    /// <summary>Drops everything: at io_destroy and at the end of the address space.</summary>
    public void Destroy()
    {
        IsDead = true;
        foreach (AioPoll poll in _polls.ToArray())
            poll.Dispose();
        _polls.Clear();
        _events.Clear();
        _wait.WakeAll();
        Kernel.AioEvents -= Capacity;
        Cgroup.UnchargeKernelMemory(SizeOf(Capacity));
    }
}
