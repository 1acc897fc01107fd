using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>open, openat, openat2, creat, close, close_range (open(2), openat2(2), close(2)).</summary>
internal static class OpenCalls
{
    [Syscall(2, "open", SyscallSupport.Real)]
    public static KTask<SyscallResult> Open(Task current, [Strace("path")] UserString path, OpenFlags flags, [Strace("octal")] uint mode) =>
        OpenAsync(current, Fd.Cwd, path, flags, mode);

    [Syscall(257, "openat", SyscallSupport.Real)]
    public static KTask<SyscallResult> OpenAt(Task current, Fd directory, [Strace("path")] UserString path, OpenFlags flags, [Strace("octal")] uint mode) =>
        OpenAsync(current, directory, path, flags, mode);

    [Syscall(85, "creat", SyscallSupport.Real)]
    public static KTask<SyscallResult> Create(Task current, [Strace("path")] UserString path, [Strace("octal")] uint mode) =>
        OpenAsync(current, Fd.Cwd, path, OpenFlags.Create | OpenFlags.WriteOnly | OpenFlags.Truncate, mode);

    [Syscall(437, "openat2", SyscallSupport.Real)]
    public static async KTask<SyscallResult> OpenAt2(Task current, Fd directory, [Strace("path")] UserString path, UserPtr<OpenHow> how, ulong size)
    {
        if (size < (ulong)Unsafe.SizeOf<OpenHow>())
            return Errno.EINVAL;
        if (size > Page.Size)
            return Errno.E2BIG;
        byte[] bytes = new byte[(int)size];
        Errno error = await current.ReadUserBytesAsync(how.Address, bytes);
        if (error != Errno.Success)
            return error;

        // A longer structure of a later kernel is taken as long as it asks for nothing that this one does not know.
        if (bytes.AsSpan(Unsafe.SizeOf<OpenHow>()).ContainsAnyExcept((byte)0))
            return Errno.E2BIG;
        Result<OpenRequest> request = OpenRequest.FromHow(MemoryMarshal.Read<OpenHow>(bytes));
        return request.Ok ? await OpenAsync(current, directory, path, request.Value) : request.Error;
    }

    [Syscall(3, "close", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Close(Task current, Fd fd)
    {
        Errno error = await current.Files!.CloseAsync(current, fd);

        // The descriptor is gone: restarting the call would close somebody else's.
        return error is Errno.ERESTARTSYS or Errno.ERESTARTNOINTR or Errno.ERESTARTNOHAND or Errno.ERESTART_RESTARTBLOCK ? Errno.EINTR : error;
    }

    [Syscall(436, "close_range", SyscallSupport.Real)]
    public static async KTask<SyscallResult> CloseRange(Task current, uint first, uint last, CloseRangeFlags flags)
    {
        if ((flags & ~(CloseRangeFlags.Unshare | CloseRangeFlags.CloseOnExec)) != 0 || first > last)
            return Errno.EINVAL;
        FdTable table = current.Files!;
        if ((flags & CloseRangeFlags.Unshare) != 0 && table.Users > 1)
        {
            Result<FdTable> copy = table.Copy(current);
            if (!copy.Ok)
                return copy.Error;
            current.Files = copy.Value;
            await table.PutAsync(current);
            table = current.Files;
        }

        for (int fd = table.NextOpen((int)Math.Min(first, int.MaxValue)); fd >= 0 && (uint)fd <= last; fd = table.NextOpen(fd + 1))
        {
            if ((flags & CloseRangeFlags.CloseOnExec) != 0)
                table.SetCloseOnExec(new Fd(fd), true);
            else
                _ = await table.CloseAsync(current, new Fd(fd));
        }

        return SyscallResult.Success;
    }

    private static KTask<SyscallResult> OpenAsync(Task current, Fd directory, UserString path, OpenFlags flags, uint mode)
    {
        Result<OpenRequest> request = OpenRequest.FromOpen(flags, mode);
        return request.Ok ? OpenAsync(current, directory, path, request.Value) : KTask<SyscallResult>.FromResult(request.Error);
    }

    private static async KTask<SyscallResult> OpenAsync(Task current, Fd directory, UserString path, OpenRequest request)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> name = await vfs.Names.ReadAsync(current, path);
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        FdTable table = current.Files!;
        Result<Fd> slot = table.Reserve(current, request.CloseOnExec);
        if (!slot.Ok)
            return slot.Error;
        Result<OpenFile> file = await vfs.OpenAsync(current, directory, text, request);
        if (!file.Ok)
        {
            table.Unreserve(slot.Value);
            return file.Error;
        }

        table.Install(slot.Value, file.Value);
        return slot.Value;
    }
}
