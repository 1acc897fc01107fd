using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <content>Reading and changing attributes: what setattr_prepare and its callers check.</content>
internal sealed partial class VirtualFileSystem
{
    private const ulong AttributeMountRoot = 0x2000;

    /// <summary>The attributes of a place (vfs_getattr), with what the mount adds.</summary>
    public async KTask<Result<KernelStat>> GetAttributesAsync(Task current, VfsPath path, StatxMask wanted)
    {
        Result<KernelStat> result = await path.Dentry.Inode!.GetAttributesAsync(current, wanted);
        if (!result.Ok)
            return result;
        KernelStat stat = result.Value;
        stat.AttributesMask |= AttributeMountRoot;
        if (path.Mount is { } mount)
        {
            if (mount.Root == path.Dentry)
                stat.Attributes |= AttributeMountRoot;
            stat.MountId = mount.Id;
            stat.Mask |= StatxMask.MountId;
        }

        return stat;
    }

    /// <summary>Applies a change that has been checked, under the inode's lock that the caller holds.</summary>
    private async KTask<Errno> ApplyAsync(Task current, Dentry dentry, InodeAttributes changes)
    {
        Errno error = await dentry.Inode!.SetAttributesAsync(current, changes);
        if (error == Errno.Success)
            NotifyDentry(dentry, EventsOf(changes.Mask));
        return error;
    }

    /// <summary>What a change looks like to watches (fsnotify_change): one time alone stands for what sets it.</summary>
    private static FsEvents EventsOf(AttributeMask changed)
    {
        FsEvents what = FsEvents.None;
        if ((changed & (AttributeMask.Uid | AttributeMask.Gid | AttributeMask.Mode)) != 0)
            what |= FsEvents.Attributes;
        if ((changed & AttributeMask.Size) != 0)
            what |= FsEvents.Modify;
        const AttributeMask bothTimes = AttributeMask.AccessTime | AttributeMask.ModificationTime;
        if ((changed & bothTimes) == bothTimes)
            what |= FsEvents.Attributes;
        else if ((changed & AttributeMask.AccessTime) != 0)
            what |= FsEvents.Access;
        else if ((changed & AttributeMask.ModificationTime) != 0)
            what |= FsEvents.Modify;
        return what;
    }

    /// <summary>chmod: only for the owner; set-group-ID only for members of the group.</summary>
    public async KTask<Errno> ChangeModeAsync(Task current, VfsPath path, FileMode mode)
    {
        Inode inode = path.Dentry.Inode!;
        Errno error = path.Mount.BeginWrite();
        if (error != Errno.Success)
            return error;
        await inode.Lock.LockAsync(current);
        if (inode.IsSymlink)
        {
            error = Errno.EOPNOTSUPP;
        }
        else if (!IsOwnerOrCapable(current, inode))
        {
            error = Errno.EPERM;
        }
        else
        {
            mode &= FileMode.PermissionMask;
            if (!current.Credentials.IsInGroup(inode.Gid) && !current.IsCapable(Capability.Fsetid))
                mode &= ~FileMode.SetGid;
            error = await ApplyAsync(current, path.Dentry, new InodeAttributes
            {
                Mask = AttributeMask.Mode | AttributeMask.ChangeTime,
                Mode = mode,
                ChangeTime = Kernel.Time.RealtimeTimespec,
            });
        }

        inode.Lock.Unlock(current);
        path.Mount.EndWrite();
        return error;
    }

    /// <summary>chown: the user only with CAP_CHOWN, the group for the owner among his groups; set-id bits of files go.</summary>
    public async KTask<Errno> ChangeOwnerAsync(Task current, VfsPath path, Uid user, Gid group)
    {
        Inode inode = path.Dentry.Inode!;
        Errno error = path.Mount.BeginWrite();
        if (error != Errno.Success)
            return error;
        await inode.Lock.LockAsync(current);
        Credentials credentials = current.Credentials;
        bool capable = current.IsCapable(Capability.Chown);
        bool owner = inode.Uid == credentials.Fsuid;
        if (user != Uid.Unchanged && !capable && !(owner && user == inode.Uid))
        {
            error = Errno.EPERM;
        }
        else if (group != Gid.Unchanged && !capable && !(owner && (credentials.IsInGroup(group) || group == inode.Gid)))
        {
            error = Errno.EPERM;
        }
        else
        {
            var changes = new InodeAttributes { Mask = AttributeMask.ChangeTime, ChangeTime = Kernel.Time.RealtimeTimespec };
            if (user != Uid.Unchanged)
            {
                changes.Mask |= AttributeMask.Uid;
                changes.Uid = user;
            }

            if (group != Gid.Unchanged)
            {
                changes.Mask |= AttributeMask.Gid;
                changes.Gid = group;
            }

            if (!inode.IsDirectory)
            {
                // Also for root, as Linux does it: a file that changes hands must not keep its powers.
                FileMode taken = inode.Mode & FileMode.SetUid;
                if ((inode.Mode & (FileMode.SetGid | FileMode.GroupExecute)) == (FileMode.SetGid | FileMode.GroupExecute))
                    taken |= FileMode.SetGid;
                if (taken != FileMode.None)
                {
                    changes.Mask |= AttributeMask.Mode;
                    changes.Mode = inode.Mode & FileMode.PermissionMask & ~taken;
                }
            }

            error = await ApplyAsync(current, path.Dentry, changes);
        }

        inode.Lock.Unlock(current);
        path.Mount.EndWrite();
        return error;
    }

