namespace Vitrine.Kernel.Sched;

/// <summary>
/// The one lock of a machine's kernel: held while kernel code runs, dropped while guest code runs. Not recursive.
/// </summary>
internal sealed class KernelLock
{
    private readonly Lock _lock = new();

    public bool IsHeld => _lock.IsHeldByCurrentThread;

    public void Enter() => _lock.Enter();

    /// <summary>For observers from outside that must not hang with a kernel that does.</summary>
    public bool TryEnter(TimeSpan patience) => _lock.TryEnter(patience);

    public void Exit() => _lock.Exit();

    /// <summary>Panics if the caller does not hold the lock.</summary>
    public void AssertHeld()
    {
        if (!IsHeld)
            throw new InvalidOperationException("kernel state was touched without the kernel lock");
    }
}
