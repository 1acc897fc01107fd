using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <content>Who watches the inode.</content>
internal abstract partial class Inode
{
    /// <summary>The newest of its watches, linked by <see cref="InodeWatch.Next"/>.</summary>
    internal InodeWatch? FirstWatch { get; set; }
}

/// <content>All watches on objects of the file system.</content>
internal abstract partial class SuperBlock
{
    internal LinkedList<InodeWatch> Watches => field ??= new LinkedList<InodeWatch>();
}
