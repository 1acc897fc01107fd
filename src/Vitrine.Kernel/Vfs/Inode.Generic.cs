using Vitrine.Kernel.Security;

namespace Vitrine.Kernel.Vfs;

/// <content>What most file systems leave to the VFS: mode checks, attributes from the fields, counting.</content>
internal abstract partial class Inode
{
    private int _references = 1;

    /// <summary>References held: dentries, open files, mappings.</summary>
    public int References => _references;

    public Inode Get()
    {
        _references++;
        return this;
    }

    public void Put()
    {
        if (--_references == 0)
            Evict();
        else if (_references < 0)
            throw new InvalidOperationException("an inode was put more often than it was taken");
    }

    /// <summary>A directory that was removed while in use: nothing can be found or made in it.</summary>
    public bool IsDead { get; internal set; }

    /// <summary>An O_TMPFILE file that linkat may give a name although it has no link (I_LINKABLE).</summary>
    public bool IsLinkable { get; internal set; }

    /// <summary>Open descriptions that may write; negative while executed or otherwise denied to writers (i_writecount).</summary>
    public int WriterCount { get; private set; }

    /// <summary>Open descriptions that may only read (i_readcount); counted for regular files.</summary>
    public int ReaderCount { get; internal set; }

    /// <summary>Called when the file is opened for writing. ETXTBSY while it is being executed.</summary>
    public Errno GetWriteAccess()
    {
        if (WriterCount < 0)
            return Errno.ETXTBSY;
        WriterCount++;
        return Errno.Success;
    }

    public void PutWriteAccess() => WriterCount--;

    /// <summary>Keeps writers out while the file is executed. ETXTBSY while it is open for writing.</summary>
    public Errno DenyWriteAccess()
    {
        if (WriterCount > 0)
            return Errno.ETXTBSY;
        WriterCount--;
        return Errno.Success;
    }

    public void AllowWriteAccess() => WriterCount++;

    /// <summary>A read reached the object: atime by the mount's rules. The default keeps it in the field.</summary>
    public virtual void SetAccessTime(Timespec time) => AccessTime = time;

    /// <summary>The permission check of path_resolution(7): owner, group, others, and the capabilities that override.</summary>
    protected Errno CheckModePermission(Credentials credentials, AccessMask mask)
    {
        uint wanted = (uint)(mask & (AccessMask.Read | AccessMask.Write | AccessMask.Execute));
        uint bits = (uint)Mode;
        uint granted = credentials.Fsuid == Uid ? bits >> 6 : credentials.IsInGroup(Gid) ? bits >> 3 : bits;
        if ((wanted & ~granted & 7) == 0)
            return Errno.Success;
        if (IsDirectory)
        {
            if ((wanted & 2) == 0 && credentials.IsCapable(credentials.UserNamespace, Capability.DacReadSearch))
                return Errno.Success;
            return credentials.IsCapable(credentials.UserNamespace, Capability.DacOverride) ? Errno.Success : Errno.EACCES;
        }

        if (wanted == 4 && credentials.IsCapable(credentials.UserNamespace, Capability.DacReadSearch))
            return Errno.Success;
        bool executable = (wanted & 1) == 0 || (bits & 0x49) != 0;
        return executable && credentials.IsCapable(credentials.UserNamespace, Capability.DacOverride) ? Errno.Success : Errno.EACCES;
    }

    /// <summary>Takes over what a change names into the fields (setattr_copy); the size is the file system's matter.</summary>
    protected void ApplyAttributes(in InodeAttributes changes)
    {
        if ((changes.Mask & AttributeMask.Uid) != 0)
            Uid = changes.Uid;
        if ((changes.Mask & AttributeMask.Gid) != 0)
            Gid = changes.Gid;
        if ((changes.Mask & AttributeMask.Mode) != 0)
            Mode = Type | (changes.Mode & FileMode.PermissionMask);
        if ((changes.Mask & AttributeMask.AccessTime) != 0)
            AccessTime = changes.AccessTime;
        if ((changes.Mask & AttributeMask.ModificationTime) != 0)
            ModificationTime = changes.ModificationTime;
        if ((changes.Mask & AttributeMask.ChangeTime) != 0)
            ChangeTime = changes.ChangeTime;
    }

    protected KernelStat GenericAttributes() => new()
    {
        Device = SuperBlock.Device,
        Inode = Number,
        Mode = Mode,
        LinkCount = LinkCount,
        Uid = Uid,
        Gid = Gid,
        RawDevice = Device,
        Size = Size,
        BlockSize = SuperBlock.BlockSize,
        Blocks = (Size + 511) / 512,
        AccessTime = AccessTime,
        ModificationTime = ModificationTime,
        ChangeTime = ChangeTime,
        BirthTime = BirthTime,
        Mask = StatxMask.BasicStats | (BirthTime != default ? StatxMask.BirthTime : StatxMask.None),
    };
}
