using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>Names in directories: mkdir, mknod, rmdir, unlink, rename, link, symlink and their *at forms.</summary>
internal static class NamespaceCalls
{
    [Syscall(83, "mkdir", SyscallSupport.Real)]
    public static KTask<SyscallResult> MkDir(Task current, [Strace("path")] UserString path, [Strace("octal")] uint mode) => MkDirAt(current, Fd.Cwd, path, mode);

    [Syscall(258, "mkdirat", SyscallSupport.Real)]
    public static KTask<SyscallResult> MkDirAt(Task current, Fd directory, [Strace("path")] UserString path, [Strace("octal")] uint mode) =>
        CreateAsync(current, directory, path, NewEntry.Directory((FileMode)(mode & 0x3ff)));

    [Syscall(133, "mknod", SyscallSupport.Real)]
    public static KTask<SyscallResult> MkNod(Task current, [Strace("path")] UserString path, [Strace("octal")] uint mode, uint device) => MkNodAt(current, Fd.Cwd, path, mode, device);

    [Syscall(259, "mknodat", SyscallSupport.Real)]
    public static KTask<SyscallResult> MkNodAt(Task current, Fd directory, [Strace("path")] UserString path, [Strace("octal")] uint mode, uint device)
    {
        var type = (FileMode)(mode & (uint)FileMode.TypeMask);
        FileMode permissions = (FileMode)mode & FileMode.PermissionMask;
        switch (type)
        {
            case FileMode.None:
            case FileMode.Regular:
                return CreateAsync(current, directory, path, NewEntry.Node(FileMode.Regular | permissions, default));
            case FileMode.Fifo:
            case FileMode.Socket:
                return CreateAsync(current, directory, path, NewEntry.Node(type | permissions, default));
            case FileMode.CharacterDevice:
            case FileMode.BlockDevice:
                // The call takes the 32-bit encoding, which the 64-bit one extends.
                return CreateAsync(current, directory, path, NewEntry.Node(type | permissions, DeviceNumber.Decode(device)));
            case FileMode.Directory:
                return KTask<SyscallResult>.FromResult(Errno.EPERM);
            default:
                return KTask<SyscallResult>.FromResult(Errno.EINVAL);
        }
    }

    [Syscall(84, "rmdir", SyscallSupport.Real)]
    public static KTask<SyscallResult> RmDir(Task current, [Strace("path")] UserString path) => UnlinkAt(current, Fd.Cwd, path, AtFlags.RemoveDirectoryOrEffectiveAccess);

    [Syscall(87, "unlink", SyscallSupport.Real)]
    public static KTask<SyscallResult> Unlink(Task current, [Strace("path")] UserString path) => UnlinkAt(current, Fd.Cwd, path, AtFlags.None);

    [Syscall(263, "unlinkat", SyscallSupport.Real)]
    public static async KTask<SyscallResult> UnlinkAt(Task current, Fd directory, [Strace("path")] UserString path, AtFlags flags)
    {
        if ((flags & ~AtFlags.RemoveDirectoryOrEffectiveAccess) != 0)
            return Errno.EINVAL;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> name = await vfs.Names.ReadAsync(current, path);
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        return flags == AtFlags.None
            ? await vfs.UnlinkAsync(current, directory, text)
            : await vfs.RemoveDirectoryAsync(current, directory, text);
    }

    [Syscall(82, "rename", SyscallSupport.Real)]
    public static KTask<SyscallResult> Rename(Task current, [Strace("path")] UserString oldPath, [Strace("path")] UserString newPath) =>
        RenameAt2(current, Fd.Cwd, oldPath, Fd.Cwd, newPath, RenameFlags.None);

    [Syscall(264, "renameat", SyscallSupport.Real)]
    public static KTask<SyscallResult> RenameAt(Task current, Fd oldDirectory, [Strace("path")] UserString oldPath, Fd newDirectory, [Strace("path")] UserString newPath) =>
        RenameAt2(current, oldDirectory, oldPath, newDirectory, newPath, RenameFlags.None);

