namespace Vitrine.Kernel.Vfs;

/// <summary>A name in a directory and the inode it leads to; null inode: the name is known not to exist.</summary>
internal sealed partial class Dentry
{
    public FileName Name { get; set; }

    public Dentry? Parent { get; set; }

    public Inode? Inode { get; set; }
}

/// <summary>A file system instance attached to the tree (vfsmount's twin).</summary>
internal sealed partial class Mount(SuperBlock superBlock)
{
    public SuperBlock SuperBlock { get; } = superBlock;
}

/// <summary>A place in the tree: a dentry seen through a mount.</summary>
internal readonly record struct VfsPath(Mount Mount, Dentry Dentry);
