using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm;

/// <summary>The page cache of one object: folios by index, and who maps them (struct address_space's twin).</summary>
internal abstract partial class AddressSpace(Inode? host)
{
    /// <summary>The inode whose content this is; null for anonymous shared memory.</summary>
    public Inode? Host { get; } = host;
}
