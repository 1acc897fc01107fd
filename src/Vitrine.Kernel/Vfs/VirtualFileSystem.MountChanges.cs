using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>What mount(2) does besides new file systems: bind, move, remount, propagation; pivot_root(2).</content>
internal sealed partial class VirtualFileSystem
{
    private const MountFlags AccessTimeFlags = MountFlags.NoAccessTime | MountFlags.NoDirAccessTime | MountFlags.StrictAccessTime | MountFlags.RelativeAccessTime;

    /// <summary>MS_BIND: shows a part of the tree at a second place, with MS_REC all that is mounted below it too.</summary>
    internal Errno Bind(Task current, VfsPath source, VfsPath place, bool recursive)
    {
        if (source.Mount.IsUnbindable)
            return Errno.EINVAL;
        if (source.Mount.Namespace is not null && source.Mount.Namespace != current.Namespaces.Mount)
            return Errno.EINVAL;
        VfsPath top = Topmost(place);
        if (top.Mount.Namespace != current.Namespaces.Mount)
            return Errno.EINVAL;
        Result<Mount> copy = CopyTree(current, source.Mount, source.Dentry, recursive, keepUnbindable: false, map: null);
        if (!copy.Ok)
            return copy.Error;
        Errno error = AttachTree(current, copy.Value, top);
        if (error != Errno.Success)
            DiscardTree(copy.Value);
        return error;
    }

    /// <summary>MS_MOVE: takes a mount with all below it to another place.</summary>
    internal Errno Move(Task current, VfsPath source, VfsPath place)
    {
        MountNamespace mounts = current.Namespaces.Mount;
        Mount moved = source.Mount;
        VfsPath top = Topmost(place);
        if (moved.Namespace != mounts || top.Mount.Namespace != mounts || source.Dentry != moved.Root)
            return Errno.EINVAL;
        if (moved.Parent is not { } parent || moved.IsLocked || parent.Peers is not null)
            return Errno.EINVAL;
        if (moved.Root.Inode!.IsDirectory != top.Dentry.Inode!.IsDirectory)
            return Errno.EINVAL;
        if (top.Dentry.IsDeleted || top.Dentry.Inode.IsDead)
            return Errno.ENOENT;
        List<Mount> tree = ListTree(moved);
        if (tree.Contains(top.Mount))
            return Errno.ELOOP;
        List<(Mount Copy, VfsPath Place)>? copies = null;
        if (top.Mount.Peers is not null)
        {
            foreach (Mount mount in tree)
            {
                if (mount.IsUnbindable)
                    return Errno.EINVAL;
            }

            Errno error = PropagateMount(current, moved, top, out copies);
            if (error != Errno.Success)
                return error;
        }

        moved.Detach();
        moved.Attach(top);
        if (copies is not null)
        {
            foreach ((Mount copy, VfsPath at) in copies)
            {
                copy.Attach(at);
                AddTree(copy, at.Mount.Namespace!);
            }
        }

        mounts.Touch();
        return Errno.Success;
    }

    /// <summary>MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE, for one mount or all below it.</summary>
    internal Errno ChangePropagation(Task current, VfsPath place, MountFlags type, bool recursive)
    {
        if (place.Dentry != place.Mount.Root || place.Mount.Namespace != current.Namespaces.Mount)
            return Errno.EINVAL;
        if (!recursive)
        {
            place.Mount.ChangePropagation(type, this);
            return Errno.Success;
        }

        foreach (Mount mount in ListTree(place.Mount))
            mount.ChangePropagation(type, this);
        return Errno.Success;
    }

    /// <summary>MS_REMOUNT | MS_BIND: changes the flags of this mount alone.</summary>
    internal Errno RemountMount(Task current, VfsPath place, MountFlags flags)
    {
        Mount mount = place.Mount;
        if (place.Dentry != mount.Root || mount.Namespace != current.Namespaces.Mount)
            return Errno.EINVAL;
        MountFlags wanted = WithKeptAccessTimes(mount, flags);
        if ((wanted & MountFlags.ReadOnly) != 0 && (mount.Flags & MountFlags.ReadOnly) == 0 && mount.Writers > 0)
            return Errno.EBUSY;
        mount.Flags = wanted;
        mount.Namespace!.Touch();
        return Errno.Success;
    }

    /// <summary>MS_REMOUNT: changes the file system's options and whether it can be written, and this mount's flags.</summary>
    internal async KTask<Errno> RemountAsync(Task current, VfsPath place, MountFlags flags, string options)
    {
        Mount mount = place.Mount;
        SuperBlock superBlock = mount.SuperBlock;
        if (place.Dentry != mount.Root || mount.Namespace != current.Namespaces.Mount)
            return Errno.EINVAL;
        bool readOnly = (flags & MountFlags.ReadOnly) != 0;
        if (readOnly && !superBlock.IsReadOnly)
        {
            foreach (Mount other in current.Namespaces.Mount.Mounts)
            {
                if (other.SuperBlock == superBlock && other.Writers > 0)
                    return Errno.EBUSY;
            }
        }

        Errno error = await superBlock.RemountAsync(current, options, readOnly);
        if (error != Errno.Success)
            return error;
        superBlock.IsReadOnly = readOnly;
        superBlock.Flags = (superBlock.Flags & MountFlags.DirSync) | (flags & PerFileSystem & ~MountFlags.DirSync);

        // The read-only flag went to the file system; the mount's own stays as it was given at first.
        mount.Flags = WithKeptAccessTimes(mount, flags);
        mount.Namespace?.Touch();
        return Errno.Success;
    }

