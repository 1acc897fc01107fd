using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>What a directory hands down to what is made in it, and what stacked file systems ask.</content>
internal abstract partial class Inode
{
    /// <summary>A device, FIFO or socket that is only to be seen, such as those of the host's tree: opening it gives ENXIO.</summary>
    public virtual bool LeadsNowhere => false;

    /// <summary>Comes and goes with a process or a descriptor, so that nothing can be mounted on it (dont_mount).</summary>
    public virtual bool IsEphemeral => false;

    /// <summary>
    /// Owner, group and mode of a new object in this directory (inode_init_owner, mode_strip_sgid): below a set-group-ID
    /// directory the group is inherited, directories inherit the bit itself, and an executable file loses it unless its
    /// maker is in the group.
    /// </summary>
    protected void OwnershipOfNew(Task current, ref FileMode mode, out Uid uid, out Gid gid)
    {
        Credentials credentials = current.Credentials;
        uid = credentials.Fsuid;
        if ((Mode & FileMode.SetGid) == 0)
        {
            gid = credentials.Fsgid;
            return;
        }

        gid = Gid;
        if ((mode & FileMode.TypeMask) == FileMode.Directory)
        {
            mode |= FileMode.SetGid;
        }
        else if ((mode & (FileMode.SetGid | FileMode.GroupExecute)) == (FileMode.SetGid | FileMode.GroupExecute)
            && !credentials.IsInGroup(gid) && !credentials.IsCapable(credentials.UserNamespace, Capability.Fsetid))
        {
            mode &= ~FileMode.SetGid;
        }
    }

    /// <summary>The mode check for other credentials than the task's: a stacked file system asks as its mounter.</summary>
    public Errno CheckPermissionAs(Credentials credentials, AccessMask mask) => CheckModePermission(credentials, mask);
}
