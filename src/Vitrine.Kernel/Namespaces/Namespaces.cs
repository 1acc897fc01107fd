namespace Vitrine.Kernel.Namespaces;

/// <summary>What all namespaces have: an inode number for /proc/PID/ns and an owning user namespace.</summary>
internal abstract class Namespace(UserNamespace? owner, InodeNumber inode)
{
    /// <summary>The user namespace whose capabilities govern it; null for the initial user namespace itself.</summary>
    public UserNamespace? Owner { get; } = owner;

    public InodeNumber Inode { get; } = inode;
}

/// <summary>Where uids mean something. Kernel ids are those of the initial one.</summary>
internal sealed class UserNamespace(UserNamespace? parent, InodeNumber inode) : Namespace(parent, inode)
{
    public UserNamespace? Parent { get; } = parent;

    public int Level { get; } = parent is null ? 0 : parent.Level + 1;
}

/// <summary>Host name and domain name.</summary>
internal sealed class UtsNamespace(UserNamespace owner, InodeNumber inode) : Namespace(owner, inode)
{
    public string NodeName { get; set; } = "vitrine";

    public string DomainName { get; set; } = "(none)";
}

/// <summary>Devices, addresses, sockets bound by name: no network state is global.</summary>
internal sealed partial class NetNamespace(UserNamespace owner, InodeNumber inode) : Namespace(owner, inode);

/// <summary>Which cgroup is the root one sees.</summary>
internal sealed class CgroupNamespace(UserNamespace owner, InodeNumber inode) : Namespace(owner, inode);

/// <summary>Offsets of the monotonic and boot-time clocks.</summary>
internal sealed class TimeNamespace(UserNamespace owner, InodeNumber inode) : Namespace(owner, inode)
{
    public long MonotonicOffset { get; set; }

    public long BoottimeOffset { get; set; }
}

/// <summary>
/// The namespaces a task is in (nsproxy's twin). Immutable; the user namespace is in the credentials. Each task holds a
/// reference on those that are counted.
/// </summary>
internal sealed record NamespaceSet(
    UtsNamespace Uts,
    IpcNamespace Ipc,
    Vfs.MountNamespace Mount,
    PidNamespace Pid,
    NetNamespace Net,
    CgroupNamespace Cgroup,
    TimeNamespace Time)
{
    public NamespaceSet Get()
    {
        Mount.Get();
        Ipc.Get();
        return this;
    }

    public void Put()
    {
        Mount.Put();
        Ipc.Put();
    }
}
