using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <content>What a merged directory holds.</content>
internal sealed partial class OverlayDirectory
{
    private const byte CharacterDeviceType = 2;

    /// <summary>All visible entries, those of the upper directory first, without "." and "..".</summary>
    public async KTask<Result<DirectorySnapshot>> ListAsync(Task current)
    {
        var merged = new DirectorySnapshot();
        var seen = new HashSet<FileName>();
        if (Upper is { } upper)
        {
            Errno error = await MergeAsync(current, upper, merged, seen);
            if (error != Errno.Success)
                return error;
        }

        foreach (Inode lower in _lowers)
        {
            Errno error = await MergeAsync(current, lower, merged, seen);
            if (error != Errno.Success)
                return error;
        }

        return merged;
    }

    private async KTask<Result<bool>> IsEmptyAsync(Task current)
    {
        Result<DirectorySnapshot> listed = await ListAsync(current);
        return listed.Ok ? listed.Value.Count == 0 : listed.Error;
    }

    /// <summary>Takes the whiteouts out of the upper directory of an empty one, so that it can be removed.</summary>
    private async KTask<Errno> ClearWhiteoutsAsync(Task current)
    {
        if (Upper is not { } upper)
            return Errno.Success;
        await upper.Lock.LockAsync(current);
        Result<DirectorySnapshot> listed = await ReadTreeAsync(current, upper);
        Errno error = listed.Error;
        for (int i = 0; listed.Ok && i < listed.Value.Count && error == Errno.Success; i++)
        {
            var name = new FileName(listed.Value.Name(i));
            Result<Inode?> found = await upper.LookupAsync(current, name);
            error = found.Error;
            if (found is not { Ok: true, Value: { } inode })
                continue;
            error = IsWhiteout(inode) ? await upper.UnlinkAsync(current, name, inode) : Errno.ENOTEMPTY;
            inode.Put();
            Super.ForgetUpper(this, name);
        }

        upper.Lock.Unlock(current);
        return error;
    }

    /// <summary>Adds what a directory of one tree shows, of what has not been seen above it.</summary>
    private async KTask<Errno> MergeAsync(Task current, Inode directory, DirectorySnapshot merged, HashSet<FileName> seen)
    {
        await directory.Lock.LockAsync(current);
        Result<DirectorySnapshot> listed = await ReadTreeAsync(current, directory);
        Errno error = listed.Error;
        for (int i = 0; listed.Ok && i < listed.Value.Count && error == Errno.Success; i++)
        {
            var name = new FileName(listed.Value.Name(i));
            byte type = listed.Value.Type(i);
            if (!seen.Add(name))
                continue;
            if (type == CharacterDeviceType)
            {
                Result<Inode?> found = await directory.LookupAsync(current, name);
                error = found.Error;
                if (found is not { Ok: true, Value: { } inode })
                    continue;
                bool isWhiteout = IsWhiteout(inode);
                inode.Put();
                if (isWhiteout)
                    continue;
            }

            merged.Add(name.Bytes, Super.NumberInListing(directory.SuperBlock, listed.Value.Inode(i)), type);
        }

        directory.Lock.Unlock(current);
        return error;
    }

    /// <summary>The whole listing of a directory of one tree, whose lock is held.</summary>
    private async KTask<Result<DirectorySnapshot>> ReadTreeAsync(Task current, Inode directory)
    {
        Result<OpenFile> opened = await directory.OpenAsync(current, new VfsPath(null!, Super.Root), OpenFlags.ReadOnly | OpenFlags.Directory);
        if (!opened.TryGet(out OpenFile? file, out Errno error))
            return error;
        var snapshot = new DirectorySnapshot();
        var emitter = new SnapshotEmitter(snapshot);
        long before;
        do
        {
            before = file.Position;
            error = await file.IterateAsync(current, emitter);
        }
        while (error == Errno.Success && file.Position != before);
        file.Put();
        return error == Errno.Success ? snapshot : error;
    }
}
