using Vitrine.Kernel.Async;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tasks.Exec;

/// <summary>Reading a file into a kernel buffer (kernel_read's twin).</summary>
internal static class FileContent
{
    /// <summary>Fills the buffer from an offset on. Bytes read: fewer only at the end of the file.</summary>
    public static async KTask<Result<long>> ReadAsync(Task current, OpenFile file, Memory<byte> buffer, long offset)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            Result<long> read = await file.ReadAsync(current, new KernelIovIter(buffer[done..]), offset + done);
            if (!read.TryGet(out long got, out Errno error))
                return error;
            if (got == 0)
                break;
            done += (int)got;
        }

        return done;
    }
}
