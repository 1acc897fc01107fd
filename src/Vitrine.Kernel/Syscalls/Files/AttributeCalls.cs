using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>chmod, chown, truncate and their forms (chmod(2), chown(2), truncate(2)).</summary>
internal static class AttributeCalls
{
    [Syscall(90, "chmod", SyscallSupport.Real)]
    public static KTask<SyscallResult> ChMod(Task current, [Strace("path")] UserString path, [Strace("octal")] uint mode) => ChModAt(current, Fd.Cwd, path, mode, AtFlags.None);

    [Syscall(268, "fchmodat", SyscallSupport.Real)]
    public static KTask<SyscallResult> FChModAt(Task current, Fd directory, [Strace("path")] UserString path, [Strace("octal")] uint mode) =>
        ChModAt(current, directory, path, mode, AtFlags.None);

    [Syscall(452, "fchmodat2", SyscallSupport.Real)]
    public static KTask<SyscallResult> FChModAt2(Task current, Fd directory, [Strace("path")] UserString path, [Strace("octal")] uint mode, AtFlags flags) =>
        (flags & ~(AtFlags.SymlinkNoFollow | AtFlags.EmptyPath)) != 0
            ? KTask<SyscallResult>.FromResult(Errno.EINVAL)
            : ChModAt(current, directory, path, mode, flags);

    [Syscall(91, "fchmod", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FChMod(Task current, Fd fd, [Strace("octal")] uint mode)
    {
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return file.Error;
        Errno error = await current.Kernel.Vfs.ChangeModeAsync(current, file.Value.Path, (FileMode)mode);
        file.Value.Put();
        return error;
    }

    [Syscall(92, "chown", SyscallSupport.Real)]
    public static KTask<SyscallResult> ChOwn(Task current, [Strace("path")] UserString path, Uid user, Gid group) => FChOwnAt(current, Fd.Cwd, path, user, group, AtFlags.None);

    [Syscall(94, "lchown", SyscallSupport.Real)]
    public static KTask<SyscallResult> LChOwn(Task current, [Strace("path")] UserString path, Uid user, Gid group) => FChOwnAt(current, Fd.Cwd, path, user, group, AtFlags.SymlinkNoFollow);

    [Syscall(260, "fchownat", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FChOwnAt(Task current, Fd directory, [Strace("path")] UserString path, Uid user, Gid group, AtFlags flags)
    {
        if ((flags & ~(AtFlags.SymlinkNoFollow | AtFlags.EmptyPath)) != 0)
            return Errno.EINVAL;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<VfsPath> place = await vfs.LookUpUserPathAsync(current, directory, path, Walk(flags));
        if (!place.Ok)
            return place.Error;
        Errno error = await vfs.ChangeOwnerAsync(current, place.Value, user, group);
        place.Value.Put();
        return error;
    }

    [Syscall(93, "fchown", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FChOwn(Task current, Fd fd, Uid user, Gid group)
    {
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return file.Error;
        Errno error = await current.Kernel.Vfs.ChangeOwnerAsync(current, file.Value.Path, user, group);
        file.Value.Put();
        return error;
    }

    [Syscall(76, "truncate", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Truncate(Task current, [Strace("path")] UserString path, long length)
    {
        if (length < 0)
            return Errno.EINVAL;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<VfsPath> place = await vfs.LookUpUserPathAsync(current, Fd.Cwd, path, WalkFlags.Follow);
        if (!place.Ok)
            return place.Error;
        Errno error = await vfs.TruncatePathAsync(current, place.Value, length);
        place.Value.Put();
        return error;
    }

    [Syscall(77, "ftruncate", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FTruncate(Task current, Fd fd, long length)
    {
        if (length < 0)
            return Errno.EINVAL;
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return file.Error;
        Errno error = !file.Value.Inode.IsRegular || !file.Value.CanWrite
            ? Errno.EINVAL
            : await current.Kernel.Vfs.TruncateAsync(current, file.Value.Path.Dentry, length);
        file.Value.Put();
        return error;
    }

    internal static WalkFlags Walk(AtFlags flags)
    {
        WalkFlags walk = (flags & AtFlags.SymlinkNoFollow) == 0 ? WalkFlags.Follow : WalkFlags.None;
        return (flags & AtFlags.EmptyPath) != 0 ? walk | WalkFlags.Empty : walk;
    }

    private static async KTask<SyscallResult> ChModAt(Task current, Fd directory, UserString path, uint mode, AtFlags flags)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<VfsPath> place = await vfs.LookUpUserPathAsync(current, directory, path, Walk(flags));
        if (!place.Ok)
            return place.Error;
        Errno error = await vfs.ChangeModeAsync(current, place.Value, (FileMode)mode);
        place.Value.Put();
        return error;
    }
}
