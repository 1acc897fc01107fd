using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <content>rename(2) and renameat2(2).</content>
internal sealed partial class VirtualFileSystem
{
    // One rename between directories at a time per machine: only then is "who is whose ancestor" a fixed fact.
    private readonly KernelMutex _renameMutex = new(LockRank.RenameMutex);
    private uint _moveCookie;

    public async KTask<Errno> RenameAsync(Task current, Fd oldDirectory, PathName oldName, Fd newDirectory, PathName newName, RenameFlags flags)
    {
        if ((flags & ~(RenameFlags.NoReplace | RenameFlags.Exchange | RenameFlags.Whiteout)) != 0)
            return Errno.EINVAL;
        if ((flags & RenameFlags.Exchange) != 0 && (flags & (RenameFlags.NoReplace | RenameFlags.Whiteout)) != 0)
            return Errno.EINVAL;
        if ((flags & RenameFlags.Whiteout) != 0 && !current.IsCapable(Capability.Mknod))
            return Errno.EPERM;
        using PathWalk from = RentWalk();
        Errno error = from.Start(current, oldDirectory, oldName, WalkFlags.Parent);
        if (error == Errno.Success)
            error = await from.ResolveAsync();
        if (error != Errno.Success)
            return error;
        using PathWalk to = RentWalk();
        error = to.Start(current, newDirectory, newName, WalkFlags.Parent);
        if (error == Errno.Success)
            error = await to.ResolveAsync();
        if (error != Errno.Success)
            return error;
        if (from.At.Mount != to.At.Mount)
            return Errno.EXDEV;
        if (from.LastKind != LastKind.Normal)
            return Errno.EBUSY;
        if (to.LastKind != LastKind.Normal)
            return (flags & RenameFlags.NoReplace) != 0 ? Errno.EEXIST : Errno.EBUSY;
        error = from.At.Mount.BeginWrite();
        if (error != Errno.Success)
            return error;
        var rename = new Rename(from.At.Dentry, from.Last, from.HasTrailingSlash, to.At.Dentry, to.Last, to.HasTrailingSlash, flags);
        bool crosses = rename.OldParent != rename.NewParent;
        if (crosses)
            await _renameMutex.LockAsync(current);
        await LockParentsAsync(current, rename);
        Inode? overwritten;
        (error, overwritten) = await RenameLockedAsync(current, rename);
        rename.OldParent.Inode!.Lock.Unlock(current);
        if (crosses)
        {
            rename.NewParent.Inode!.Lock.Unlock(current);
            _renameMutex.Unlock(current);
        }

        from.At.Mount.EndWrite();
        overwritten?.Put();
        return error;
    }

    private readonly record struct Rename(
        Dentry OldParent, FileName OldName, bool OldSlash, Dentry NewParent, FileName NewName, bool NewSlash, RenameFlags Flags)
    {
        public bool Exchanges => (Flags & RenameFlags.Exchange) != 0;
    }

    /// <summary>Ancestors first; unrelated ones in any order, since the rename mutex lets only one in.</summary>
    private static async KTask LockParentsAsync(Task current, Rename rename)
    {
        Inode first = rename.OldParent.Inode!;
        Inode second = rename.NewParent.Inode!;
        if (first == second)
        {
            await first.Lock.LockAsync(current);
            return;
        }

        if (rename.OldParent.IsWithin(rename.NewParent))
            (first, second) = (second, first);
        await first.Lock.LockAsync(current);
        await second.Lock.LockAsync(current);
    }

    private async KTask<(Errno Error, Inode? Overwritten)> RenameLockedAsync(Task current, Rename rename)
    {
        Result<Dentry> old = await LookUpLockedAsync(current, rename.OldParent, rename.OldName);
        if (!old.Ok)
            return (old.Error, null);
        Dentry source = old.Value;
        if (source.IsNegative)
        {
            source.Put();
            return (Errno.ENOENT, null);
        }

        Result<Dentry> found = await LookUpLockedAsync(current, rename.NewParent, rename.NewName);
        if (!found.Ok)
        {
            source.Put();
            return (found.Error, null);
        }

        Dentry target = found.Value;
        Inode? overwritten = rename.Exchanges ? null : target.Inode?.Get();
        Errno error = CheckShape(rename, source, target);
        if (error == Errno.Success && source.Inode != target.Inode)
        {
            error = await MayRenameAsync(current, rename, source, target);
            if (error == Errno.Success)
                error = await RenameInodesAsync(current, rename, source, target);
        }

        target.Put();
        source.Put();
        return (error, overwritten);
    }

