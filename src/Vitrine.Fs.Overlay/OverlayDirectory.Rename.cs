using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <content>Renaming: always within the upper tree; a directory whose lower part stays behind remembers where that is.</content>
internal sealed partial class OverlayDirectory
{
    /// <summary>The largest value of an extended attribute.</summary>
    private const int MaxRedirect = 65536;

    public override async KTask<Errno> RenameAsync(Task current, FileName oldName, Inode source, Inode newDirectory, FileName newName, Inode? target, RenameFlags flags)
    {
        if ((flags & ~(RenameFlags.NoReplace | RenameFlags.Exchange)) != 0)
            return Errno.EINVAL;
        var to = (OverlayDirectory)newDirectory;
        var moved = (OverlayInode)source;
        var replaced = (OverlayInode?)target;
        bool exchange = (flags & RenameFlags.Exchange) != 0;
        Errno error = await PrepareAsync(current, to, moved, replaced, exchange);
        if (error != Errno.Success)
            return error;

        Result<LowerEntry> lowerOld = await FindLowerAsync(current, oldName);
        Result<LowerEntry> lowerNew = await to.FindLowerAsync(current, newName);
        if (!lowerOld.Ok || !lowerNew.Ok)
            return lowerOld.Ok ? lowerNew.Error : lowerOld.Error;
        if (moved is OverlayDirectory directory)
            error = await directory.DetachFromPlaceAsync(current, lowerNew.Value == LowerEntry.Directory);
        if (error == Errno.Success && exchange && replaced is OverlayDirectory other)
            error = await other.DetachFromPlaceAsync(current, lowerOld.Value == LowerEntry.Directory);
        if (error != Errno.Success)
            return error;

        // In one order, whoever asks: renames of two directories wait for each other above, but not for the trees' own users.
        Inode upperOld = Upper!;
        Inode upperNew = to.Upper!;
        Inode first = upperOld.Number.Value <= upperNew.Number.Value ? upperOld : upperNew;
        Inode second = first == upperOld ? upperNew : upperOld;
        await first.Lock.LockAsync(current);
        if (second != first)
            await second.Lock.LockAsync(current);
        error = await RenameUpperAsync(current, upperOld, oldName, moved, upperNew, newName, replaced, exchange, lowerOld.Value != LowerEntry.Absent);
        if (second != first)
            second.Lock.Unlock(current);
        first.Lock.Unlock(current);
        if (error == Errno.Success)
            FinishRename(oldName, moved, to, newName, replaced, exchange);
        return error;
    }

    /// <summary>Copies up what takes part, and sees that a directory to be replaced is empty.</summary>
    private async KTask<Errno> PrepareAsync(Task current, OverlayDirectory to, OverlayInode moved, OverlayInode? replaced, bool exchange)
    {
        if (!exchange && replaced is OverlayDirectory directory)
        {
            Result<bool> empty = await directory.IsEmptyAsync(current);
            if (!empty.Ok)
                return empty.Error;
            if (!empty.Value)
                return Errno.ENOTEMPTY;
        }

        Errno error = await CopyUpAsync(current, long.MaxValue);
        if (error == Errno.Success)
            error = await to.CopyUpAsync(current, long.MaxValue);
        if (error == Errno.Success)
            error = await moved.CopyUpAsync(current, long.MaxValue);
        if (error == Errno.Success && exchange)
            error = await replaced!.CopyUpAsync(current, long.MaxValue);
        if (error == Errno.Success && !exchange && replaced is OverlayDirectory emptied)
            error = await emptied.ClearWhiteoutsAsync(current);
        return error;
    }

    /// <summary>
    /// Before a directory moves: its lower part will no longer be at its own place, so the upper one says where it is;
    /// and what is at the new place in the lower trees must not show through.
    /// </summary>
    private async KTask<Errno> DetachFromPlaceAsync(Task current, bool newPlaceHasLower)
    {
        Inode upper = Upper!;
        Errno error = Errno.Success;
        if (_lowers.Length > 0)
        {
            byte[] path = LowerPath();
            if (path.Length > MaxRedirect)
                return Errno.ENAMETOOLONG;
            await upper.Lock.LockAsync(current);
            error = await upper.SetXattrAsync(current, Super.RedirectName, path, XattrFlags.None);
            upper.Lock.Unlock(current);
            if (error == Errno.Success)
                _redirect = path;
        }
        else if (newPlaceHasLower)
        {
            await upper.Lock.LockAsync(current);
            error = await upper.SetXattrAsync(current, Super.OpaqueName, OpaqueMark, XattrFlags.None);
            upper.Lock.Unlock(current);
            IsOpaque = error == Errno.Success;
        }

        return error;
    }

    private async KTask<Errno> RenameUpperAsync(
        Task current,
        Inode upperOld,
        FileName oldName,
        OverlayInode moved,
        Inode upperNew,
        FileName newName,
        OverlayInode? replaced,
        bool exchange,
        bool needsWhiteout)
    {
        Inode source = moved.Upper!;
        Errno error = await MaterialiseAsync(current, upperOld, oldName, source);
        if (error == Errno.Success && exchange)
            error = await MaterialiseAsync(current, upperNew, newName, replaced!.Upper!);
        if (error != Errno.Success)
            return error;
        Result<Inode?> found = await upperNew.LookupAsync(current, newName);
        if (!found.TryGet(out Inode? existing, out error))
            return error;
        if (exchange)
        {
            error = await upperOld.RenameAsync(current, oldName, source, upperNew, newName, existing, RenameFlags.Exchange);
        }
        else if (existing == source)
        {
            // Two names of one file, one of them only in a lower tree so far: the old one goes.
            error = await RemoveUpperAsync(current, upperOld, oldName, needsWhiteout);
        }
        else
        {
            error = await upperOld.RenameAsync(current, oldName, source, upperNew, newName, existing, needsWhiteout ? RenameFlags.Whiteout : RenameFlags.None);
        }

        existing?.Put();
        return error;
    }

    /// <summary>A name that leads to a copied-up file only through its lower link gets an entry of its own.</summary>
    private static async KTask<Errno> MaterialiseAsync(Task current, Inode directory, FileName name, Inode upper)
    {
        Result<Inode?> found = await directory.LookupAsync(current, name);
        if (!found.Ok)
            return found.Error;
        if (found.Value is not { } existing)
            return await directory.LinkAsync(current, upper, name);
        existing.Put();
        return existing == upper ? Errno.Success : Errno.ESTALE;
    }

    private void FinishRename(FileName oldName, OverlayInode moved, OverlayDirectory to, FileName newName, OverlayInode? replaced, bool exchange)
    {
        moved.LoseName(this, oldName);
        if (replaced is not null)
        {
            replaced.LoseName(to, newName);
            if (exchange)
            {
                replaced.PlaceAt(this, oldName);
            }
            else if (replaced.IsDirectory)
            {
                replaced.LinkCount = 0;
            }
            else
            {
                replaced.NameRemoved();
                replaced.CopyAttributes();
            }
        }

        moved.PlaceAt(to, newName);
        moved.CopyAttributes();
        if (exchange)
            replaced!.CopyAttributes();
        Changed(oldName);
        to.Changed(newName);
    }
}