    /// <summary>pivot_root(2): another mount becomes the root, the old one goes below it.</summary>
    internal Errno PivotRoot(Task current, VfsPath newRoot, VfsPath putOld)
    {
        MountNamespace mounts = current.Namespaces.Mount;
        VfsPath root = current.Fs!.Root;
        Mount newMount = newRoot.Mount;
        Mount oldMount = putOld.Mount;
        Mount rootMount = root.Mount;
        if (newMount.Namespace != mounts || oldMount.Namespace != mounts || rootMount.Namespace != mounts)
            return Errno.EINVAL;
        if (oldMount.Peers is not null || newMount.Parent is { Peers: not null } || rootMount.Parent is { Peers: not null })
            return Errno.EINVAL;
        if (newMount.IsLocked)
            return Errno.EINVAL;
        if (newRoot.Dentry.IsDeleted || putOld.Dentry.IsDeleted)
            return Errno.ENOENT;
        if (newMount == rootMount || oldMount == rootMount)
            return Errno.EBUSY;
        if (root.Dentry != rootMount.Root || newRoot.Dentry != newMount.Root || newMount.Parent is null)
            return Errno.EINVAL;
        if (!IsReachable(putOld, newRoot) || !IsReachable(newRoot, root))
            return Errno.EINVAL;
        var above = new VfsPath(rootMount.Parent!, rootMount.MountPoint!);
        newMount.Detach();
        rootMount.Detach();
        rootMount.Attach(putOld);
        if (above.Mount is not null)
            newMount.Attach(above);
        if (mounts.Root == rootMount)
            mounts.MoveRoot(newMount);
        mounts.Touch();
        MoveContexts(root, newRoot);
        return Errno.Success;
    }

    private static bool IsReachable(VfsPath path, VfsPath from)
    {
        VfsPath at = path;
        while (at.Mount != from.Mount)
        {
            if (at.Mount.Parent is not { } parent)
                return false;
            at = new VfsPath(parent, at.Mount.MountPoint!);
        }

        return at.Dentry.IsWithin(from.Dentry);
    }

    /// <summary>Tasks whose root or directory was the old root get the new one (chroot_fs_refs).</summary>
    private void MoveContexts(VfsPath oldRoot, VfsPath newRoot)
    {
        foreach (ThreadGroup group in Kernel.Tasks.Processes)
        {
            foreach (Task task in group.Threads)
            {
                if (task.Fs is not { } fs)
                    continue;
                if (fs.Root.IsSame(oldRoot))
                    fs.SetRoot(newRoot);
                if (fs.WorkingDirectory.IsSame(oldRoot))
                    fs.SetWorkingDirectory(newRoot);
            }
        }
    }

    private static MountFlags WithKeptAccessTimes(Mount mount, MountFlags flags)
    {
        MountFlags wanted = NormalFlags(flags);
        if ((flags & AccessTimeFlags) == 0)
            wanted |= mount.Flags & AccessTimeFlags;
        return wanted;
    }
}

/// <content>Copying a namespace (CLONE_NEWNS).</content>
internal sealed partial class MountNamespace
{
    /// <summary>The first namespace of a machine, showing one file system; takes references as a mount does.</summary>
    public static MountNamespace Create(KernelInstance kernel, SuperBlock root)
    {
        kernel.Vfs.AddSuperBlock(root);
        var mounts = new MountNamespace(kernel.InitUserNamespace, kernel.NextNamespaceInode());
        mounts.SetRoot(new Mount(root));
        return mounts;
    }

    /// <summary>
    /// A copy of this namespace; root and working directory of <paramref name="fs"/> move into it. The result has one
    /// reference. In another user namespace the copies receive events only and can't be taken apart.
    /// </summary>
    public KTask<Result<MountNamespace>> CopyAsync(Tasks.Task current, UserNamespace owner, FsContext fs) =>
        KTask<Result<MountNamespace>>.FromResult(Copy(current, owner, fs));

    /// <summary>As <see cref="CopyAsync"/>: nothing in it waits.</summary>
    public Result<MountNamespace> Copy(Tasks.Task current, UserNamespace owner, FsContext fs)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        var map = new List<(Mount Old, Mount New)>();
        Result<Mount> tree = vfs.CopyTree(current, Root!, Root!.Root, recursive: true, keepUnbindable: true, map);
        if (!tree.Ok)
            return tree.Error;
        var copy = new MountNamespace(owner, current.Kernel.NextNamespaceInode());
        copy.SetRoot(tree.Value);
        foreach ((Mount _, Mount mount) in map)
        {
            if (mount != tree.Value)
                copy.Add(mount);
            if (owner == Owner)
                continue;
            if (mount.Peers is not null)
                mount.ChangePropagation(MountFlags.Slave, vfs);
            mount.IsLocked = mount != tree.Value;
        }

        VfsPath root = fs.Root;
        VfsPath directory = fs.WorkingDirectory;
        foreach ((Mount old, Mount mount) in map)
        {
            if (root.Mount == old)
                fs.SetRoot(new VfsPath(mount, root.Dentry));
            if (directory.Mount == old)
                fs.SetWorkingDirectory(new VfsPath(mount, directory.Dentry));
        }

        return copy;
    }
}
