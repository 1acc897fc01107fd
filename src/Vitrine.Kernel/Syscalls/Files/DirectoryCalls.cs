using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>getdents, chdir, fchdir, getcwd, chroot, umask (getdents(2), chdir(2), getcwd(2), chroot(2), umask(2)).</summary>
internal static class DirectoryCalls
{
    [Syscall(217, "getdents64", SyscallSupport.Real)]
    public static KTask<SyscallResult> GetDents64(Task current, Fd fd, VirtAddr buffer, uint size) => GetDentsAsync(current, fd, buffer, size, old: false);

    [Syscall(78, "getdents", SyscallSupport.Real)]
    public static KTask<SyscallResult> GetDents(Task current, Fd fd, VirtAddr buffer, uint size) => GetDentsAsync(current, fd, buffer, size, old: true);

    [Syscall(80, "chdir", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ChDir(Task current, [Strace("path")] UserString path)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<VfsPath> place = await vfs.LookUpUserPathAsync(current, Fd.Cwd, path, WalkFlags.Follow | WalkFlags.Directory);
        if (!place.Ok)
            return place.Error;
        Errno error = await vfs.PermissionAsync(current, place.Value, AccessMask.Execute);
        if (error == Errno.Success)
            current.Fs!.SetWorkingDirectory(place.Value);
        place.Value.Put();
        return error;
    }

    [Syscall(81, "fchdir", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FChDir(Task current, Fd fd)
    {
        Result<OpenFile> file = current.Files!.GetAny(fd);
        if (!file.Ok)
            return file.Error;
        VfsPath place = file.Value.Path;
        Errno error = !file.Value.Inode.IsDirectory
            ? Errno.ENOTDIR
            : await current.Kernel.Vfs.PermissionAsync(current, place, AccessMask.Execute);
        if (error == Errno.Success)
            current.Fs!.SetWorkingDirectory(place);
        file.Value.Put();
        return error;
    }

    [Syscall(161, "chroot", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ChRoot(Task current, [Strace("path")] UserString path)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<VfsPath> place = await vfs.LookUpUserPathAsync(current, Fd.Cwd, path, WalkFlags.Follow | WalkFlags.Directory);
        if (!place.Ok)
            return place.Error;
        Errno error = await vfs.PermissionAsync(current, place.Value, AccessMask.Execute);
        if (error == Errno.Success && !current.IsCapable(Capability.SysChroot))
            error = Errno.EPERM;
        if (error == Errno.Success)
            current.Fs!.SetRoot(place.Value);
        place.Value.Put();
        return error;
    }

    [Syscall(79, "getcwd", SyscallSupport.Real)]
    public static async KTask<SyscallResult> GetCwd(Task current, VirtAddr buffer, ulong size)
    {
        FsContext fs = current.Fs!;
        Result<byte[]> text = PathText.ForWorkingDirectory(fs.WorkingDirectory, fs.Root);
        if (!text.Ok)
            return text.Error;
        byte[] path = text.Value;
        if (path.Length + 1 > PathName.Maximum)
            return Errno.ENAMETOOLONG;
        if ((ulong)path.Length + 1 > size)
            return Errno.ERANGE;
        Array.Resize(ref path, path.Length + 1);
        Errno error = await current.WriteUserBytesAsync(buffer, path);
        return error != Errno.Success ? error : path.Length;
    }

    [Syscall(95, "umask", SyscallSupport.Real)]
    public static SyscallResult Umask(Task current, [Strace("octal")] uint mask)
    {
        FsContext fs = current.Fs!;
        FileMode old = fs.Umask;
        fs.Umask = (FileMode)(mask & 0x1ff);
        return (uint)old;
    }

    private static async KTask<SyscallResult> GetDentsAsync(Task current, Fd fd, VirtAddr buffer, uint size, bool old)
    {
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return file.Error;
        Result<long> result = await current.Kernel.Vfs.GetEntriesAsync(current, file.Value, buffer, size, old);
        file.Value.Put();
        return result.Ok ? result.Value : result.Error;
    }
}
