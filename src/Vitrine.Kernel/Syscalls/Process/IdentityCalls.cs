using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>Numbers of processes, threads, process groups and sessions (getpid(2), setpgid(2), setsid(2)).</summary>
internal static class IdentityCalls
{
    [Syscall(39, "getpid", SyscallSupport.Real)]
    public static SyscallResult GetPid(Task current) => new Pid(current.ThreadGroup.Leader.Pid.In(current.Namespaces.Pid));

    [Syscall(186, "gettid", SyscallSupport.Real)]
    public static SyscallResult GetTid(Task current) => new Pid(current.Pid.In(current.Namespaces.Pid));

    [Syscall(110, "getppid", SyscallSupport.Real)]
    public static SyscallResult GetParentPid(Task current) =>
        current.ThreadGroup.Leader.Parent is { } parent ? parent.ThreadGroup.Leader.Pid.In(current.Namespaces.Pid) : 0;

    [Syscall(111, "getpgrp", SyscallSupport.Real)]
    public static SyscallResult GetProcessGroup(Task current) => current.ThreadGroup.ProcessGroup.In(current.Namespaces.Pid);

    [Syscall(121, "getpgid", SyscallSupport.Real)]
    public static SyscallResult GetPgid(Task current, int pid)
    {
        ThreadGroup? group = Find(current, pid);
        return group is null ? Errno.ESRCH : group.ProcessGroup.In(current.Namespaces.Pid);
    }

    [Syscall(124, "getsid", SyscallSupport.Real)]
    public static SyscallResult GetSid(Task current, int pid)
    {
        ThreadGroup? group = Find(current, pid);
        return group is null ? Errno.ESRCH : group.Session.In(current.Namespaces.Pid);
    }

    [Syscall(109, "setpgid", SyscallSupport.Real)]
    public static SyscallResult SetPgid(Task current, int pid, int pgid)
    {
        PidNamespace ns = current.Namespaces.Pid;
        if (pid == 0)
            pid = current.ThreadGroup.Leader.Pid.In(ns);
        if (pgid == 0)
            pgid = pid;
        if (pgid < 0)
            return Errno.EINVAL;
        Task? task = ns.Find(pid)?.Task;
        if (task is null)
            return Errno.ESRCH;
        if (!task.IsLeader)
            return Errno.EINVAL;
        ThreadGroup group = task.ThreadGroup;
        if (task.Parent?.ThreadGroup == current.ThreadGroup)
        {
            if (group.Session != current.ThreadGroup.Session)
                return Errno.EPERM;
            if (group.HasExeced)
                return Errno.EACCES;
        }
        else if (group != current.ThreadGroup)
        {
            return Errno.ESRCH;
        }

        if (group.IsSessionLeader)
            return Errno.EPERM;
        PidNumber number = task.Pid;
        if (pgid != pid)
        {
            if (ns.Find(pgid) is not { ProcessGroup.Count: > 0 } existing || existing.ProcessGroup[0].Session != current.ThreadGroup.Session)
                return Errno.EPERM;
            number = existing;
        }

        ProcessGroups.Join(group, number);
        return 0;
    }

    [Syscall(112, "setsid", SyscallSupport.Real)]
    public static SyscallResult SetSid(Task current)
    {
        ThreadGroup group = current.ThreadGroup;
        PidNumber number = group.Leader.Pid;
        if (group.IsSessionLeader || number.ProcessGroup.Count > 0)
            return Errno.EPERM;
        group.IsSessionLeader = true;
        group.Terminal = null;
        group.OldForeground = null;
        ProcessGroups.JoinSession(group, number);
        ProcessGroups.Join(group, number);
        current.Kernel.ProcessListeners?.ChangedSession(current);
        return number.In(current.Namespaces.Pid);
    }

    private static ThreadGroup? Find(Task current, int pid) =>
        pid == 0 ? current.ThreadGroup : current.Namespaces.Pid.Find(pid)?.Task?.ThreadGroup;
}
