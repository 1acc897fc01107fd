using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// The one place where a task gives up its processor: await it and the task sleeps until <see cref="Task.Wake"/>, a
/// signal that the mode lets through, or the deadline. If such a signal is pending already it does not sleep.
/// </summary>
[MustUse]
internal readonly struct SleepAwaitable : IKernelAwaiter
{
    private readonly Task _task;
    private readonly WaitMode _mode;
    private readonly Ktime _deadline;
    private readonly WaitQueue? _queue;

    internal SleepAwaitable(Task task, WaitMode mode, Ktime deadline, WaitQueue? queue)
    {
        _task = task;
        _mode = mode;
        _deadline = deadline;
        _queue = queue;
    }

    public bool IsCompleted => _task.SleepEndsAtOnce(_mode, _deadline);

    public SleepAwaitable GetAwaiter() => this;

    public WakeReason GetResult()
    {
        _queue?.Remove(_task.SleepEntry);
        return _task.TakeWakeReason();
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => _task.BeginSleep(_mode, _deadline, continuation);
}
