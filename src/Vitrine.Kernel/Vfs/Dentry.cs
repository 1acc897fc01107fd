using Vitrine.Kernel.Cgroups;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// A name in a directory and the inode it leads to; null inode: the name is known not to exist. Counted explicitly:
/// children, paths, open files and mounts hold references; one at zero stays cached (on the LRU list) while it is
/// hashed. A child keeps its parent alive. Made and found through <see cref="DentryCache"/>.
/// </summary>
internal sealed partial class Dentry
{
    /// <summary>What one costs, charged to the cgroup that caused it; the name comes on top.</summary>
    public const int ObjectSize = 192;

    internal Dentry? HashNext;
    internal Dentry? FirstChild;
    internal Dentry? NextSibling;
    internal Dentry? PreviousSibling;
    internal Dentry? LruNext;
    internal Dentry? LruPrevious;
    internal bool IsOnLru;

    /// <summary>Used since the shrinker last came by: gets another round.</summary>
    internal bool IsReferenced;

    /// <summary>Distinguishes parents in the hash, in order of creation so that runs repeat.</summary>
    internal uint Salt;

    internal Cgroup? ChargedTo;

    /// <summary>The first of the mounts, of any namespace, that sit on this dentry (linked by Mount.NextOnDentry).</summary>
    internal Mount? FirstMount;

    private int _references = 1;

    public FileName Name { get; set; }

    /// <summary>Null for the root of a file system and for nameless internal dentries.</summary>
    public Dentry? Parent { get; set; }

    public Inode? Inode { get; set; }

    public SuperBlock? SuperBlock { get; set; }

    public int References => _references;

    /// <summary>Found by name. Not so: a root, an internal object, or deleted.</summary>
    public bool IsHashed { get; internal set; }

    public bool IsNegative => Inode is null;

    /// <summary>Something is mounted on it in some namespace.</summary>
    public bool IsMountPoint => FirstMount is not null;

    public bool IsRoot => Parent is null;

    /// <summary>Was removed while in use: " (deleted)" in paths.</summary>
    public bool IsDeleted => !IsHashed && Parent is not null;

    /// <summary>How an object of an internal file system is shown, "pipe:[12]"; null for names in directories.</summary>
    public string? DynamicName { get; set; }

    /// <summary>Makes the root of a file system; takes over the caller's reference on the inode.</summary>
    public static Dentry CreateRoot(Inode root) => new() { Inode = root, SuperBlock = root.SuperBlock };

    public Dentry Get()
    {
        _references++;
        return this;
    }

    /// <summary>Gives a reference back; an unused dentry stays cached if it can be found by name.</summary>
    public void Put()
    {
        if (--_references > 0)
            return;
        if (_references < 0)
            throw new InvalidOperationException("a dentry was put more often than it was taken");
        DentryCache? cache = SuperBlock?.Kernel?.Dentries;
        if (cache is null)
            Inode?.Put();
        else
            cache.Unused(this);
    }

    /// <summary>A child's reference goes; true if it was the last one and the cache must decide.</summary>
    internal bool ReleaseByChild()
    {
        if (--_references < 0)
            throw new InvalidOperationException("a dentry was put more often than it was taken");
        return _references == 0;
    }

    /// <summary>Whether this dentry is <paramref name="ancestor"/> or below it.</summary>
    public bool IsWithin(Dentry ancestor)
    {
        for (Dentry? at = this; at is not null; at = at.Parent)
        {
            if (at == ancestor)
                return true;
        }

        return false;
    }

    public override string ToString() => DynamicName ?? (Parent is null ? "/" : Name.ToString());
}
