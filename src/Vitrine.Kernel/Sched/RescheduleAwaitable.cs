using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// A place inside a long kernel path where others may have their turn (cond_resched's twin): completes at once unless
/// the processor was asked for its attention, and otherwise goes on after what is due and whoever waits. Without such
/// places timers, limits and signals would wait for the path's end.
/// </summary>
[MustUse]
internal readonly struct RescheduleAwaitable : IKernelAwaiter
{
    private readonly Task _task;

    internal RescheduleAwaitable(Task task) => _task = task;

    public bool IsCompleted => _task.OnProcessor is not { } processor || !processor.IsWanted();

    public RescheduleAwaitable GetAwaiter() => this;

#pragma warning disable CA1822 // The pattern of an awaiter.
    public void GetResult()
#pragma warning restore CA1822
    {
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        _task.OnProcessor?.TakeKick();
        _task.Requeue(continuation);
    }
}
