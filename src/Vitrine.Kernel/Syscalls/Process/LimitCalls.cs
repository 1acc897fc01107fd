using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>Resource limits and usage: getrlimit, setrlimit, prlimit64, getrusage, times.</summary>
internal static class LimitCalls
{
    private const int Self = 0;
    private const int Children = -1;
    private const int Thread = 1;

    [Syscall(97, "getrlimit", SyscallSupport.Real)]
    public static KTask<SyscallResult> GetRLimit(Task current, ResourceLimit resource, [Strace("out-rlimit")] UserPtr<RLimit> limit) =>
        PrLimitAsync(current, current.ThreadGroup, resource, default, limit, writeNull: true);

    [Syscall(160, "setrlimit", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SetRLimit(Task current, ResourceLimit resource, [Strace("rlimit")] UserPtr<RLimit> limit)
    {
        Result<RLimit> read = await current.ReadUserAsync(limit);
        return read.TryGet(out RLimit wanted, out Errno error) ? Set(current, current.ThreadGroup, resource, wanted) : error;
    }

    [Syscall(302, "prlimit64", SyscallSupport.Real)]
    public static KTask<SyscallResult> PrLimit(
        Task current, int pid, ResourceLimit resource, [Strace("rlimit")] UserPtr<RLimit> limit, [Strace("out-rlimit")] UserPtr<RLimit> old)
    {
        ThreadGroup group = current.ThreadGroup;
        if (pid != 0)
        {
            if (current.Namespaces.Pid.Find(pid)?.Task is not { } target)
                return KTask<SyscallResult>.FromResult(Errno.ESRCH);
            if (!MayChange(current, target))
                return KTask<SyscallResult>.FromResult(Errno.EPERM);
            group = target.ThreadGroup;
        }

        return PrLimitAsync(current, group, resource, limit, old, writeNull: false);
    }

    [Syscall(98, "getrusage", SyscallSupport.Real)]
    public static async KTask<SyscallResult> GetRUsage(Task current, int who, [Strace("out-rusage")] UserPtr<ResourceUsage> usage)
    {
        UsageCounters counters;
        current.OnProcessor?.Settle();
        switch (who)
        {
            case Self:
                counters = current.ThreadGroup.OwnUsage();
                break;
            case Children:
                counters = current.ThreadGroup.Children;
                break;
            case Thread:
                counters = ThreadGroup.ThreadCounters(current);
                counters.UserTime = current.Sched.UserTime;
                counters.SystemTime = current.Sched.SystemTime;
                counters.MaxResidentSet = current.Mm!.Statistics.HighestRss;
                break;
            default:
                return Errno.EINVAL;
        }

        return await current.WriteUserAsync(usage, ThreadGroup.ToUser(in counters));
    }

    [Syscall(100, "times", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Times(Task current, UserPtr<ProcessTimes> times)
    {
        if (!times.IsNull)
        {
            ThreadGroup group = current.ThreadGroup;
            current.OnProcessor?.Settle();
            var value = new ProcessTimes(
                Kernel.Time.Ticks.FromNanoseconds(group.UserTime),
                Kernel.Time.Ticks.FromNanoseconds(group.SystemTime),
                Kernel.Time.Ticks.FromNanoseconds(group.Children.UserTime),
                Kernel.Time.Ticks.FromNanoseconds(group.Children.SystemTime));
            Errno error = await current.WriteUserAsync(times, value);
            if (error != Errno.Success)
                return error;
        }

        return Kernel.Time.Ticks.FromNanoseconds(current.Kernel.Time.Now.Nanoseconds);
    }

    private static async KTask<SyscallResult> PrLimitAsync(
        Task current, ThreadGroup group, ResourceLimit resource, UserPtr<RLimit> limit, UserPtr<RLimit> old, bool writeNull)
    {
        if ((uint)resource >= RLimit.Count)
            return Errno.EINVAL;
        RLimit before = group.Limits[(int)resource];
        if (!limit.IsNull)
        {
            Result<RLimit> read = await current.ReadUserAsync(limit);
            if (!read.TryGet(out RLimit wanted, out Errno error))
                return error;
            error = Set(current, group, resource, wanted);
            if (error != Errno.Success)
                return error;
        }

        return old.IsNull && !writeNull ? 0 : await current.WriteUserAsync(old, before);
    }

    private static Errno Set(Task current, ThreadGroup group, ResourceLimit resource, RLimit wanted)
    {
        if ((uint)resource >= RLimit.Count || wanted.Soft > wanted.Hard)
            return Errno.EINVAL;
        if (resource == ResourceLimit.NoFile && wanted.Hard > (ulong)current.Kernel.Vfs.Settings.NrOpen)
            return Errno.EPERM;
        if (wanted.Hard > group.Limits[(int)resource].Hard
            && !current.Credentials.IsCapable(current.Kernel.InitUserNamespace, Capability.SysResource))
        {
            return Errno.EPERM;
        }

        // Zero seconds of CPU time means: the shortest that can be measured.
        if (resource == ResourceLimit.Cpu && wanted.Soft == 0)
            wanted = wanted with { Soft = 1 };
        group.Limits[(int)resource] = wanted;
        return Errno.Success;
    }

    private static bool MayChange(Task current, Task target)
    {
        Credentials from = current.Credentials;
        Credentials to = target.Credentials;
        return current == target
            || (from.Uid == to.Uid && from.Uid == to.Euid && from.Uid == to.Suid && from.Gid == to.Gid && from.Gid == to.Egid && from.Gid == to.Sgid)
            || from.IsCapable(to.UserNamespace, Capability.SysResource);
    }
}
