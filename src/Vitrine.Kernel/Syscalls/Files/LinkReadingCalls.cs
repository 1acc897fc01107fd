using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>readlink and readlinkat (readlink(2)).</summary>
internal static class LinkReadingCalls
{
    [Syscall(89, "readlink", SyscallSupport.Real)]
    public static KTask<SyscallResult> ReadLink(Task current, [Strace("path")] UserString path, [Strace("out-buffer")] VirtAddr buffer, int size) =>
        ReadLinkAt(current, Fd.Cwd, path, buffer, size);

    [Syscall(267, "readlinkat", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ReadLinkAt(Task current, Fd directory, [Strace("path")] UserString path, [Strace("out-buffer")] VirtAddr buffer, int size)
    {
        if (size <= 0)
            return Errno.EINVAL;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> name = await vfs.Names.ReadAsync(current, path);
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;

        // An empty path reads the link that an O_PATH | O_NOFOLLOW descriptor stands for.
        Result<VfsPath> found = await vfs.LookUpPathAsync(current, directory, text, WalkFlags.Empty);
        if (!found.Ok)
            return text.IsEmpty && found.Error == Errno.ENOTDIR ? Errno.ENOENT : found.Error;
        VfsPath place = found.Value;
        SyscallResult result = await ReadAsync(current, vfs, place, text.IsEmpty, buffer, size);
        place.Put();
        return result;
    }

    private static async KTask<SyscallResult> ReadAsync(Task current, VirtualFileSystem vfs, VfsPath place, bool wasEmpty, VirtAddr buffer, int size)
    {
        Inode inode = place.Dentry.Inode!;
        if (!inode.IsSymlink)
            return wasEmpty ? Errno.ENOENT : Errno.EINVAL;
        vfs.TouchAccessTime(place.Mount, inode);
        Result<byte[]> target = await vfs.ReadLinkTextAsync(current, inode);
        if (!target.Ok)
            return target.Error;
        int length = Math.Min(target.Value.Length, size);
        Errno error = await current.WriteUserBytesAsync(buffer, target.Value.AsMemory(0, length));
        return error != Errno.Success ? error : length;
    }
}
