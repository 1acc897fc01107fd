using System.Runtime.InteropServices;
using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>Mounting by descriptors: fsopen, fsconfig, fsmount, fspick, open_tree, move_mount, mount_setattr.</summary>
internal static class MountTreeCalls
{
    private const uint CloseOnExec = 1;
    private const int LongestKey = 256;
    private const uint LargestBinary = 1 << 20;

    [Syscall(430, "fsopen", SyscallSupport.Partial, Note = "no messages can be read from the descriptor: ENODATA")]
    public static async KTask<SyscallResult> FsOpen(Task current, [Strace("string")] UserString name, uint flags)
    {
        if (!VirtualFileSystem.MayMount(current))
            return Errno.EPERM;
        if ((flags & ~CloseOnExec) != 0)
            return Errno.EINVAL;
        Result<byte[]> text = await current.ReadUserStringAsync(name, (int)Page.Size, Errno.EINVAL);
        if (!text.Ok)
            return text.Error;
        return current.Kernel.FileSystems.Find(Encoding.UTF8.GetString(text.Value)) is { } type
            ? Install(current, new FileSystemContext(current.Kernel, type), flags != 0)
            : Errno.ENODEV;
    }

    [Syscall(433, "fspick", SyscallSupport.Partial, Note = "no messages can be read from the descriptor: ENODATA")]
    public static async KTask<SyscallResult> FsPick(Task current, Fd directory, [Strace("path")] UserString path, FsPickFlags flags)
    {
        if (!VirtualFileSystem.MayMount(current))
            return Errno.EPERM;
        if ((flags & ~FsPickFlags.All) != 0)
            return Errno.EINVAL;
        WalkFlags walk = (flags & FsPickFlags.SymlinkNoFollow) != 0 ? WalkFlags.None : WalkFlags.Follow;
        if ((flags & FsPickFlags.EmptyPath) != 0)
            walk |= WalkFlags.Empty;
        Result<VfsPath> found = await current.Kernel.Vfs.LookUpUserPathAsync(current, directory, path, walk);
        if (!found.TryGet(out VfsPath place, out Errno error))
            return error;
        SyscallResult result = Errno.EINVAL;
        if (place.Dentry == place.Mount.Root)
            result = Install(current, new FileSystemContext(current.Kernel, place), (flags & FsPickFlags.CloseOnExec) != 0);
        place.Put();
        return result;
    }

    [Syscall(431, "fsconfig", SyscallSupport.Partial, Note = "options are flags and texts: EINVAL for binary values, paths and descriptors")]
    public static async KTask<SyscallResult> FsConfig(
        Task current, Fd fd, FsConfigCommand command, [Strace("string")] UserString key, VirtAddr value, int auxiliary)
    {
        if (fd.Value < 0)
            return Errno.EINVAL;
        bool hasValue = value.Value != 0;
        bool valid = command switch
        {
            FsConfigCommand.SetFlag => !key.IsNull && !hasValue && auxiliary == 0,
            FsConfigCommand.SetString => !key.IsNull && hasValue && auxiliary == 0,
            FsConfigCommand.SetBinary => !key.IsNull && hasValue && auxiliary > 0 && auxiliary <= LargestBinary,
            FsConfigCommand.SetPath or FsConfigCommand.SetPathEmpty => !key.IsNull && hasValue && (auxiliary == Fd.Cwd.Value || auxiliary >= 0),
            FsConfigCommand.SetFd => !key.IsNull && !hasValue && auxiliary >= 0,
            FsConfigCommand.Create or FsConfigCommand.CreateExclusive or FsConfigCommand.Reconfigure => key.IsNull && !hasValue && auxiliary == 0,
            _ => true,
        };
        if (!valid)
            return Errno.EINVAL;
        if (command > FsConfigCommand.CreateExclusive)
            return Errno.EOPNOTSUPP;
        if (!current.Files!.Get(fd).TryGet(out OpenFile? file, out Errno error))
            return error;
        SyscallResult result = file is FileSystemContext context
            ? await ConfigureAsync(current, context, command, key, value, new Fd(auxiliary))
            : Errno.EINVAL;
        file.Put();
        return result;
    }

    [Syscall(432, "fsmount", SyscallSupport.Partial, Note = "no identity mapping: EINVAL")]
    public static SyscallResult FsMount(Task current, Fd fd, uint flags, MountAttributes attributes)
    {
        if (!VirtualFileSystem.MayMount(current))
            return Errno.EPERM;
        if ((flags & ~CloseOnExec) != 0 || (attributes & ~MountAttributes.ForNewMount) != 0 || !IsAccessTime(attributes))
            return Errno.EINVAL;
        if (!current.Files!.Get(fd).TryGet(out OpenFile? file, out Errno error))
            return error;
        Result<Mount> taken = file is FileSystemContext context ? context.TakeMount() : Errno.EINVAL;
        file.Put();
        if (!taken.TryGet(out Mount? mount, out error))
            return error;
        mount.Flags = VirtualFileSystem.ToMountFlags(attributes);
        return InstallTree(current, mount, flags != 0);
    }

