namespace Vitrine.Kernel.Vfs;

/// <content>Whether epoll takes the file.</content>
internal abstract partial class OpenFile
{
    /// <summary>False for files that are always ready (regular files, directories): epoll_ctl gives EPERM.</summary>
    public virtual bool IsPollable => !Inode.IsRegular && !Inode.IsDirectory;
}
