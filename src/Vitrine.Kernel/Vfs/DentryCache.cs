using Vitrine.Kernel.Cgroups;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// The dentries of a machine: a hash over (parent, name) for the path walk and an LRU list of unused ones (dcache's
/// twin). Bounded: beyond <see cref="Limit"/> unused dentries are dropped, oldest first, and with them their inodes.
/// Guarded by the kernel lock.
/// </summary>
internal sealed class DentryCache
{
    private const int FirstBuckets = 1024;
    private const int ShrinkBatch = 128;

    private Dentry?[] _buckets = new Dentry?[FirstBuckets];
    private int _hashed;
    private uint _nextSalt = 1;
    private Dentry? _lruHead;
    private Dentry? _lruTail;

    /// <param name="limit">Dentries to keep at most, unless more are in use.</param>
    public DentryCache(int limit) => Limit = limit;

    public int Limit { get; set; }

    /// <summary>All live dentries that this cache made.</summary>
    public int Count { get; private set; }

    /// <summary>Dentries nobody uses.</summary>
    public int Unreferenced { get; private set; }

    /// <summary>Cached names that are known not to exist.</summary>
    public int Negative
    {
        get
        {
            int count = 0;
            foreach (Dentry? bucket in _buckets)
            {
                for (Dentry? at = bucket; at is not null; at = at.HashNext)
                    count += at.IsNegative ? 1 : 0;
            }

            return count;
        }
    }

    /// <summary>Finds a cached name without taking a reference; null says nothing about the file system.</summary>
    public Dentry? Find(Dentry parent, ReadOnlySpan<byte> name, int nameHash)
    {
        for (Dentry? at = _buckets[Bucket(parent, nameHash)]; at is not null; at = at.HashNext)
        {
            if (at.Parent == parent && at.Name.GetHashCode() == nameHash && at.Name.Bytes.SequenceEqual(name))
            {
                at.IsReferenced = true;
                return at;
            }
        }

        return null;
    }

    /// <summary>
    /// Makes a dentry below <paramref name="parent"/>, not yet hashed, with one reference. Takes over the reference on
    /// the inode on success. ENOMEM at the cgroup's limit.
    /// </summary>
    public Result<Dentry> Create(Dentry parent, FileName name, Inode? inode, Cgroup? cgroup)
    {
        if (Count >= Limit)
            Shrink(ShrinkBatch);
        if (cgroup is not null)
        {
            int size = Dentry.ObjectSize + name.Length;
            if (cgroup.ChargeKernelMemory(size) != Errno.Success)
            {
                Shrink(4 * ShrinkBatch);
                Errno error = cgroup.ChargeKernelMemory(size);
                if (error != Errno.Success)
                    return error;
            }
        }

        var dentry = new Dentry
        {
            Name = name,
            Parent = parent.Get(),
            Inode = inode,
            SuperBlock = parent.SuperBlock,
            ChargedTo = cgroup,
            Salt = _nextSalt++,
        };
        AddToParent(dentry, parent);
        Count++;
        return dentry;
    }

    /// <summary>Makes the dentry findable by name.</summary>
    public void Hash(Dentry dentry)
    {
        if (dentry.IsHashed)
            return;
        if (_hashed >= _buckets.Length)
            Grow();
        ref Dentry? bucket = ref _buckets[Bucket(dentry.Parent!, dentry.Name.GetHashCode())];
        dentry.HashNext = bucket;
        bucket = dentry;
        dentry.IsHashed = true;
        _hashed++;
    }

    /// <summary>Takes the name away (d_drop): whoever uses the dentry keeps it, nobody finds it any more.</summary>
    public void Drop(Dentry dentry)
    {
        if (!dentry.IsHashed)
            return;
        ref Dentry? link = ref _buckets[Bucket(dentry.Parent!, dentry.Name.GetHashCode())];
        while (link != dentry)
            link = ref link!.HashNext;
        link = dentry.HashNext;
        dentry.HashNext = null;
        dentry.IsHashed = false;
        _hashed--;
    }

