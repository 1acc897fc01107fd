using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>sendfile and copy_file_range (sendfile(2), copy_file_range(2)).</summary>
internal static class CopyCalls
{
    [Syscall(40, "sendfile", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SendFile(Task current, Fd output, Fd input, UserPtr<long> offset, ulong count)
    {
        long position = -1;
        if (!offset.IsNull)
        {
            Result<long> given = await current.ReadUserAsync(offset);
            if (!given.Ok)
                return given.Error;
            position = given.Value;
        }

        Result<OpenFile> from = current.Files!.Get(input);
        if (!from.Ok)
            return from.Error;
        Result<OpenFile> to = current.Files.Get(output);
        if (!to.Ok)
        {
            from.Value.Put();
            return to.Error;
        }

        Result<long> result = await SendAsync(current, from.Value, to.Value, !offset.IsNull, position, count);
        to.Value.Put();
        from.Value.Put();
        if (!offset.IsNull)
        {
            // Written back whatever came of it, as Linux does.
            Errno error = await current.WriteUserAsync(offset, position + (result.Ok ? result.Value : 0));
            if (error != Errno.Success)
                return error;
        }

        return result.Ok ? result.Value : result.Error;
    }

    [Syscall(326, "copy_file_range", SyscallSupport.Real)]
    public static async KTask<SyscallResult> CopyFileRange(Task current, Fd input, UserPtr<long> inputOffset, Fd output, UserPtr<long> outputOffset, ulong count, uint flags)
    {
        Result<OpenFile> from = current.Files!.Get(input);
        if (!from.Ok)
            return from.Error;
        Result<OpenFile> to = current.Files.Get(output);
        if (!to.Ok)
        {
            from.Value.Put();
            return to.Error;
        }

        SyscallResult result = flags != 0
            ? Errno.EINVAL
            : await CopyRangeAsync(current, from.Value, inputOffset, to.Value, outputOffset, count);
        to.Value.Put();
        from.Value.Put();
        return result;
    }

    private static async KTask<Result<long>> SendAsync(Task current, OpenFile from, OpenFile to, bool hasOffset, long offset, ulong count)
    {
        if (!from.CanRead || !to.CanWrite)
            return Errno.EBADF;
        if (from.IsStream)
            return hasOffset ? Errno.ESPIPE : Errno.EINVAL;
        if ((to.Flags & OpenFlags.Append) != 0)
            return Errno.EINVAL;
        if ((hasOffset && offset < 0) || (long)count < 0 || !from.CanSpliceFrom || !to.CanSpliceTo)
            return Errno.EINVAL;
        long start = hasOffset ? offset : from.Position;
        Result<long> result = await current.Kernel.Vfs.CopyAsync(current, from, start, to, -1, Math.Min((long)count, UserIovIter.MaximumBytes));
        if (result.Ok && !hasOffset)
            from.Position = start + result.Value;
        return result;
    }

    private static async KTask<SyscallResult> CopyRangeAsync(Task current, OpenFile from, UserPtr<long> inputOffset, OpenFile to, UserPtr<long> outputOffset, ulong count)
    {
        long start = from.Position;
        long target = to.Position;
        if (!inputOffset.IsNull)
        {
            Result<long> given = await current.ReadUserAsync(inputOffset);
            if (!given.Ok)
                return given.Error;
            start = given.Value;
        }

        if (!outputOffset.IsNull)
        {
            Result<long> given = await current.ReadUserAsync(outputOffset);
            if (!given.Ok)
                return given.Error;
            target = given.Value;
        }

        Errno error = CheckRange(from, start, to, target, count);
        if (error != Errno.Success)
            return error;
        long length = Math.Min((long)Math.Min(count, UserIovIter.MaximumBytes), Math.Max(0, from.Inode.Size - start));
        if (length == 0)
            return SyscallResult.Success;
        Result<long> result = await current.Kernel.Vfs.CopyAsync(current, from, start, to, target, length);
        if (!result.Ok)
            return result.Error;
        long done = result.Value;
        if (inputOffset.IsNull)
            from.Position = start + done;
        else
            error = await current.WriteUserAsync(inputOffset, start + done);
        if (outputOffset.IsNull)
            to.Position = target + done;
        else if (error == Errno.Success)
            error = await current.WriteUserAsync(outputOffset, target + done);
        return error != Errno.Success ? error : done;
    }

    private static Errno CheckRange(OpenFile from, long start, OpenFile to, long target, ulong count)
    {
        if (from.Inode.IsDirectory || to.Inode.IsDirectory)
            return Errno.EISDIR;
        if (!from.Inode.IsRegular || !to.Inode.IsRegular)
            return Errno.EINVAL;
        if (!from.CanRead || !to.CanWrite || (to.Flags & OpenFlags.Append) != 0)
            return Errno.EBADF;
        if (from.Inode.SuperBlock != to.Inode.SuperBlock)
            return Errno.EXDEV;
        // In unsigned arithmetic, as the kernel's: a negative offset overflows, the end of the address range does not.
        if (unchecked((ulong)start + count) < (ulong)start || unchecked((ulong)target + count) < (ulong)target)
            return Errno.EOVERFLOW;
        if (start < 0 || target < 0)
            return Errno.EINVAL;
        long length = (long)Math.Min(count, (ulong)Math.Max(0, from.Inode.Size - start));
        return from.Inode == to.Inode && start < target + length && target < start + length ? Errno.EINVAL : Errno.Success;
    }
}
