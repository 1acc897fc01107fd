using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <content>Making and removing entries: always in the upper directory, with whiteouts over what lower ones have.</content>
internal sealed partial class OverlayDirectory
{
    private static readonly byte[] NoTarget = [];

    /// <summary>What the lower directories have under a name.</summary>
    private enum LowerEntry
    {
        Absent = 0,
        Directory = 1,
        Other = 2,
    }

    public override KTask<Result<Inode>> CreateAsync(Task current, FileName name, FileMode mode) =>
        MakeAsync(current, name, FileMode.Regular | (mode & FileMode.PermissionMask), default, NoTarget);

    public override KTask<Result<Inode>> MakeDirectoryAsync(Task current, FileName name, FileMode mode) =>
        MakeAsync(current, name, FileMode.Directory | (mode & FileMode.PermissionMask), default, NoTarget);

    public override KTask<Result<Inode>> MakeNodeAsync(Task current, FileName name, FileMode mode, DeviceNumber device)
    {
        // A guest's own 0:0 would be a whiteout.
        bool isWhiteout = (mode & FileMode.TypeMask) == FileMode.CharacterDevice && device == default;
        return isWhiteout ? Fail<Inode>(Errno.EPERM) : MakeAsync(current, name, mode, device, NoTarget);
    }

    public override KTask<Result<Inode>> SymlinkAsync(Task current, FileName name, ReadOnlyMemory<byte> target) =>
        MakeAsync(current, name, FileMode.Symlink | (FileMode)0x1FF, default, target.ToArray());

    public override async KTask<Result<Inode>> CreateTemporaryAsync(Task current, FileMode mode)
    {
        Errno error = await CopyUpAsync(current, long.MaxValue);
        if (error != Errno.Success || (error = current.Cgroup.ChargeKernelMemory(ObjectSize)) != Errno.Success)
            return error;
        Inode upper = Upper!;
        await upper.Lock.LockAsync(current);
        Result<Inode> made = await upper.CreateTemporaryAsync(current, mode);
        upper.Lock.Unlock(current);
        if (!made.Ok)
        {
            current.Cgroup.UnchargeKernelMemory(ObjectSize);
            return made;
        }

        return Adopt(current, made.Value);
    }

    public override async KTask<Errno> LinkAsync(Task current, Inode target, FileName name)
    {
        var inode = (OverlayInode)target;
        Errno error = await CopyUpAsync(current, long.MaxValue);
        if (error != Errno.Success || (error = await inode.CopyUpAsync(current, long.MaxValue)) != Errno.Success)
            return error;
        Inode directory = Upper!;
        Inode upper = inode.Upper!;
        await inode.CopyUpLock.LockAsync(current);
        await directory.Lock.LockAsync(current);
        error = await LinkUpperAsync(current, directory, upper, name);
        directory.Lock.Unlock(current);
        inode.CopyUpLock.Unlock(current);
        if (error == Errno.Success)
        {
            inode.NameAdded();
            if (inode.Parent is null)
                inode.PlaceAt(this, name);
            Changed(name);
            inode.CopyAttributes();
        }

        return error;
    }

    public override async KTask<Errno> UnlinkAsync(Task current, FileName name, Inode victim)
    {
        Errno error = await CopyUpAsync(current, long.MaxValue);
        if (error != Errno.Success)
            return error;
        var inode = (OverlayInode)victim;

        // A copy-up that is under way ends first: it must not bring the name back.
        await inode.CopyUpLock.LockAsync(current);
        error = await RemoveNameAsync(current, name);
        if (error == Errno.Success)
        {
            inode.NameRemoved();
            inode.LoseName(this, name);
        }

        inode.CopyUpLock.Unlock(current);
        Changed(name);
        inode.CopyAttributes();
        return error;
    }

