using Vitrine.Kernel.Namespaces;

namespace Vitrine.Kernel.Vfs;

/// <summary>A tree of mounts.</summary>
internal sealed partial class MountNamespace(UserNamespace owner, InodeNumber inode) : Namespace(owner, inode);
