using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Tmpfs;

/// <content>Creating, linking, removing and renaming. The VFS holds the locks and has checked types and permissions.</content>
internal sealed partial class TmpfsDirectory
{
    public override KTask<Result<Inode>> CreateAsync(Task current, FileName name, FileMode mode) =>
        KTask<Result<Inode>>.FromResult(Make(current, name, FileMode.Regular | (mode & FileMode.PermissionMask), default, null));

    public override KTask<Result<Inode>> MakeDirectoryAsync(Task current, FileName name, FileMode mode) =>
        KTask<Result<Inode>>.FromResult(Make(current, name, FileMode.Directory | (mode & FileMode.PermissionMask), default, null));

    public override KTask<Result<Inode>> MakeNodeAsync(Task current, FileName name, FileMode mode, DeviceNumber device) =>
        KTask<Result<Inode>>.FromResult(Make(current, name, mode, device, null));

    public override KTask<Result<Inode>> SymlinkAsync(Task current, FileName name, ReadOnlyMemory<byte> target) =>
        KTask<Result<Inode>>.FromResult(Make(current, name, FileMode.Symlink | (FileMode)0x1FF, default, target.ToArray()));

    public override KTask<Result<Inode>> CreateTemporaryAsync(Task current, FileMode mode)
    {
        Result<TmpfsInode> made = Allocate(current, FileMode.Regular | (mode & FileMode.PermissionMask), default, null);
        if (!made.TryGet(out TmpfsInode? inode, out Errno error))
            return Fail<Inode>(error);
        inode.LinkCount = 0;
        return KTask<Result<Inode>>.FromResult(inode);
    }

    public override KTask<Errno> LinkAsync(Task current, Inode target, FileName name)
    {
        var inode = (TmpfsInode)target;
        if (LinkCount == 0)
            return Fail(Errno.ENOENT);

        // A nameless file has been counted when it was made; further names cost like further inodes.
        bool counted = inode.LinkCount > 0;
        Errno error = counted ? Super.ReserveInode() : Errno.Success;
        if (error != Errno.Success)
            return Fail(error);
        if ((error = Insert(current, name, inode)) != Errno.Success)
        {
            if (counted)
                Super.ReleaseInode();
            return Fail(error);
        }

        _ = inode.Get();
        inode.LinkCount++;
        inode.TouchAttributes();
        TouchContent();
        return Fail(Errno.Success);
    }

    public override KTask<Errno> UnlinkAsync(Task current, FileName name, Inode victim)
    {
        var inode = (TmpfsInode)victim;
        Remove(name);
        if (inode.LinkCount > 1)
            Super.ReleaseInode();
        inode.LinkCount--;
        inode.TouchAttributes();
        TouchContent();
        inode.Put();
        return Fail(Errno.Success);
    }

    public override KTask<Errno> RemoveDirectoryAsync(Task current, FileName name, Inode victim)
    {
        var directory = (TmpfsDirectory)victim;
        if (directory.Count != 0)
            return Fail(Errno.ENOTEMPTY);
        Remove(name);
        directory.Detach();
        LinkCount--;
        TouchContent();
        directory.Put();
        return Fail(Errno.Success);
    }

    public override KTask<Errno> RenameAsync(Task current, FileName oldName, Inode source, Inode newDirectory, FileName newName, Inode? target, RenameFlags flags)
    {
        if ((flags & ~(RenameFlags.NoReplace | RenameFlags.Exchange | RenameFlags.Whiteout)) != 0)
            return Fail(Errno.EINVAL);
        var to = (TmpfsDirectory)newDirectory;
        var inode = (TmpfsInode)source;
        return Fail((flags & RenameFlags.Exchange) != 0
            ? Exchange(oldName, inode, to, newName, (TmpfsInode)target!)
            : Move(current, oldName, inode, to, newName, (TmpfsInode?)target, (flags & RenameFlags.Whiteout) != 0));
    }