    public override async KTask<Errno> RemoveDirectoryAsync(Task current, FileName name, Inode victim)
    {
        var directory = (OverlayDirectory)victim;
        Result<bool> empty = await directory.IsEmptyAsync(current);
        if (!empty.Ok)
            return empty.Error;
        if (!empty.Value)
            return Errno.ENOTEMPTY;
        Errno error = await CopyUpAsync(current, long.MaxValue);
        if (error != Errno.Success)
            return error;
        await directory.CopyUpLock.LockAsync(current);
        error = await directory.ClearWhiteoutsAsync(current);
        if (error == Errno.Success)
            error = await RemoveNameAsync(current, name);
        if (error == Errno.Success)
        {
            directory.LinkCount = 0;
            directory.LoseName(this, name);
        }

        directory.CopyUpLock.Unlock(current);
        Changed(name);
        return error;
    }

    /// <summary>Makes an object in the upper directory.</summary>
    private async KTask<Result<Inode>> MakeAsync(Task current, FileName name, FileMode mode, DeviceNumber device, byte[] target)
    {
        Errno error = await CopyUpAsync(current, long.MaxValue);
        if (error != Errno.Success || (error = current.Cgroup.ChargeKernelMemory(ObjectSize)) != Errno.Success)
            return error;
        Inode directory = Upper!;
        await directory.Lock.LockAsync(current);
        Result<Inode> made = await MakeUpperAsync(current, directory, name, mode, device, target);
        directory.Lock.Unlock(current);
        Changed(name);
        if (!made.Ok)
        {
            current.Cgroup.UnchargeKernelMemory(ObjectSize);
            return made;
        }

        OverlayInode inode = Adopt(current, made.Value);
        inode.PlaceAt(this, name);
        return inode;
    }

    private async KTask<Result<Inode>> MakeUpperAsync(Task current, Inode directory, FileName name, FileMode mode, DeviceNumber device, byte[] target)
    {
        Result<Inode?> existing = await directory.LookupAsync(current, name);
        if (!existing.Ok)
            return existing.Error;
        if (existing.Value is not { } whiteout)
        {
            return (mode & FileMode.TypeMask) switch
            {
                FileMode.Regular => await directory.CreateAsync(current, name, mode & FileMode.PermissionMask),
                FileMode.Directory => await directory.MakeDirectoryAsync(current, name, mode & FileMode.PermissionMask),
                FileMode.Symlink => await directory.SymlinkAsync(current, name, target),
                _ => await directory.MakeNodeAsync(current, name, mode, device),
            };
        }

        // Made complete elsewhere and put over the whiteout, so that what it hides is never seen between.
        OwnershipOfNew(current, ref mode, out Uid uid, out Gid gid);
        Result<Inode> made = await Super.MakeInWorkAsync(current, mode, device, target);
        if (made.TryGet(out Inode? inode, out Errno error))
        {
            error = await inode.SetAttributesAsync(current, new InodeAttributes
            {
                Mask = AttributeMask.Uid | AttributeMask.Gid | (inode.IsSymlink ? AttributeMask.None : AttributeMask.Mode),
                Uid = uid,
                Gid = gid,
                Mode = mode,
            });
            if (error == Errno.Success && inode.IsDirectory)
                error = await inode.SetXattrAsync(current, Super.OpaqueName, OpaqueMark, XattrFlags.None);
            if (error == Errno.Success)
                error = await PutOverAsync(current, inode, directory, name, whiteout);
            if (error != Errno.Success)
            {
                await Super.RemoveFromWorkAsync(current, inode);
                inode.Put();
                made = error;
            }
        }

        whiteout.Put();
        return made;
    }

    /// <summary>Moves an object from the work directory over an entry of an upper directory, which goes.</summary>
    private async KTask<Errno> PutOverAsync(Task current, Inode inode, Inode directory, FileName name, Inode existing)
    {
        bool exchange = inode.IsDirectory || existing.IsDirectory;
        FileName temporary = Super.TemporaryNameOf(inode);
        Inode work = Super.Work;
        await work.Lock.LockAsync(current);
        Errno error = await work.RenameAsync(current, temporary, inode, directory, name, existing, exchange ? RenameFlags.Exchange : RenameFlags.None);
        work.Lock.Unlock(current);
        if (error != Errno.Success)
            return error;
        if (exchange)
        {
            Super.ReplaceTemporary(inode, existing);
            await Super.RemoveFromWorkAsync(current, existing);
        }
        else
        {
            Super.ForgetTemporary(inode);
        }

        return Errno.Success;
    }

