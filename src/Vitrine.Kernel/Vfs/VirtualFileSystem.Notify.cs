using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <content>
/// Telling watches what happens (fsnotify's twin). An event at a dentry goes to the watches of its parent, with its
/// name, and to those of its inode. Nothing is looked at while nobody watches anything.
/// </content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>Watches of the machine.</summary>
    internal int WatchCount { get; set; }

    /// <summary>Something was done through an open file: access, modification, opening, closing.</summary>
    internal void NotifyFile(OpenFile file, FsEvents what)
    {
        if (WatchCount != 0 && !file.IsPathOnly && !file.IsSilent)
            Notify(file.Path.Dentry, file.Inode, what, isUnlinked: file.Path.Dentry.IsDeleted);
        if (!Fanotify.IsEmpty && !file.IsPathOnly && !file.IsSilent)
            Fanotify.Report(file, what);
    }

    /// <summary>Something was done to the object at a place: attributes, size.</summary>
    internal void NotifyDentry(Dentry dentry, FsEvents what)
    {
        if (WatchCount != 0 && dentry.Inode is { } inode)
            Notify(dentry, inode, what, isUnlinked: false);
    }

    /// <summary>Something happened to an inode, whatever its names are: link count, move, end.</summary>
    internal void NotifyInode(Inode inode, FsEvents what)
    {
        if (inode.FirstWatch is not null)
            Report(inode, inode.IsDirectory ? what | FsEvents.IsDirectory : what, default, 0, isUnlinked: false);
    }

    /// <summary>Something happened to an entry of a directory.</summary>
    /// <param name="cookie">Connects the two halves of a move; 0 otherwise.</param>
    internal void NotifyEntry(Inode directory, FileName name, FsEvents what, uint cookie = 0)
    {
        if (directory.FirstWatch is not null)
            Report(directory, what, name.Bytes, cookie, isUnlinked: false);
    }

    /// <summary>The last name of a deleted object is gone and nobody has it open: its watches hear so and end.</summary>
    internal void NotifyRemoved(Inode inode) => EndWatches(inode, FsEvents.DeleteSelf);

    /// <summary>A file system ends: all watches in it hear so and end.</summary>
    internal void NotifyUnmounted(SuperBlock superBlock)
    {
        if (WatchCount == 0)
            return;
        while (superBlock.Watches.First is { } first)
            EndWatches(first.Value.Inode, FsEvents.Unmount);
    }

    private void EndWatches(Inode inode, FsEvents what)
    {
        NotifyInode(inode, what);
        while (inode.FirstWatch is { } watch)
        {
            InodeWatches.Detach(watch);
            watch.Ended();
        }
    }

    private static void Notify(Dentry dentry, Inode inode, FsEvents what, bool isUnlinked)
    {
        if (inode.IsDirectory)
            what |= FsEvents.IsDirectory;
        if ((what & FsEvents.OnChild) != 0 && dentry.Parent?.Inode is { FirstWatch: not null } parent)
            Report(parent, what, dentry.Name.Bytes, 0, isUnlinked);
        if (inode.FirstWatch is not null)
            Report(inode, what, default, 0, isUnlinked);
    }

    private static void Report(Inode inode, FsEvents what, ReadOnlySpan<byte> name, uint cookie, bool isUnlinked)
    {
        InodeWatch? watch = inode.FirstWatch;
        while (watch is not null)
        {
            InodeWatch? next = watch.Next;
            if ((watch.Mask & what & ~FsEvents.IsDirectory) != 0 && !(isUnlinked && watch.ExcludesUnlinked))
                watch.Report(what, name, cookie);
            watch = next;
        }
    }
}
