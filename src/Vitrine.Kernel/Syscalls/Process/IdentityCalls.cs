using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>Who is calling: getpid, gettid (getpid(2), gettid(2)).</summary>
internal static class IdentityCalls
{
    [Syscall(39, "getpid", SyscallSupport.Real)]
    public static SyscallResult GetPid(Task current) => new Pid(current.ThreadGroup.Leader.Pid.In(current.Namespaces.Pid));

    [Syscall(186, "gettid", SyscallSupport.Real)]
    public static SyscallResult GetTid(Task current) => new Pid(current.Pid.In(current.Namespaces.Pid));
}
