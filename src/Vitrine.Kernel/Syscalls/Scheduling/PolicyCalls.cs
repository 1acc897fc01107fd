using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Syscalls.Process;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Syscalls.Scheduling;

/// <summary>sched(7): scheduling policies and their parameters.</summary>
internal static class PolicyCalls
{
    private const uint ResetOnForkBit = 0x40000000;
    private const int HighestPriority = 99;

    /// <summary>The least and the greatest run time of a fair request that sched_setattr may ask for, in nanoseconds.</summary>
    private const ulong LeastSlice = 100_000;
    private const ulong GreatestSlice = 100_000_000;

    /// <summary>kernel.sched_deadline_period_{min,max}_us, in nanoseconds.</summary>
    private const ulong LeastPeriod = 100_000;
    private const ulong GreatestPeriod = 4_194_304_000;

    /// <summary>A run time has at least this many nanoseconds (2^DL_SCALE).</summary>
    private const ulong LeastRuntime = 1 << 10;

    [Flags]
    private enum AttributeFlags : ulong
    {
        None = 0,
        ResetOnFork = 1,
        Reclaim = 2,
        DeadlineOverrun = 4,
        KeepPolicy = 8,
        KeepParameters = 16,
        UtilClampMin = 32,
        UtilClampMax = 64,
        All = 127,
    }

