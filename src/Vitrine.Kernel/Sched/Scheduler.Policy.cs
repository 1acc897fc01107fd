using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Sched;

/// <content>Changes of what a task asks of the scheduler: policy, nice value, affinity, lent priority, bandwidth.</content>
internal sealed partial class Scheduler
{
    /// <summary>What deadline tasks may have of all processors together, in 2^-20 of one (95 %).</summary>
    private const long BandwidthLimit = 950_000 * (1L << 20) / 1_000_000;

    private long _bandwidth;

    /// <summary>Changes a task's entity and puts it where it then belongs, whether it sleeps, waits or runs.</summary>
    public void Change(Task task, Action<SchedEntity> change)
    {
        SchedEntity entity = task.Sched;
        Processor? processor = task.OnProcessor;
        RunQueue? waiting = entity.Queue;
        RunQueue? running = processor is null ? null : Queues[processor.Id];
        if (waiting is not null)
        {
            if (entity.Class == SchedClass.Fair)
                waiting.Fair.Leave(entity);
            waiting.Remove(entity);
        }
        else if (running is not null)
        {
            Quit(running, entity);
        }

        // What it is owed is CPU time, whatever its weight.
        long owed = entity.ToReal(entity.Lag);
        change(entity);
        entity.Lag = entity.ToVirtual(owed);
        if (waiting is not null)
        {
            Enqueue(task);
        }
        else if (running is not null)
        {
            entity.Budget?.WakeUp(_kernel.Time.Now.Nanoseconds);
            if (entity.Class == SchedClass.Fair)
                running.Fair.Adopt(entity);
            processor!.RequestReschedule();
        }
        else if (task.State == TaskState.Running && !entity.OnRunQueue)
        {
            // It waited for its next period, and has none any more.
            Enqueue(task);
        }
    }

    /// <summary>Sets policy and parameters. EBUSY if the processors can't promise a deadline task its bandwidth.</summary>
    public Errno SetPolicy(Task task, SchedPolicy policy, int realTimePriority, DeadlineBudget? budget)
    {
        SchedEntity entity = task.Sched;
        long before = entity.Budget?.Bandwidth ?? 0;
        long after = budget?.Bandwidth ?? 0;
        if (after > before && _bandwidth - before + after > BandwidthLimit * _kernel.Processors.Length)
            return Errno.EBUSY;
        _bandwidth += after - before;
        DeadlineBudget? old = entity.Budget;
        Change(task, e => e.Set(policy, realTimePriority, budget));
        old?.Cancel();
        return Errno.Success;
    }

    /// <summary>RLIMIT_RTTIME: a real-time task that never sleeps gets SIGXCPU every second beyond the limit, and SIGKILL at the hard one.</summary>
    private static void CheckRealTimeLimit(Task task, long nanoseconds)
    {
        RLimit limit = task.ThreadGroup.Limit(ResourceLimit.RealTimeTime);
        long before = task.Sched.WithoutSleep;
        long after = task.Sched.WithoutSleep = before + nanoseconds;
        if (limit.Soft == RLimit.Infinity)
            return;
        if ((ulong)after / 1000 > limit.Hard)
        {
            SignalSender.SendKernelToGroup(task.ThreadGroup, SignalNumber.Kill);
            return;
        }

        long soft = (long)Math.Min(limit.Soft, long.MaxValue / 1000) * 1000;
        if (after > soft && (before <= soft || (after - soft) / Time.Ktime.NanosecondsPerSecond != (before - soft) / Time.Ktime.NanosecondsPerSecond))
            SignalSender.SendKernelToGroup(task.ThreadGroup, SignalNumber.Xcpu);
    }

    private void DropBudget(SchedEntity entity)
    {
        _bandwidth -= entity.Budget!.Bandwidth;
        entity.Budget.Cancel();
        entity.Set(SchedPolicy.Other, 0, null);
    }
}
