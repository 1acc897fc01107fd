using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>Moving data from file to file inside the kernel: sendfile, copy_file_range; and making it durable.</content>
internal sealed partial class VirtualFileSystem
{
    private const int CopyChunk = 64 << 10;
    private readonly Stack<byte[]> _copyBuffers = new();

    /// <summary>fsync: what the file does; directories of file systems in memory have nothing to do.</summary>
    public async KTask<Errno> SyncAsync(Task current, OpenFile file, bool dataOnly)
    {
        Errno error = await file.SyncAsync(current, dataOnly);
        return error == Errno.EINVAL && file.Inode.IsDirectory ? Errno.Success : error;
    }

    /// <summary>
    /// Copies from one file to another through a kernel buffer until <paramref name="count"/> bytes are done, the source
    /// ends, or something is in the way after progress. Reads at <paramref name="offset"/>; writes at
    /// <paramref name="outOffset"/>, or at the position of the target when that is negative.
    /// </summary>
    public async KTask<Result<long>> CopyAsync(Task current, OpenFile from, long offset, OpenFile to, long outOffset, long count)
    {
        byte[] buffer = _copyBuffers.TryPop(out byte[]? pooled) ? pooled : new byte[CopyChunk];
        long done = 0;
        Errno error = Errno.Success;
        while (done < count)
        {
            int wanted = (int)Math.Min(count - done, CopyChunk);
            Result<long> read = await ReadAsync(current, from, new KernelIovIter(buffer.AsMemory(0, wanted)), offset + done);
            if (!read.Ok)
            {
                error = read.Error;
                break;
            }

            if (read.Value == 0)
                break;
            var data = new KernelIovIter(buffer.AsMemory(0, (int)read.Value));
            Result<long> written = outOffset < 0
                ? await WriteAtPositionAsync(current, to, data)
                : await WriteAsync(current, to, data, outOffset + done);
            if (!written.Ok)
            {
                error = written.Error;
                break;
            }

            done += written.Value;
            if (written.Value < read.Value)
                break;
            if (current.HasInterruptingWork)
            {
                error = Errno.ERESTARTSYS;
                break;
            }
        }

        if (_copyBuffers.Count < 2)
            _copyBuffers.Push(buffer);
        return done > 0 || error == Errno.Success ? done : error;
    }
}
