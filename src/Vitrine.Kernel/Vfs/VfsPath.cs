namespace Vitrine.Kernel.Vfs;

/// <summary>A place in the tree: a dentry seen through a mount. A copy holds no reference until <see cref="Get"/>.</summary>
internal readonly record struct VfsPath(Mount Mount, Dentry Dentry)
{
    /// <summary>No place.</summary>
    public bool IsNone => Dentry is null;

    /// <summary>Takes a reference on mount and dentry.</summary>
    public VfsPath Get()
    {
        Mount?.Get();
        Dentry?.Get();
        return this;
    }

    public void Put()
    {
        // The dentry first: the mount may be what keeps the super block.
        Dentry?.Put();
        Mount?.Put();
    }

    /// <summary>As <see cref="Put"/>, for a reference that was no use of the mount: a walk's own.</summary>
    internal void PutUnused()
    {
        Dentry?.Put();
        Mount?.PutUnused();
    }

    public bool IsSame(VfsPath other) => Mount == other.Mount && Dentry == other.Dentry;
}
