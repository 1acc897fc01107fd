using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>Extended attributes by path, link and descriptor (setxattr(2), getxattr(2), listxattr(2), removexattr(2)).</summary>
internal static class XattrCalls
{
    private const int MaximumName = 255;

    [Syscall(188, "setxattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> SetXattr(Task current, [Strace("path")] UserString path, [Strace("string")] UserString name, VirtAddr value, ulong size, XattrFlags flags) =>
        SetAsync(current, path, default, WalkFlags.Follow, name, value, size, flags);

    [Syscall(189, "lsetxattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> LSetXattr(Task current, [Strace("path")] UserString path, [Strace("string")] UserString name, VirtAddr value, ulong size, XattrFlags flags) =>
        SetAsync(current, path, default, WalkFlags.None, name, value, size, flags);

    [Syscall(190, "fsetxattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> FSetXattr(Task current, Fd fd, [Strace("string")] UserString name, VirtAddr value, ulong size, XattrFlags flags) =>
        SetAsync(current, default, fd, WalkFlags.Empty, name, value, size, flags);

    [Syscall(191, "getxattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> GetXattr(Task current, [Strace("path")] UserString path, [Strace("string")] UserString name, VirtAddr value, ulong size) =>
        GetAsync(current, path, default, WalkFlags.Follow, name, value, size);

    [Syscall(192, "lgetxattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> LGetXattr(Task current, [Strace("path")] UserString path, [Strace("string")] UserString name, VirtAddr value, ulong size) =>
        GetAsync(current, path, default, WalkFlags.None, name, value, size);

    [Syscall(193, "fgetxattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> FGetXattr(Task current, Fd fd, [Strace("string")] UserString name, VirtAddr value, ulong size) =>
        GetAsync(current, default, fd, WalkFlags.Empty, name, value, size);

    [Syscall(194, "listxattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> ListXattr(Task current, [Strace("path")] UserString path, VirtAddr list, ulong size) =>
        ListAsync(current, path, default, WalkFlags.Follow, list, size);

    [Syscall(195, "llistxattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> LListXattr(Task current, [Strace("path")] UserString path, VirtAddr list, ulong size) =>
        ListAsync(current, path, default, WalkFlags.None, list, size);

    [Syscall(196, "flistxattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> FListXattr(Task current, Fd fd, VirtAddr list, ulong size) =>
        ListAsync(current, default, fd, WalkFlags.Empty, list, size);

    [Syscall(197, "removexattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> RemoveXattr(Task current, [Strace("path")] UserString path, [Strace("string")] UserString name) =>
        RemoveAsync(current, path, default, WalkFlags.Follow, name);

    [Syscall(198, "lremovexattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> LRemoveXattr(Task current, [Strace("path")] UserString path, [Strace("string")] UserString name) =>
        RemoveAsync(current, path, default, WalkFlags.None, name);

    [Syscall(199, "fremovexattr", SyscallSupport.Real)]
    public static KTask<SyscallResult> FRemoveXattr(Task current, Fd fd, [Strace("string")] UserString name) =>
        RemoveAsync(current, default, fd, WalkFlags.Empty, name);

    private static async KTask<SyscallResult> SetAsync(Task current, UserString path, Fd fd, WalkFlags walk, UserString name, VirtAddr value, ulong size, XattrFlags flags)
    {
        if ((flags & ~(XattrFlags.Create | XattrFlags.Replace)) != 0)
            return Errno.EINVAL;
        Result<string> attribute = await ReadNameAsync(current, name);
        if (!attribute.Ok)
            return attribute.Error;
        if (size > VirtualFileSystem.MaximumXattrSize)
            return Errno.E2BIG;
        byte[] bytes = new byte[(int)size];
        Errno error = await current.ReadUserBytesAsync(value, bytes);
        if (error != Errno.Success)
            return error;
        Result<VfsPath> place = await PlaceAsync(current, path, fd, walk);
        if (!place.Ok)
            return place.Error;
        error = await current.Kernel.Vfs.SetXattrAsync(current, place.Value, attribute.Value, bytes, flags);
        place.Value.Put();
        return error;
    }

    private static async KTask<SyscallResult> GetAsync(Task current, UserString path, Fd fd, WalkFlags walk, UserString name, VirtAddr value, ulong size)
    {
        Result<string> attribute = await ReadNameAsync(current, name);
        if (!attribute.Ok)
            return attribute.Error;
        Result<VfsPath> place = await PlaceAsync(current, path, fd, walk);
        if (!place.Ok)
            return place.Error;
        Result<byte[]> bytes = await current.Kernel.Vfs.GetXattrAsync(current, place.Value, attribute.Value);
        place.Value.Put();
        return bytes.Ok ? await AnswerAsync(current, bytes.Value, value, size) : bytes.Error;
    }

    private static async KTask<SyscallResult> ListAsync(Task current, UserString path, Fd fd, WalkFlags walk, VirtAddr list, ulong size)
    {
        Result<VfsPath> place = await PlaceAsync(current, path, fd, walk);
        if (!place.Ok)
            return place.Error;
        Result<byte[]> bytes = await current.Kernel.Vfs.ListXattrAsync(current, place.Value);
        place.Value.Put();
        return bytes.Ok ? await AnswerAsync(current, bytes.Value, list, size) : bytes.Error;
    }

    private static async KTask<SyscallResult> RemoveAsync(Task current, UserString path, Fd fd, WalkFlags walk, UserString name)
    {
        Result<string> attribute = await ReadNameAsync(current, name);
        if (!attribute.Ok)
            return attribute.Error;
        Result<VfsPath> place = await PlaceAsync(current, path, fd, walk);
        if (!place.Ok)
            return place.Error;
        Errno error = await current.Kernel.Vfs.RemoveXattrAsync(current, place.Value, attribute.Value);
        place.Value.Put();
        return error;
    }

    /// <summary>The path's place, or the descriptor's for the f forms. Carries a reference.</summary>
    private static async KTask<Result<VfsPath>> PlaceAsync(Task current, UserString path, Fd fd, WalkFlags walk)
    {
        if (walk != WalkFlags.Empty)
            return await current.Kernel.Vfs.LookUpUserPathAsync(current, Fd.Cwd, path, walk);
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return file.Error;
        VfsPath place = file.Value.Path.Get();
        file.Value.Put();
        return place;
    }

    private static async KTask<Result<string>> ReadNameAsync(Task current, UserString name)
    {
        Result<byte[]> bytes = await current.ReadUserStringAsync(name, MaximumName + 1, Errno.ERANGE);
        if (!bytes.Ok)
            return bytes.Error;
        return bytes.Value.Length == 0 ? Errno.ERANGE : Encoding.UTF8.GetString(bytes.Value);
    }

    /// <summary>The size alone for an empty buffer, ERANGE for one that is too small.</summary>
    private static async KTask<SyscallResult> AnswerAsync(Task current, byte[] bytes, VirtAddr buffer, ulong size)
    {
        if (size == 0)
            return bytes.Length;
        if ((ulong)bytes.Length > size)
            return Errno.ERANGE;
        Errno error = await current.WriteUserBytesAsync(buffer, bytes);
        return error != Errno.Success ? error : bytes.Length;
    }
}
