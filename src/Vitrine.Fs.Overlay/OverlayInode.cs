using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <summary>
/// An object of the overlay: the upper inode if there is one, else the (topmost) lower one, holds content and
/// attributes; the fields here are a copy that follows. What stat shows as device and number never changes.
/// </summary>
/// <remarks>
/// Locks, in this order: the VFS's lock of overlay inodes, then <see cref="CopyUpLock"/> (ancestors before
/// descendants, one at a time), then locks of inodes of the trees.
/// </remarks>
internal abstract partial class OverlayInode : Inode
{
    /// <summary>The declared size of an overlay inode.</summary>
    public const long ObjectSize = 384;

    private KernelMutex? _copyUpLock;

    protected OverlayInode(OverlaySuperBlock superBlock, OverlayIdentity identity, FileMode mode, Inode? upper, Inode? lower)
        : base(superBlock, identity.Number, mode)
    {
        Super = superBlock;
        Identity = identity;
        Upper = upper;
        Lower = lower;
        superBlock.LiveInodes++;
        superBlock.Kernel.Audit.LiveInodes++;
        if (upper is not null)
            superBlock.Register(upper, this);
        if (lower is not null)
            superBlock.Register(lower, this);
    }

    public OverlaySuperBlock Super { get; }

    public OverlayIdentity Identity { get; }

    /// <summary>Holds a reference.</summary>
    public Inode? Upper { get; private set; }

    /// <summary>The topmost lower one, the origin of what was copied up. Holds a reference.</summary>
    public Inode? Lower { get; }

    public Inode Real => Upper ?? Lower!;

    /// <summary>Where it was last found: the place it is copied up to. Null once that name is gone. Holds a reference on the directory.</summary>
    public OverlayDirectory? Parent { get; private set; }

    public FileName Name { get; private set; }

    /// <summary>Keeps a second copy-up, and removal and renaming, away from a copy-up that is under way.</summary>
    public KernelMutex CopyUpLock => _copyUpLock ??= new KernelMutex(LockRank.Inode);

    /// <summary>The group that pays for the object.</summary>
    public Cgroup? ChargedTo { get; set; }

    /// <summary>Takes the attributes of the real inode over.</summary>
    public virtual void CopyAttributes()
    {
        Inode real = Real;
        Mode = real.Mode;
        Uid = real.Uid;
        Gid = real.Gid;
        Size = real.Size;
        Device = real.Device;
        AccessTime = real.AccessTime;
        ModificationTime = real.ModificationTime;
        ChangeTime = real.ChangeTime;
        BirthTime = real.BirthTime;
    }

    public void PlaceAt(OverlayDirectory parent, FileName name)
    {
        Name = name;
        if (Parent == parent)
            return;
        OverlayDirectory? old = Parent;
        _ = parent.Get();
        Parent = parent;
        old?.Put();
    }

    /// <summary>A name is gone; if it was the known place there is none now.</summary>
    public void LoseName(OverlayDirectory parent, FileName name)
    {
        if (Parent != parent || Name != name)
            return;
        Parent = null;
        parent.Put();
    }

    /// <summary>The object got one more name.</summary>
    public void NameAdded()
    {
        if (Super.FindLinks(Identity) is { } links)
            LinkCount = ++links.LinkCount;
        else
            LinkCount = Real.LinkCount;
    }

    /// <summary>The object lost a name.</summary>
    public void NameRemoved()
    {
        if (Lower is { LinkCount: > 1 } && Upper is null)
            LinkCount = --Super.GetLinks(Identity, LinkCount).LinkCount;
        else if (Super.FindLinks(Identity) is { } links)
            LinkCount = --links.LinkCount;
        else
            LinkCount = Upper is { } upper ? upper.LinkCount : LinkCount - 1;
    }

    public override async KTask<Errno> PermissionAsync(Task current, AccessMask mask)
    {
        Errno error = CheckModePermission(current.Credentials, mask);
        if (error != Errno.Success)
            return error;

        // The trees are used as the mounter would use them; writing means the upper one, and a lower one that is read.
        if (Super.Mounter is not { } mounter)
            return Errno.Success;
        if (Upper is null && (mask & AccessMask.Write) != 0)
            mask = (mask & ~(AccessMask.Write | AccessMask.Append)) | AccessMask.Read;
        return Real.CheckPermissionAs(mounter, mask);
    }

    public override async KTask<Result<KernelStat>> GetAttributesAsync(Task current, StatxMask wanted)
    {
        Result<KernelStat> result = await Real.GetAttributesAsync(current, wanted);
        if (!result.Ok)
            return result;
        KernelStat stat = result.Value;
        CopyAttributes();
        stat.Device = Identity.Device;
        stat.Inode = Identity.Number;
        stat.LinkCount = LinkCount;
        return stat;
    }

