using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <summary>
/// A directory tree that an overlay is made of. It keeps its file system alive; the tree's own dentries, if it is
/// mounted somewhere as well, are told of what changes underneath them.
/// </summary>
internal sealed class OverlayLayer
{
    private readonly VfsPath _path;

    /// <param name="path">The root of the tree; a reference is taken. A path without a mount is a tree that nobody else sees.</param>
    public OverlayLayer(VfsPath path)
    {
        _path = path.Get();
        SuperBlock.ActiveMounts++;
    }

    public SuperBlock SuperBlock => _path.Dentry.SuperBlock ?? _path.Dentry.Inode!.SuperBlock;

    public Inode Root => _path.Dentry.Inode!;

    public Dentry RootDentry => _path.Dentry;

    public void Release()
    {
        SuperBlock super = SuperBlock;
        _path.Put();
        super.PutMount();
    }
}
