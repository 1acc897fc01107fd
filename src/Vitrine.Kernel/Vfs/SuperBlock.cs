using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>A mounted file system instance (super_block's twin). Counted by its mounts.</summary>
internal abstract partial class SuperBlock(FileSystemType type, DeviceNumber device)
{
    public FileSystemType Type { get; } = type;

    /// <summary>st_dev of its inodes; major 0 for those without a block device.</summary>
    public DeviceNumber Device { get; } = device;

    public Dentry Root { get; protected set; } = null!;

    /// <summary>The machine; set by the VFS as soon as the file system's mount operation has returned.</summary>
    public KernelInstance Kernel { get; set; } = null!;

    /// <summary>What /proc/mounts shows as the source.</summary>
    public string Source { get; set; } = "none";

    public bool IsReadOnly { get; set; }

    /// <summary>What a mount call said about the file system as a whole: MS_SYNCHRONOUS, MS_DIRSYNC, MS_MANDLOCK, MS_LAZYTIME.</summary>
    public MountFlags Flags { get; set; }

    /// <summary>Bytes of the preferred block (st_blksize).</summary>
    public uint BlockSize { get; protected set; } = 4096;

    public long MaxFileSize { get; protected set; } = long.MaxValue;

    /// <summary>Whether failed lookups may be cached as negative dentries, and positive dentries need no check again.</summary>
    public virtual bool DentriesAreStable => true;

    /// <summary>For those that are not stable: whether a cached dentry is still true.</summary>
    public virtual KTask<bool> RevalidateAsync(Task current, Dentry dentry) => KTask<bool>.FromResult(true);

    /// <summary>Reads leave no trace (SB_NOATIME): internal and generated file systems.</summary>
    public virtual bool HasNoAccessTimes => false;

    /// <summary>Mounts that show it, and internal users.</summary>
    public int ActiveMounts { get; set; }

    /// <summary>A mount of it is gone; with the last one the file system ends.</summary>
    public void PutMount()
    {
        if (--ActiveMounts > 0)
            return;
        Kernel?.Vfs.SuperBlockUnused(this);
    }

    public abstract KTask<Result<KernelStatFs>> StatFsAsync(Task current);

    /// <summary>Mount options as /proc/mounts shows them, without the generic ones; each with a leading comma.</summary>
    public virtual string ShowOptions() => "";

    public virtual KTask<Errno> RemountAsync(Task current, string options, bool readOnly) => KTask<Errno>.FromResult(Errno.Success);

    /// <summary>Writes back what is not yet on the medium; file systems in memory have none.</summary>
    public virtual KTask<Errno> SyncAsync(Task current) => KTask<Errno>.FromResult(Errno.Success);

    /// <summary>The last mount is gone: free everything.</summary>
    public virtual void Kill()
    {
    }
}

/// <summary>A kind of file system, as in /proc/filesystems. Known to a machine by an explicit list.</summary>
internal abstract class FileSystemType
{
    public abstract string Name { get; }

    /// <summary>"nodev" in /proc/filesystems.</summary>
    public virtual bool NeedsNoDevice => true;

    /// <summary>Whether the kind knows an option, given alone; what depends on others is found out by mounting.</summary>
    public virtual Errno CheckOption(Task current, string option) => Errno.EINVAL;

    /// <summary>Makes (or finds) the super block for a mount call. Options as mount(2)'s data string.</summary>
    public abstract KTask<Result<SuperBlock>> MountAsync(Task current, string source, MountFlags flags, string options);
}
