using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <summary>A directory entry to be made: what kind and with what.</summary>
internal readonly record struct NewEntry(FileMode Mode, DeviceNumber Device, byte[]? LinkTarget, Inode? LinkedInode)
{
    public static NewEntry Directory(FileMode mode) => new(FileMode.Directory | mode, default, null, null);

    public static NewEntry Node(FileMode mode, DeviceNumber device) => new(mode, device, null, null);

    public static NewEntry Symlink(byte[] target) => new(FileMode.Symlink | (FileMode)0x1ff, default, target, null);

    public static NewEntry HardLink(Inode inode) => new(inode.Mode, default, null, inode);
}

/// <content>Making directory entries: mkdir, mknod, symlink, link.</content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>Makes an entry where a path says (filename_create and what follows it). For links, <paramref name="sourceMount"/> must be the place's mount.</summary>
    public async KTask<Errno> CreateEntryAsync(Task current, Fd directory, PathName name, NewEntry entry, Mount? sourceMount = null)
    {
        using PathWalk walk = RentWalk();
        Errno error = walk.Start(current, directory, name, WalkFlags.Parent);
        if (error == Errno.Success)
            error = await walk.ResolveAsync();
        if (error != Errno.Success)
            return error;
        return await CreateEntryAtAsync(current, walk, entry, sourceMount);
    }

    /// <summary>Makes an entry behind a walk to the parent.</summary>
    internal async KTask<Errno> CreateEntryAtAsync(Task current, PathWalk walk, NewEntry entry, Mount? sourceMount)
    {
        if (walk.LastKind != LastKind.Normal)
            return Errno.EEXIST;
        VfsPath parent = walk.At;
        Inode directory = parent.Dentry.Inode!;
        FileName name = walk.Last;
        bool trailingSlash = walk.HasTrailingSlash;
        Errno readOnly = parent.Mount.BeginWrite();
        await directory.Lock.LockAsync(current);
        Errno error = await CreateLockedAsync(current, parent, name, entry, trailingSlash, readOnly, sourceMount);
        directory.Lock.Unlock(current);
        if (readOnly == Errno.Success)
            parent.Mount.EndWrite();
        return error;
    }

    private async KTask<Errno> CreateLockedAsync(Task current, VfsPath parent, FileName name, NewEntry entry, bool trailingSlash, Errno readOnly, Mount? sourceMount)
    {
        Result<Dentry> found = await LookUpLockedAsync(current, parent.Dentry, name);
        if (!found.Ok)
            return found.Error;
        Dentry dentry = found.Value;
        Errno error = Errno.Success;
        if (!dentry.IsNegative)
            error = Errno.EEXIST;
        else if (trailingSlash && (entry.Mode & FileMode.TypeMask) != FileMode.Directory)
            error = Errno.ENOENT;
        else if (readOnly != Errno.Success)
            error = readOnly;
        else if (sourceMount is not null && sourceMount != parent.Mount)
            error = Errno.EXDEV;
        else if (entry.LinkedInode is { } linked)
            error = await MayLinkAsync(current, linked);
        if (error == Errno.Success)
            error = await MayCreateAsync(current, parent.Dentry.Inode!);
        if (error == Errno.Success)
            error = entry.LinkedInode is { } source
                ? await MakeHardLinkAsync(current, parent.Dentry.Inode!, dentry, source)
                : await MakeEntryAsync(current, parent.Dentry.Inode!, dentry, entry);
        dentry.Put();
        return error;
    }

    private async KTask<Errno> MakeEntryAsync(Task current, Inode directory, Dentry dentry, NewEntry entry)
    {
        FileMode type = entry.Mode & FileMode.TypeMask;
        // The set-group-ID bit goes by the mode asked for: a umask without group execution must not save it.
        FileMode mode = (type == FileMode.Directory ? entry.Mode : StripSetGid(current, directory, entry.Mode))
            & FileMode.PermissionMask & ~current.Fs!.Umask;
        FileName name = dentry.Name;
        Result<Inode> made;
        switch (type)
        {
            case FileMode.Directory:
                made = await directory.MakeDirectoryAsync(current, name, FileMode.Directory | (mode & (FileMode)0x3ff));
                break;
            case FileMode.Symlink:
                made = await directory.SymlinkAsync(current, name, entry.LinkTarget);
                break;
            case FileMode.Regular:
                made = await directory.CreateAsync(current, name, FileMode.Regular | mode);
                break;
            default:
                bool isDevice = type is FileMode.CharacterDevice or FileMode.BlockDevice;
                bool isWhiteout = type == FileMode.CharacterDevice && entry.Device == default;
                if (isDevice && !isWhiteout && !current.Credentials.IsCapable(Kernel.InitUserNamespace, Capability.Mknod))
                    return Errno.EPERM;
                made = await directory.MakeNodeAsync(current, name, type | mode, entry.Device);
                break;
        }

        if (!made.Ok)
            return made.Error;
        Dentries.Instantiate(dentry, made.Value);
        NotifyEntry(directory, name, type == FileMode.Directory ? FsEvents.Create | FsEvents.IsDirectory : FsEvents.Create);
        return Errno.Success;
    }

    /// <summary>A negative dentry of a directory gets the file that was made for it; takes over the reference on the inode.</summary>
    internal void InstantiateNew(Dentry directory, Dentry dentry, Inode made)
    {
        Dentries.Instantiate(dentry, made);
        NotifyEntry(directory.Inode!, dentry.Name, FsEvents.Create);
    }

    private async KTask<Errno> MakeHardLinkAsync(Task current, Inode directory, Dentry dentry, Inode source)
    {
        if (source.SuperBlock != directory.SuperBlock)
            return Errno.EXDEV;
        if (source.IsDirectory)
            return Errno.EPERM;
        await source.Lock.LockAsync(current);
        Errno error = source.LinkCount == 0 && !source.IsLinkable
            ? Errno.ENOENT
            : await directory.LinkAsync(current, source, dentry.Name);
        source.Lock.Unlock(current);
        if (error != Errno.Success)
            return error;
        source.IsLinkable = false;
        Dentries.Instantiate(dentry, source.Get());
        NotifyInode(source, FsEvents.Attributes);
        NotifyEntry(directory, dentry.Name, FsEvents.Create);
        return Errno.Success;
    }

    /// <summary>protected_hardlinks: others' files may be linked only if they are plain and the task could write them anyway.</summary>
    internal async KTask<Errno> MayLinkAsync(Task current, Inode inode)
    {
        if (Settings.ProtectedHardlinks == 0 || IsOwnerOrCapable(current, inode))
            return Errno.Success;
        const FileMode executable = FileMode.SetGid | FileMode.GroupExecute;
        if (!inode.IsRegular || (inode.Mode & FileMode.SetUid) != 0 || (inode.Mode & executable) == executable)
            return Errno.EPERM;
        Errno error = await PermissionAsync(current, inode, AccessMask.Read | AccessMask.Write);
        return error == Errno.Success ? Errno.Success : Errno.EPERM;
    }
}
