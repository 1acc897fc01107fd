using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Ipc.SysV;

/// <summary>What a process (or those that share it by CLONE_SYSVSEM) will have taken back from one set at its end.</summary>
internal sealed class SemaphoreUndo(SysVSemaphoreSet set, SemaphoreUndoList owner, Cgroup cgroup)
{
    public SysVSemaphoreSet Set { get; } = set;

    public short[] Adjustments { get; } = new short[set.Count];

    public static long SizeOf(SysVSemaphoreSet set) => 96 + (2L * set.Count);

    /// <summary>The set is gone, so there is nothing to take back.</summary>
    internal void SetRemoved()
    {
        owner.Forget(this);
        Uncharge();
    }

    internal void Uncharge() => cgroup.UnchargeKernelMemory(SizeOf(Set));
}

/// <summary>The undo lists of a process or of several (sem_undo_list's twin). Counted by its users.</summary>
internal sealed class SemaphoreUndoList
{
    private readonly List<SemaphoreUndo> _undos = [];
    private int _users = 1;

    public SemaphoreUndoList Get()
    {
        _users++;
        return this;
    }

    /// <summary>A user has ended; the last one's end takes everything back (exit_sem).</summary>
    public void Put(Task current)
    {
        if (--_users > 0)
            return;
        foreach (SemaphoreUndo undo in _undos)
        {
            undo.Set.TakeBack(current, undo);
            undo.Uncharge();
        }

        _undos.Clear();
    }

    /// <summary>The undo of a set, made if there is none. ENOMEM.</summary>
    public Result<SemaphoreUndo> For(Task current, SysVSemaphoreSet set)
    {
        foreach (SemaphoreUndo undo in _undos)
        {
            if (undo.Set == set)
                return undo;
        }

        if (current.Cgroup.ChargeKernelMemory(SemaphoreUndo.SizeOf(set)) != Errno.Success)
            return Errno.ENOMEM;
        var made = new SemaphoreUndo(set, this, current.Cgroup);
        _undos.Add(made);
        set.Undos.Add(made);
        return made;
    }

    internal void Forget(SemaphoreUndo undo) => _undos.Remove(undo);
}
