using Vitrine.Fs.Host.Native;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <content>
/// Changes of a tree that is shared writable, passed on to the host one component below a held directory. What the
/// guest may not bring into the host's tree: device nodes, FIFOs and sockets, set-user-ID and set-group-ID programs.
/// </content>
internal sealed partial class HostDirectory
{
    private bool IsWritable => Super.Spec.IsWritable && _rule is not { Exposure: not HostExposure.Whole };

    public override KTask<Result<Inode>> CreateAsync(Task current, FileName name, FileMode mode)
    {
        OwnershipOfNew(current, ref mode, out Uid uid, out Gid gid);
        uint permissions = HostInode.PermissionsOutside(FileMode.Regular | mode);
        return MakeAsync(current, name, directory =>
        {
            const OpenFlags flags = OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.ReadWrite | OpenFlags.NoFollow | OpenFlags.CloseOnExec;
            Result<int> opened = HostCalls.OpenAt(directory, name.Bytes, flags, 0x180);
            if (!opened.TryGet(out int descriptor, out Errno error))
                return error;
            GiveTo(directory, name, uid, gid);
            error = HostCalls.ChangeMode(descriptor, permissions);
            if (error == Errno.Success)
                return descriptor;
            HostCalls.Close(descriptor);
            _ = HostCalls.UnlinkAt(directory, name.Bytes, isDirectory: false);
            return error;
        });
    }

    public override KTask<Result<Inode>> MakeDirectoryAsync(Task current, FileName name, FileMode mode)
    {
        mode |= FileMode.Directory;
        OwnershipOfNew(current, ref mode, out Uid uid, out Gid gid);
        uint permissions = (uint)(mode & FileMode.PermissionMask);
        return MakeAsync(current, name, directory =>
        {
            Errno error = HostCalls.MakeDirectoryAt(directory, name.Bytes, 0x1C0);
            if (error != Errno.Success)
                return error;
            GiveTo(directory, name, uid, gid);
            Result<int> opened = HostCalls.OpenAt(directory, name.Bytes, HostCalls.PathFlags | OpenFlags.Directory);
            if (!opened.TryGet(out int descriptor, out error))
                return error;
            error = HostCalls.ChangeMode(descriptor, permissions);
            HostCalls.Close(descriptor);
            return error == Errno.Success ? -1 : error;
        });
    }

    public override KTask<Result<Inode>> SymlinkAsync(Task current, FileName name, ReadOnlyMemory<byte> target)
    {
        FileMode mode = FileMode.Symlink;
        OwnershipOfNew(current, ref mode, out Uid uid, out Gid gid);
        return MakeAsync(current, name, directory =>
        {
            Errno error = HostCalls.SymlinkAt(target.Span, directory, name.Bytes);
            if (error != Errno.Success)
                return error;
            GiveTo(directory, name, uid, gid);
            return -1;
        });
    }

    public override async KTask<Errno> LinkAsync(Task current, Inode target, FileName name)
    {
        if (!IsWritable)
            return Errno.EROFS;
        if (target is not HostInode { Parent: { } oldDirectory } inode)
            return Errno.EXDEV;
        FileName oldName = inode.Name;
        Errno error = await BetweenAsync(current, oldDirectory, this, (from, to) => HostCalls.LinkAt(from, oldName.Bytes, to, name.Bytes));
        if (error == Errno.Success)
        {
            inode.LinkCount++;
            await RefreshBothAsync(current, inode);
        }

        return error;
    }

    public override async KTask<Errno> UnlinkAsync(Task current, FileName name, Inode victim)
    {
        if (!IsWritable)
            return Errno.EROFS;

        // Whoever has it open goes on using it: the descriptor is all that leads there from now on.
        (victim as HostRegularFile)?.KeepHandle();
        Errno error = await HereAsync(current, directory => HostCalls.UnlinkAt(directory, name.Bytes, isDirectory: false));
        if (error == Errno.Success)
        {
            victim.LinkCount--;
            await RefreshSelfAsync(current);
        }

        return error;
    }

    public override async KTask<Errno> RemoveDirectoryAsync(Task current, FileName name, Inode victim)
    {
        if (!IsWritable || victim is not HostDirectory)
            return victim is HostDirectory ? Errno.EROFS : Errno.EBUSY;
        Errno error = await HereAsync(current, directory => HostCalls.UnlinkAt(directory, name.Bytes, isDirectory: true));
        if (error == Errno.Success)
        {
            victim.LinkCount = 0;
            await RefreshSelfAsync(current);
        }

        return error;
    }

