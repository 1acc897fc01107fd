using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Ipc.SysV;

/// <summary>
/// What message queues, semaphore sets and shared segments have in common (kern_ipc_perm's twin): identity, owners, mode.
/// Its declared size is charged to the creator's cgroup until <see cref="MarkRemoved"/>.
/// </summary>
internal abstract class IpcObject
{
    private readonly Cgroup _cgroup;
    private readonly long _size;

    /// <summary>The caller has charged <paramref name="size"/> bytes to the current task's cgroup.</summary>
    protected IpcObject(Task current, int key, IpcFlags mode, long size)
    {
        Key = key;
        Mode = (uint)(mode & IpcFlags.ModeMask);
        Uid = CreatorUid = current.Credentials.Euid;
        Gid = CreatorGid = current.Credentials.Egid;
        Namespace = current.Namespaces.Ipc;
        ChangeTime = Now(current);
        _cgroup = current.Cgroup;
        _size = size;
    }

    /// <summary>The number by which user code names it: its place and a sequence number.</summary>
    public int Id { get; internal set; }

    public int Key { get; internal set; }

    public uint Mode { get; protected set; }

    public Uid Uid { get; private set; }

    public Gid Gid { get; private set; }

    public Uid CreatorUid { get; }

    public Gid CreatorGid { get; }

    public IpcNamespace Namespace { get; }

    /// <summary>Seconds of the epoch.</summary>
    public long ChangeTime { get; set; }

    /// <summary>It has been removed: those that slept on it end with EIDRM.</summary>
    public bool IsRemoved { get; private set; }

    public static long Now(Task current) => current.Kernel.Time.RealtimeTimespec.Seconds;

    /// <summary>Whether the task may access it with all of the mode bits that are set anywhere in <paramref name="wanted"/> (ipcperms).</summary>
    public bool MayAccess(Task current, uint wanted)
    {
        uint requested = ((wanted >> 6) | (wanted >> 3) | wanted) & 7;
        uint granted = Mode;
        Credentials who = current.Credentials;
        if (who.Euid == CreatorUid || who.Euid == Uid)
            granted >>= 6;
        else if (who.IsInGroup(CreatorGid) || who.IsInGroup(Gid))
            granted >>= 3;
        return (requested & ~granted) == 0 || who.IsCapable(Namespace.Owner!, Capability.IpcOwner);
    }

    /// <summary>Whether the task may change or remove it: owner, creator or CAP_SYS_ADMIN.</summary>
    public bool MayControl(Task current)
    {
        Credentials who = current.Credentials;
        return who.Euid == CreatorUid || who.Euid == Uid || who.IsCapable(Namespace.Owner!, Capability.SysAdmin);
    }

    /// <summary>IPC_SET's part that all kinds have. EINVAL for ids that are none.</summary>
    public Errno SetOwner(Task current, in IpcPermission from)
    {
        if (from.Uid == uint.MaxValue || from.Gid == uint.MaxValue)
            return Errno.EINVAL;
        Uid = new Uid(from.Uid);
        Gid = new Gid(from.Gid);
        Mode = (Mode & ~(uint)IpcFlags.ModeMask) | (from.Mode & (uint)IpcFlags.ModeMask);
        ChangeTime = Now(current);
        return Errno.Success;
    }

    public IpcPermission Permission => new()
    {
        Key = Key,
        Uid = Uid.Value,
        Gid = Gid.Value,
        CreatorUid = CreatorUid.Value,
        CreatorGid = CreatorGid.Value,
        Mode = Mode,
        Sequence = (ushort)(Id >> IpcIds.IndexBits),
    };

    /// <summary>Called once, when it has been taken out of its table.</summary>
    protected internal virtual void MarkRemoved()
    {
        if (IsRemoved)
            throw new InvalidOperationException($"IPC object {Id} is removed twice");
        IsRemoved = true;
        _cgroup.UnchargeKernelMemory(_size);
    }

    /// <summary>A process as the reader's pid namespace numbers it; 0: none.</summary>
    internal static int Number(Task reader, PidNumber? process) => process?.In(reader.Namespaces.Pid) ?? 0;
}
