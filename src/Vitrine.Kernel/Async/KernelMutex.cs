using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Async;

/// <summary>
/// The order in which locks held across awaits are taken: a task may take a lock only of a higher rank than all it
/// holds (several of one rank only where the type says so: inode locks in the VFS's documented order).
/// </summary>
internal enum LockRank
{
    FilePosition = 10,
    MountNamespace = 20,
    RenameMutex = 30,
    Inode = 40,
    Pipe = 50,
    Mmap = 60,
    Folio = 70,
    Journal = 80,
}

/// <summary>
/// A lock held across awaits (struct mutex's twin): fair, not recursive, uninterruptible: what is done under it is
/// bound to finish. Under the kernel lock like everything else.
/// </summary>
internal sealed class KernelMutex(LockRank rank)
{
    private readonly WaitQueue _waiters = new();

    public LockRank Rank { get; } = rank;

    public Task? Owner { get; private set; }

    /// <summary>Takes the lock if it is free.</summary>
    public bool TryLock(Task current)
    {
        if (Owner is not null)
            return false;
        Owner = current;
        return true;
    }

    public KTask LockAsync(Task current)
    {
        if (Owner is null)
        {
            Owner = current;
            return KTask.Completed;
        }

        return LockSlowAsync(current);
    }

    public void Unlock(Task current)
    {
        if (Owner != current)
            throw new InvalidOperationException($"{current} unlocks a mutex of rank {Rank} that {Owner} holds");
        Owner = null;
        _waiters.Wake();
    }

    private async KTask LockSlowAsync(Task current)
    {
        if (Owner == current)
            throw new InvalidOperationException($"{current} takes a mutex of rank {Rank} that it holds");
        while (Owner is not null)
            _ = await _waiters.WaitAsync(current, WaitMode.Uninterruptible, Ktime.Never, exclusive: true);
        Owner = current;
    }
}