    private async KTask<Errno> LinkUpperAsync(Task current, Inode directory, Inode upper, FileName name)
    {
        Result<Inode?> existing = await directory.LookupAsync(current, name);
        if (!existing.Ok)
            return existing.Error;
        if (existing.Value is not { } whiteout)
            return await directory.LinkAsync(current, upper, name);
        FileName temporary = Super.NextTemporaryName();
        Inode work = Super.Work;
        await work.Lock.LockAsync(current);
        Errno error = await work.LinkAsync(current, upper, temporary);
        if (error == Errno.Success)
        {
            error = await work.RenameAsync(current, temporary, upper, directory, name, whiteout, RenameFlags.None);
            if (error != Errno.Success)
                _ = await work.UnlinkAsync(current, temporary, upper);
        }

        work.Lock.Unlock(current);
        whiteout.Put();
        return error;
    }

    /// <summary>Takes a name out of the overlay: out of the upper directory, and under a whiteout if a lower one has it.</summary>
    private async KTask<Errno> RemoveNameAsync(Task current, FileName name)
    {
        Result<LowerEntry> lower = await FindLowerAsync(current, name);
        if (!lower.Ok)
            return lower.Error;
        Inode directory = Upper!;
        await directory.Lock.LockAsync(current);
        Errno error = await RemoveUpperAsync(current, directory, name, lower.Value != LowerEntry.Absent);
        directory.Lock.Unlock(current);
        return error;
    }

    private async KTask<Errno> RemoveUpperAsync(Task current, Inode directory, FileName name, bool needsWhiteout)
    {
        Result<Inode?> found = await directory.LookupAsync(current, name);
        if (!found.Ok)
            return found.Error;
        Errno error;
        if (found.Value is not { } existing)
        {
            if (!needsWhiteout)
                return Errno.ENOENT;
            Result<Inode> made = await directory.MakeNodeAsync(current, name, FileMode.CharacterDevice, default);
            if (made.Ok)
                made.Value.Put();
            return made.Error;
        }

        if (!needsWhiteout)
        {
            error = existing.IsDirectory
                ? await directory.RemoveDirectoryAsync(current, name, existing)
                : await directory.UnlinkAsync(current, name, existing);
        }
        else
        {
            Result<Inode> made = await Super.MakeInWorkAsync(current, FileMode.CharacterDevice, default, NoTarget);
            error = made.Error;
            if (made.Ok)
            {
                error = await PutOverAsync(current, made.Value, directory, name, existing);
                if (error != Errno.Success)
                    await Super.RemoveFromWorkAsync(current, made.Value);
                made.Value.Put();
            }
        }

        existing.Put();
        return error;
    }

    /// <summary>What shows through from the lower directories under a name if the upper one has nothing there.</summary>
    private async KTask<Result<LowerEntry>> FindLowerAsync(Task current, FileName name)
    {
        foreach (Inode lower in _lowers)
        {
            Result<Inode?> found = await FindAsync(current, lower, name);
            if (!found.TryGet(out Inode? inode, out Errno error))
                return error;
            if (inode is null)
                continue;
            LowerEntry kind = IsWhiteout(inode) ? LowerEntry.Absent : inode.IsDirectory ? LowerEntry.Directory : LowerEntry.Other;
            inode.Put();
            return kind;
        }

        return LowerEntry.Absent;
    }

    /// <summary>The overlay inode of a new upper object, whose reference it takes over. It has been paid for.</summary>
    private OverlayInode Adopt(Task current, Inode upper)
    {
        OverlayIdentity identity = Super.IdentityOf(upper, upper.SuperBlock.Device, upper.Number);
        OverlayInode inode = upper.Type switch
        {
            FileMode.Directory => new OverlayDirectory(Super, identity, upper, [], null, default, null, isOpaque: true),
            FileMode.Regular => new OverlayRegularFile(Super, identity, upper, null),
            _ => new OverlayNode(Super, identity, upper, null),
        };
        inode.ChargedTo = current.Cgroup;
        return inode;
    }

    /// <summary>An entry of the upper directory is not what it was.</summary>
    private void Changed(FileName name)
    {
        Super.ForgetUpper(this, name);
        CopyAttributes();
    }
}