    [Syscall(428, "open_tree", SyscallSupport.Real)]
    public static async KTask<SyscallResult> OpenTree(Task current, Fd directory, [Strace("path")] UserString path, OpenTreeFlags flags)
    {
        const OpenTreeFlags known = OpenTreeFlags.Clone | OpenTreeFlags.SymlinkNoFollow | OpenTreeFlags.NoAutomount
            | OpenTreeFlags.EmptyPath | OpenTreeFlags.Recursive | OpenTreeFlags.CloseOnExec;
        bool clones = (flags & OpenTreeFlags.Clone) != 0;
        if ((flags & ~known) != 0 || ((flags & OpenTreeFlags.Recursive) != 0 && !clones))
            return Errno.EINVAL;
        if (clones && !VirtualFileSystem.MayMount(current))
            return Errno.EPERM;
        WalkFlags walk = (flags & OpenTreeFlags.SymlinkNoFollow) != 0 ? WalkFlags.None : WalkFlags.Follow;
        if ((flags & OpenTreeFlags.EmptyPath) != 0)
            walk |= WalkFlags.Empty;
        Result<VfsPath> found = await current.Kernel.Vfs.LookUpUserPathAsync(current, directory, path, walk);
        if (!found.TryGet(out VfsPath place, out Errno error))
            return error;
        bool closes = (flags & OpenTreeFlags.CloseOnExec) != 0;
        SyscallResult result;
        if (!clones)
        {
            result = Install(current, new PathFile(place, OpenFlags.Path), closes);
        }
        else
        {
            Result<Mount> copy = current.Kernel.Vfs.CloneTree(current, place, (flags & OpenTreeFlags.Recursive) != 0);
            result = copy.TryGet(out Mount? tree, out error) ? InstallTree(current, tree, closes) : error;
        }

        place.Put();
        return result;
    }

    [Syscall(429, "move_mount", SyscallSupport.Partial, Note = "MOVE_MOUNT_BENEATH a mount on a shared one gives EINVAL")]
    public static async KTask<SyscallResult> MoveMount(
        Task current, Fd fromDirectory, [Strace("path")] UserString fromPath, Fd toDirectory, [Strace("path")] UserString toPath, MoveMountFlags flags)
    {
        const MoveMountFlags exclusive = MoveMountFlags.Beneath | MoveMountFlags.SetGroup;
        if (!VirtualFileSystem.MayMount(current))
            return Errno.EPERM;
        if ((flags & ~MoveMountFlags.All) != 0 || (flags & exclusive) == exclusive)
            return Errno.EINVAL;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        WalkFlags fromWalk = ((flags & MoveMountFlags.FromSymlinks) != 0 ? WalkFlags.Follow : WalkFlags.None)
            | ((flags & MoveMountFlags.FromEmptyPath) != 0 ? WalkFlags.Empty : WalkFlags.None);
        WalkFlags toWalk = ((flags & MoveMountFlags.ToSymlinks) != 0 ? WalkFlags.Follow : WalkFlags.None)
            | ((flags & MoveMountFlags.ToEmptyPath) != 0 ? WalkFlags.Empty : WalkFlags.None);
        Result<VfsPath> from = await vfs.LookUpUserPathAsync(current, fromDirectory, fromPath, fromWalk);
        if (!from.TryGet(out VfsPath source, out Errno error))
            return error;
        Result<VfsPath> to = await vfs.LookUpUserPathAsync(current, toDirectory, toPath, toWalk);
        if (!to.TryGet(out VfsPath target, out error))
        {
            source.Put();
            return error;
        }

        if ((flags & MoveMountFlags.SetGroup) != 0)
            error = VirtualFileSystem.SetGroup(current, source, target);
        else if ((flags & MoveMountFlags.Beneath) != 0)
            error = vfs.AttachBeneath(current, source, target);
        else if (source.Mount.IsAnonymous && source.Dentry == source.Mount.Root)
            error = vfs.AttachAnonymous(current, source.Mount, target);
        else
            error = vfs.Move(current, source, target);
        target.Put();
        source.Put();
        return error;
    }