    public override async KTask<Errno> RenameAsync(Task current, FileName oldName, Inode source, Inode newDirectory, FileName newName, Inode? target, RenameFlags flags)
    {
        if ((flags & ~(RenameFlags.NoReplace | RenameFlags.Exchange)) != 0)
            return Errno.EINVAL;
        var to = (HostDirectory)newDirectory;
        if (!IsWritable || !to.IsWritable)
            return Errno.EROFS;
        if (source is not HostInode moved || target is not (null or HostInode))
            return Errno.EBUSY;
        (target as HostRegularFile)?.KeepHandle();
        Errno error = await BetweenAsync(current, this, to, (from, into) => HostCalls.RenameAt(from, oldName.Bytes, into, newName.Bytes, flags));
        if (error != Errno.Success)
            return error;
        bool exchange = (flags & RenameFlags.Exchange) != 0;
        moved.MoveTo(to, newName);
        if (exchange)
            ((HostInode)target!).MoveTo(this, oldName);
        else if (target is { IsDirectory: true })
            target.LinkCount = 0;
        else if (target is not null)
            target.LinkCount--;
        await RefreshSelfAsync(current);
        if (to != this)
            await to.RefreshSelfAsync(current);
        return Errno.Success;
    }

    /// <summary>fsync of a directory: its entries are on the host's disk.</summary>
    public async KTask<Errno> SyncAsync(Task current)
    {
        if (!IsWritable)
            return Errno.Success;
        Result<HostHandle> pinned = await PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        int descriptor = handle.Descriptor;
        error = await HostWork.RunAsync(current, () => SyncDirectory(descriptor));
        Super.Directories.Unpin(handle);
        return error;
    }

    private static Errno SyncDirectory(int descriptor)
    {
        Result<int> opened = HostCalls.OpenAt(descriptor, "."u8, OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.CloseOnExec);
        if (!opened.Ok)
            return opened.Error;
        Errno error = HostCalls.Sync(opened.Value, dataOnly: false);
        HostCalls.Close(opened.Value);
        return error;
    }

    /// <summary>The maker in the guest owns it, if the host lets this process give files away.</summary>
    private static void GiveTo(int directory, FileName name, Uid uid, Gid gid) =>
        _ = HostCalls.ChangeOwnerAt(directory, name.Bytes, uid.Value, gid.Value);

    /// <summary>Makes an object by a host call, which may give a descriptor of it, and looks at the result.</summary>
    private async KTask<Result<Inode>> MakeAsync(Task current, FileName name, Func<int, Result<int>> make)
    {
        if (!IsWritable)
            return Errno.EROFS;
        if (HidesName(name.Bytes))
            return Errno.EACCES;
        Result<HostHandle> pinned = await PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        int directory = handle.Descriptor;
        Result<int> made = HostDevice.IsSlow ? await HostWork.RunAsync(current, () => make(directory)) : make(directory);
        Super.Directories.Unpin(handle);
        if (!made.TryGet(out int descriptor, out error))
            return error;
        Result<Inode?> found = await LookupAsync(current, name);
        if (found is not { Ok: true, Value: { } inode })
        {
            if (descriptor >= 0)
                HostCalls.Close(descriptor);
            return found.Ok ? Errno.ESTALE : found.Error;
        }

        if (descriptor >= 0)
            TakeHandle(inode, descriptor);
        await RefreshSelfAsync(current);
        return inode;
    }

    private static void TakeHandle(Inode inode, int descriptor)
    {
        if (inode is HostRegularFile file && HostCalls.Stat(descriptor, out HostStatx stat) == Errno.Success && stat.Id == file.Id)
            file.TakeHandle(descriptor);
        else
            HostCalls.Close(descriptor);
    }

    private async KTask<Errno> HereAsync(Task current, Func<int, Errno> call)
    {
        Result<HostHandle> pinned = await PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        int directory = handle.Descriptor;
        error = HostDevice.IsSlow ? await HostWork.RunAsync(current, () => call(directory)) : call(directory);
        Super.Directories.Unpin(handle);
        return error;
    }

    private async KTask<Errno> BetweenAsync(Task current, HostDirectory from, HostDirectory to, Func<int, int, Errno> call)
    {
        Result<HostHandle> first = await from.PinHandleAsync(current);
        if (!first.TryGet(out HostHandle? source, out Errno error))
            return error;
        Result<HostHandle> second = await to.PinHandleAsync(current);
        if (second.TryGet(out HostHandle? target, out error))
        {
            (int a, int b) = (source.Descriptor, target.Descriptor);
            error = HostDevice.IsSlow ? await HostWork.RunAsync(current, () => call(a, b)) : call(a, b);
            Super.Directories.Unpin(target);
        }

        Super.Directories.Unpin(source);
        return error;
    }

    /// <summary>Size and times of the directory follow its change.</summary>
    private async KTask RefreshSelfAsync(Task current)
    {
        Result<HostHandle> pinned = await PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? handle, out _))
            return;
        int descriptor = handle.Descriptor;
        HostStatx stat = default;
        Errno error = HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => HostCalls.Stat(descriptor, out stat))
            : HostCalls.Stat(descriptor, out stat);
        Super.Directories.Unpin(handle);
        if (error == Errno.Success)
            Refresh(stat);
    }

    private async KTask RefreshBothAsync(Task current, HostInode inode)
    {
        Result<HostStatx> fresh = await inode.StatHostAsync(current);
        if (fresh.Ok)
            inode.Refresh(fresh.Value);
        await RefreshSelfAsync(current);
    }
}
