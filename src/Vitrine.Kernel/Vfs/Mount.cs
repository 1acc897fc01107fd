namespace Vitrine.Kernel.Vfs;

/// <summary>How mount events travel (mount_namespaces(7)).</summary>
internal enum MountPropagation
{
    Private = 0,
    Shared = 1,
    Slave = 2,
    SharedAndSlave = 3,
    Unbindable = 4,
}

/// <summary>
/// A file system instance, or a part of it, attached to the tree (mount's and vfsmount's twin): its
/// <see cref="Root"/> is seen at (<see cref="Parent"/>, <see cref="MountPoint"/>). Counted: the tree holds one
/// reference while it is attached, every path through it one. The last one gives the super block back.
/// </summary>
internal sealed partial class Mount
{
    /// <summary>The declared size of a mount, charged to whoever makes it.</summary>
    public const int ObjectSize = 512;

    internal Mount? NextOnDentry;
    private int _references = 1;

    public Mount(SuperBlock superBlock)
        : this(superBlock, superBlock.Root)
    {
    }

    /// <summary>A mount of a part of a file system. Holds the root dentry and counts on the super block.</summary>
    public Mount(SuperBlock superBlock, Dentry root)
    {
        SuperBlock = superBlock;
        Root = root?.Get()!;
        superBlock.ActiveMounts++;
        Source = superBlock.Source;
        if (superBlock.Kernel is { } kernel)
        {
            Id = kernel.Vfs.AllocateMountId();
            kernel.Audit.LiveMounts++;
        }
    }

    public SuperBlock SuperBlock { get; }

    /// <summary>The dentry that is seen at the mount point.</summary>
    public Dentry Root { get; }

    /// <summary>The number in /proc/PID/mountinfo.</summary>
    public int Id { get; }

    /// <summary>The mount it sits on; itself null for a namespace's root and for internal mounts.</summary>
    public Mount? Parent { get; private set; }

    /// <summary>The dentry of <see cref="Parent"/> that it covers.</summary>
    public Dentry? MountPoint { get; private set; }

    /// <summary>The namespace it is attached in; null when internal or detached.</summary>
    public MountNamespace? Namespace { get; internal set; }

    public List<Mount> Children { get; } = [];

    /// <summary>Per-mount flags: ReadOnly NoSuid NoDev NoExec NoSymFollow and the atime flags.</summary>
    public MountFlags Flags { get; set; }

    public string Source { get; set; }

    /// <summary>Files open for writing and changes under way: remounting read-only must wait for them.</summary>
    public int Writers { get; set; }

    /// <summary>Marked by a first umount(MNT_EXPIRE); any use clears it.</summary>
    public bool IsExpiring { get; set; }

    /// <summary>Copied from a namespace of other privileges: may not be unmounted or revealed alone (MNT_LOCKED).</summary>
    public bool IsLocked { get; set; }

    /// <summary>The root of a tree that no namespace but a descriptor holds (open_tree, fsmount).</summary>
    public bool IsAnonymous { get; internal set; }

    public int References => _references;

    public bool IsAttached => Namespace is not null;

    public bool IsReadOnly => (Flags & MountFlags.ReadOnly) != 0 || SuperBlock.IsReadOnly;

    public Mount Get()
    {
        _references++;
        return this;
    }

    public void Put()
    {
        IsExpiring = false;
        PutUnused();
    }

    /// <summary>Gives back a reference that was no use of the mount: umount's own.</summary>
    internal void PutUnused()
    {
        if (--_references > 0)
            return;
        if (_references < 0)
            throw new InvalidOperationException("a mount was put more often than it was taken");
        LeavePropagation();
        KernelInstance? kernel = SuperBlock.Kernel;
        if (kernel is not null)
        {
            kernel.Vfs.FreeMountId(Id);
            if (!kernel.Vfs.Fanotify.IsEmpty)
                kernel.Vfs.Fanotify.TargetGone(this);
            kernel.Audit.LiveMounts--;
        }

        ChargedTo?.UnchargeKernelMemory(ObjectSize);
        Root?.Put();
        SuperBlock.PutMount();
    }

    /// <summary>Attaches below a place; the tree takes over the caller's reference on this mount and takes one on the place.</summary>
    internal void Attach(VfsPath place)
    {
        Parent = place.Mount.Get();
        MountPoint = place.Dentry.Get();
        NextOnDentry = place.Dentry.FirstMount;
        place.Dentry.FirstMount = this;
        Parent.Children.Add(this);
    }

    /// <summary>Takes it off its place; gives back the references on the place, but not the tree's on this mount.</summary>
    internal void Detach()
    {
        if (Parent is not { } parent || MountPoint is not { } point)
            return;
        ref Mount? link = ref point.FirstMount;
        while (link != this)
            link = ref link!.NextOnDentry;
        link = NextOnDentry;
        NextOnDentry = null;
        parent.Children.Remove(this);
        Parent = null;
        MountPoint = null;
        point.Put();
        parent.Put();
    }

    /// <summary>What is mounted on a dentry of this mount, or null.</summary>
    public Mount? FindChild(Dentry point)
    {
        for (Mount? at = point.FirstMount; at is not null; at = at.NextOnDentry)
        {
            if (at.Parent == this)
                return at;
        }

        return null;
    }

    /// <summary>EROFS, or the start of a change that <see cref="EndWrite"/> ends (mnt_want_write).</summary>
    public Errno BeginWrite()
    {
        if (IsReadOnly)
            return Errno.EROFS;
        Writers++;
        return Errno.Success;
    }

    public void EndWrite() => Writers--;

    public override string ToString() => $"mount {Id} of {SuperBlock.Type.Name}";
}
