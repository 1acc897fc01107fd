using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <content>Removing directory entries: unlink and rmdir.</content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>unlink(2).</summary>
    public async KTask<Errno> UnlinkAsync(Task current, Fd directory, PathName name)
    {
        using PathWalk walk = RentWalk();
        Errno error = walk.Start(current, directory, name, WalkFlags.Parent);
        if (error == Errno.Success)
            error = await walk.ResolveAsync();
        if (error != Errno.Success)
            return error;
        if (walk.LastKind != LastKind.Normal)
            return Errno.EISDIR;
        return await RemoveAsync(current, walk.At, walk.Last, removeDirectory: false, walk.HasTrailingSlash);
    }

    /// <summary>rmdir(2).</summary>
    public async KTask<Errno> RemoveDirectoryAsync(Task current, Fd directory, PathName name)
    {
        using PathWalk walk = RentWalk();
        Errno error = walk.Start(current, directory, name, WalkFlags.Parent);
        if (error == Errno.Success)
            error = await walk.ResolveAsync();
        if (error != Errno.Success)
            return error;
        switch (walk.LastKind)
        {
            case LastKind.Dot:
                return Errno.EINVAL;
            case LastKind.DotDot:
                return Errno.ENOTEMPTY;
            case LastKind.Root:
                return Errno.EBUSY;
        }

        return await RemoveAsync(current, walk.At, walk.Last, removeDirectory: true, trailingSlash: false);
    }

    /// <summary>Removes a name that is no directory from a directory that the kernel knows.</summary>
    internal KTask<Errno> UnlinkEntryAsync(Task current, VfsPath parent, FileName name) =>
        RemoveAsync(current, parent, name, removeDirectory: false, trailingSlash: false);

    private async KTask<Errno> RemoveAsync(Task current, VfsPath parent, FileName name, bool removeDirectory, bool trailingSlash)
    {
        Errno error = parent.Mount.BeginWrite();
        if (error != Errno.Success)
            return error;
        Inode directory = parent.Dentry.Inode!;
        await directory.Lock.LockAsync(current);
        Result<Dentry> found = await LookUpLockedAsync(current, parent.Dentry, name);
        Inode? victim = null;
        if (!found.Ok)
        {
            error = found.Error;
        }
        else
        {
            Dentry dentry = found.Value;
            victim = dentry.Inode?.Get();
            if (victim is null)
                error = Errno.ENOENT;
            else if (trailingSlash)
                error = victim.IsDirectory ? Errno.EISDIR : Errno.ENOTDIR;
            else
                error = await RemoveLockedAsync(current, parent, dentry, victim, removeDirectory);
            dentry.Put();
        }

        directory.Lock.Unlock(current);
        parent.Mount.EndWrite();

        // The last reference goes outside the locks: giving up a large file's frames is nobody else's wait.
        victim?.Put();
        return error;
    }

    private async KTask<Errno> RemoveLockedAsync(Task current, VfsPath parent, Dentry dentry, Inode victim, bool removeDirectory)
    {
        Inode directory = parent.Dentry.Inode!;
        Errno error = await MayDeleteAsync(current, directory, victim, removeDirectory);
        if (error != Errno.Success)
            return error;
        await victim.Lock.LockAsync(current);
        if (IsMountPointHere(current, dentry))
        {
            error = Errno.EBUSY;
        }
        else if (removeDirectory)
        {
            error = await directory.RemoveDirectoryAsync(current, dentry.Name, victim);
            if (error == Errno.Success)
            {
                Dentries.ShrinkBelow(dentry);
                victim.IsDead = true;
            }
        }
        else
        {
            error = await directory.UnlinkAsync(current, dentry.Name, victim);
        }

        victim.Lock.Unlock(current);
        if (error != Errno.Success)
            return error;
        DetachMountsOn(dentry);
        if (!removeDirectory)
            NotifyInode(victim, FsEvents.Attributes);
        FileName name = dentry.Name;
        Dentries.Delete(dentry);
        NotifyEntry(directory, name, removeDirectory ? FsEvents.Delete | FsEvents.IsDirectory : FsEvents.Delete);
        return Errno.Success;
    }

    /// <summary>Something is mounted on the dentry in the task's own namespace.</summary>
    internal static bool IsMountPointHere(Task current, Dentry dentry)
    {
        for (Mount? mount = dentry.FirstMount; mount is not null; mount = mount.NextOnDentry)
        {
            if (mount.Namespace == current.Namespaces.Mount)
                return true;
        }

        return false;
    }

    /// <summary>What other namespaces have mounted on a name that is going away goes with it (detach_mounts).</summary>
    private void DetachMountsOn(Dentry dentry)
    {
        while (dentry.FirstMount is { } mount)
            UnmountTree(mount);
    }
}
