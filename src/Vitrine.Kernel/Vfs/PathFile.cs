namespace Vitrine.Kernel.Vfs;

/// <summary>An O_PATH description: it names a place and gives no access to its content.</summary>
internal sealed class PathFile(VfsPath path, OpenFlags flags) : OpenFile(path, path.Dentry.Inode!, flags)
{
    public override bool IsPathOnly => true;
}