    private Errno Move(Task current, FileName oldName, TmpfsInode source, TmpfsDirectory to, FileName newName, TmpfsInode? target, bool leaveWhiteout)
    {
        if (target is TmpfsDirectory { Count: not 0 })
            return Errno.ENOTEMPTY;
        if (to.LinkCount == 0)
            return Errno.ENOENT;
        TmpfsInode? whiteout = null;
        if (leaveWhiteout)
        {
            Result<TmpfsInode> made = Allocate(current, FileMode.CharacterDevice, default, null);
            if (!made.TryGet(out whiteout, out Errno error))
                return error;
        }

        if (target is null)
        {
            Errno error = to.Insert(current, newName, source);
            if (error != Errno.Success)
            {
                whiteout?.Put();
                return error;
            }
        }
        else
        {
            to.Replace(newName, source);
            if (target is TmpfsDirectory emptied)
            {
                emptied.Detach();
                to.LinkCount--;
            }
            else
            {
                if (target.LinkCount > 1)
                    Super.ReleaseInode();
                target.LinkCount--;
                target.TouchAttributes();
            }

            target.Put();
        }

        if (whiteout is not null)
            Replace(oldName, whiteout);
        else
            Remove(oldName);
        if (source is TmpfsDirectory moved)
        {
            moved.Parent = to;
            LinkCount--;
            to.LinkCount++;
        }

        TouchContent();
        to.TouchContent();
        source.TouchAttributes();
        return Errno.Success;
    }

    private Errno Exchange(FileName oldName, TmpfsInode source, TmpfsDirectory to, FileName newName, TmpfsInode target)
    {
        Replace(oldName, target);
        to.Replace(newName, source);
        if (source is TmpfsDirectory a)
        {
            a.Parent = to;
            LinkCount--;
            to.LinkCount++;
        }

        if (target is TmpfsDirectory b)
        {
            b.Parent = this;
            to.LinkCount--;
            LinkCount++;
        }

        TouchContent();
        to.TouchContent();
        source.TouchAttributes();
        target.TouchAttributes();
        return Errno.Success;
    }

    /// <summary>The directory has lost its name.</summary>
    private void Detach()
    {
        LinkCount = 0;
        Parent = null;
        TouchAttributes();
    }

    /// <summary>Makes an object and its name; the caller gets a reference of its own.</summary>
    private Result<Inode> Make(Task current, FileName name, FileMode mode, DeviceNumber device, byte[]? target)
    {
        if (LinkCount == 0)
            return Errno.ENOENT;
        Result<TmpfsInode> made = Allocate(current, mode, device, target);
        if (!made.TryGet(out TmpfsInode? inode, out Errno error))
            return error;
        if ((error = Insert(current, name, inode)) != Errno.Success)
        {
            inode.LinkCount = 0;
            inode.Put();
            return error;
        }

        if (inode.IsDirectory)
            LinkCount++;
        TouchContent();
        return inode.Get();
    }

    /// <summary>Makes an object without a name, with one reference, counted and charged.</summary>
    private Result<TmpfsInode> Allocate(Task current, FileMode mode, DeviceNumber device, byte[]? target)
    {
        Errno error = Super.ReserveInode();
        if (error != Errno.Success)
            return error;
        OwnershipOfNew(current, ref mode, out Uid uid, out Gid gid);
        TmpfsInode inode = (mode & FileMode.TypeMask) switch
        {
            FileMode.Directory => new TmpfsDirectory(Super, mode, this) { LinkCount = 2 },
            FileMode.Regular => new TmpfsRegularFile(Super, mode),
            FileMode.Symlink => new TmpfsSymlink(Super, target!),
            _ => new TmpfsNode(Super, mode, device),
        };
        inode.Uid = uid;
        inode.Gid = gid;
        if ((error = inode.Charge(current.Cgroup, ObjectSize + (target?.Length ?? 0))) == Errno.Success)
            return inode;
        inode.LinkCount = 0;
        inode.Put();
        return error;
    }
}
