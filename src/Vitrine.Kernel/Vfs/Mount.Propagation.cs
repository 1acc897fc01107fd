using Vitrine.Kernel.Cgroups;

namespace Vitrine.Kernel.Vfs;

/// <summary>Mounts that see each other's mount and umount events (a peer group), numbered as in mountinfo.</summary>
internal sealed class PeerGroup(VirtualFileSystem vfs, int id)
{
    public int Id { get; } = id;

    public List<Mount> Members { get; } = [];

    /// <summary>The mounts that receive this group's events and send none back.</summary>
    public List<Mount> Slaves { get; } = [];

    internal void AddSlave(Mount slave) => Slaves.Add(slave);

    internal void RemoveSlave(Mount slave) => Slaves.Remove(slave);

    /// <summary>A member leaves; when the last one does, the slaves go to its own master, if it has one.</summary>
    internal void Leave(Mount member)
    {
        Members.Remove(member);
        if (Members.Count > 0)
            return;
        foreach (Mount slave in Slaves.ToArray())
            slave.SetMaster(member.Master);
        vfs.FreePeerGroup(this);
    }
}

/// <content>Shared subtrees (mount_namespaces(7)): peers receive each other's events, slaves those of their master.</content>
internal sealed partial class Mount
{
    internal Cgroup? ChargedTo { get; set; }

    /// <summary>The peers, when it is shared.</summary>
    public PeerGroup? Peers { get; private set; }

    /// <summary>The group whose events it receives without sending its own.</summary>
    public PeerGroup? Master { get; private set; }

    /// <summary>May not be the source of a bind mount.</summary>
    public bool IsUnbindable { get; private set; }

    public MountPropagation Propagation => IsUnbindable ? MountPropagation.Unbindable
        : Peers is not null ? Master is not null ? MountPropagation.SharedAndSlave : MountPropagation.Shared
        : Master is not null ? MountPropagation.Slave : MountPropagation.Private;

    public void JoinPeers(PeerGroup group)
    {
        IsUnbindable = false;
        if (Peers == group)
            return;
        LeavePeers();
        Peers = group;
        group.Members.Add(this);
    }

    public void SetMaster(PeerGroup? master)
    {
        if (Master == master)
            return;
        Master?.RemoveSlave(this);
        Master = master;
        master?.AddSlave(this);
    }

    /// <summary>Changes the type as mount(MS_PRIVATE, MS_SLAVE, …) does.</summary>
    public void ChangePropagation(MountFlags type, VirtualFileSystem vfs)
    {
        switch (type)
        {
            case MountFlags.Shared:
                IsUnbindable = false;
                if (Peers is null)
                    JoinPeers(vfs.CreatePeerGroup());
                break;
            case MountFlags.Slave:
                IsUnbindable = false;
                // The only member of its group has nobody to be a slave of: it becomes private (or stays its master's slave).
                if (Peers is { } group)
                {
                    bool others = group.Members.Count > 1;
                    LeavePeers();
                    if (others)
                        SetMaster(group);
                }

                break;
            case MountFlags.Private:
            case MountFlags.Unbindable:
                LeavePropagation();
                IsUnbindable = type == MountFlags.Unbindable;
                break;
        }
    }

    private void LeavePropagation()
    {
        LeavePeers();
        SetMaster(null);
    }

    private void LeavePeers()
    {
        if (Peers is not { } group)
            return;
        Peers = null;
        group.Leave(this);
    }
}