    public override async KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes)
    {
        long contentSize = (changes.Mask & AttributeMask.Size) != 0 ? changes.Size : long.MaxValue;
        Errno error = await CopyUpAsync(current, contentSize);
        if (error != Errno.Success)
            return error;
        Inode upper = Upper!;
        await upper.Lock.LockAsync(current);
        error = await upper.SetAttributesAsync(current, changes);
        upper.Lock.Unlock(current);
        CopyAttributes();
        return error;
    }

    public override void SetAccessTime(Timespec time)
    {
        // A lower tree is never written, its times neither.
        if (Upper is not { } upper)
            return;
        upper.SetAccessTime(time);
        AccessTime = time;
    }

    public override KTask<Result<byte[]>> GetXattrAsync(Task current, string name) =>
        IsOwnXattr(name) ? Fail<byte[]>(Errno.EOPNOTSUPP) : Real.GetXattrAsync(current, name);

    public override async KTask<Errno> SetXattrAsync(Task current, string name, ReadOnlyMemory<byte> value, XattrFlags flags)
    {
        if (IsOwnXattr(name))
            return Errno.EOPNOTSUPP;
        Errno error = await CopyUpAsync(current, long.MaxValue);
        if (error != Errno.Success)
            return error;
        Inode upper = Upper!;
        await upper.Lock.LockAsync(current);
        error = await upper.SetXattrAsync(current, name, value, flags);
        upper.Lock.Unlock(current);
        CopyAttributes();
        return error;
    }

    public override async KTask<Errno> RemoveXattrAsync(Task current, string name)
    {
        if (IsOwnXattr(name))
            return Errno.EOPNOTSUPP;
        if (Upper is null)
        {
            Result<byte[]> present = await Lower!.GetXattrAsync(current, name);
            if (!present.Ok)
                return present.Error;
        }

        Errno error = await CopyUpAsync(current, long.MaxValue);
        if (error != Errno.Success)
            return error;
        Inode upper = Upper!;
        await upper.Lock.LockAsync(current);
        error = await upper.RemoveXattrAsync(current, name);
        upper.Lock.Unlock(current);
        CopyAttributes();
        return error;
    }

    public override async KTask<Result<string[]>> ListXattrAsync(Task current)
    {
        Result<string[]> names = await Real.ListXattrAsync(current);
        return names.Ok ? Array.FindAll(names.Value, name => !IsOwnXattr(name)) : names;
    }

    public override void Evict()
    {
        Super.LiveInodes--;
        Super.Kernel.Audit.LiveInodes--;
        if (Upper is { } upper)
        {
            Super.Unregister(upper, this);
            Super.RemoveMoved(upper);
            upper.Put();
        }

        if (Lower is { } lower)
        {
            Super.Unregister(lower, this);
            lower.Put();
        }

        if (LinkCount == 0)
            Super.RemoveLinks(Identity);
        ChargedTo?.UnchargeKernelMemory(ObjectSize);
        ChargedTo = null;
        OverlayDirectory? parent = Parent;
        Parent = null;
        parent?.Put();
    }

    /// <summary>The content has moved up.</summary>
    protected virtual void SetUpper(Inode upper)
    {
        Upper = upper;
        Super.Register(upper, this);
        Super.AddMoved(upper, Identity);
        CopyAttributes();
    }

    /// <summary>Marks of the overlay in its trees are not the guest's to see or set.</summary>
    private bool IsOwnXattr(string name) => name.StartsWith(Super.XattrPrefix, StringComparison.Ordinal);
}

/// <summary>A symbolic link, device node, FIFO or socket: the VFS does the rest with the overlay's inode.</summary>
internal sealed class OverlayNode : OverlayInode
{
    public OverlayNode(OverlaySuperBlock superBlock, OverlayIdentity identity, Inode? upper, Inode? lower)
        : base(superBlock, identity, (upper ?? lower!).Mode, upper, lower)
    {
        LinkCount = Real.LinkCount;
        CopyAttributes();
    }

    public override bool LeadsNowhere => Real.LeadsNowhere;

    public override KTask<Result<byte[]>> ReadLinkAsync(Task current) => Real.ReadLinkAsync(current);
}

/// <summary>A regular file. Its mapping is that of the inode underneath: pages are cached once.</summary>
internal sealed class OverlayRegularFile : OverlayInode
{
    public OverlayRegularFile(OverlaySuperBlock superBlock, OverlayIdentity identity, Inode? upper, Inode? lower)
        : base(superBlock, identity, (upper ?? lower!).Mode, upper, lower)
    {
        LinkCount = Real.LinkCount;
        CopyAttributes();
    }

    public override void CopyAttributes()
    {
        base.CopyAttributes();
        Mapping = Real.Mapping;
    }

    public override async KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags)
    {
        if ((flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly || (flags & OpenFlags.Truncate) != 0)
        {
            // What will be cut off need not be copied.
            Errno copied = await CopyUpAsync(current, (flags & OpenFlags.Truncate) != 0 ? 0 : long.MaxValue);
            if (copied != Errno.Success)
                return copied;
        }

        Inode real = Real;
        Result<OpenFile> opened = await real.OpenAsync(current, path, OverlayFile.RealFlags(flags));
        if (!opened.TryGet(out OpenFile? file, out Errno error))
            return error;
        CopyAttributes();
        return new OverlayFile(path, this, flags, file);
    }

    protected override void SetUpper(Inode upper)
    {
        Kernel.Mm.AddressSpace? lowerPages = Lower?.Mapping;
        base.SetUpper(upper);
        if (lowerPages is not null && upper.Mapping is { } upperPages)
            lowerPages.MoveMappings(upperPages, this);
    }
}
