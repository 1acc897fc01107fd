using System.Collections.Concurrent;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// How the host's threads reach the kernel: a completion is posted without the lock and runs on a processor's thread
/// under the lock, as an interrupt handler does; it may wake, never wait.
/// </summary>
internal sealed class InterruptQueue(KernelInstance kernel)
{
    private readonly ConcurrentQueue<Action> _pending = new();

    public bool HasPending => !_pending.IsEmpty;

    /// <summary>Completions run so far.</summary>
    public long Handled { get; private set; }

    /// <summary>Any thread; the kernel lock need not be held.</summary>
    public void Post(Action handler)
    {
        _pending.Enqueue(handler);
        kernel.InterruptOneProcessor();
    }

    /// <summary>Runs what was posted. Under the kernel lock.</summary>
    public void Drain()
    {
        while (_pending.TryDequeue(out Action? handler))
        {
            Handled++;
            handler();
        }
    }
}
