using System.Collections.Concurrent;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// How the host's threads reach the kernel: a completion is posted without the lock and runs on a processor's thread
/// under the lock, as an interrupt handler does; it may wake, never wait.
/// </summary>
internal sealed class InterruptQueue(KernelInstance kernel)
{
    private readonly ConcurrentQueue<Action> _pending = new();
    private readonly ConcurrentQueue<Action> _deferred = new();

    public bool HasPending => !_pending.IsEmpty;

    /// <summary>Completions run so far.</summary>
    public long Handled { get; private set; }

    /// <summary>Any thread; the kernel lock need not be held.</summary>
    public void Post(Action handler)
    {
        _pending.Enqueue(handler);
        kernel.InterruptOneProcessor();
    }

    /// <summary>
    /// As <see cref="Post"/>, but on a deterministic machine only when it has nothing to do, so that it comes at the same
    /// point of every run however fast the caller is. Any thread.
    /// </summary>
    public void PostDeferred(Action handler)
    {
        if (kernel.VirtualClock is null)
        {
            Post(handler);
            return;
        }

        _deferred.Enqueue(handler);
        kernel.WakeProcessorsFromHost();
    }

    /// <summary>Runs one handler of <see cref="PostDeferred"/>; false if there is none. Under the kernel lock.</summary>
    public bool TakeDeferred()
    {
        if (!_deferred.TryDequeue(out Action? handler))
            return false;
        Handled++;
        handler();
        return true;
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
