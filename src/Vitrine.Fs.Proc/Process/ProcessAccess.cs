using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Fs.Proc.Process;

/// <summary>Who may look into a process: the checks of ptrace(2), "Ptrace access mode checking".</summary>
internal static class ProcessAccess
{
    /// <summary>PTRACE_MODE_READ with file-system credentials. EACCES where Linux says so.</summary>
    public static bool MayRead(Task current, Task target)
    {
        if (current.ThreadGroup == target.ThreadGroup)
            return true;
        Credentials caller = current.Credentials;
        Credentials credentials = target.Credentials;
        bool same = caller.Fsuid == credentials.Euid && caller.Fsuid == credentials.Suid && caller.Fsuid == credentials.Uid
            && caller.Fsgid == credentials.Egid && caller.Fsgid == credentials.Sgid && caller.Fsgid == credentials.Gid;
        bool capable = caller.IsCapable(credentials.UserNamespace, Capability.SysPtrace);
        if (!same && !capable)
            return false;
        if (target.Mm is { Dumpable: not 1 } && !capable)
            return false;
        return (credentials.Permitted & ~caller.Permitted) == 0 || capable;
    }

    /// <summary>Whether hidepid lets the caller know of the process.</summary>
    public static bool MaySee(Task current, Task target, ProcSuperBlock superBlock) =>
        current.Credentials.IsInGroup(superBlock.Options.Gid) || MayRead(current, target);
}
