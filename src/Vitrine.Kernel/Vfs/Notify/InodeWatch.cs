namespace Vitrine.Kernel.Vfs.Notify;

/// <summary>
/// Somebody's interest in what happens to an inode and, if it is a directory, to what is in it (fsnotify_mark's twin).
/// It holds a reference on the inode until it is detached: by its owner, when the object is deleted, or with its file
/// system. Guarded by the kernel lock.
/// </summary>
internal abstract class InodeWatch(Inode inode)
{
    internal InodeWatch? Next;
    internal InodeWatch? Previous;
    internal LinkedListNode<InodeWatch>? InSuperBlock;

    public Inode Inode { get; } = inode;

    /// <summary>The events that are wanted.</summary>
    public FsEvents Mask { get; set; }

    /// <summary>Not told of objects that have lost their name in the directory (IN_EXCL_UNLINK).</summary>
    public bool ExcludesUnlinked { get; set; }

    public bool IsAttached => InSuperBlock is not null;

    /// <summary>An event that the mask asks for. Must not wait; may detach this watch, no other.</summary>
    /// <param name="name">The entry that it is about; empty when it is about the inode itself.</param>
    /// <param name="cookie">Connects the two halves of a move; 0 otherwise.</param>
    public abstract void Report(FsEvents what, ReadOnlySpan<byte> name, uint cookie);

    /// <summary>The object or its file system is gone; called after the watch was detached.</summary>
    public abstract void Ended();
}

/// <summary>The list of watches of an inode, newest first.</summary>
internal static class InodeWatches
{
    /// <summary>Puts a watch on its inode.</summary>
    public static void Attach(InodeWatch watch)
    {
        Inode inode = watch.Inode.Get();
        watch.Next = inode.FirstWatch;
        if (watch.Next is { } next)
            next.Previous = watch;
        inode.FirstWatch = watch;
        watch.InSuperBlock = inode.SuperBlock.Watches.AddLast(watch);
        inode.SuperBlock.Kernel.Vfs.WatchCount++;
    }

    /// <summary>Takes a watch off its inode and gives its reference back.</summary>
    public static void Detach(InodeWatch watch)
    {
        Inode inode = watch.Inode;
        if (watch.Previous is { } previous)
            previous.Next = watch.Next;
        else
            inode.FirstWatch = watch.Next;
        if (watch.Next is { } next)
            next.Previous = watch.Previous;
        watch.Previous = watch.Next = null;
        inode.SuperBlock.Watches.Remove(watch.InSuperBlock!);
        watch.InSuperBlock = null;
        inode.SuperBlock.Kernel.Vfs.WatchCount--;
        inode.Put();
    }
}
