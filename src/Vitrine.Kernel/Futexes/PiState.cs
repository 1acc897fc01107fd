using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Futexes;

/// <summary>
/// A priority-inheriting futex that somebody waits for: its owner and those who wait, in order. All tasks are of the fair
/// class, which has no priority to lend; what remains of the protocol is ownership that passes from owner to waiter.
/// </summary>
internal sealed class PiState(FutexKey key)
{
    public FutexKey Key { get; } = key;

    /// <summary>The thread that the word names; null if it exited without a robust list, so that nobody can unlock.</summary>
    public Task? Owner { get; set; }

    public LinkedList<FutexWaiter> Waiters { get; } = new();
}
