using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Syscalls.Process;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Scheduling;

/// <summary>sched(7): policies, affinity, yielding, nice values, I/O priorities.</summary>
internal static class SchedulingCalls
{
    private const uint ResetOnForkBit = 0x40000000;

    [Syscall(24, "sched_yield", SyscallSupport.Real)]
    public static SyscallResult SchedYield(Task current)
    {
        current.Kernel.Scheduler.Yield(current);
        return 0;
    }

    [Syscall(309, "getcpu", SyscallSupport.Real)]
    public static async KTask<SyscallResult> GetCpu(Task current, UserPtr<uint> cpu, UserPtr<uint> node)
    {
        Errno error = cpu.IsNull ? Errno.Success : await current.WriteUserAsync(cpu, (uint)current.Sched.Processor);
        return error == Errno.Success && !node.IsNull ? await current.WriteUserAsync(node, 0u) : error;
    }

    [Syscall(203, "sched_setaffinity", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SchedSetAffinity(Task current, int pid, uint length, VirtAddr mask)
    {
        byte[] bytes = new byte[8];
        Errno error = await current.ReadUserBytesAsync(mask, bytes.AsMemory(0, (int)Math.Min(length, 8)));
        if (error != Errno.Success)
            return error;
        if (Find(current, pid) is not { } task)
            return Errno.ESRCH;
        if (!MayChange(current, task))
            return Errno.EPERM;
        ulong wanted = BitConverter.ToUInt64(bytes) & AllProcessors(current);
        if (wanted == 0)
            return Errno.EINVAL;
        task.Sched.Affinity = wanted;
        current.Kernel.Scheduler.Requeue(task);
        return 0;
    }

    [Syscall(204, "sched_getaffinity", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SchedGetAffinity(Task current, int pid, uint length, VirtAddr mask)
    {
        // In whole words, and at least as many as there are processors.
        if ((length & 7) != 0 || length * 8 < (uint)current.Kernel.Processors.Length)
            return Errno.EINVAL;
        if (Find(current, pid) is not { } task)
            return Errno.ESRCH;
        Errno error = await current.WriteUserAsync(new UserPtr<ulong>(mask), task.Sched.Affinity & AllProcessors(current));
        return error != Errno.Success ? error : 8;
    }

    [Syscall(144, "sched_setscheduler", SyscallSupport.Partial, Note = "real-time and deadline policies are refused with EPERM")]
    public static async KTask<SyscallResult> SchedSetScheduler(Task current, int pid, uint policy, UserPtr<int> parameter)
    {
        if ((int)policy < 0 || parameter.IsNull || pid < 0)
            return Errno.EINVAL;
        Result<int> read = await current.ReadUserAsync(parameter);
        return read.TryGet(out int priority, out Errno error) ? Change(current, pid, policy, priority) : error;
    }

    [Syscall(145, "sched_getscheduler", SyscallSupport.Real)]
    public static SyscallResult SchedGetScheduler(Task current, int pid)
    {
        if (pid < 0)
            return Errno.EINVAL;
        return Find(current, pid) is { } task ? (uint)task.Sched.Policy | (task.Sched.ResetOnFork ? ResetOnForkBit : 0) : Errno.ESRCH;
    }

    [Syscall(142, "sched_setparam", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SchedSetParam(Task current, int pid, UserPtr<int> parameter)
    {
        if (parameter.IsNull || pid < 0)
            return Errno.EINVAL;
        Result<int> read = await current.ReadUserAsync(parameter);
        if (!read.TryGet(out int priority, out Errno error))
            return error;
        if (Find(current, pid) is not { } task)
            return Errno.ESRCH;
        return Change(current, pid, (uint)task.Sched.Policy | (task.Sched.ResetOnFork ? ResetOnForkBit : 0), priority);
    }

    [Syscall(143, "sched_getparam", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SchedGetParam(Task current, int pid, UserPtr<int> parameter)
    {
        if (parameter.IsNull || pid < 0)
            return Errno.EINVAL;
        return Find(current, pid) is null ? Errno.ESRCH : await current.WriteUserAsync(parameter, 0);
    }

    [Syscall(146, "sched_get_priority_max", SyscallSupport.Real)]
    public static SyscallResult SchedGetPriorityMax(Task current, SchedPolicy policy) => policy switch
    {
        SchedPolicy.Fifo or SchedPolicy.RoundRobin => 99,
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
        return Find(current, pid) is null ? Errno.ESRCH : await current.WriteUserAsync(interval, Timespec.FromNanoseconds(Scheduler.Slice));
    }

    [Syscall(314, "sched_setattr", SyscallSupport.Partial, Note = "real-time and deadline policies are refused with EPERM")]
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
        const ulong resetOnFork = 1, keepPolicy = 8, keepParameters = 16, known = 0x7f;
        if ((int)wanted.Policy < 0 || (wanted.Flags & ~known) != 0)
            return Errno.EINVAL;
        if (Find(current, pid) is not { } task)
            return Errno.ESRCH;
        uint policy = (wanted.Flags & keepPolicy) != 0 ? (uint)task.Sched.Policy : wanted.Policy;
        error = Change(current, pid, policy | ((wanted.Flags & resetOnFork) != 0 ? ResetOnForkBit : 0), (int)wanted.Priority);
        if (error == Errno.Success && (wanted.Flags & keepParameters) == 0 && task.Sched.Policy is SchedPolicy.Other or SchedPolicy.Batch)
            error = SetNice(current, task, Math.Clamp(wanted.Nice, -20, 19));
        return error;
    }

    [Syscall(315, "sched_getattr", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SchedGetAttr(Task current, int pid, UserPtr<SchedAttributes> attributes, uint size, uint flags)
    {
        if (attributes.IsNull || pid < 0 || size < SchedAttributes.SizeVersion0 || size > Page.Size || flags != 0)
            return Errno.EINVAL;
        if (Find(current, pid) is not { } task)
            return Errno.ESRCH;
        var value = new SchedAttributes
        {
            Policy = (uint)task.Sched.Policy,
            Flags = task.Sched.ResetOnFork ? 1UL : 0,
            Nice = task.Sched.Nice,
            Runtime = (ulong)Scheduler.Slice,
            UtilMin = 0,
            UtilMax = 1024,
        };
        int known = Marshal.SizeOf<SchedAttributes>();
        value.Size = Math.Min(size, (uint)known);
        byte[] bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<SchedAttributes>(in value))[..(int)value.Size].ToArray();
        return await current.WriteUserBytesAsync(attributes.Address, bytes);
    }

    [Syscall(140, "getpriority", SyscallSupport.Real)]
    public static SyscallResult GetPriority(Task current, PriorityTarget which, int who)
    {
        int best = int.MinValue;
        if (which is < PriorityTarget.Process or > PriorityTarget.User)
            return Errno.EINVAL;
        foreach (Task task in Select(current, which, who))
            best = Math.Max(best, 20 - task.Sched.Nice);
        // 1 to 40, so that a result is never mistaken for an error.
        return best == int.MinValue ? Errno.ESRCH : best;
    }

    [Syscall(141, "setpriority", SyscallSupport.Real)]
    public static SyscallResult SetPriority(Task current, PriorityTarget which, int who, int nice)
    {
        if (which is < PriorityTarget.Process or > PriorityTarget.User)
            return Errno.EINVAL;
        nice = Math.Clamp(nice, -20, 19);
        Errno error = Errno.ESRCH;
        foreach (Task task in Select(current, which, who))
        {
            Errno one = SetPriorityOf(current, task, nice);
            if (one != Errno.Success || error == Errno.ESRCH)
                error = one;
        }

        return error;
    }

    [Syscall(251, "ioprio_set", SyscallSupport.Real)]
    public static SyscallResult IoPrioSet(Task current, int which, int who, int priority)
    {
        int kind = priority >> 13;
        int level = priority & 7;
        switch (kind)
        {
            case 1 when !current.IsCapable(Capability.SysAdmin) && !current.IsCapable(Capability.SysNice):
                return Errno.EPERM;
            case 0 when level != 0:
            case < 0 or > 3:
                return Errno.EINVAL;
        }

        if (which is < 1 or > 3)
            return Errno.EINVAL;
        Errno error = Errno.ESRCH;
        foreach (Task task in Select(current, (PriorityTarget)(which - 1), who))
        {
            if (!MayChange(current, task))
                return Errno.EPERM;
            task.IoPriority = (ushort)priority;
            error = Errno.Success;
        }

        return error;
    }

    [Syscall(252, "ioprio_get", SyscallSupport.Real)]
    public static SyscallResult IoPrioGet(Task current, int which, int who)
    {
        if (which is < 1 or > 3)
            return Errno.EINVAL;
        int best = -1;
        foreach (Task task in Select(current, (PriorityTarget)(which - 1), who))
        {
            // One process shows what was set, a group what is in effect: class none goes by the nice value.
            int value = which == 1 || task.IoPriority >> 13 != 0 ? task.IoPriority : (2 << 13) | (task.Sched.Nice + 20) / 5;
            best = best < 0 ? value : Math.Min(best, value);
        }

        return best < 0 ? Errno.ESRCH : best;
    }

    private static async KTask<Errno> TooLargeAsync(Task current, UserPtr<SchedAttributes> attributes)
    {
        _ = await current.WriteUserAsync(attributes.Cast<uint>(), (uint)Marshal.SizeOf<SchedAttributes>());
        return Errno.E2BIG;
    }

    private static Errno Change(Task current, int pid, uint policyWord, int priority)
    {
        if (Find(current, pid) is not { } task)
            return Errno.ESRCH;
        var policy = (SchedPolicy)(policyWord & ~ResetOnForkBit);
        bool realTime = policy is SchedPolicy.Fifo or SchedPolicy.RoundRobin;
        if (!realTime && policy is not (SchedPolicy.Other or SchedPolicy.Batch or SchedPolicy.Idle or SchedPolicy.Deadline))
            return Errno.EINVAL;
        if (realTime ? priority is < 1 or > 99 : priority != 0)
            return Errno.EINVAL;
        if (policy == SchedPolicy.Deadline)
            return Errno.EINVAL;
        if (!MayChange(current, task))
            return Errno.EPERM;
        // There is no real-time class: refused, as a system refuses those without the right.
        if (realTime)
            return Errno.EPERM;
        task.Sched.Policy = policy;
        task.Sched.ResetOnFork = (policyWord & ResetOnForkBit) != 0;
        current.Kernel.Scheduler.Requeue(task);
        return Errno.Success;
    }

    private static Errno SetPriorityOf(Task current, Task task, int nice)
    {
        Credentials from = current.Credentials;
        if (from.Euid != task.Credentials.Euid && from.Uid != task.Credentials.Uid && from.Euid != task.Credentials.Uid && !current.IsCapable(Capability.SysNice))
            return Errno.EPERM;
        return SetNice(current, task, nice) == Errno.Success ? Errno.Success : Errno.EACCES;
    }

    private static Errno SetNice(Task current, Task task, int nice)
    {
        if (nice < task.Sched.Nice)
        {
            ulong floor = task.ThreadGroup.Limit(ResourceLimit.Nice).Soft;
            if ((ulong)(20 - nice) > floor && !current.IsCapable(Capability.SysNice))
                return Errno.EPERM;
        }

        task.Sched.Nice = nice;
        current.Kernel.Scheduler.Requeue(task);
        return Errno.Success;
    }

    private static bool MayChange(Task current, Task task) =>
        current.Credentials.Euid == task.Credentials.Euid || current.Credentials.Euid == task.Credentials.Uid || current.IsCapable(Capability.SysNice);

    private static Task? Find(Task current, int pid) => pid == 0 ? current : current.Namespaces.Pid.Find(pid)?.Task;

    private static ulong AllProcessors(Task current) =>
        current.Kernel.Processors.Length >= 64 ? ulong.MaxValue : (1UL << current.Kernel.Processors.Length) - 1;

    private static List<Task> Select(Task current, PriorityTarget which, int who)
    {
        var found = new List<Task>();
        switch (which)
        {
            case PriorityTarget.Process:
                if (Find(current, who) is { } one)
                    found.Add(one);
                break;
            case PriorityTarget.ProcessGroup:
                PidNumber? number = who == 0 ? current.ThreadGroup.ProcessGroup : current.Namespaces.Pid.Find(who);
                foreach (ThreadGroup member in number?.ProcessGroup ?? [])
                    found.AddRange(member.Threads);
                break;
            default:
                Uid uid = who == 0 ? current.Credentials.Uid : new Uid((uint)who);
                foreach (ThreadGroup member in current.Kernel.Tasks.Processes)
                {
                    if (member.Leader.Credentials.Uid == uid)
                        found.AddRange(member.Threads);
                }

                break;
        }

        return found;
    }
}
