using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// Brings a machine to rest and lets it go on (the freezer's twin). Interruptible and idle waits end, their calls to be
/// restarted; waits that are bound to finish are waited for; every task parks on its way out of the kernel. At rest no
/// task has a suspended path: all of the machine's state is in fields.
/// </summary>
internal sealed class Freezer(KernelInstance kernel)
{
    private Action? _atRest;

    /// <summary>Between <see cref="Freeze"/> and <see cref="Thaw"/>.</summary>
    public bool IsFreezing { get; private set; }

    /// <summary>True when no task is on a processor, runnable or inside a call.</summary>
    public bool IsAtRest
    {
        get
        {
            if (kernel.Interrupts.HasPending)
                return false;
            foreach (ThreadGroup group in kernel.Tasks.All)
            {
                foreach (Task thread in group.Threads)
                {
                    if (!Rests(thread))
                        return false;
                }
            }

            return true;
        }
    }

    /// <summary>Begins; <paramref name="atRest"/> is called once, under the kernel lock, when the machine rests. Under the kernel lock.</summary>
    public void Freeze(Action atRest)
    {
        IsFreezing = true;
        _atRest = atRest;
        foreach (ThreadGroup group in kernel.Tasks.All)
        {
            foreach (Task thread in group.Threads)
                Ask(thread);
        }

        Look();
    }

    /// <summary>Lets all tasks go on. Under the kernel lock.</summary>
    public void Thaw()
    {
        IsFreezing = false;
        _atRest = null;
        foreach (ThreadGroup group in kernel.Tasks.All)
        {
            foreach (Task thread in group.Threads)
            {
                thread.Work &= ~TaskWork.Freeze;
                if (thread.State == TaskState.Frozen)
                    thread.MakeRunnable();
            }
        }
    }

    /// <summary>A task that was created meanwhile takes part.</summary>
    internal void TaskAdded(Task task)
    {
        if (IsFreezing)
            task.Work |= TaskWork.Freeze;
    }

    /// <summary>A processor has left a task.</summary>
    internal void Look()
    {
        if (_atRest is not { } atRest || !IsAtRest)
            return;
        _atRest = null;
        atRest();
    }

    private static bool Rests(Task task) =>
        task.OnProcessor is null && task.Path == KernelPath.None
        && task.State is TaskState.Frozen or TaskState.Stopped or TaskState.Traced or TaskState.Killable or TaskState.Zombie or TaskState.Dead;

    private static void Ask(Task task)
    {
        if (task.State is TaskState.Zombie or TaskState.Dead)
            return;
        task.Work |= TaskWork.Freeze;
        if (!task.WakeForFreeze())
            task.OnProcessor?.Cpu.Kick();
    }
}
