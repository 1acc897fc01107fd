using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Security;

/// <summary>How a task looks into another one (PTRACE_MODE_*): by which of its ids, and whether it also wants to change it.</summary>
internal enum PtraceMode
{
    /// <summary>PTRACE_MODE_READ_FSCREDS: by file-system ids and effective capabilities, as a file is opened.</summary>
    ReadByFsIds = 0,

    /// <summary>PTRACE_MODE_READ_REALCREDS: by real ids and permitted capabilities.</summary>
    ReadByRealIds = 1,

    /// <summary>PTRACE_MODE_ATTACH_FSCREDS.</summary>
    AttachByFsIds = 2,

    /// <summary>PTRACE_MODE_ATTACH_REALCREDS.</summary>
    AttachByRealIds = 3,
}

/// <summary>Whether a task may look into another one (ptrace(2), "Ptrace access mode checking"). There is no Yama: nothing depends on descent.</summary>
internal static class PtraceAccess
{
    public static bool May(Task current, Task target, PtraceMode mode)
    {
        if (current.ThreadGroup == target.ThreadGroup)
            return true;
        bool realIds = mode is PtraceMode.ReadByRealIds or PtraceMode.AttachByRealIds;
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
        ulong capabilities = realIds ? from.Permitted : from.Effective;
        return capable || (from.UserNamespace == to.UserNamespace && (to.Permitted & ~capabilities) == 0);
    }

    /// <summary>The read check with the file-system ids or the real ids of the caller.</summary>
    public static bool MayRead(Task current, Task target, bool realIds = false) =>
        May(current, target, realIds ? PtraceMode.ReadByRealIds : PtraceMode.ReadByFsIds);

    /// <summary>A tracer's access to the memory of its tracee: not if that has become undumpable since (ptrace_access_vm).</summary>
    public static bool MayAccessMemory(Task tracee) =>
        tracee.Mm is { } mm && (mm.Dumpable == 1 || tracee.TracerIsCapable(tracee.Credentials.UserNamespace));
}
