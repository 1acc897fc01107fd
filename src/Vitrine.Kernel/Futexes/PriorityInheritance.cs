using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Futexes;

/// <summary>
/// Lends the owner of a PI futex the real-time priority of who waits for it, along the chain of locks that the owner waits
/// for itself (rt_mutex's rule).
/// </summary>
internal static class PriorityInheritance
{
    /// <summary>Puts a waiter behind all of its priority and above.</summary>
    public static LinkedListNode<FutexWaiter> Add(PiState state, FutexWaiter waiter)
    {
        var node = new LinkedListNode<FutexWaiter>(waiter);
        Insert(state, node);
        return node;
    }

    /// <summary>Looks again at what an owner is lent, after a waiter came or went or the lock passed on.</summary>
    public static void Update(FutexTable table, Task? owner)
    {
        while (owner is not null)
        {
            int lent = 0;
            foreach (PiState state in table.PiStates.Values)
            {
                if (state.Owner == owner && state.Waiters.First is { } first)
                    lent = Math.Max(lent, first.Value.Task.Sched.EffectivePriority);
            }

            if (owner.Sched.LentPriority == lent)
                return;
            owner.Kernel.Scheduler.Change(owner, entity => entity.LentPriority = lent);
            owner = Reorder(table, owner);
        }
    }

    /// <summary>The owner's own place among waiters follows its priority; the owner of that lock is next.</summary>
    private static Task? Reorder(FutexTable table, Task waiting)
    {
        foreach (PiState state in table.PiStates.Values)
        {
            for (LinkedListNode<FutexWaiter>? node = state.Waiters.First; node is not null; node = node.Next)
            {
                if (node.Value.Task != waiting)
                    continue;
                state.Waiters.Remove(node);
                Insert(state, node);
                return state.Owner;
            }
        }

        return null;
    }

    private static void Insert(PiState state, LinkedListNode<FutexWaiter> node)
    {
        int priority = node.Value.Task.Sched.EffectivePriority;
        LinkedListNode<FutexWaiter>? before = state.Waiters.First;
        while (before is not null && before.Value.Task.Sched.EffectivePriority >= priority)
            before = before.Next;
        if (before is null)
            state.Waiters.AddLast(node);
        else
            state.Waiters.AddBefore(before, node);
    }
}
