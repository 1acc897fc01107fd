using Vitrine.Kernel.Async;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// A file without a place in any tree: eventfd, epoll, timerfd, signalfd, pidfd (anon_inode_getfile's twin). All share
/// one inode of anon_inodefs. Shown as "anon_inode:" and the name.
/// </summary>
internal abstract class AnonymousFile : OpenFile
{
    protected AnonymousFile(KernelInstance kernel, string name, OpenFlags flags)
        : this(kernel.Vfs.MakeAnonymousPath(name), flags)
    {
    }

    private AnonymousFile(VfsPath path, OpenFlags flags)
        : base(path, path.Dentry.Inode!, flags)
    {
        // The base has taken its own reference; what made the path gives up the first one.
        path.Dentry.Put();
    }

    public override bool IsStream => true;

    public override bool CanSpliceFrom => false;

    public override bool CanSpliceTo => false;

    /// <summary>Seeking is accepted and changes nothing (noop_llseek), though there is no position to read at.</summary>
    public override KTask<Result<long>> SeekAsync(Tasks.Task current, long offset, SeekWhence whence) => KTask<Result<long>>.FromResult(0L);
}

/// <content>The one inode of anonymous files.</content>
internal sealed partial class VirtualFileSystem
{
    private PseudoInode? _anonymousInode;

    /// <summary>The path of a new anonymous file; one reference on the dentry, none on the mount.</summary>
    public VfsPath MakeAnonymousPath(string name)
    {
        _anonymousInode ??= new PseudoInode(AnonInodeFs, (FileMode)0x180);
        return AnonInodeFs.MakePath(_anonymousInode.Get(), "anon_inode:" + name);
    }

    private void PutAnonymousInode()
    {
        _anonymousInode?.Put();
        _anonymousInode = null;
    }
}
