using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>splice(2), tee(2), vmsplice(2).</summary>
internal static class SpliceCalls
{
    private const SpliceFlags Known = SpliceFlags.Move | SpliceFlags.NonBlock | SpliceFlags.More | SpliceFlags.Gift;

    [Syscall(275, "splice", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Splice(Task current, Fd input, UserPtr<long> inputOffset, Fd output, UserPtr<long> outputOffset, ulong count, SpliceFlags flags)
    {
        if (count == 0)
            return 0;
        if ((flags & ~Known) != 0)
            return Errno.EINVAL;
        Result<OpenFile> from = current.Files!.Get(input);
        if (!from.Ok)
            return from.Error;
        Result<OpenFile> to = current.Files.Get(output);
        if (!to.Ok)
        {
            from.Value.Put();
            return to.Error;
        }

        long length = (long)Math.Min(count, (ulong)UserIovIter.MaximumBytes);
        SyscallResult result = await SpliceAsync(current, from.Value, inputOffset, to.Value, outputOffset, length, (flags & SpliceFlags.NonBlock) != 0);
        to.Value.Put();
        from.Value.Put();
        return result;
    }

    [Syscall(276, "tee", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Tee(Task current, Fd input, Fd output, ulong count, SpliceFlags flags)
    {
        if ((flags & ~Known) != 0)
            return Errno.EINVAL;
        if (count == 0)
            return 0;
        Result<OpenFile> from = current.Files!.Get(input);
        if (!from.Ok)
            return from.Error;
        Result<OpenFile> to = current.Files.Get(output);
        if (!to.Ok)
        {
            from.Value.Put();
            return to.Error;
        }

        Result<long> result;
        if (!from.Value.CanRead || !to.Value.CanWrite)
            result = Errno.EBADF;
        else if (from.Value is not PipeFile source || to.Value is not PipeFile target || source.Pipe == target.Pipe)
            result = Errno.EINVAL;
        else
            result = await VirtualFileSystem.TeeAsync(
                current, source.Pipe, target.Pipe, (long)Math.Min(count, (ulong)UserIovIter.MaximumBytes), IsNonBlocking(flags, source, target));
        to.Value.Put();
        from.Value.Put();
        return result.Ok ? result.Value : result.Error;
    }

    [Syscall(278, "vmsplice", SyscallSupport.Partial, Note = "the pages are copied, also with SPLICE_F_GIFT")]
    public static async KTask<SyscallResult> VmSplice(Task current, Fd fd, UserPtr<Iovec> vectors, ulong count, SpliceFlags flags)
    {
        if ((flags & ~Known) != 0)
            return Errno.EINVAL;
        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        OpenFile file = found.Value;
        SyscallResult result;
        if (file is not PipeFile)
        {
            result = Errno.EBADF;
        }
        else
        {
            Result<UserIovIter> iter = await current.Kernel.Vfs.Iterators.RentAsync(current, vectors, count);
            if (!iter.Ok)
            {
                result = iter.Error;
            }
            else
            {
                iter.Value.IsNoWait = (flags & SpliceFlags.NonBlock) != 0;
                iter.Value.IsPartial = true;
                Result<long> moved = file.CanWrite
                    ? await current.Kernel.Vfs.WriteAsync(current, file, iter.Value, 0)
                    : await current.Kernel.Vfs.ReadAsync(current, file, iter.Value, 0);
                iter.Value.Dispose();
                result = moved.Ok ? moved.Value : moved.Error;
            }
        }

        file.Put();
        return result;
    }

    private static bool IsNonBlocking(SpliceFlags flags, OpenFile from, OpenFile to) =>
        (flags & SpliceFlags.NonBlock) != 0 || from.IsNonBlocking || to.IsNonBlocking;

    private static async KTask<SyscallResult> SpliceAsync(Task current, OpenFile from, UserPtr<long> inputOffset, OpenFile to, UserPtr<long> outputOffset, long count, bool nonBlocking)
    {
        if (!from.CanRead || !to.CanWrite)
            return Errno.EBADF;
        var source = from as PipeFile;
        var target = to as PipeFile;
        if ((source is not null && !inputOffset.IsNull) || (target is not null && !outputOffset.IsNull))
            return Errno.ESPIPE;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        if (source is not null && target is not null)
        {
            if (source.Pipe == target.Pipe)
                return Errno.EINVAL;
            nonBlocking |= from.IsNonBlocking || to.IsNonBlocking;
            Result<long> moved = await VirtualFileSystem.SplicePipesAsync(current, source.Pipe, target.Pipe, count, nonBlocking);
            return moved.Ok ? moved.Value : moved.Error;
        }

        if (source is null && target is null)
            return Errno.EINVAL;
        OpenFile other = source is null ? from : to;
        UserPtr<long> where = source is null ? inputOffset : outputOffset;
        if (!where.IsNull && other.IsStream)
            return Errno.EINVAL;
        if (source is not null && (to.Flags & OpenFlags.Append) != 0)
            return Errno.EINVAL;
        if (source is null ? !from.CanSpliceFrom : !to.CanSpliceTo)
            return Errno.EINVAL;
        long offset = other.Position;
        if (!where.IsNull)
        {
            Result<long> given = await current.ReadUserAsync(where);
            if (!given.Ok)
                return given.Error;
            offset = given.Value;
            if (offset < 0)
                return Errno.EINVAL;
        }

        Result<long> result = source is not null
            ? await vfs.SpliceToFileAsync(current, source.Pipe, to, where.IsNull ? -1 : offset, count, nonBlocking || from.IsNonBlocking)
            : await vfs.SpliceFromFileAsync(current, from, offset, to, target!.Pipe, count, nonBlocking || to.IsNonBlocking);
        if (!result.Ok)
            return result.Error;
        if (!where.IsNull)
        {
            Errno error = await current.WriteUserAsync(where, offset + result.Value);
            if (error != Errno.Success)
                return error;
        }
        else if (source is null && !from.IsStream)
        {
            from.Position = offset + result.Value;
        }

        return result.Value;
    }
}
