using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// The fair class: the runnable task with the least virtual run time goes next; a sleeper re-enters no further back
/// than half a latency period. One queue serves all processors of a machine, guarded by the kernel lock.
/// </summary>
internal sealed partial class Scheduler(KernelInstance kernel)
{
    /// <summary>How long one task may run while others wait, in nanoseconds.</summary>
    public const long Slice = 3_000_000;

    private const long WakeupCredit = 3_000_000;
    private Task[] _heap = new Task[64];
    private int _count;
    private long _minVirtualRuntime;
    private ulong _sequence;

    /// <summary>Runnable tasks that wait for a processor.</summary>
    public int Waiting => _count;

    public LoadAverage Load { get; } = new(kernel);

    /// <summary>Tasks that run or wait for a processor (procs_running).</summary>
    public int CountRunning()
    {
        int running = _count;
        foreach (Processor processor in kernel.Processors)
        {
            if (processor.Current is not null)
                running++;
        }

        return running;
    }

    /// <summary>What the load averages count: running tasks, and those in uninterruptible sleep.</summary>
    public int CountActive()
    {
        int active = CountRunning();
        foreach (ThreadGroup group in kernel.Tasks.Processes)
        {
            foreach (Task thread in group.Threads)
            {
                if (thread.State is TaskState.Uninterruptible or TaskState.Killable)
                    active++;
            }
        }

        return active;
    }

    /// <summary>Context switches since boot (ctxt of /proc/stat).</summary>
    public long ContextSwitches { get; private set; }

    /// <summary>Puts a runnable task on the queue and sees that a processor takes notice.</summary>
    public void Enqueue(Task task, bool wakeup)
    {
        SchedEntity entity = task.Sched;
        if (entity.OnRunQueue || task.OnProcessor is not null)
            return;
        if (wakeup)
        {
            AdvanceMinimum();
            entity.VirtualRuntime = Math.Max(entity.VirtualRuntime, _minVirtualRuntime - WakeupCredit);
        }

        entity.Sequence = _sequence++;
        entity.QueuedAt = kernel.Time.Now;
        if (_count == _heap.Length)
            Array.Resize(ref _heap, _heap.Length * 2);
        entity.HeapIndex = _count;
        _heap[_count++] = task;
        SiftUp(entity.HeapIndex);
        NotifyProcessors(task);
    }

    /// <summary>Takes the next task for a processor, or null when none may run on it.</summary>
    public Task? PickNext(Processor processor)
    {
        Task? best = null;
        if (_count > 0 && MayRun(_heap[0], processor))
        {
            best = _heap[0];
        }
        else
        {
            for (int i = 0; i < _count; i++)
            {
                if (MayRun(_heap[i], processor) && (best is null || Before(_heap[i], best)))
                    best = _heap[i];
            }
        }

        if (best is null)
            return null;
        RemoveAt(best.Sched.HeapIndex);
        SchedEntity entity = best.Sched;
        _minVirtualRuntime = Math.Max(_minVirtualRuntime, entity.VirtualRuntime);
        entity.RunDelay += kernel.Time.Now - entity.QueuedAt;
        entity.TimesRun++;
        entity.Processor = processor.Id;
        ContextSwitches++;
        return best;
    }

    /// <summary>True if a waiting task should take the processor from the one that runs.</summary>
    public bool ShouldPreempt(Processor processor, Task current, Ktime sliceStart, Ktime now)
    {
        if (_count == 0)
            return !MayRun(current, processor);
        if (now - sliceStart >= Slice)
            return true;
        Task first = _heap[0];
        return MayRun(first, processor)
            && current.Sched.VirtualRuntime - first.Sched.VirtualRuntime > WakeupCredit / 2;
    }

    /// <summary>Puts a task behind the one that waits longest to run (sched_yield).</summary>
    public void Yield(Task current)
    {
        if (_count == 0)
            return;
        current.Sched.VirtualRuntime = Math.Max(current.Sched.VirtualRuntime, _heap[0].Sched.VirtualRuntime);
        current.WantsToYield = true;
    }

    /// <summary>Takes a waiting task off the queue and puts it back where its changed weight or affinity wants it.</summary>
    public void Requeue(Task task)
    {
        if (task.Sched.OnRunQueue)
        {
            RemoveAt(task.Sched.HeapIndex);
            Enqueue(task, wakeup: false);
        }
        else if (task.OnProcessor is { } processor && !MayRun(task, processor))
        {
            processor.RequestReschedule();
        }
    }

    /// <summary>
    /// The least virtual time of all that run or wait, which never goes back: where sleepers re-enter. Without what runs
    /// now, one task alone would leave it behind and the next sleeper would get all of that as credit.
    /// </summary>
    private void AdvanceMinimum()
    {
        long least = _count > 0 ? _heap[0].Sched.VirtualRuntime : long.MaxValue;
        foreach (Processor processor in kernel.Processors)
        {
            if (processor.Current is { IsKernelThread: false } running)
                least = Math.Min(least, running.Sched.VirtualRuntime);
        }

        if (least != long.MaxValue)
            _minVirtualRuntime = Math.Max(_minVirtualRuntime, least);
    }

    private static bool MayRun(Task task, Processor processor) => (task.Sched.Affinity & (1UL << processor.Id)) != 0;

    private static bool Before(Task a, Task b)
    {
        long difference = a.Sched.VirtualRuntime - b.Sched.VirtualRuntime;
        return difference != 0 ? difference < 0 : a.Sched.Sequence < b.Sched.Sequence;
    }

    private void NotifyProcessors(Task task)
    {
        Processor[] processors = kernel.Processors;
        Processor? victim = null;
        foreach (Processor processor in processors)
        {
            if (!MayRun(task, processor))
                continue;
            if (processor.IsIdle)
            {
                processor.WakeIdle();
                return;
            }

            if (victim is null && processor.Current is { } running
                && running.Sched.VirtualRuntime - task.Sched.VirtualRuntime > WakeupCredit / 2)
            {
                victim = processor;
            }
        }

        if (victim is not null)
            victim.RequestReschedule();
        else
            kernel.Tick.Lower(task.Sched.QueuedAt.Nanoseconds + Slice);
    }

    private void RemoveAt(int index)
    {
        Task removed = _heap[index];
        removed.Sched.HeapIndex = -1;
        Task last = _heap[--_count];
        _heap[_count] = null!;
        if (last == removed)
            return;
        _heap[index] = last;
        last.Sched.HeapIndex = index;
        SiftUp(index);
        SiftDown(last.Sched.HeapIndex);
    }

    private void SiftUp(int index)
    {
        Task task = _heap[index];
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (!Before(task, _heap[parent]))
                break;
            _heap[index] = _heap[parent];
            _heap[index].Sched.HeapIndex = index;
            index = parent;
        }

        _heap[index] = task;
        task.Sched.HeapIndex = index;
    }

    private void SiftDown(int index)
    {
        Task task = _heap[index];
        for (; ; )
        {
            int child = (2 * index) + 1;
            if (child >= _count)
                break;
            if (child + 1 < _count && Before(_heap[child + 1], _heap[child]))
                child++;
            if (!Before(_heap[child], task))
                break;
            _heap[index] = _heap[child];
            _heap[index].Sched.HeapIndex = index;
            index = child;
        }

        _heap[index] = task;
        task.Sched.HeapIndex = index;
    }
}