    /// <summary>Gives a negative dentry its inode, whose reference it takes over (d_instantiate).</summary>
    public void Instantiate(Dentry dentry, Inode inode)
    {
        dentry.Inode = inode;
        Hash(dentry);
    }

    /// <summary>
    /// The name was removed (d_delete): a dentry that only the caller uses becomes negative, another one loses its name.
    /// </summary>
    public void Delete(Dentry dentry)
    {
        if (dentry.References == 1 && dentry.FirstChild is null && dentry.SuperBlock!.DentriesAreStable)
        {
            TakeInode(dentry);
        }
        else
        {
            Drop(dentry);
        }
    }

    /// <summary>Renames in the tree (d_move): what was at the target place loses its name.</summary>
    public void Move(Dentry dentry, Dentry target)
    {
        Dentry newParent = target.Parent!;
        FileName newName = target.Name;
        Drop(target);
        bool hashed = dentry.IsHashed;
        Drop(dentry);
        SetPlace(dentry, newParent, newName);
        if (hashed)
            Hash(dentry);
    }

    /// <summary>Two dentries change places (RENAME_EXCHANGE).</summary>
    public void Exchange(Dentry a, Dentry b)
    {
        (Dentry parentA, FileName nameA) = (a.Parent!, a.Name);
        (Dentry parentB, FileName nameB) = (b.Parent!, b.Name);
        Drop(a);
        Drop(b);
        SetPlace(a, parentB, nameB);
        SetPlace(b, parentA, nameA);
        Hash(a);
        Hash(b);
    }

    /// <summary>Forgets unused dentries, oldest first; returns how many.</summary>
    public int Shrink(int wanted)
    {
        int freed = 0;
        int budget = Unreferenced + wanted;
        while (freed < wanted && budget-- > 0 && _lruHead is { } oldest)
        {
            RemoveFromLru(oldest);
            if (oldest.References > 0)
                continue;
            if (oldest.IsReferenced || oldest.Inode?.FirstWatch is not null)
            {
                // What is watched must be found as the same inode again.
                oldest.IsReferenced = false;
                AddToLru(oldest);
                continue;
            }

            Kill(oldest);
            freed++;
        }

        return freed;
    }

    /// <summary>
    /// Forgets all unused dentries below a directory (shrink_dcache_parent), as rmdir and umount need. Not recursive:
    /// the guest chooses how deep its trees are.
    /// </summary>
    public void ShrinkBelow(Dentry parent)
    {
        Dentry at = parent;
        Dentry? child = parent.FirstChild;
        for (; ; )
        {
            if (child is null)
            {
                if (at == parent)
                    return;
                Dentry up = at.Parent!;
                child = at.NextSibling;
                if (at.ReleaseByChild())
                    Kill(at);
                at = up;
            }
            else if (child.FirstChild is not null)
            {
                // Held while its children go, so that it does not follow the last of them.
                at = child.Get();
                child = at.FirstChild;
            }
            else
            {
                Dentry? next = child.NextSibling;
                if (child.References == 0)
                    Kill(child);
                child = next;
            }
        }
    }

    /// <summary>The file system says that the name no longer means this (d_invalidate): nobody finds it any more.</summary>
    public void Invalidate(Dentry dentry)
    {
        dentry.Get();
        Drop(dentry);
        ShrinkBelow(dentry);
        dentry.Put();
    }

    /// <summary>Called by the dentry's last put.</summary>
    internal void Unused(Dentry dentry)
    {
        if (dentry.IsHashed)
        {
            if (!dentry.IsOnLru)
                AddToLru(dentry);
            dentry.IsReferenced = true;
        }
        else
        {
            Kill(dentry);
        }
    }

