using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <content>open(2): find or create, check, make the description.</content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>Opens by path. The description has one reference, the caller's.</summary>
    public async KTask<Result<OpenFile>> OpenAsync(Task current, Fd directory, PathName name, OpenRequest request)
    {
        using PathWalk walk = RentWalk();
        WalkFlags flags = request.Walk;
        if (request.IsTemporary)
            flags |= WalkFlags.Directory;
        if (request.Creates)
            flags |= WalkFlags.Parent;
        Errno error = walk.Start(current, directory, name, flags);
        if (error != Errno.Success)
            return error;
        return await OpenWalkAsync(current, walk, request);
    }

    /// <summary>Opens what a walk that has been started leads to.</summary>
    internal async KTask<Result<OpenFile>> OpenWalkAsync(Task current, PathWalk walk, OpenRequest request)
    {
        Errno error = await walk.ResolveAsync();
        if (error != Errno.Success)
            return error;
        if (request.IsTemporary)
            return await OpenTemporaryAsync(current, walk.At, request);
        return request.Creates
            ? await OpenCreatingAsync(current, walk, request)
            : await OpenPlaceAsync(current, walk.At, request, created: false);
    }

    /// <summary>Opens a place that has been found (do_open): type and permission checks, the object's own open, truncation.</summary>
    public async KTask<Result<OpenFile>> OpenPlaceAsync(Task current, VfsPath path, OpenRequest request, bool created)
    {
        Inode inode = path.Dentry.Inode!;
        if (request.IsPathOnly)
            return Accounted(current, new PathFile(path, request.FileFlags));
        if (request.Creates && inode.IsDirectory && !created)
            return Errno.EISDIR;
        bool truncates = request.Truncates && inode.IsRegular && !created;
        Errno error = created
            ? CheckTypeForOpen(path, inode, AccessMask.None)
            : await MayOpenAsync(current, path, request);
        if (error != Errno.Success)
            return error;
        if (truncates)
        {
            error = path.Mount.BeginWrite();
            if (error != Errno.Success)
                return error;
        }

        Result<OpenFile> opened = await OpenInodeAsync(current, path, inode, request.FileFlags, truncates);
        if (opened.Ok)
            opened.Value.WasCreated = created && !request.IsTemporary;
        if (opened.Ok && truncates)
        {
            error = await TruncateAsync(current, opened.Value.Path.Dentry, 0);
            if (error != Errno.Success)
            {
                opened.Value.Put();
                opened = error;
            }
        }

        if (truncates)
            path.Mount.EndWrite();
        return opened;
    }

    /// <summary>Makes the description (do_dentry_open): write access on inode and mount, then the object's kind decides.</summary>
    /// <param name="truncates">The content will be cut off at once: a file system need not bring it up.</param>
    /// <param name="silent">It makes no events, nor does what is done through it.</param>
    /// <param name="executes">It will be executed.</param>
    internal async KTask<Result<OpenFile>> OpenInodeAsync(
        Task current, VfsPath path, Inode inode, OpenFlags flags, bool truncates = false, bool silent = false, bool executes = false)
    {
        bool special = inode.Type is FileMode.CharacterDevice or FileMode.BlockDevice or FileMode.Fifo or FileMode.Socket;
        bool writes = (flags & OpenFlags.AccessMode) is OpenFlags.WriteOnly or OpenFlags.ReadWrite && !special;
        if (writes)
        {
            Errno error = inode.GetWriteAccess();
            if (error == Errno.Success)
            {
                error = path.Mount.BeginWrite();
                if (error != Errno.Success)
                    inode.PutWriteAccess();
            }

            if (error != Errno.Success)
                return error;
        }

        if (!Fanotify.IsEmpty && !silent)
        {
            Errno error = executes
                ? await Fanotify.AskAsync(current, path, inode, FanotifyEvents.OpenExecPermission)
                : Errno.Success;
            if (error == Errno.Success)
                error = await Fanotify.AskAsync(current, path, inode, FanotifyEvents.OpenPermission);
            if (error != Errno.Success)
            {
                if (writes)
                {
                    inode.PutWriteAccess();
                    path.Mount.EndWrite();
                }

                return error;
            }
        }

        if (!Leases.IsEmpty && inode.IsRegular)
        {
            Errno error = await Leases.BreakAsync(current, inode, (flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly, (flags & OpenFlags.NonBlock) != 0);
            if (error != Errno.Success)
            {
                if (writes)
                {
                    inode.PutWriteAccess();
                    path.Mount.EndWrite();
                }

                return error;
            }
        }

        Result<OpenFile> opened = await DispatchOpenAsync(current, path, inode, truncates ? flags | OpenFlags.Truncate : flags);
        if (!opened.Ok)
        {
            if (writes)
            {
                inode.PutWriteAccess();
                path.Mount.EndWrite();
            }

            return opened;
        }

        OpenFile file = opened.Value;
        file.Flags &= ~(OpenFlags.Truncate | OpenFlags.NoControllingTty);
        if (writes)
            file.OwnWriteAccess(inode, path.Mount);
        else if (inode.IsRegular && file.CanRead && file.Inode == inode)
            file.CountReader();
        if ((flags & OpenFlags.Direct) != 0 && !file.SupportsDirect)
        {
            file.Put();
            return Errno.EINVAL;
        }

        opened = Accounted(current, file);
        if (opened.Ok)
        {
            opened.Value.IsSilent = silent;
            if (executes && !Fanotify.IsEmpty)
                Fanotify.ReportExec(opened.Value);
            NotifyFile(opened.Value, FsEvents.Open);
        }

        return opened;
    }

    private static Result<OpenFile> Accounted(Task current, OpenFile file)
    {
        Errno error = file.Account(current);
        if (error == Errno.Success)
            return file;
        file.Put();
        return error;
    }

    private KTask<Result<OpenFile>> DispatchOpenAsync(Task current, VfsPath path, Inode inode, OpenFlags flags)
    {
        SpecialOpener? opener = null;
        if (inode.LeadsNowhere)
            return KTask<Result<OpenFile>>.FromResult(Errno.ENXIO);
        if (inode.OpensItself)
            return inode.OpenAsync(current, path, flags);
        switch (inode.Type)
        {
            case FileMode.Regular:
            case FileMode.Directory:
                return inode.OpenAsync(current, path, flags);
            case FileMode.CharacterDevice:
                opener = Kernel.Devices.FindCharacter(inode.Device);
                break;
            case FileMode.BlockDevice:
                opener = Kernel.Devices.FindBlock(inode.Device);
                break;
            case FileMode.Fifo:
                opener = Kernel.Devices.FifoOpener;
                break;
        }

        return opener is null ? KTask<Result<OpenFile>>.FromResult(Errno.ENXIO) : opener(current, path, inode, flags);
    }

    private static Errno CheckTypeForOpen(VfsPath path, Inode inode, AccessMask access)
    {
        switch (inode.Type)
        {
            case FileMode.Symlink:
                return Errno.ELOOP;
            case FileMode.Directory:
                if ((access & AccessMask.Write) != 0)
                    return Errno.EISDIR;
                return (access & AccessMask.Execute) != 0 ? Errno.EACCES : Errno.Success;
            case FileMode.BlockDevice:
            case FileMode.CharacterDevice:
                if ((path.Mount.Flags & MountFlags.NoDev) != 0)
                    return Errno.EACCES;
                return (access & AccessMask.Execute) != 0 ? Errno.EACCES : Errno.Success;
            case FileMode.Regular:
                return (access & AccessMask.Execute) != 0 && (path.Mount.Flags & MountFlags.NoExec) != 0 ? Errno.EACCES : Errno.Success;
            default:
                return (access & AccessMask.Execute) != 0 ? Errno.EACCES : Errno.Success;
        }
    }

    private async KTask<Errno> MayOpenAsync(Task current, VfsPath path, OpenRequest request)
    {
        Inode inode = path.Dentry.Inode!;
        Errno error = CheckTypeForOpen(path, inode, request.Access);
        if (error != Errno.Success)
            return error;
        AccessMask access = request.Access;
        if (!inode.IsRegular && request.Truncates && (request.Flags & OpenFlags.AccessMode) == OpenFlags.ReadOnly)
            access |= AccessMask.Write;
        error = await PermissionAsync(current, inode, access);
        if (error != Errno.Success)
            return error;
        if ((request.Flags & OpenFlags.NoAccessTime) != 0 && !IsOwnerOrCapable(current, inode))
            return Errno.EPERM;
        return Errno.Success;
    }

    /// <summary>The last component of an open with O_CREAT.</summary>
    private async KTask<Result<OpenFile>> OpenCreatingAsync(Task current, PathWalk walk, OpenRequest request)
    {
        for (; ; )
        {
            if (walk.LastKind != LastKind.Normal || walk.HasTrailingSlash)
                return Errno.EISDIR;
            Result<CreatedPlace> found = await FindOrCreateAsync(current, walk, request);
            if (!found.Ok)
                return found.Error;
            (Dentry dentry, bool created) = found.Value;
            VfsPath place = new(walk.At.Mount, dentry);
            while (place.Dentry.IsMountPoint && place.Mount.FindChild(place.Dentry) is { } mount)
            {
                if ((request.Walk & WalkFlags.NoXdev) != 0)
                {
                    dentry.Put();
                    return Errno.EXDEV;
                }

                place = new VfsPath(mount, mount.Root);
            }

            Inode inode = place.Dentry.Inode!;
            if (!created && inode.IsSymlink && (request.Walk & WalkFlags.Follow) != 0)
            {
                Errno error = await walk.FollowLastAsync(place);
                dentry.Put();
                if (error != Errno.Success)
                    return error;
                if (walk.LastKind == LastKind.Root)
                    return await OpenPlaceAsync(current, walk.At, request, created: false);
                continue;
            }

            place.Get();
            dentry.Put();
            Result<OpenFile> opened = Errno.EEXIST;
            if (created || !request.IsExclusive)
            {
                Errno allowed = created ? Errno.Success : MayCreateInSticky(current, walk.At.Dentry.Inode!, inode);
                if (allowed != Errno.Success)
                    opened = allowed;
                else
                    opened = await OpenPlaceAsync(current, place, request, created);
            }

            place.Put();
            return opened;
        }
    }

    private readonly record struct CreatedPlace(Dentry Dentry, bool Created);

    /// <summary>Finds the last component or creates it as a regular file. The dentry carries a reference.</summary>
    private async KTask<Result<CreatedPlace>> FindOrCreateAsync(Task current, PathWalk walk, OpenRequest request)
    {
        VfsPath parent = walk.At;
        Inode directory = parent.Dentry.Inode!;
        FileName name = walk.Last;
        if (!directory.IsDirectory)
            return Errno.ENOTDIR;
        await directory.Lock.LockAsync(current);
        Result<CreatedPlace> result = await FindOrCreateLockedAsync(current, parent, name, request);
        directory.Lock.Unlock(current);
        return result;
    }

    private async KTask<Result<CreatedPlace>> FindOrCreateLockedAsync(Task current, VfsPath parent, FileName name, OpenRequest request)
    {
        Result<Dentry> found = await LookUpLockedAsync(current, parent.Dentry, name);
        if (!found.Ok)
            return found.Error;
        Dentry dentry = found.Value;
        if (!dentry.IsNegative)
            return new CreatedPlace(dentry, false);
        Errno error = parent.Mount.BeginWrite();
        if (error == Errno.Success)
        {
            error = await CreateRegularAsync(current, parent.Dentry.Inode!, dentry, request.Mode);
            parent.Mount.EndWrite();
        }

        if (error == Errno.Success)
            return new CreatedPlace(dentry, true);
        dentry.Put();
        return error;
    }

    private async KTask<Errno> CreateRegularAsync(Task current, Inode directory, Dentry dentry, FileMode mode)
    {
        Errno error = await MayCreateAsync(current, directory);
        if (error != Errno.Success)
            return error;
        Result<Inode> made = await directory.CreateAsync(current, dentry.Name, FileMode.Regular | (StripSetGid(current, directory, mode) & ~current.Fs!.Umask));
        if (!made.Ok)
            return made.Error;
        Dentries.Instantiate(dentry, made.Value);
        NotifyEntry(directory, dentry.Name, FsEvents.Create);
        return Errno.Success;
    }

    /// <summary>protected_fifos and protected_regular: no O_CREAT open of another's file in a sticky directory that others may write.</summary>
    private Errno MayCreateInSticky(Task current, Inode directory, Inode inode)
    {
        if ((directory.Mode & FileMode.Sticky) == 0 || inode.Uid == directory.Uid || inode.Uid == current.Credentials.Fsuid)
            return Errno.Success;
        int setting = inode.Type switch
        {
            FileMode.Fifo => Settings.ProtectedFifos,
            FileMode.Regular => Settings.ProtectedRegular,
            _ => 0,
        };
        if (setting == 0)
            return Errno.Success;
        bool worldWritable = (directory.Mode & FileMode.OtherWrite) != 0;
        bool groupWritable = (directory.Mode & FileMode.GroupWrite) != 0;
        return worldWritable || (groupWritable && setting >= 2) ? Errno.EACCES : Errno.Success;
    }

    /// <summary>O_TMPFILE: a file without a name in the file system of a directory.</summary>
    private async KTask<Result<OpenFile>> OpenTemporaryAsync(Task current, VfsPath path, OpenRequest request)
    {
        Inode directory = path.Dentry.Inode!;
        Errno error = path.Mount.BeginWrite();
        if (error != Errno.Success)
            return error;
        Result<OpenFile> opened;
        error = await PermissionAsync(current, directory, AccessMask.Write | AccessMask.Execute);
        if (error != Errno.Success)
        {
            opened = error;
        }
        else
        {
            Result<Inode> made = await directory.CreateTemporaryAsync(
                current, FileMode.Regular | (StripSetGid(current, directory, request.Mode) & ~current.Fs!.Umask));
            if (!made.Ok)
            {
                opened = made.Error;
            }
            else
            {
                // Never hashed: it shows as removed until linkat gives it a name.
                var name = FileName.FromString("#" + made.Value.Number.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));
                Result<Dentry> nameless = Dentries.Create(path.Dentry, name, made.Value, current.Cgroup);
                if (!nameless.Ok)
                {
                    made.Value.Put();
                    path.Mount.EndWrite();
                    return nameless.Error;
                }

                Dentry dentry = nameless.Value;
                made.Value.IsLinkable = (request.Flags & OpenFlags.Exclusive) == 0;
                opened = await OpenPlaceAsync(current, new VfsPath(path.Mount, dentry), request, created: true);
                dentry.Put();
            }
        }

        path.Mount.EndWrite();
        return opened;
    }

    /// <summary>
    /// Below a set-group-ID directory a new file gets its group; the set-group-ID bit stays only for members of it
    /// (mode_strip_sgid).
    /// </summary>
    internal static FileMode StripSetGid(Task current, Inode directory, FileMode mode)
    {
        const FileMode executable = FileMode.SetGid | FileMode.GroupExecute;
        if ((mode & executable) != executable || (directory.Mode & FileMode.SetGid) == 0)
            return mode;
        return current.Credentials.IsInGroup(directory.Gid) || current.IsCapable(Capability.Fsetid) ? mode : mode & ~FileMode.SetGid;
    }
}