    [Syscall(316, "renameat2", SyscallSupport.Real)]
    public static async KTask<SyscallResult> RenameAt2(Task current, Fd oldDirectory, [Strace("path")] UserString oldPath, Fd newDirectory, [Strace("path")] UserString newPath, RenameFlags flags)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> from = await vfs.Names.ReadAsync(current, oldPath);
        if (!from.Ok)
            return from.Error;
        using PathName oldName = from.Value;
        Result<PathName> to = await vfs.Names.ReadAsync(current, newPath);
        if (!to.Ok)
            return to.Error;
        using PathName newName = to.Value;
        return await vfs.RenameAsync(current, oldDirectory, oldName, newDirectory, newName, flags);
    }

    [Syscall(86, "link", SyscallSupport.Real)]
    public static KTask<SyscallResult> Link(Task current, [Strace("path")] UserString oldPath, [Strace("path")] UserString newPath) =>
        LinkAt(current, Fd.Cwd, oldPath, Fd.Cwd, newPath, AtFlags.None);

    [Syscall(265, "linkat", SyscallSupport.Real)]
    public static async KTask<SyscallResult> LinkAt(Task current, Fd oldDirectory, [Strace("path")] UserString oldPath, Fd newDirectory, [Strace("path")] UserString newPath, AtFlags flags)
    {
        if ((flags & ~(AtFlags.SymlinkFollow | AtFlags.EmptyPath)) != 0)
            return Errno.EINVAL;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        WalkFlags walk = (flags & AtFlags.SymlinkFollow) != 0 ? WalkFlags.Follow : WalkFlags.None;
        if ((flags & AtFlags.EmptyPath) != 0)
            walk |= WalkFlags.Empty;
        Result<PathName> from = await vfs.Names.ReadAsync(current, oldPath);
        if (!from.Ok)
            return from.Error;
        using PathName oldName = from.Value;
        Result<PathName> to = await vfs.Names.ReadAsync(current, newPath);
        if (!to.Ok)
            return to.Error;
        using PathName newName = to.Value;
        // A name for what only a descriptor holds: for its opener or the powerful.
        bool absolute = oldName.Bytes.Length > 0 && oldName.Bytes[0] == (byte)'/';
        if ((walk & WalkFlags.Empty) != 0 && !absolute && current.Files!.Peek(oldDirectory) is { } file
            && file.OpenerCredentials != current.Credentials && !current.IsCapable(Capability.DacReadSearch))
        {
            return Errno.ENOENT;
        }

        Result<VfsPath> source = await vfs.LookUpPathAsync(current, oldDirectory, oldName, walk);
        if (!source.Ok)
            return source.Error;
        Inode inode = source.Value.Dentry.Inode!;
        Errno error = await vfs.CreateEntryAsync(current, newDirectory, newName, NewEntry.HardLink(inode), source.Value.Mount);
        source.Value.Put();
        return error;
    }

    [Syscall(88, "symlink", SyscallSupport.Real)]
    public static KTask<SyscallResult> Symlink(Task current, [Strace("path")] UserString target, [Strace("path")] UserString path) => SymlinkAt(current, target, Fd.Cwd, path);

    [Syscall(266, "symlinkat", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SymlinkAt(Task current, [Strace("path")] UserString target, Fd directory, [Strace("path")] UserString path)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> text = await vfs.Names.ReadAsync(current, target);
        if (!text.Ok)
            return text.Error;
        byte[] copy = text.Value.Bytes.ToArray();
        text.Value.Dispose();
        return copy.Length == 0 ? Errno.ENOENT : await CreateAsync(current, directory, path, NewEntry.Symlink(copy));
    }

    private static async KTask<SyscallResult> CreateAsync(Task current, Fd directory, UserString path, NewEntry entry)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> name = await vfs.Names.ReadAsync(current, path);
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        return await vfs.CreateEntryAsync(current, directory, text, entry);
    }
}