    [Syscall(442, "mount_setattr", SyscallSupport.Partial, Note = "no identity mapping: EINVAL")]
    public static async KTask<SyscallResult> MountSetAttr(
        Task current, Fd directory, [Strace("path")] UserString path, OpenTreeFlags flags, UserPtr<MountAttributeChange> change, ulong size)
    {
        const OpenTreeFlags known = OpenTreeFlags.SymlinkNoFollow | OpenTreeFlags.NoAutomount | OpenTreeFlags.EmptyPath | OpenTreeFlags.Recursive;
        if ((flags & ~known) != 0)
            return Errno.EINVAL;
        if (size > Page.Size)
            return Errno.E2BIG;
        if (size < MountAttributeChange.SizeVersion0)
            return Errno.EINVAL;
        if (!VirtualFileSystem.MayMount(current))
            return Errno.EPERM;
        byte[] bytes = new byte[size];
        Errno error = await current.ReadUserBytesAsync(change.Address, bytes);
        if (error != Errno.Success)
            return error;
        if (bytes.AsSpan((int)MountAttributeChange.SizeVersion0).ContainsAnyExcept((byte)0))
            return Errno.E2BIG;
        MountAttributeChange asked = MemoryMarshal.Read<MountAttributeChange>(bytes);
        if (asked.Set == 0 && asked.Clear == 0 && asked.Propagation == 0)
            return 0;
        if (!IsValid(in asked))
            return Errno.EINVAL;
        WalkFlags walk = (flags & OpenTreeFlags.SymlinkNoFollow) != 0 ? WalkFlags.None : WalkFlags.Follow;
        if ((flags & OpenTreeFlags.EmptyPath) != 0)
            walk |= WalkFlags.Empty;
        Result<VfsPath> found = await current.Kernel.Vfs.LookUpUserPathAsync(current, directory, path, walk);
        if (!found.TryGet(out VfsPath place, out error))
            return error;
        error = current.Kernel.Vfs.SetAttributes(current, place, in asked, (flags & OpenTreeFlags.Recursive) != 0);
        place.Put();
        return error;
    }

    private static bool IsAccessTime(MountAttributes attributes) =>
        (attributes & MountAttributes.AccessTimeMask) is MountAttributes.None or MountAttributes.NoAccessTime or MountAttributes.StrictAccessTime;

    private static bool IsValid(in MountAttributeChange change)
    {
        if (change.Propagation is not (MountFlags.None or MountFlags.Unbindable or MountFlags.Private or MountFlags.Slave or MountFlags.Shared))
            return false;
        if (((change.Set | change.Clear) & ~MountAttributes.ForNewMount) != 0)
            return false;
        // The access time is one setting: it is cleared as a whole or not at all, and set only when cleared.
        MountAttributes cleared = change.Clear & MountAttributes.AccessTimeMask;
        return cleared == MountAttributes.AccessTimeMask
            ? IsAccessTime(change.Set)
            : cleared == 0 && (change.Set & MountAttributes.AccessTimeMask) == 0;
    }

    private static async KTask<SyscallResult> ConfigureAsync(
        Task current, FileSystemContext context, FsConfigCommand command, UserString key, VirtAddr value, Fd auxiliary)
    {
        switch (command)
        {
            case FsConfigCommand.Create:
            case FsConfigCommand.CreateExclusive:
                return VirtualFileSystem.MayMount(current) ? await context.CreateAsync(current) : Errno.EPERM;
            case FsConfigCommand.Reconfigure:
                return VirtualFileSystem.MayMount(current) ? await context.ReconfigureAsync(current) : Errno.EPERM;
        }

        Result<byte[]> name = await current.ReadUserStringAsync(key, LongestKey, Errno.EINVAL);
        if (!name.Ok)
            return name.Error;
        string option = Encoding.UTF8.GetString(name.Value);
        switch (command)
        {
            case FsConfigCommand.SetFlag:
                return context.SetOption(current, option, null);
            case FsConfigCommand.SetString:
                Result<byte[]> text = await current.ReadUserStringAsync(new UserString(value), LongestKey, Errno.EINVAL);
                return text.Ok ? context.SetOption(current, option, Encoding.UTF8.GetString(text.Value)) : text.Error;
            case FsConfigCommand.SetFd when current.Files!.Peek(auxiliary) is null:
                return Errno.EBADF;
            default:
                return context.TrySetFlag(option) ? 0 : Errno.EINVAL;
        }
    }

    /// <summary>A descriptor that keeps a tree of mounts; takes over the tree.</summary>
    private static SyscallResult InstallTree(Task current, Mount tree, bool closeOnExec)
    {
        tree.IsAnonymous = true;
        return Install(current, new DetachedTreeFile(new VfsPath(tree, tree.Root)), closeOnExec);
    }

    /// <summary>Takes over the caller's reference on the file.</summary>
    private static SyscallResult Install(Task current, OpenFile file, bool closeOnExec)
    {
        Errno error = file.Account(current);
        if (error == Errno.Success)
        {
            Result<Fd> fd = current.Files!.Install(current, file, closeOnExec);
            if (fd.Ok)
                return fd.Value;
            error = fd.Error;
        }

        file.Put();
        return error;
    }
}
