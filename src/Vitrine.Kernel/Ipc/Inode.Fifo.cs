using Vitrine.Kernel.Ipc;

namespace Vitrine.Kernel.Vfs;

/// <content>The pipe behind a FIFO.</content>
internal abstract partial class Inode
{
    /// <summary>The pipe of a FIFO while an end is open or being opened.</summary>
    internal Pipe? Fifo { get; set; }
}
