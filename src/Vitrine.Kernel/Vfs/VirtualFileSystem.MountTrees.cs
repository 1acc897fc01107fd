using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>Trees of mounts that are held by a descriptor: open_tree(2), move_mount(2), mount_setattr(2).</content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>A copy of what is seen at a place, attached nowhere (OPEN_TREE_CLONE).</summary>
    internal Result<Mount> CloneTree(Task current, VfsPath place, bool recursive)
    {
        if (place.Mount.IsUnbindable)
            return Errno.EINVAL;
        if (place.Mount.Namespace != current.Namespaces.Mount && !IsInAnonymousTree(place.Mount))
            return Errno.EINVAL;
        Result<Mount> copy = CopyTree(current, place.Mount, place.Dentry, recursive, keepUnbindable: false, map: null);
        if (copy.Ok)
            copy.Value.IsAnonymous = true;
        return copy;
    }

    /// <summary>Attaches a tree that a descriptor holds.</summary>
    internal Errno AttachAnonymous(Task current, Mount tree, VfsPath place)
    {
        VfsPath top = Topmost(place);
        if (top.Mount.Namespace != current.Namespaces.Mount)
            return Errno.EINVAL;
        Errno error = AttachTree(current, tree, top);
        if (error == Errno.Success)
            tree.IsAnonymous = false;
        return error;
    }

    /// <summary>
    /// MOVE_MOUNT_BENEATH: puts a mount below the one that is on top at a place, so that unmounting that one reveals it.
    /// Not where the mount below is shared: EINVAL.
    /// </summary>
    internal Errno AttachBeneath(Task current, VfsPath source, VfsPath place)
    {
        MountNamespace mounts = current.Namespaces.Mount;
        Mount top = place.Mount;
        Mount moved = source.Mount;
        if (place.Dentry != top.Root || top.Namespace != mounts || top.Parent is not { } parent || top.IsLocked || parent.Peers is not null)
            return Errno.EINVAL;
        if (source.Dentry != moved.Root || (!moved.IsAnonymous && (moved.Namespace != mounts || moved.Parent is null || moved.IsLocked)))
            return Errno.EINVAL;
        if (current.Fs!.Root.Mount == top || moved == top)
            return Errno.EINVAL;
        if (moved.Root.Inode!.IsDirectory != top.Root.Inode!.IsDirectory)
            return Errno.EINVAL;
        if (ListTree(moved).Contains(parent))
            return Errno.ELOOP;
        var below = new VfsPath(parent, top.MountPoint!);
        below.Get();
        top.Detach();
        bool isNew = moved.IsAnonymous;
        if (!isNew)
            moved.Detach();
        moved.Attach(below);
        moved.IsAnonymous = false;
        if (isNew)
            AddTree(moved, mounts);
        top.Attach(new VfsPath(moved, moved.Root));
        below.Put();
        mounts.Touch();
        return Errno.Success;
    }

    /// <summary>MOVE_MOUNT_SET_GROUP: a private mount gets the sharing of another one of the same file system.</summary>
    internal static Errno SetGroup(Task current, VfsPath source, VfsPath target)
    {
        MountNamespace mounts = current.Namespaces.Mount;
        Mount from = source.Mount;
        Mount to = target.Mount;
        if (from.Namespace != mounts || to.Namespace != mounts || source.Dentry != from.Root || target.Dentry != to.Root)
            return Errno.EINVAL;
        if (from.Peers is null && from.Master is null)
            return Errno.EINVAL;
        if (to.Peers is not null || to.Master is not null)
            return Errno.EINVAL;
        if (from.SuperBlock != to.SuperBlock || !to.Root.IsWithin(from.Root))
            return Errno.EINVAL;
        if (from.Master is { } master)
            to.SetMaster(master);
        if (from.Peers is { } peers)
            to.JoinPeers(peers);
        mounts.Touch();
        return Errno.Success;
    }

    /// <summary>mount_setattr(2)'s work: flags and propagation of a mount, or of all below it too; all or none.</summary>
    internal Errno SetAttributes(Task current, VfsPath place, in MountAttributeChange change, bool recursive)
    {
        Mount mount = place.Mount;
        if (place.Dentry != mount.Root)
            return Errno.EINVAL;
        if (mount.Namespace != current.Namespaces.Mount && !IsInAnonymousTree(mount))
            return Errno.EINVAL;
        List<Mount> all = recursive ? ListTree(mount) : [mount];
        bool freezes = (change.Set & MountAttributes.ReadOnly) != 0;
        foreach (Mount at in all)
        {
            if (freezes && (at.Flags & MountFlags.ReadOnly) == 0 && at.Writers > 0)
                return Errno.EBUSY;
        }

        foreach (Mount at in all)
        {
            at.Flags = (at.Flags & ~ToMountFlags(change.Clear)) | ToMountFlags(change.Set);
            if (change.Propagation != MountFlags.None)
                at.ChangePropagation(change.Propagation, this);
        }

        mount.Namespace?.Touch();
        return Errno.Success;
    }

    /// <summary>Changes a file system's options and whether it can be written.</summary>
    internal async KTask<Errno> ReconfigureAsync(Task current, SuperBlock superBlock, string options, bool readOnly)
    {
        if (readOnly && !superBlock.IsReadOnly)
        {
            foreach (Mount other in current.Namespaces.Mount.Mounts)
            {
                if (other.SuperBlock == superBlock && other.Writers > 0)
                    return Errno.EBUSY;
            }
        }

        Errno error = await superBlock.RemountAsync(current, options, readOnly);
        if (error == Errno.Success)
        {
            superBlock.IsReadOnly = readOnly;
            current.Namespaces.Mount.Touch();
        }

        return error;
    }

    internal static MountFlags ToMountFlags(MountAttributes attributes)
    {
        MountFlags flags = MountFlags.None;
        if ((attributes & MountAttributes.ReadOnly) != 0)
            flags |= MountFlags.ReadOnly;
        if ((attributes & MountAttributes.NoSuid) != 0)
            flags |= MountFlags.NoSuid;
        if ((attributes & MountAttributes.NoDev) != 0)
            flags |= MountFlags.NoDev;
        if ((attributes & MountAttributes.NoExec) != 0)
            flags |= MountFlags.NoExec;
        if ((attributes & MountAttributes.NoAccessTime) != 0)
            flags |= MountFlags.NoAccessTime;
        if ((attributes & MountAttributes.StrictAccessTime) != 0)
            flags |= MountFlags.StrictAccessTime;
        if ((attributes & MountAttributes.NoDirAccessTime) != 0)
            flags |= MountFlags.NoDirAccessTime;
        if ((attributes & MountAttributes.NoSymFollow) != 0)
            flags |= MountFlags.NoSymFollow;
        return flags;
    }

    private static bool IsInAnonymousTree(Mount mount)
    {
        while (mount.Parent is { } parent)
            mount = parent;
        return mount.IsAnonymous;
    }
}
