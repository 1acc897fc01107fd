using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>Attaching and copying trees of mounts, with propagation (shared subtrees).</content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>
    /// Attaches a tree of unattached mounts at a place and, where the place is shared, copies of it at the places of
    /// its peers and slaves. All or nothing: ENOSPC at mount-max, ENOMEM.
    /// </summary>
    internal Errno AttachTree(Task current, Mount tree, VfsPath place)
    {
        if (place.Dentry.Inode!.IsDirectory != tree.Root.Inode!.IsDirectory)
            return Errno.ENOTDIR;
        if (place.Dentry.IsDeleted || place.Dentry.Inode.IsDead || place.Dentry.Inode.IsEphemeral)
            return Errno.ENOENT;
        MountNamespace mounts = place.Mount.Namespace!;
        int size = CountTree(tree);
        if (mounts.Mounts.Count + size > Settings.MountMaximum)
            return Errno.ENOSPC;

        List<(Mount Copy, VfsPath Place)>? copies = null;
        if (place.Mount.Peers is not null)
        {
            Errno error = PropagateMount(current, tree, place, out copies);
            if (error != Errno.Success)
                return error;
        }

        tree.Attach(place);
        AddTree(tree, mounts);
        if (copies is not null)
        {
            foreach ((Mount copy, VfsPath at) in copies)
            {
                copy.Attach(at);
                AddTree(copy, at.Mount.Namespace!);
            }
        }

        return Errno.Success;
    }

    /// <summary>Copies a mount and, if asked, what is mounted below it (copy_tree); unbindable ones are left out.</summary>
    /// <param name="keepUnbindable">For a new namespace, which has all of them.</param>
    /// <param name="map">Takes (original, copy) pairs; null if nobody asks.</param>
    internal Result<Mount> CopyTree(Task current, Mount mount, Dentry root, bool recursive, bool keepUnbindable, List<(Mount Old, Mount New)>? map)
    {
        Result<Mount> made = CloneMount(current, mount, root);
        if (!made.Ok)
            return made;
        map?.Add((mount, made.Value));
        if (!recursive)
            return made;

        // Depth first by an explicit stack: how deep mounts nest is the guest's choice.
        var pending = new Stack<(Mount Old, Mount New)>();
        pending.Push((mount, made.Value));
        while (pending.TryPop(out (Mount Old, Mount New) pair))
        {
            foreach (Mount child in pair.Old.Children)
            {
                if (child.IsUnbindable && !keepUnbindable)
                    continue;
                if (pair.Old == mount && !child.MountPoint!.IsWithin(root))
                    continue;
                Result<Mount> copy = CloneMount(current, child, child.Root);
                if (!copy.Ok)
                {
                    DiscardTree(made.Value);
                    return copy;
                }

                copy.Value.Attach(new VfsPath(pair.New, child.MountPoint!));
                map?.Add((child, copy.Value));
                pending.Push((child, copy.Value));
            }
        }

        return made;
    }

    /// <summary>Gives an unattached tree back.</summary>
    internal static void DiscardTree(Mount tree)
    {
        List<Mount> all = ListTree(tree);
        for (int i = all.Count - 1; i >= 0; i--)
        {
            all[i].Detach();
            all[i].Put();
        }
    }

    /// <summary>The mounts of a tree, parents before children.</summary>
    internal static List<Mount> ListTree(Mount tree)
    {
        var all = new List<Mount> { tree };
        for (int i = 0; i < all.Count; i++)
            all.AddRange(all[i].Children);
        return all;
    }

    private static int CountTree(Mount tree) => tree.Children.Count == 0 ? 1 : ListTree(tree).Count;

    private static void AddTree(Mount tree, MountNamespace mounts)
    {
        foreach (Mount mount in ListTree(tree))
            mounts.Add(mount);
    }

    private Result<Mount> CloneMount(Task current, Mount mount, Dentry root)
    {
        Result<Mount> made = NewMount(current, mount.SuperBlock, root);
        if (!made.Ok)
            return made;
        Mount copy = made.Value;
        copy.Flags = mount.Flags;
        copy.Source = mount.Source;
        if (mount.Peers is { } peers)
            copy.JoinPeers(peers);
        if (mount.Master is { } master)
            copy.SetMaster(master);
        return copy;
    }

    /// <summary>Makes the copies that a mount on a shared place causes; they are unattached yet.</summary>
    private Errno PropagateMount(Task current, Mount tree, VfsPath place, out List<(Mount Copy, VfsPath Place)>? copies)
    {
        copies = [];

        // What is mounted on a shared mount becomes shared itself, so that its copies are its peers.
        foreach (Mount mount in ListTree(tree))
        {
            if (mount.Peers is null)
                mount.JoinPeers(CreatePeerGroup());
        }

        foreach ((Mount target, bool isSlave) in Receivers(place.Mount))
        {
            if (target.Namespace is null || !place.Dentry.IsWithin(target.Root))
                continue;
            Result<Mount> copy = CopyTree(current, tree, tree.Root, recursive: true, keepUnbindable: false, map: null);
            if (!copy.Ok)
            {
                foreach ((Mount made, VfsPath _) in copies)
                    DiscardTree(made);
                return copy.Error;
            }

            if (isSlave)
            {
                foreach (Mount mount in ListTree(copy.Value))
                {
                    mount.ChangePropagation(MountFlags.Slave, this);
                    if (target.Peers is not null)
                        mount.ChangePropagation(MountFlags.Shared, this);
                }
            }

            copies.Add((copy.Value, new VfsPath(target, place.Dentry)));
        }

        return Errno.Success;
    }

    /// <summary>The mounts that receive events of a shared mount: its peers, the slaves of the group, their peers and slaves.</summary>
    internal static List<(Mount Mount, bool IsSlave)> Receivers(Mount source)
    {
        var result = new List<(Mount, bool)>();
        if (source.Peers is not { } first)
            return result;
        var groups = new Queue<(PeerGroup Group, bool IsSlave)>();
        var seen = new HashSet<PeerGroup> { first };
        groups.Enqueue((first, false));
        while (groups.TryDequeue(out (PeerGroup Group, bool IsSlave) next))
        {
            foreach (Mount member in next.Group.Members)
            {
                if (member != source)
                    result.Add((member, next.IsSlave));
            }

            foreach (Mount slave in next.Group.Slaves)
            {
                if (slave.Peers is not { } peers)
                    result.Add((slave, true));
                else if (seen.Add(peers))
                    groups.Enqueue((peers, true));
            }
        }

        return result;
    }
}
