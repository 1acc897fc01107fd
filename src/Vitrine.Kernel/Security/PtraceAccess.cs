using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Security;

/// <summary>Whether a task may look into another one (ptrace(2), "Ptrace access mode checking").</summary>
internal static class PtraceAccess
{
    /// <summary>The read check with the file-system ids or the real ids of the caller: same ids and dumpable, or CAP_SYS_PTRACE.</summary>
    public static bool MayRead(Task current, Task target, bool realIds = false)
    {
        if (current.ThreadGroup == target.ThreadGroup)
            return true;
        Credentials from = current.Credentials;
        Credentials to = target.Credentials;
        Uid uid = realIds ? from.Uid : from.Fsuid;
        Gid gid = realIds ? from.Gid : from.Fsgid;
        bool sameIds = uid == to.Uid && uid == to.Euid && uid == to.Suid && gid == to.Gid && gid == to.Egid && gid == to.Sgid;
        bool capable = from.IsCapable(to.UserNamespace, Capability.SysPtrace);
        if (!sameIds && !capable)
            return false;
        if (target.Mm is { Dumpable: not 1 } && !capable)
            return false;
        return capable || (to.Permitted & ~from.Permitted) == 0;
    }
}