    /// <summary>A new time in utimensat's sense: a value, now, or leave it.</summary>
    public readonly record struct TimeChange(Timespec Value, bool IsNow, bool IsOmitted);

    /// <summary>utimensat: both "now" for whoever may write; other values for the owner.</summary>
    public async KTask<Errno> ChangeTimesAsync(Task current, VfsPath path, TimeChange access, TimeChange modification)
    {
        if (access.IsOmitted && modification.IsOmitted)
            return Errno.Success;
        Inode inode = path.Dentry.Inode!;
        Errno error = path.Mount.BeginWrite();
        if (error != Errno.Success)
            return error;
        await inode.Lock.LockAsync(current);
        if (!IsOwnerOrCapable(current, inode))
        {
            error = access.IsNow && modification.IsNow
                ? await PermissionAsync(current, inode, AccessMask.Write)
                : Errno.EPERM;
        }

        if (error == Errno.Success)
        {
            Timespec now = Kernel.Time.RealtimeTimespec;
            var changes = new InodeAttributes { Mask = AttributeMask.ChangeTime, ChangeTime = now };
            if (!access.IsOmitted)
            {
                changes.Mask |= AttributeMask.AccessTime;
                changes.AccessTime = access.IsNow ? now : access.Value;
            }

            if (!modification.IsOmitted)
            {
                changes.Mask |= AttributeMask.ModificationTime;
                changes.ModificationTime = modification.IsNow ? now : modification.Value;
            }

            error = await ApplyAsync(current, path.Dentry, changes);
        }

        inode.Lock.Unlock(current);
        path.Mount.EndWrite();
        return error;
    }

    /// <summary>truncate(2) by path: regular files that the task may write and nobody executes.</summary>
    public async KTask<Errno> TruncatePathAsync(Task current, VfsPath path, long length)
    {
        Inode inode = path.Dentry.Inode!;
        if (inode.IsDirectory)
            return Errno.EISDIR;
        if (!inode.IsRegular)
            return Errno.EINVAL;
        Errno error = path.Mount.BeginWrite();
        if (error != Errno.Success)
            return error;
        error = await PermissionAsync(current, inode, AccessMask.Write);
        if (error == Errno.Success)
            error = inode.GetWriteAccess();
        if (error == Errno.Success)
        {
            if (!Leases.IsEmpty)
                error = await Leases.BreakAsync(current, inode, writer: true, nonBlocking: false);
            if (error == Errno.Success)
                error = await TruncateAsync(current, path.Dentry, length);
            inode.PutWriteAccess();
        }

        path.Mount.EndWrite();
        return error;
    }

    /// <summary>Sets the size of an inode that the caller may write (do_truncate); times and set-id bits follow.</summary>
    internal async KTask<Errno> TruncateAsync(Task current, Dentry dentry, long length)
    {
        Inode inode = dentry.Inode!;
        if (length > inode.Size && (ulong)length > current.FileSizeLimit)
        {
            current.SendFileSizeSignal();
            return Errno.EFBIG;
        }

        if (length > inode.SuperBlock.MaxFileSize)
            return Errno.EFBIG;
        await inode.Lock.LockAsync(current);
        Timespec now = Kernel.Time.RealtimeTimespec;
        var changes = new InodeAttributes
        {
            Mask = AttributeMask.Size | AttributeMask.ModificationTime | AttributeMask.ChangeTime,
            Size = length,
            ModificationTime = now,
            ChangeTime = now,
        };
        FileMode taken = PrivilegesToRemove(current, inode);
        if (taken != FileMode.None)
        {
            changes.Mask |= AttributeMask.Mode;
            changes.Mode = inode.Mode & FileMode.PermissionMask & ~taken;
        }

        Errno error = await ApplyAsync(current, dentry, changes);
        inode.Lock.Unlock(current);
        return error;
    }
}
