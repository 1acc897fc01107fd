using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs.Generated;

/// <summary>
/// A file system whose content is the kernel's state: procfs, sysfs (kernfs' twin). Inodes are made as they are looked
/// up and numbered in that order.
/// </summary>
internal abstract class GeneratedSuperBlock : SuperBlock
{
    // Static entries of a listing have small numbers; those made at look-up come after them.
    private ulong _nextInode = 0x1_0000_0000;

    protected GeneratedSuperBlock(FileSystemType type, KernelInstance kernel)
        : base(type, kernel.Vfs.AllocateAnonymousDevice()) => Kernel = kernel;

    /// <summary>What an entry stands for may be gone.</summary>
    public override bool DentriesAreStable => false;

    /// <summary>The magic number of statfs.</summary>
    protected abstract long Magic { get; }

    public InodeNumber NextInode() => new(_nextInode++);

    public override KTask<bool> RevalidateAsync(Task current, Dentry dentry) =>
        KTask<bool>.FromResult(dentry.Inode is GeneratedInode { IsStillValid: true });

    public override KTask<Result<KernelStatFs>> StatFsAsync(Task current) => KTask<Result<KernelStatFs>>.FromResult(new KernelStatFs
    {
        Type = Magic,
        BlockSize = 4096,
        FragmentSize = 4096,
        NameLength = 255,
    });
}
