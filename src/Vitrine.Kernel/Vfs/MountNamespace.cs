using Vitrine.Kernel.Namespaces;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// A tree of mounts (mnt_namespace's twin). Counted: the tasks in it and files of /proc/PID/ns hold references; with
/// the last one its mounts are detached.
/// </summary>
internal sealed partial class MountNamespace(UserNamespace owner, InodeNumber inode) : Namespace(owner, inode)
{
    private int _references = 1;

    /// <summary>The mount at the bottom of the tree; null until the root is mounted.</summary>
    public Mount? Root { get; private set; }

    /// <summary>All mounts in the order of their making.</summary>
    public List<Mount> Mounts { get; } = [];

    /// <summary>Changes whenever the tree does; poll on /proc/PID/mounts tells of it.</summary>
    public ulong Event { get; private set; }

    /// <summary>Woken when <see cref="Event"/> changes.</summary>
    public Sched.WaitQueue Changed { get; } = new();

    public int References => _references;

    public MountNamespace Get()
    {
        _references++;
        return this;
    }

    public void Put()
    {
        if (--_references > 0)
            return;
        Clear();
    }

    /// <summary>Detaches all mounts; those still used elsewhere live on unattached.</summary>
    public void Clear()
    {
        for (int i = Mounts.Count - 1; i >= 0; i--)
        {
            Mount mount = Mounts[i];
            mount.Namespace = null;
            mount.Detach();
            mount.Put();
        }

        Mounts.Clear();
        Root = null;
    }

    /// <summary>Makes a mount the bottom of the tree; takes over the caller's reference.</summary>
    internal void SetRoot(Mount root)
    {
        Root = root;
        Add(root);
    }

    /// <summary>The bottom changed places with another mount of this tree (pivot_root).</summary>
    internal void MoveRoot(Mount root)
    {
        Root = root;
        Touch();
    }

    internal void Add(Mount mount)
    {
        mount.Namespace = this;
        Mounts.Add(mount);
        Touch();
    }

    internal void Remove(Mount mount)
    {
        mount.Namespace = null;
        Mounts.Remove(mount);
        Touch();
    }

    internal void Touch()
    {
        Event++;
        Changed.WakeAll((uint)(PollEvents.Priority | PollEvents.Error));
    }
}