    /// <summary>What does not depend on who asks: existence, slashes, ancestors.</summary>
    private static Errno CheckShape(Rename rename, Dentry source, Dentry target)
    {
        if ((rename.Flags & RenameFlags.NoReplace) != 0 && !target.IsNegative)
            return Errno.EEXIST;
        if (rename.Exchanges)
        {
            if (target.IsNegative)
                return Errno.ENOENT;
            if (!target.Inode!.IsDirectory && rename.NewSlash)
                return Errno.ENOTDIR;
        }

        if (!source.Inode!.IsDirectory && (rename.OldSlash || (!rename.Exchanges && rename.NewSlash)))
            return Errno.ENOTDIR;
        if (rename.NewParent.IsWithin(source))
            return Errno.EINVAL;
        if (rename.OldParent.IsWithin(target))
            return rename.Exchanges ? Errno.EINVAL : Errno.ENOTEMPTY;
        return Errno.Success;
    }

    private async KTask<Errno> MayRenameAsync(Task current, Rename rename, Dentry source, Dentry target)
    {
        Inode oldDirectory = rename.OldParent.Inode!;
        Inode newDirectory = rename.NewParent.Inode!;
        Inode moved = source.Inode!;
        Errno error = await MayDeleteAsync(current, oldDirectory, moved, moved.IsDirectory);
        if (error != Errno.Success)
            return error;
        if (target.Inode is not { } other)
            error = await MayCreateAsync(current, newDirectory);
        else if (rename.Exchanges)
            error = await MayDeleteAsync(current, newDirectory, other, other.IsDirectory);
        else
            error = await MayDeleteAsync(current, newDirectory, other, moved.IsDirectory);
        if (error != Errno.Success)
            return error;

        // A directory that gets another parent is itself changed: its "..".
        if (oldDirectory != newDirectory)
        {
            if (moved.IsDirectory)
                error = await PermissionAsync(current, moved, AccessMask.Write);
            if (error == Errno.Success && rename.Exchanges && target.Inode!.IsDirectory)
                error = await PermissionAsync(current, target.Inode, AccessMask.Write);
            if (error != Errno.Success)
                return error;
        }

        return IsMountPointHere(current, source) || IsMountPointHere(current, target) ? Errno.EBUSY : Errno.Success;
    }

    private async KTask<Errno> RenameInodesAsync(Task current, Rename rename, Dentry source, Dentry target)
    {
        Inode oldDirectory = rename.OldParent.Inode!;
        Inode newDirectory = rename.NewParent.Inode!;
        Inode moved = source.Inode!;
        Inode? other = target.Inode;
        if (other is not null)
            await other.Lock.LockAsync(current);
        Errno error = await oldDirectory.RenameAsync(current, rename.OldName, moved, newDirectory, rename.NewName, other, rename.Flags);
        if (error == Errno.Success && other is { IsDirectory: true } && !rename.Exchanges)
        {
            Dentries.ShrinkBelow(target);
            other.IsDead = true;
        }

        other?.Lock.Unlock(current);
        if (error != Errno.Success)
            return error;
        if (rename.Exchanges)
        {
            Dentries.Exchange(source, target);
        }
        else
        {
            DetachMountsOn(target);
            Dentries.Move(source, target);
        }

        if (WatchCount != 0)
            NotifyRename(rename, moved, other);
        return Errno.Success;
    }

    private void NotifyRename(Rename rename, Inode moved, Inode? other)
    {
        Inode oldDirectory = rename.OldParent.Inode!;
        Inode newDirectory = rename.NewParent.Inode!;
        NotifyMove(oldDirectory, rename.OldName, newDirectory, rename.NewName, moved, rename.Exchanges ? null : other);
        if (rename.Exchanges)
            NotifyMove(newDirectory, rename.NewName, oldDirectory, rename.OldName, other!, overwritten: null);
    }

    private void NotifyMove(Inode from, FileName oldName, Inode to, FileName newName, Inode moved, Inode? overwritten)
    {
        uint cookie = ++_moveCookie;
        FsEvents kind = moved.IsDirectory ? FsEvents.IsDirectory : FsEvents.None;
        if (from == to)
            NotifyEntry(from, oldName, FsEvents.Renamed | kind);
        NotifyEntry(from, oldName, FsEvents.MovedFrom | kind, cookie);
        NotifyEntry(to, newName, FsEvents.MovedTo | kind, cookie);
        if (overwritten is not null)
            NotifyInode(overwritten, FsEvents.Attributes);
        NotifyInode(moved, FsEvents.MoveSelf);
    }
}
