using System.Collections.Immutable;
using Vitrine.Kernel.Namespaces;

namespace Vitrine.Kernel.Security;

/// <summary>Capabilities (capabilities(7)), numbered as in linux/capability.h.</summary>
internal enum Capability
{
    Chown = 0,
    DacOverride = 1,
    DacReadSearch = 2,
    Fowner = 3,
    Fsetid = 4,
    Kill = 5,
    Setgid = 6,
    Setuid = 7,
    Setpcap = 8,
    LinuxImmutable = 9,
    NetBindService = 10,
    NetBroadcast = 11,
    NetAdmin = 12,
    NetRaw = 13,
    IpcLock = 14,
    IpcOwner = 15,
    SysModule = 16,
    SysRawio = 17,
    SysChroot = 18,
    SysPtrace = 19,
    SysPacct = 20,
    SysAdmin = 21,
    SysBoot = 22,
    SysNice = 23,
    SysResource = 24,
    SysTime = 25,
    SysTtyConfig = 26,
    Mknod = 27,
    Lease = 28,
    AuditWrite = 29,
    AuditControl = 30,
    Setfcap = 31,
    MacOverride = 32,
    MacAdmin = 33,
    Syslog = 34,
    WakeAlarm = 35,
    BlockSuspend = 36,
    AuditRead = 37,
    Perfmon = 38,
    Bpf = 39,
    CheckpointRestore = 40,
}

/// <summary>A task's identity (struct cred's twin): immutable, replaced as a whole, shared by reference.</summary>
internal sealed record Credentials
{
    /// <summary>All capabilities up to <see cref="Capability.CheckpointRestore"/>.</summary>
    public const ulong AllCapabilities = (1UL << 41) - 1;

    public required UserNamespace UserNamespace { get; init; }

    public Uid Uid { get; init; }

    public Uid Euid { get; init; }

    public Uid Suid { get; init; }

    public Uid Fsuid { get; init; }

    public Gid Gid { get; init; }

    public Gid Egid { get; init; }

    public Gid Sgid { get; init; }

    public Gid Fsgid { get; init; }

    public ImmutableArray<Gid> Groups { get; init; } = [];

    public ulong Effective { get; init; }

    public ulong Permitted { get; init; }

    public ulong Inheritable { get; init; }

    public ulong Bounding { get; init; } = AllCapabilities;

    public ulong Ambient { get; init; }

    /// <summary>SECBIT_* (prctl(2)).</summary>
    public uint SecureBits { get; init; }

    /// <summary>The credentials of a user in the initial namespace: all capabilities for root, none else.</summary>
    public static Credentials ForUser(UserNamespace ns, Uid uid, Gid gid, ImmutableArray<Gid> groups)
    {
        ulong capabilities = uid == Uid.Root ? AllCapabilities : 0;
        return new Credentials
        {
            UserNamespace = ns,
            Uid = uid,
            Euid = uid,
            Suid = uid,
            Fsuid = uid,
            Gid = gid,
            Egid = gid,
            Sgid = gid,
            Fsgid = gid,
            Groups = groups,
            Effective = capabilities,
            Permitted = capabilities,
        };
    }

    /// <summary>
    /// Whether these credentials have a capability over a user namespace: effective in it or an ancestor, or owner of one
    /// on the way (user_namespaces(7)).
    /// </summary>
    public bool IsCapable(UserNamespace over, Capability capability)
    {
        for (UserNamespace? ns = over; ns is not null; ns = ns.Parent)
        {
            if (ns == UserNamespace)
                return (Effective & (1UL << (int)capability)) != 0;
        }

        return false;
    }

    public bool IsInGroup(Gid gid) => gid == Fsgid || Groups.Contains(gid);
}
