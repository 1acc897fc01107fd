using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Scheduling;

/// <summary>sched(7): affinity, yielding, nice values, I/O priorities.</summary>
internal static class SchedulingCalls
{
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
        if (task.Sched.Budget is not null && wanted != AllProcessors(current))
            return Errno.EBUSY;
        current.Kernel.Scheduler.Change(task, entity => entity.Affinity = wanted);
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

    private static Errno SetPriorityOf(Task current, Task task, int nice)
    {
        Credentials from = current.Credentials;
        if (from.Euid != task.Credentials.Euid && from.Uid != task.Credentials.Uid && from.Euid != task.Credentials.Uid && !current.IsCapable(Capability.SysNice))
            return Errno.EPERM;
        return SetNice(current, task, nice) == Errno.Success ? Errno.Success : Errno.EACCES;
    }

    private static Errno SetNice(Task current, Task task, int nice)
    {
        if (nice < task.Sched.Nice && !MayHaveNice(current, task, nice))
            return Errno.EPERM;
        current.Kernel.Scheduler.Change(task, entity => entity.SetNice(nice));
        return Errno.Success;
    }

    /// <summary>RLIMIT_NICE or the capability allow the value (can_nice).</summary>
    internal static bool MayHaveNice(Task current, Task task, int nice) =>
        (ulong)(20 - nice) <= task.ThreadGroup.Limit(ResourceLimit.Nice).Soft || current.IsCapable(Capability.SysNice);

    internal static bool MayChange(Task current, Task task) =>
        current.Credentials.Euid == task.Credentials.Euid || current.Credentials.Euid == task.Credentials.Uid || current.IsCapable(Capability.SysNice);

    internal static Task? Find(Task current, int pid) => pid == 0 ? current : current.Namespaces.Pid.Find(pid)?.Task;

    internal static ulong AllProcessors(Task current) =>
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
