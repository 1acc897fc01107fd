using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <content>Reading directories.</content>
internal sealed partial class VirtualFileSystem
{
    private readonly Stack<UserDirectoryEmitter> _emitters = new();

    /// <summary>Emits entries from the file's position on (iterate_dir): ENOTDIR, ENOENT for a removed directory.</summary>
    public async KTask<Errno> IterateAsync(Task current, OpenFile file, DirectoryEmitter emitter)
    {
        Inode inode = file.Inode;
        if (!inode.IsDirectory)
            return Errno.ENOTDIR;
        if (!Fanotify.IsEmpty && !file.IsSilent)
        {
            Errno allowed = await Fanotify.AskAsync(current, file.Path, inode, FanotifyEvents.AccessPermission);
            if (allowed != Errno.Success)
                return allowed;
        }

        await inode.Lock.LockAsync(current);
        bool dead = inode.IsDead;
        Errno error = dead ? Errno.ENOENT : await file.IterateAsync(current, emitter);
        if (!dead)
        {
            NotifyFile(file, FsEvents.Access);
            FileAccessed(file);
        }

        inode.Lock.Unlock(current);

        return error;
    }

    /// <summary>getdents64 and getdents: fills the user's buffer with whole records. Bytes, 0 at the end.</summary>
    public async KTask<Result<long>> GetEntriesAsync(Task current, OpenFile file, VirtAddr buffer, uint size, bool old)
    {
        UserDirectoryEmitter emitter = _emitters.TryPop(out UserDirectoryEmitter? pooled) ? pooled : new UserDirectoryEmitter();
        emitter.Reset(size, old);
        bool locked = file.NeedsPositionLock(current);
        if (locked)
            await file.PositionLock.LockAsync(current);
        long start = file.Position;
        Errno error = await IterateAsync(current, file, emitter);
        Result<long> result = error != Errno.Success ? error : emitter.IsTooSmall ? Errno.EINVAL : emitter.Length;
        if (result.Ok && result.Value > 0)
        {
            error = await current.WriteUserBytesAsync(buffer, emitter.Entries);
            if (error != Errno.Success)
            {
                file.Position = start;
                result = error;
            }
        }

        if (locked)
            file.PositionLock.Unlock(current);
        if (_emitters.Count < 4)
            _emitters.Push(emitter);
        return result;
    }
}
