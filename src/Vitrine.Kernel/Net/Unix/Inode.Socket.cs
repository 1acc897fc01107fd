using Vitrine.Kernel.Net.Unix;

namespace Vitrine.Kernel.Vfs;

/// <content>The socket bound to a socket inode.</content>
internal abstract partial class Inode
{
    internal UnixSocket? BoundSocket { get; set; }
}
