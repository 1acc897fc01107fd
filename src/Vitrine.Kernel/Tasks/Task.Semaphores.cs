using Vitrine.Kernel.Ipc.SysV;

namespace Vitrine.Kernel.Tasks;

/// <content>System V semaphores that the task must give back.</content>
internal sealed partial class Task
{
    private SemaphoreUndoList? _semaphoreUndos;

    /// <summary>What SEM_UNDO operations of the task are noted in.</summary>
    public SemaphoreUndoList SemaphoreUndos => _semaphoreUndos ??= new SemaphoreUndoList();

    /// <summary>The end of the task, or unshare(CLONE_SYSVSEM): the last user takes its operations back.</summary>
    internal void LeaveSemaphores()
    {
        SemaphoreUndoList? undos = _semaphoreUndos;
        _semaphoreUndos = null;
        undos?.Put(this);
    }

    /// <summary>What kcmp(2) compares; null while it has none.</summary>
    internal object? SemaphoreUndosOrNone => _semaphoreUndos;

    /// <summary>CLONE_SYSVSEM: parent and child have one list.</summary>
    internal void ShareSemaphores(Task child) => child._semaphoreUndos = SemaphoreUndos.Get();
}