    /// <summary>Ends an unreferenced dentry; goes on with its parent if that was kept only by it and has no name.</summary>
    private void Kill(Dentry dentry)
    {
        Dentry? at = dentry;
        while (at is not null)
        {
            if (at.IsOnLru)
                RemoveFromLru(at);
            Drop(at);
            Dentry? parent = at.Parent;
            if (parent is not null)
            {
                RemoveFromParent(at, parent);
                Count--;
                at.ChargedTo?.UnchargeKernelMemory(Dentry.ObjectSize + at.Name.Length);
            }

            TakeInode(at);
            if (parent is null || !parent.ReleaseByChild())
                return;
            if (parent.IsHashed)
            {
                Unused(parent);
                return;
            }

            at = parent;
        }
    }

    /// <summary>Gives up a dentry's inode; if that was the last sight of a deleted object, its watches hear so.</summary>
    private static void TakeInode(Dentry dentry)
    {
        if (dentry.Inode is not { } inode)
            return;
        dentry.Inode = null;
        if (inode.FirstWatch is not null && (inode.LinkCount == 0 || inode.IsDead))
            inode.SuperBlock.Kernel.Vfs.NotifyRemoved(inode);
        inode.Put();
    }

    private void SetPlace(Dentry dentry, Dentry parent, FileName name)
    {
        Dentry oldParent = dentry.Parent!;
        if (name.Length != dentry.Name.Length && dentry.ChargedTo is { } cgroup)
        {
            // A longer name of an object that exists is not refused; the charge follows as far as the limit allows.
            cgroup.UnchargeKernelMemory(Dentry.ObjectSize + dentry.Name.Length);
            if (cgroup.ChargeKernelMemory(Dentry.ObjectSize + name.Length) != Errno.Success)
                dentry.ChargedTo = null;
        }

        dentry.Name = name;
        if (oldParent == parent)
            return;
        RemoveFromParent(dentry, oldParent);
        dentry.Parent = parent.Get();
        AddToParent(dentry, parent);
        oldParent.Put();
    }

    private static void AddToParent(Dentry dentry, Dentry parent)
    {
        dentry.PreviousSibling = null;
        dentry.NextSibling = parent.FirstChild;
        if (parent.FirstChild is { } first)
            first.PreviousSibling = dentry;
        parent.FirstChild = dentry;
    }

    private static void RemoveFromParent(Dentry dentry, Dentry parent)
    {
        if (dentry.PreviousSibling is { } previous)
            previous.NextSibling = dentry.NextSibling;
        else
            parent.FirstChild = dentry.NextSibling;
        if (dentry.NextSibling is { } next)
            next.PreviousSibling = dentry.PreviousSibling;
        dentry.NextSibling = dentry.PreviousSibling = null;
    }

    private void AddToLru(Dentry dentry)
    {
        dentry.LruNext = null;
        dentry.LruPrevious = _lruTail;
        if (_lruTail is null)
            _lruHead = dentry;
        else
            _lruTail.LruNext = dentry;
        _lruTail = dentry;
        dentry.IsOnLru = true;
        Unreferenced++;
    }

    private void RemoveFromLru(Dentry dentry)
    {
        if (dentry.LruPrevious is { } previous)
            previous.LruNext = dentry.LruNext;
        else
            _lruHead = dentry.LruNext;
        if (dentry.LruNext is { } next)
            next.LruPrevious = dentry.LruPrevious;
        else
            _lruTail = dentry.LruPrevious;
        dentry.LruNext = dentry.LruPrevious = null;
        dentry.IsOnLru = false;
        Unreferenced--;
    }

    private int Bucket(Dentry parent, int nameHash)
    {
        // Roots come without one.
        if (parent.Salt == 0)
            parent.Salt = _nextSalt++;
        return (int)((((uint)nameHash ^ (parent.Salt * 0x9E3779B1u)) * 0x85EBCA6Bu) >> 7) & (_buckets.Length - 1);
    }

    private void Grow()
    {
        Dentry?[] old = _buckets;
        _buckets = new Dentry?[old.Length * 2];
        foreach (Dentry? bucket in old)
        {
            Dentry? at = bucket;
            while (at is not null)
            {
                Dentry? next = at.HashNext;
                ref Dentry? place = ref _buckets[Bucket(at.Parent!, at.Name.GetHashCode())];
                at.HashNext = place;
                place = at;
                at = next;
            }
        }
    }
}
