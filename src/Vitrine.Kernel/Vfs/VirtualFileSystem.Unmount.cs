using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>umount2(2) flags.</summary>
[Flags]
internal enum UnmountFlags : uint
{
    None = 0,
    Force = 1,
    Detach = 2,
    Expire = 4,
    NoFollow = 8,
}

/// <content>Taking mounts off the tree.</content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>
    /// Unmounts what is at a place (do_umount). EBUSY when it is in use and not detached; EAGAIN for a first
    /// MNT_EXPIRE. <paramref name="held"/> references of the caller don't count as use.
    /// </summary>
    internal Errno Unmount(Task current, Mount mount, UnmountFlags flags, int held)
    {
        MountNamespace mounts = current.Namespaces.Mount;
        if (mount.Namespace != mounts)
            return Errno.EINVAL;
        if (mount.IsLocked)
            return Errno.EINVAL;
        if ((flags & UnmountFlags.Expire) != 0)
        {
            if (mount == current.Fs!.Root.Mount || (flags & (UnmountFlags.Force | UnmountFlags.Detach)) != 0)
                return Errno.EINVAL;
            if (IsBusy(mount, held))
                return Errno.EBUSY;
            if (!mount.IsExpiring)
            {
                mount.IsExpiring = true;
                return Errno.EAGAIN;
            }
        }

        // The root of everything is never taken away; it can only be made read-only.
        if (mount == mounts.Root)
            return (flags & UnmountFlags.Detach) != 0 ? Errno.EINVAL : Errno.EBUSY;
        if ((flags & UnmountFlags.Detach) == 0 && IsBusy(mount, held))
            return Errno.EBUSY;
        UnmountTree(mount);
        return Errno.Success;
    }

    /// <summary>Detaches a mount with all below it, here and where the event propagates; those in use live on unattached.</summary>
    internal void UnmountTree(Mount mount)
    {
        List<Mount> all = ListTree(mount);
        if (mount.Parent is { Peers: not null } parent && mount.MountPoint is { } point)
        {
            foreach ((Mount receiver, bool _) in Receivers(parent))
            {
                if (receiver.FindChild(point) is { } copy && copy.SuperBlock == mount.SuperBlock && copy.Root == mount.Root)
                    all.AddRange(ListTree(copy));
            }
        }

        for (int i = all.Count - 1; i >= 0; i--)
        {
            Mount at = all[i];
            if (at.Namespace is not { } mounts)
                continue;
            mounts.Remove(at);
            at.ChangePropagation(MountFlags.Private, this);
            at.Detach();
            at.Put();
        }
    }

    /// <summary>Something is mounted below it, or somebody besides the tree and the caller holds it.</summary>
    private static bool IsBusy(Mount mount, int held) => mount.Children.Count > 0 || mount.References > 1 + held;
}
