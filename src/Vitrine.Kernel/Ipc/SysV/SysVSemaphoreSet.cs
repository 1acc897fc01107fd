using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Ipc.SysV;

/// <summary>One semaphore of a set: its value and who changed it last.</summary>
internal struct SysVSemaphore
{
    public int Value;
    public PidNumber? LastProcess;
}

/// <summary>A semop call that sleeps: its operations are tried again, in order of arrival, at each change of the set.</summary>
internal sealed class SemaphoreWaiter(Task task, SemaphoreOperation[] operations, SemaphoreUndo? undo)
{
    public Task Task { get; } = task;

    public SemaphoreOperation[] Operations { get; } = operations;

    public SemaphoreUndo? Undo { get; } = undo;

    /// <summary>The operation that can't be done yet (GETNCNT and GETZCNT count by it).</summary>
    public int Blocking { get; set; }

    public bool IsDone { get; private set; }

    public Errno Result { get; private set; }

    public void Finish(Errno result)
    {
        IsDone = true;
        Result = result;
        _ = Task.Wake();
    }
}

/// <summary>
/// A System V semaphore set (sem_array's twin). All operations of a call are done at once or none is; whoever changes
/// values completes the waiting calls that have become possible, so that no wake-up is for nothing and arrival order holds.
/// </summary>
internal sealed class SysVSemaphoreSet(Task current, int key, IpcFlags mode, int count)
    : IpcObject(current, key, mode, SizeOf(count))
{
    /// <summary>SEMVMX, and SEMAEM.</summary>
    public const int MaximumValue = 32767;

    private readonly SysVSemaphore[] _semaphores = new SysVSemaphore[count];
    private readonly List<SemaphoreWaiter> _waiters = [];

    public int Count => _semaphores.Length;

    public long OperationTime { get; private set; }

    /// <summary>What processes will have undone at their end.</summary>
    internal List<SemaphoreUndo> Undos { get; } = [];

    public static long SizeOf(int count) => 128 + (16L * count);

    public int ValueOf(int number) => _semaphores[number].Value;

    public PidNumber? LastProcessOf(int number) => _semaphores[number].LastProcess;

    /// <summary>Sleeping calls that wait for the semaphore to rise, or to be zero.</summary>
    public int WaitersOf(int number, bool forZero)
    {
        int waiters = 0;
        foreach (SemaphoreWaiter waiter in _waiters)
        {
            SemaphoreOperation blocking = waiter.Operations[waiter.Blocking];
            if (blocking.Number == number && blocking.Change == 0 == forZero)
                waiters++;
        }

        return waiters;
    }

    /// <summary>SETVAL and SETALL: values from a number on; what processes would undo there is forgotten.</summary>
    public void SetValues(Task current, int first, ReadOnlySpan<ushort> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            _semaphores[first + i].Value = values[i];
            _semaphores[first + i].LastProcess = current.ThreadGroup.Leader.Pid;
            foreach (SemaphoreUndo undo in Undos)
                undo.Adjustments[first + i] = 0;
        }

        ChangeTime = Now(current);
        CompleteWaiters();
    }

    /// <summary>
    /// Does the operations, all or none, and waits for that as they ask. EAGAIN (also at the deadline), EINTR, EIDRM, ERANGE.
    /// </summary>
    public async KTask<Errno> OperateAsync(Task current, SemaphoreOperation[] operations, SemaphoreUndo? undo, Ktime deadline)
    {
        if (Try(operations, undo, current.ThreadGroup.Leader.Pid, out int blocking, out Errno error))
        {
            if (error == Errno.Success)
            {
                OperationTime = Now(current);
                CompleteWaiters();
            }

            return error;
        }

        if (operations[blocking].IsNoWait)
            return Errno.EAGAIN;
        var waiter = new SemaphoreWaiter(current, operations, undo) { Blocking = blocking };
        _waiters.Add(waiter);
        WakeReason reason = WakeReason.Woken;
        while (!waiter.IsDone && reason == WakeReason.Woken)
            reason = await current.SleepAsync(WaitMode.Interruptible, deadline);
        if (waiter.IsDone)
            return waiter.Result;
        _waiters.Remove(waiter);
        return reason == WakeReason.TimedOut ? Errno.EAGAIN : Errno.EINTR;
    }

    /// <summary>A process has ended: what it did with SEM_UNDO is taken back, within the range of values.</summary>
    internal void TakeBack(Task current, SemaphoreUndo undo)
    {
        for (int i = 0; i < _semaphores.Length; i++)
        {
            if (undo.Adjustments[i] == 0)
                continue;
            _semaphores[i].Value = Math.Clamp(_semaphores[i].Value + undo.Adjustments[i], 0, MaximumValue);
            _semaphores[i].LastProcess = current.ThreadGroup.Leader.Pid;
        }

        Undos.Remove(undo);
        OperationTime = Now(current);
        CompleteWaiters();
    }

    public SemaphoreStatus Status() => new()
    {
        Permission = Permission,
        OperationTime = OperationTime,
        ChangeTime = ChangeTime,
        Count = (ulong)Count,
    };

    protected internal override void MarkRemoved()
    {
        base.MarkRemoved();
        Namespace.SemaphoreCount -= Count;
        foreach (SemaphoreUndo undo in Undos)
            undo.SetRemoved();
        Undos.Clear();
        foreach (SemaphoreWaiter waiter in _waiters)
            waiter.Finish(Errno.EIDRM);
        _waiters.Clear();
    }

    /// <summary>Lets sleeping calls through that are possible now; each that changes values may make earlier ones possible.</summary>
    private void CompleteWaiters()
    {
        for (int i = 0; i < _waiters.Count;)
        {
            SemaphoreWaiter waiter = _waiters[i];
            if (!Try(waiter.Operations, waiter.Undo, waiter.Task.ThreadGroup.Leader.Pid, out int blocking, out Errno error))
            {
                waiter.Blocking = blocking;
                if (!waiter.Operations[blocking].IsNoWait)
                {
                    i++;
                    continue;
                }

                error = Errno.EAGAIN;
            }

            _waiters.RemoveAt(i);
            if (error == Errno.Success)
            {
                OperationTime = Now(waiter.Task);
                if (Alters(waiter.Operations))
                    i = 0;
            }

            waiter.Finish(error);
        }
    }

    private static bool Alters(SemaphoreOperation[] operations)
    {
        foreach (SemaphoreOperation operation in operations)
        {
            if (operation.Change != 0)
                return true;
        }

        return false;
    }

    /// <summary>Does all operations or none. False if one has to wait; true with an errno if one is out of range.</summary>
    private bool Try(SemaphoreOperation[] operations, SemaphoreUndo? undo, PidNumber process, out int blocking, out Errno error)
    {
        error = Errno.Success;
        for (blocking = 0; blocking < operations.Length; blocking++)
        {
            SemaphoreOperation operation = operations[blocking];
            ref SysVSemaphore semaphore = ref _semaphores[operation.Number];
            int value = semaphore.Value + operation.Change;
            bool waits = value < 0 || (operation.Change == 0 && semaphore.Value != 0);
            if (!waits && value > MaximumValue)
                error = Errno.ERANGE;
            if (!waits && error == Errno.Success && operation.IsUndo)
            {
                int adjustment = undo!.Adjustments[operation.Number] - operation.Change;
                if (adjustment is < -MaximumValue - 1 or > MaximumValue)
                    error = Errno.ERANGE;
                else
                    undo.Adjustments[operation.Number] = (short)adjustment;
            }

            if (waits || error != Errno.Success)
            {
                Revert(operations, undo, blocking);
                return !waits;
            }

            semaphore.Value = value;
        }

        foreach (SemaphoreOperation operation in operations)
            _semaphores[operation.Number].LastProcess = process;
        return true;
    }

    private void Revert(SemaphoreOperation[] operations, SemaphoreUndo? undo, int done)
    {
        while (--done >= 0)
        {
            SemaphoreOperation operation = operations[done];
            _semaphores[operation.Number].Value -= operation.Change;
            if (operation.IsUndo)
                undo!.Adjustments[operation.Number] += operation.Change;
        }
    }
}
