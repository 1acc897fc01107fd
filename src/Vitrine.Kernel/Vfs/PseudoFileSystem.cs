using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>The kind of an internal file system: never mounted by users, not in /proc/filesystems' registry.</summary>
internal sealed class PseudoFileSystemType(string name) : FileSystemType
{
    public override string Name { get; } = name;

    public override KTask<Result<SuperBlock>> MountAsync(Task current, string source, MountFlags flags, string options) =>
        KTask<Result<SuperBlock>>.FromResult(Errno.EINVAL);
}

/// <summary>
/// An internal file system (init_pseudo's twin): pipefs, sockfs, anon_inodefs. Its objects have nameless dentries
/// below no directory, shown as "pipe:[12]" or "anon_inode:[eventpoll]".
/// </summary>
internal sealed class PseudoSuperBlock : SuperBlock
{
    private readonly long _magic;
    private readonly int _blockSize;
    private ulong _nextInode = 1;

    public PseudoSuperBlock(KernelInstance kernel, string name, long magic, int blockSize = 4096)
        : base(new PseudoFileSystemType(name), kernel.Vfs.AllocateAnonymousDevice())
    {
        _magic = magic;
        _blockSize = blockSize;
        Source = name;
        Kernel = kernel;
        Root = Dentry.CreateRoot(new PseudoInode(this, FileMode.Directory | (FileMode)0x180));
        Root.DynamicName = name + ":";
        kernel.Vfs.AddSuperBlock(this);
        Mount = new Mount(this) { Flags = MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec };
    }

    /// <summary>The internal mount that paths of its objects go through.</summary>
    public Mount Mount { get; }

    public override bool HasNoAccessTimes => true;

    public InodeNumber NextInode() => new(_nextInode++);

    /// <summary>
    /// A path for an object, with one reference on the dentry and none on the mount: hand it to an
    /// <see cref="OpenFile"/> and then call <see cref="Dentry.Put"/>, so that the file alone keeps it. Takes over the
    /// reference on the inode.
    /// </summary>
    public VfsPath MakePath(Inode inode, string shownAs) =>
        new(Mount, new Dentry { Inode = inode, SuperBlock = this, DynamicName = shownAs });

    public override KTask<Result<KernelStatFs>> StatFsAsync(Task current) => KTask<Result<KernelStatFs>>.FromResult(new KernelStatFs
    {
        Type = _magic,
        BlockSize = _blockSize,
        FragmentSize = _blockSize,
        NameLength = 255,
    });
}

/// <summary>An inode of an internal file system; subclass it for pipes and sockets.</summary>
internal class PseudoInode : Inode
{
    public PseudoInode(PseudoSuperBlock superBlock, FileMode mode)
        : base(superBlock, superBlock.NextInode(), mode)
    {
        Timespec now = superBlock.Kernel.Time.RealtimeTimespec;
        AccessTime = ModificationTime = ChangeTime = now;
    }

    public override KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes)
    {
        if ((changes.Mask & AttributeMask.Size) != 0)
            return Fail(Errno.EINVAL);
        ApplyAttributes(changes);
        return Fail(Errno.Success);
    }
}
