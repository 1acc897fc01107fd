using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>splice, tee and vmsplice: moving data into, out of and between pipes.</content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>Pipe to pipe: whole buffers change hands.</summary>
    public static async KTask<Result<long>> SplicePipesAsync(Task current, Pipe from, Pipe to, long count, bool nonBlocking)
    {
        for (; ; )
        {
            Errno error = await from.WaitForDataAsync(current, nonBlocking);
            if (error != Errno.Success)
                return error;
            if (from.IsEmpty)
                return 0L;
            error = await to.WaitForRoomAsync(current, nonBlocking);
            if (error != Errno.Success)
                return error;
            long done = 0;
            while (done < count && !from.IsEmpty && !to.IsFull)
            {
                PipeBuffer buffer = from.TakeBuffer(count - done);
                done += buffer.Length;
                to.AppendBuffer(buffer);
            }

            // Somebody else may have emptied the source while this one waited for room.
            if (done > 0)
                return done;
        }
    }

    /// <summary>tee: what is in one pipe appears in the other too.</summary>
    public static async KTask<Result<long>> TeeAsync(Task current, Pipe from, Pipe to, long count, bool nonBlocking)
    {
        for (; ; )
        {
            Errno error = await from.WaitForDataAsync(current, nonBlocking);
            if (error != Errno.Success)
                return error;
            if (from.IsEmpty)
                return 0L;
            error = await to.WaitForRoomAsync(current, nonBlocking);
            if (error != Errno.Success)
                return error;
            long done = 0;
            for (int i = 0; i < from.Occupied && done < count && !to.IsFull; i++)
            {
                PipeBuffer buffer = from.ShareBuffer(i, count - done);
                done += buffer.Length;
                to.AppendBuffer(buffer);
            }

            if (done > 0)
                return done;
        }
    }

    /// <summary>Pipe to file. Bytes that the file does not take go back to the front of the pipe.</summary>
    public async KTask<Result<long>> SpliceToFileAsync(Task current, Pipe from, OpenFile to, long offset, long count, bool nonBlocking)
    {
        long done = 0;
        byte[] bytes = new byte[(int)Page.Size];
        while (done < count)
        {
            Errno error = await from.WaitForDataAsync(current, nonBlocking || done > 0);
            if (error != Errno.Success)
                return done > 0 ? done : error;
            if (from.IsEmpty)
                break;
            PipeBuffer buffer = from.TakeBuffer(count - done);
            int length = from.CopyOut(buffer, bytes);
            var data = new KernelIovIter(bytes.AsMemory(0, length));
            Result<long> written = offset < 0
                ? await WriteAtPositionAsync(current, to, data)
                : await WriteAsync(current, to, data, offset + done);
            int taken = written.Ok ? (int)written.Value : 0;
            done += taken;
            if (taken == length)
            {
                from.FreeBuffer(buffer);
                continue;
            }

            buffer.Offset += taken;
            buffer.Length -= taken;
            from.ReturnBuffer(buffer);
            return done > 0 || written.Ok ? done : written.Error;
        }

        return done;
    }

    /// <summary>File to pipe: as much as there is room for, at least one buffer.</summary>
    public async KTask<Result<long>> SpliceFromFileAsync(Task current, OpenFile from, long offset, OpenFile to, Pipe pipe, long count, bool nonBlocking)
    {
        Errno error = await pipe.WaitForRoomAsync(current, nonBlocking);
        if (error != Errno.Success)
            return error;
        long room = (long)(pipe.Slots - pipe.Occupied) * (long)Page.Size;
        byte[] bytes = new byte[(int)Math.Min(Math.Min(count, room), CopyChunk)];
        Result<long> read = from.IsStream
            ? await ReadAsync(current, from, new KernelIovIter(bytes), 0)
            : await ReadAsync(current, from, new KernelIovIter(bytes), offset);
        if (!read.Ok || read.Value == 0)
            return read;
        return await WriteAsync(current, to, new KernelIovIter(bytes.AsMemory(0, (int)read.Value)), 0);
    }
}
