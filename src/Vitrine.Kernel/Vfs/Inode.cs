using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// A file system object (struct inode's twin). The VFS has checked permissions, types and limits before it calls an
/// operation; the file system does the rest. What a file system does not override answers with Linux's errno for a
/// missing operation. Counted: <see cref="Get"/> and <see cref="Put"/>; at zero with no links it is evicted.
/// </summary>
internal abstract partial class Inode(SuperBlock superBlock, InodeNumber number, FileMode mode)
{
    // Most inodes are looked at and never written: the lock is made when it is first taken.
    private KernelMutex? _lock;

    public SuperBlock SuperBlock { get; } = superBlock;

    public InodeNumber Number { get; } = number;

    /// <summary>Type and permission bits (st_mode).</summary>
    public FileMode Mode { get; set; } = mode;

    public Uid Uid { get; set; }

    public Gid Gid { get; set; }

    public uint LinkCount { get; set; } = 1;

    /// <summary>For device nodes.</summary>
    public DeviceNumber Device { get; set; }

    /// <summary>Bytes.</summary>
    public long Size { get; set; }

    public Timespec AccessTime { get; set; }

    public Timespec ModificationTime { get; set; }

    public Timespec ChangeTime { get; set; }

    public Timespec BirthTime { get; set; }

    /// <summary>How long written data is expected to live (RWH_WRITE_LIFE_* of F_SET_RW_HINT); kept, as devices without streams keep it.</summary>
    public byte WriteLifetime { get; set; }

    /// <summary>The page cache of a file with cached content, else null.</summary>
    public AddressSpace? Mapping { get; protected set; }

    /// <summary>Excludes changes of a directory's entries, or of a file's size and writes (i_rwsem), across awaits.</summary>
    public KernelMutex Lock => _lock ??= new KernelMutex(LockRank.Inode);

    public FileMode Type => Mode & FileMode.TypeMask;

    public bool IsDirectory => Type == FileMode.Directory;

    public bool IsRegular => Type == FileMode.Regular;

    public bool IsSymlink => Type == FileMode.Symlink;

    /// <summary>Finds an entry. Success with null: there is none (a negative dentry is cached if the file system allows).</summary>
    public virtual KTask<Result<Inode?>> LookupAsync(Task current, FileName name) => Fail<Inode?>(Errno.ENOTDIR);

    /// <summary>Creates a regular file.</summary>
    public virtual KTask<Result<Inode>> CreateAsync(Task current, FileName name, FileMode mode) => Fail<Inode>(Errno.EACCES);

    public virtual KTask<Result<Inode>> MakeDirectoryAsync(Task current, FileName name, FileMode mode) => Fail<Inode>(Errno.EPERM);

    /// <summary>Creates a device node, FIFO or socket inode.</summary>
    public virtual KTask<Result<Inode>> MakeNodeAsync(Task current, FileName name, FileMode mode, DeviceNumber device) => Fail<Inode>(Errno.EPERM);

    public virtual KTask<Result<Inode>> SymlinkAsync(Task current, FileName name, ReadOnlyMemory<byte> target) => Fail<Inode>(Errno.EPERM);

    /// <summary>Makes another name for <paramref name="target"/>, which is of the same file system.</summary>
    public virtual KTask<Errno> LinkAsync(Task current, Inode target, FileName name) => Fail(Errno.EPERM);

    public virtual KTask<Errno> UnlinkAsync(Task current, FileName name, Inode victim) => Fail(Errno.EPERM);

    public virtual KTask<Errno> RemoveDirectoryAsync(Task current, FileName name, Inode victim) => Fail(Errno.EPERM);

    /// <summary>Renames within the file system; flags are RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT.</summary>
    public virtual KTask<Errno> RenameAsync(Task current, FileName oldName, Inode source, Inode newDirectory, FileName newName, Inode? target, RenameFlags flags) => Fail(Errno.EPERM);

    /// <summary>An unnamed file (O_TMPFILE).</summary>
    public virtual KTask<Result<Inode>> CreateTemporaryAsync(Task current, FileMode mode) => Fail<Inode>(Errno.EOPNOTSUPP);

    /// <summary>The target of a symbolic link, as text.</summary>
    public virtual KTask<Result<byte[]>> ReadLinkAsync(Task current) => Fail<byte[]>(Errno.EINVAL);

    /// <summary>Where a magic link (those of /proc) leads without a path; null for ordinary links. The caller owns a reference on the result.</summary>
    public virtual KTask<Result<VfsPath?>> FollowMagicLinkAsync(Task current) => KTask<Result<VfsPath?>>.FromResult((VfsPath?)null);

    /// <summary>Whether the task may access with the mask (MAY_EXEC, MAY_WRITE, MAY_READ); the default checks mode bits, groups and capabilities.</summary>
    public virtual KTask<Errno> PermissionAsync(Task current, AccessMask mask) => KTask<Errno>.FromResult(CheckModePermission(current.Credentials, mask));

    /// <summary>Fills a stat; the default takes the fields above.</summary>
    public virtual KTask<Result<KernelStat>> GetAttributesAsync(Task current, StatxMask wanted) => KTask<Result<KernelStat>>.FromResult(GenericAttributes());

    /// <summary>Changes attributes that the VFS has checked; truncation included.</summary>
    public virtual KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes) => Fail(Errno.EPERM);

    /// <summary>A FIFO, device or socket whose <see cref="OpenAsync"/> the VFS calls as for other files.</summary>
    public virtual bool OpensItself => false;

    /// <summary>Opens: makes the open file description. Devices, FIFOs and sockets are handled by the VFS before.</summary>
    public virtual KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) => Fail<OpenFile>(Errno.ENXIO);

    public virtual KTask<Result<byte[]>> GetXattrAsync(Task current, string name) => Fail<byte[]>(Errno.EOPNOTSUPP);

    public virtual KTask<Errno> SetXattrAsync(Task current, string name, ReadOnlyMemory<byte> value, XattrFlags flags) => Fail(Errno.EOPNOTSUPP);

    public virtual KTask<Errno> RemoveXattrAsync(Task current, string name) => Fail(Errno.EOPNOTSUPP);

    /// <summary>All names, as listxattr gives them.</summary>
    public virtual KTask<Result<string[]>> ListXattrAsync(Task current) => Fail<string[]>(Errno.EOPNOTSUPP);

    /// <summary>The last reference is gone and no link is left, or the file system is being unmounted: free what it holds.</summary>
    public virtual void Evict()
    {
    }

    protected static KTask<Errno> Fail(Errno error) => KTask<Errno>.FromResult(error);

    protected static KTask<Result<T>> Fail<T>(Errno error) => KTask<Result<T>>.FromResult(error);
}
