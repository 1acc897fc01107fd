using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <content>Reading and writing open files: what comes before and after the file's own operation.</content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>Iterators over user memory.</summary>
    public UserIovIterPool Iterators { get; } = new();

    /// <summary>Reads at an offset (vfs_iter_read): EBADF, EISDIR; afterwards atime and events.</summary>
    public async KTask<Result<long>> ReadAsync(Task current, OpenFile file, IovIter to, long offset)
    {
        if (!file.CanRead)
            return Errno.EBADF;
        if (file.Inode.IsDirectory)
            return Errno.EISDIR;
        if (!Fanotify.IsEmpty && !file.IsSilent)
        {
            Errno allowed = await Fanotify.AskAsync(current, file.Path, file.Inode, FanotifyEvents.AccessPermission);
            if (allowed != Errno.Success)
                return allowed;
        }

        to.FileOffset = offset;
        Result<long> result = await file.ReadAsync(current, to, offset);
        if (result.Ok)
        {
            FileAccessed(file);
            if (result.Value > 0)
                NotifyFile(file, FsEvents.Access);
        }

        return result;
    }

    /// <summary>Writes at an offset (vfs_iter_write): EBADF; takes set-id bits away, syncs for O_SYNC, reports the event.</summary>
    public async KTask<Result<long>> WriteAsync(Task current, OpenFile file, IovIter from, long offset, bool sync = false, bool dataSync = false)
    {
        if (!file.CanWrite)
            return Errno.EBADF;
        from.FileOffset = offset;
        if ((file.Flags & OpenFlags.Append) != 0 && !from.IsPlaced)
            from.IsAppend = true;
        if (from.Remaining > 0 && file.Inode.IsRegular)
        {
            Errno error = await RemovePrivilegesAsync(current, file);
            if (error != Errno.Success)
                return error;
        }

        Result<long> result = await file.WriteAsync(current, from, offset);
        if (!result.Ok || result.Value <= 0)
            return result;
        NotifyFile(file, FsEvents.Modify);
        sync |= (file.Flags & OpenFlags.Sync) == OpenFlags.Sync || (file.Inode.SuperBlock.Flags & MountFlags.Synchronous) != 0;
        dataSync |= (file.Flags & OpenFlags.DataSync) != 0;
        if (sync || dataSync)
        {
            Errno error = await file.SyncAsync(current, dataOnly: !sync);
            if (error is not (Errno.Success or Errno.EINVAL))
                return error;
        }

        return result;
    }

    /// <summary>Reads at the file's position and moves it (read(2)).</summary>
    public async KTask<Result<long>> ReadAtPositionAsync(Task current, OpenFile file, IovIter to)
    {
        if (file.IsStream)
            return await ReadAsync(current, file, to, 0);
        bool locked = file.NeedsPositionLock(current);
        if (locked)
            await file.PositionLock.LockAsync(current);
        bool moves = file.MovesPosition;
        Result<long> result = await ReadAsync(current, file, to, moves ? OpenFile.AtPosition : file.Position);
        if (result.Ok && !moves)
            file.Position += result.Value;
        if (locked)
            file.PositionLock.Unlock(current);
        return result;
    }

    /// <summary>Writes at the file's position, or at the end with O_APPEND, and moves it (write(2)).</summary>
    public async KTask<Result<long>> WriteAtPositionAsync(Task current, OpenFile file, IovIter from)
    {
        if (file.IsStream)
            return await WriteAsync(current, file, from, 0);
        bool locked = file.NeedsPositionLock(current);
        if (locked)
            await file.PositionLock.LockAsync(current);
        bool moves = file.MovesPosition;
        Result<long> result = await WriteAsync(current, file, from, moves ? OpenFile.AtPosition : file.Position);
        if (result.Ok && result.Value > 0 && !moves)
            file.Position = from.FileOffset + result.Value;
        if (locked)
            file.PositionLock.Unlock(current);
        return result;
    }

    /// <summary>
    /// A change of content takes set-user-ID and, where the group may execute, set-group-ID away, unless the task has
    /// CAP_FSETID (file_remove_privs).
    /// </summary>
    internal async KTask<Errno> RemovePrivilegesAsync(Task current, OpenFile file)
    {
        Inode inode = file.Inode;
        FileMode taken = PrivilegesToRemove(current, inode);
        if (taken == FileMode.None)
            return Errno.Success;
        await inode.Lock.LockAsync(current);
        Errno error = await ApplyAsync(current, file.Path.Dentry, new InodeAttributes
        {
            Mask = AttributeMask.Mode | AttributeMask.ChangeTime,
            Mode = (inode.Mode & FileMode.PermissionMask) & ~taken,
            ChangeTime = Kernel.Time.RealtimeTimespec,
        });
        inode.Lock.Unlock(current);
        return error;
    }

    internal static FileMode PrivilegesToRemove(Task current, Inode inode)
    {
        FileMode mode = inode.Mode;
        FileMode taken = mode & FileMode.SetUid;
        if ((mode & (FileMode.SetGid | FileMode.GroupExecute)) == (FileMode.SetGid | FileMode.GroupExecute))
            taken |= FileMode.SetGid;
        return taken == FileMode.None || current.IsCapable(Capability.Fsetid) ? FileMode.None : taken;
    }
}

/// <content>When the position needs its lock.</content>
internal abstract partial class OpenFile
{
    /// <summary>
    /// Somebody else may use the position meanwhile: another descriptor or call holds the description (more than this
    /// descriptor's and this call's reference), or other threads share the table.
    /// </summary>
    internal bool NeedsPositionLock(Task current) => References > 2 || current.Files is { Users: > 1 };

    /// <summary>The usual seek of a file with a size (generic_file_llseek); data everywhere below the size. Sets the position.</summary>
    protected Result<long> SeekWithin(long offset, SeekWhence whence, long size, long maximum)
    {
        long target;
        switch (whence)
        {
            case SeekWhence.Set:
                target = offset;
                break;
            case SeekWhence.Current:
                target = unchecked(Position + offset);
                break;
            case SeekWhence.End:
                target = unchecked(size + offset);
                break;
            case SeekWhence.Data:
                if ((ulong)offset >= (ulong)size)
                    return Errno.ENXIO;
                target = offset;
                break;
            case SeekWhence.Hole:
                if ((ulong)offset >= (ulong)size)
                    return Errno.ENXIO;
                target = size;
                break;
            default:
                return Errno.EINVAL;
        }

        if (target < 0 || target > maximum)
            return Errno.EINVAL;
        Position = target;
        return target;
    }
}
