using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Tmpfs;

/// <summary>
/// What all objects of tmpfs have: attributes in fields, extended attributes in memory. Each directory entry holds a
/// reference, so an object lives as long as it has a name or somebody uses it.
/// </summary>
internal abstract class TmpfsInode : Inode
{
    /// <summary>The declared size of an inode.</summary>
    public const long ObjectSize = 768;

    private const int XattrSize = 64;
    private List<Xattr>? _xattrs;
    private Cgroup? _chargedTo;
    private long _charged;

    protected TmpfsInode(TmpfsSuperBlock superBlock, FileMode mode)
        : base(superBlock, superBlock.NextNumber(), mode)
    {
        Super = superBlock;
        Timespec now = superBlock.Kernel.Time.RealtimeTimespec;
        AccessTime = ModificationTime = ChangeTime = BirthTime = now;
        superBlock.LiveInodes++;
        superBlock.Kernel.Audit.LiveInodes++;
    }

    public TmpfsSuperBlock Super { get; }

    protected Timespec Now => Super.Kernel.Time.RealtimeTimespec;

    public void TouchContent() => ModificationTime = ChangeTime = Now;

    public void TouchAttributes() => ChangeTime = Now;

    /// <summary>Charges the object to its maker's group. ENOMEM at the limit.</summary>
    public Errno Charge(Cgroup cgroup, long bytes)
    {
        Errno error = cgroup.ChargeKernelMemory(bytes);
        if (error != Errno.Success)
            return error;
        _chargedTo ??= cgroup;
        if (_chargedTo != cgroup)
        {
            // All of an object is paid by one group: the one that made it.
            cgroup.UnchargeKernelMemory(bytes);
            if ((error = _chargedTo.ChargeKernelMemory(bytes)) != Errno.Success)
                return error;
        }

        _charged += bytes;
        return Errno.Success;
    }

    public void Uncharge(long bytes)
    {
        _charged -= bytes;
        _chargedTo?.UnchargeKernelMemory(bytes);
    }

    public override KTask<Result<KernelStat>> GetAttributesAsync(Task current, StatxMask wanted)
    {
        KernelStat stat = GenericAttributes();
        stat.Blocks = BlocksUsed;
        return KTask<Result<KernelStat>>.FromResult(stat);
    }

    public override KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes)
    {
        if ((changes.Mask & AttributeMask.Size) != 0)
            return Fail(IsDirectory ? Errno.EISDIR : Errno.EINVAL);
        ApplyAttributes(changes);
        return Fail(Errno.Success);
    }

    public override KTask<Result<byte[]>> GetXattrAsync(Task current, string name)
    {
        if (!IsSupportedXattr(name))
            return Fail<byte[]>(Errno.EOPNOTSUPP);
        int index = FindXattr(name);
        return index < 0 ? Fail<byte[]>(Errno.ENODATA) : KTask<Result<byte[]>>.FromResult(_xattrs![index].Value);
    }

    public override KTask<Errno> SetXattrAsync(Task current, string name, ReadOnlyMemory<byte> value, XattrFlags flags)
    {
        if (!IsSupportedXattr(name))
            return Fail(Errno.EOPNOTSUPP);
        int index = FindXattr(name);
        if (index >= 0 && (flags & XattrFlags.Create) != 0)
            return Fail(Errno.EEXIST);
        if (index < 0 && (flags & XattrFlags.Replace) != 0)
            return Fail(Errno.ENODATA);
        Errno error = Charge(current.Cgroup, XattrSize + name.Length + value.Length);
        if (error != Errno.Success)
            return Fail(Errno.ENOSPC);
        if (index >= 0)
        {
            Uncharge(XattrSize + name.Length + _xattrs![index].Value.Length);
            _xattrs[index] = new Xattr(name, value.ToArray());
        }
        else
        {
            (_xattrs ??= []).Add(new Xattr(name, value.ToArray()));
        }

        TouchAttributes();
        return Fail(Errno.Success);
    }

    public override KTask<Errno> RemoveXattrAsync(Task current, string name)
    {
        if (!IsSupportedXattr(name))
            return Fail(Errno.EOPNOTSUPP);
        int index = FindXattr(name);
        if (index < 0)
            return Fail(Errno.ENODATA);
        Uncharge(XattrSize + name.Length + _xattrs![index].Value.Length);
        _xattrs.RemoveAt(index);
        TouchAttributes();
        return Fail(Errno.Success);
    }

    public override KTask<Result<string[]>> ListXattrAsync(Task current)
    {
        if (_xattrs is null)
            return KTask<Result<string[]>>.FromResult(Array.Empty<string>());
        bool showTrusted = current.Credentials.IsCapable(Super.Kernel.InitUserNamespace, Capability.SysAdmin);
        var names = new List<string>(_xattrs.Count);
        foreach (Xattr xattr in _xattrs)
        {
            if (showTrusted || !xattr.Name.StartsWith("trusted.", StringComparison.Ordinal))
                names.Add(xattr.Name);
        }

        return KTask<Result<string[]>>.FromResult(names.ToArray());
    }

    public override void Evict()
    {
        Super.LiveInodes--;
        Super.Kernel.Audit.LiveInodes--;
        Super.ReleaseInode();
        _chargedTo?.UnchargeKernelMemory(_charged);
        _charged = 0;
    }

    /// <summary>In units of 512 bytes.</summary>
    protected virtual long BlocksUsed => 0;

    private static bool IsSupportedXattr(string name) =>
        name.StartsWith("user.", StringComparison.Ordinal)
        || name.StartsWith("trusted.", StringComparison.Ordinal)
        || name.StartsWith("security.", StringComparison.Ordinal);

    private int FindXattr(string name)
    {
        for (int i = 0; _xattrs is not null && i < _xattrs.Count; i++)
        {
            if (_xattrs[i].Name == name)
                return i;
        }

        return -1;
    }

    private readonly record struct Xattr(string Name, byte[] Value);
}

/// <summary>A symbolic link.</summary>
internal sealed class TmpfsSymlink : TmpfsInode
{
    private readonly byte[] _target;

    public TmpfsSymlink(TmpfsSuperBlock superBlock, byte[] target)
        : base(superBlock, FileMode.Symlink | (FileMode)0x1FF)
    {
        _target = target;
        Size = target.Length;
    }

    public override KTask<Result<byte[]>> ReadLinkAsync(Task current) => KTask<Result<byte[]>>.FromResult(_target);
}

/// <summary>A device node, FIFO or socket: the VFS opens it.</summary>
internal sealed class TmpfsNode : TmpfsInode
{
    public TmpfsNode(TmpfsSuperBlock superBlock, FileMode mode, DeviceNumber device)
        : base(superBlock, mode) => Device = device;
}
