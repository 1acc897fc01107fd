using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Namespaces;

/// <summary>
/// New namespaces for clone and unshare. Mount, host name, IPC, network and cgroup namespaces can be made; a new pid, user or
/// time namespace is refused with EINVAL, as by a kernel built without them.
/// </summary>
internal static class NamespaceCopies
{
    private const CloneFlags Unsupported = CloneFlags.NewPid | CloneFlags.NewUser | CloneFlags.NewTime;

    public static Errno Check(Task current, CloneFlags flags)
    {
        if (flags == CloneFlags.None)
            return Errno.Success;
        if ((flags & Unsupported) != 0)
            return Errno.EINVAL;
        return current.Credentials.IsCapable(current.Credentials.UserNamespace, Capability.SysAdmin) ? Errno.Success : Errno.EPERM;
    }

    /// <summary>
    /// The current task's namespaces with new ones in place of those that the flags name. The result is
    /// referenced once for the caller.
    /// </summary>
    /// <param name="fs">Root and working directory of whoever gets the namespaces: they move into a new mount namespace.</param>
    public static Result<NamespaceSet> Copy(Task current, CloneFlags flags, Vfs.FsContext? fs)
    {
        NamespaceSet set = current.Namespaces;
        if (flags == CloneFlags.None)
            return set.Get();

        KernelInstance kernel = current.Kernel;
        UserNamespace owner = current.Credentials.UserNamespace;
        Vfs.MountNamespace mounts = set.Mount.Get();
        if ((flags & CloneFlags.NewNs) != 0 && fs is not null)
        {
            Result<Vfs.MountNamespace> copy = mounts.Copy(current, owner, fs);
            mounts.Put();
            if (!copy.Ok)
                return copy.Error;
            mounts = copy.Value;
        }

        return new NamespaceSet(
            (flags & CloneFlags.NewUts) != 0
                ? new UtsNamespace(owner, kernel.NextNamespaceInode()) { NodeName = set.Uts.NodeName, DomainName = set.Uts.DomainName }
                : set.Uts,
            (flags & CloneFlags.NewIpc) != 0 ? new IpcNamespace(owner, kernel.NextNamespaceInode()) : set.Ipc.Get(),
            mounts,
            set.Pid,
            (flags & CloneFlags.NewNet) != 0 ? new NetNamespace(owner, kernel.NextNamespaceInode()) : set.Net,
            (flags & CloneFlags.NewCgroup) != 0 ? new CgroupNamespace(owner, kernel.NextNamespaceInode()) : set.Cgroup,
            set.Time);
    }
}
