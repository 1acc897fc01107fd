namespace Vitrine.Kernel.Sched;

/// <summary>
/// The one lock of a machine's kernel: held while kernel code runs, dropped while guest code runs. Not recursive.
/// </summary>
internal sealed class KernelLock
{
    private readonly Lock _lock = new();

    public bool IsHeld => _lock.IsHeldByCurrentThread;

    public void Enter() => _lock.Enter();

    public void Exit() => _lock.Exit();

    /// <summary>Panics if the caller does not hold the lock.</summary>
    public void AssertHeld()
    {
        if (!IsHeld)
            throw new InvalidOperationException("kernel state was touched without the kernel lock");
    }
}