    [Syscall(144, "sched_setscheduler", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SchedSetScheduler(Task current, int pid, uint policy, UserPtr<int> parameter)
    {
        if ((int)policy < 0 || parameter.IsNull || pid < 0)
            return Errno.EINVAL;
        Result<int> read = await current.ReadUserAsync(parameter);
        if (!read.TryGet(out int priority, out Errno error))
            return error;
        if (SchedulingCalls.Find(current, pid) is not { } task)
            return Errno.ESRCH;
        var wanted = new SchedAttributes
        {
            Policy = policy & ~ResetOnForkBit,
            Flags = (policy & ResetOnForkBit) != 0 ? (ulong)AttributeFlags.ResetOnFork : 0,
            Priority = (uint)priority,
            Nice = task.Sched.Nice,
        };
        return Apply(current, task, wanted);
    }

    [Syscall(145, "sched_getscheduler", SyscallSupport.Real)]
    public static SyscallResult SchedGetScheduler(Task current, int pid)
    {
        if (pid < 0)
            return Errno.EINVAL;
        return SchedulingCalls.Find(current, pid) is { } task ? (uint)task.Sched.Policy | (task.Sched.ResetOnFork ? ResetOnForkBit : 0) : Errno.ESRCH;
    }

    [Syscall(142, "sched_setparam", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SchedSetParam(Task current, int pid, UserPtr<int> parameter)
    {
        if (parameter.IsNull || pid < 0)
            return Errno.EINVAL;
        Result<int> read = await current.ReadUserAsync(parameter);
        if (!read.TryGet(out int priority, out Errno error))
            return error;
        if (SchedulingCalls.Find(current, pid) is not { } task)
            return Errno.ESRCH;
        var wanted = new SchedAttributes
        {
            Policy = (uint)task.Sched.Policy,
            Flags = task.Sched.ResetOnFork ? (ulong)AttributeFlags.ResetOnFork : 0,
            Priority = (uint)priority,
            Nice = task.Sched.Nice,
        };
        return Apply(current, task, wanted);
    }

    [Syscall(143, "sched_getparam", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SchedGetParam(Task current, int pid, UserPtr<int> parameter)
    {
        if (parameter.IsNull || pid < 0)
            return Errno.EINVAL;
        return SchedulingCalls.Find(current, pid) is { } task ? await current.WriteUserAsync(parameter, task.Sched.RealTimePriority) : Errno.ESRCH;
    }

    [Syscall(146, "sched_get_priority_max", SyscallSupport.Real)]
    public static SyscallResult SchedGetPriorityMax(Task current, SchedPolicy policy) => policy switch
    {
        SchedPolicy.Fifo or SchedPolicy.RoundRobin => HighestPriority,
        SchedPolicy.Other or SchedPolicy.Batch or SchedPolicy.Idle or SchedPolicy.Deadline or SchedPolicy.Extended => 0,
        _ => Errno.EINVAL,
    };

    [Syscall(147, "sched_get_priority_min", SyscallSupport.Real)]
    public static SyscallResult SchedGetPriorityMin(Task current, SchedPolicy policy) => policy switch
    {
        SchedPolicy.Fifo or SchedPolicy.RoundRobin => 1,
        SchedPolicy.Other or SchedPolicy.Batch or SchedPolicy.Idle or SchedPolicy.Deadline or SchedPolicy.Extended => 0,
        _ => Errno.EINVAL,
    };

    [Syscall(148, "sched_rr_get_interval", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SchedRrGetInterval(Task current, int pid, [Strace("out-timespec")] UserPtr<Timespec> interval)
    {
        if (pid < 0)
            return Errno.EINVAL;
        if (SchedulingCalls.Find(current, pid) is not { } task)
            return Errno.ESRCH;
        long turn = task.Sched.Policy switch
        {
            SchedPolicy.RoundRobin => Scheduler.RoundRobinTurn,
            SchedPolicy.Fifo or SchedPolicy.Deadline => 0,
            // Linux counts it in whole ticks.
            _ => task.Sched.Slice / Timekeeper.TickNanoseconds * Timekeeper.TickNanoseconds,
        };
        return await current.WriteUserAsync(interval, Timespec.FromNanoseconds(turn));
    }

    [Syscall(314, "sched_setattr", SyscallSupport.Partial, Note = "SCHED_FLAG_RECLAIM is kept, but reclaims no bandwidth that others leave unused")]
    public static async KTask<SyscallResult> SchedSetAttr(Task current, int pid, UserPtr<SchedAttributes> attributes, uint flags)
    {
        if (attributes.IsNull || pid < 0 || flags != 0)
            return Errno.EINVAL;
        Result<uint> size = await current.ReadUserAsync(attributes.Cast<uint>());
        if (!size.TryGet(out uint bytes, out Errno error))
            return error;
        if (bytes == 0)
            bytes = SchedAttributes.SizeVersion0;
        if (bytes < SchedAttributes.SizeVersion0 || bytes > Page.Size)
            return await TooLargeAsync(current, attributes);
        byte[] buffer = new byte[bytes];
        error = await current.ReadUserBytesAsync(attributes.Address, buffer);
        if (error != Errno.Success)
            return error;
        SchedAttributes wanted = CloneCalls.Extend<SchedAttributes>(buffer, out bool unknown);
        if (unknown)
            return await TooLargeAsync(current, attributes);
        var options = (AttributeFlags)wanted.Flags;
        if ((int)wanted.Policy < 0)
            return Errno.EINVAL;
        if ((options & (AttributeFlags.UtilClampMin | AttributeFlags.UtilClampMax)) != 0 && bytes < Marshal.SizeOf<SchedAttributes>())
            return Errno.EINVAL;
        if (SchedulingCalls.Find(current, pid) is not { } task)
            return Errno.ESRCH;
        wanted.Nice = Math.Clamp(wanted.Nice, -20, 19);
        if ((options & AttributeFlags.KeepPolicy) != 0)
        {
            wanted.Policy = (uint)task.Sched.Policy;
            if (task.Sched.ResetOnFork)
                wanted.Flags |= (ulong)AttributeFlags.ResetOnFork;
        }

        if ((options & AttributeFlags.KeepParameters) != 0)
            TakeParameters(task.Sched, ref wanted);
        return Apply(current, task, wanted);
    }

    [Syscall(315, "sched_getattr", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SchedGetAttr(Task current, int pid, UserPtr<SchedAttributes> attributes, uint size, uint flags)
    {
        if (attributes.IsNull || pid < 0 || size < SchedAttributes.SizeVersion0 || size > Page.Size || flags != 0)
            return Errno.EINVAL;
        if (SchedulingCalls.Find(current, pid) is not { } task)
            return Errno.ESRCH;
        var value = new SchedAttributes { Policy = (uint)task.Sched.Policy };
        TakeParameters(task.Sched, ref value);
        value.Flags = (task.Sched.Budget?.Flags ?? 0) | (task.Sched.ResetOnFork ? (ulong)AttributeFlags.ResetOnFork : 0);
        int known = Marshal.SizeOf<SchedAttributes>();
        value.Size = Math.Min(size, (uint)known);
        byte[] bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<SchedAttributes>(in value))[..(int)value.Size].ToArray();
        return await current.WriteUserBytesAsync(attributes.Address, bytes);
    }

    private static void TakeParameters(SchedEntity entity, ref SchedAttributes value)
    {
        if (entity.Budget is { } budget)
        {
            value.Runtime = (ulong)budget.Runtime;
            value.Deadline = (ulong)budget.RelativeDeadline;
            value.Period = (ulong)budget.Period;
        }
        else if (entity.RealTimePriority != 0)
        {
            value.Priority = (uint)entity.RealTimePriority;
        }
        else
        {
            value.Nice = entity.Nice;
            value.Runtime = (ulong)entity.Slice;
        }
    }

    private static Errno Apply(Task current, Task task, in SchedAttributes wanted)
    {
        var policy = (SchedPolicy)wanted.Policy;
        var flags = (AttributeFlags)wanted.Flags;
        bool fair = policy is SchedPolicy.Other or SchedPolicy.Batch or SchedPolicy.Idle;
        bool realTime = policy is SchedPolicy.Fifo or SchedPolicy.RoundRobin;
        if (!fair && !realTime && policy != SchedPolicy.Deadline)
            return Errno.EINVAL;
        if ((flags & ~AttributeFlags.All) != 0 || wanted.Priority > HighestPriority || realTime != (wanted.Priority != 0))
            return Errno.EINVAL;
        if (policy == SchedPolicy.Deadline && !IsSchedulable(wanted))
            return Errno.EINVAL;
        bool resetOnFork = (flags & AttributeFlags.ResetOnFork) != 0;
        if (!current.IsCapable(Capability.SysNice) && !MayBecome(current, task, policy, wanted, resetOnFork))
            return Errno.EPERM;

        // There is no frequency to choose, so nothing that a clamp could act on (CONFIG_UCLAMP_TASK is not set).
        if ((flags & (AttributeFlags.UtilClampMin | AttributeFlags.UtilClampMax)) != 0)
            return Errno.EOPNOTSUPP;

        // A deadline is promised for all processors together, so the task must be able to use them all.
        if (policy == SchedPolicy.Deadline && (task.Sched.Affinity & SchedulingCalls.AllProcessors(current)) != SchedulingCalls.AllProcessors(current))
            return Errno.EPERM;
        Scheduler scheduler = current.Kernel.Scheduler;

        // Whoever keeps the parameters keeps the policy that they belong to.
        if ((flags & AttributeFlags.KeepParameters) != 0)
        {
            task.Sched.ResetOnFork = resetOnFork;
            return Errno.Success;
        }

        DeadlineBudget? budget = policy != SchedPolicy.Deadline ? null : new DeadlineBudget(
            task,
            (long)wanted.Runtime,
            (long)wanted.Deadline,
            (long)(wanted.Period == 0 ? wanted.Deadline : wanted.Period),
            (ulong)(flags & (AttributeFlags.Reclaim | AttributeFlags.DeadlineOverrun)));
        Errno error = scheduler.SetPolicy(task, policy, (int)wanted.Priority, budget);
        if (error != Errno.Success)
            return error;
        task.Sched.ResetOnFork = resetOnFork;
        if (fair)
        {
            int nice = wanted.Nice;
            long slice = wanted.Runtime == 0 ? 0 : (long)Math.Clamp(wanted.Runtime, LeastSlice, GreatestSlice);
            scheduler.Change(task, entity =>
            {
                entity.SetNice(nice);
                entity.CustomSlice = slice == Scheduler.BaseSlice ? 0 : slice;
            });
        }

        return Errno.Success;
    }

    /// <summary>Run time, deadline and period fit into each other, and into what the timers can do.</summary>
    private static bool IsSchedulable(in SchedAttributes wanted)
    {
        ulong period = wanted.Period == 0 ? wanted.Deadline : wanted.Period;
        return wanted.Deadline != 0 && wanted.Runtime >= LeastRuntime && (wanted.Deadline >> 63) == 0 && (wanted.Period >> 63) == 0
            && wanted.Runtime <= wanted.Deadline && wanted.Deadline <= period && period is >= LeastPeriod and <= GreatestPeriod;
    }

    /// <summary>What a task without CAP_SYS_NICE may ask for, as sched(7) says.</summary>
    private static bool MayBecome(Task current, Task task, SchedPolicy policy, in SchedAttributes wanted, bool resetOnFork)
    {
        SchedEntity entity = task.Sched;
        switch (policy)
        {
            case SchedPolicy.Deadline:
                return false;
            case SchedPolicy.Fifo or SchedPolicy.RoundRobin:
                ulong limit = task.ThreadGroup.Limit(ResourceLimit.RealTimePriority).Soft;
                if (policy != entity.Policy && limit == 0)
                    return false;
                if (wanted.Priority > entity.RealTimePriority && wanted.Priority > limit)
                    return false;
                break;
            default:
                if (wanted.Nice < entity.Nice && !SchedulingCalls.MayHaveNice(current, task, wanted.Nice))
                    return false;
                break;
        }

        if (entity.IsIdlePolicy && policy != SchedPolicy.Idle && !SchedulingCalls.MayHaveNice(current, task, entity.Nice))
            return false;
        return SchedulingCalls.MayChange(current, task) && (!entity.ResetOnFork || resetOnFork);
    }

    private static async KTask<Errno> TooLargeAsync(Task current, UserPtr<SchedAttributes> attributes)
    {
        _ = await current.WriteUserAsync(attributes.Cast<uint>(), (uint)Marshal.SizeOf<SchedAttributes>());
        return Errno.E2BIG;
    }
}
