using Vitrine.Fs.Host.Native;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <content>
/// Writing through: bytes go to the host first, then into the pages that are cached, so that nothing the guest has
/// written waits in memory. Only writes to shared mappings do, until they are synced or the last mapping goes.
/// </content>
internal sealed partial class HostRegularFile
{
    private const int WriteChunk = 128 << 10;

    /// <summary>Writes at an offset under the inode's lock.</summary>
    public async KTask<Result<long>> WriteThroughAsync(Task current, IovIter from, long offset)
    {
        Result<HostHandle> pinned = await PinHandleAsync(current, write: true);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent((int)Math.Min(from.Remaining, WriteChunk));
        long done = 0;
        while (from.Remaining > 0 && error == Errno.Success)
        {
            int wanted = (int)Math.Min(from.Remaining, Math.Min(buffer.Length, WriteChunk));
            int copied = from.CopyFrom(buffer.AsSpan(0, wanted));
            if (copied == 0)
            {
                error = await from.FaultInAsync(current, write: false);
                continue;
            }

            Result<long> written = await WriteChunkAsync(current, handle, buffer, copied, offset + done);
            error = written.Error;
            long taken = written.Ok ? written.Value : 0;
            done += taken;
            if (taken < copied)
            {
                from.Revert(copied - taken);
                break;
            }
        }

        System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        Errno refreshed = await RefreshAfterChangeAsync(current, handle);
        Super.Files.Unpin(handle);
        if (done > 0)
            return done;
        return error != Errno.Success ? error : refreshed == Errno.Success ? done : refreshed;
    }

    /// <summary>fallocate on the host, and what it does to the cached pages.</summary>
    public async KTask<Errno> AllocateAsync(Task current, FallocateMode mode, long offset, long length)
    {
        Result<HostHandle> pinned = await PinHandleAsync(current, write: true);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        int descriptor = handle.Descriptor;
        error = await FileMap.SyncAsync(current, Pages!, 0, long.MaxValue);
        if (error == Errno.Success)
            error = await HostWork.RunAsync(current, () => HostCalls.Allocate(descriptor, mode, offset, length));
        if (error == Errno.Success)
        {
            // Whatever the mode moved or cleared is read anew.
            if ((mode & ~FallocateMode.KeepSize) != 0)
                await Pages!.InvalidateAsync(current, (ulong)offset >> Page.Shift, ulong.MaxValue);
            error = await RefreshAfterChangeAsync(current, handle);
        }

        Super.Files.Unpin(handle);
        return error;
    }

    public async KTask<Errno> SyncAsync(Task current, bool dataOnly)
    {
        Errno error = await FileMap.SyncAsync(current, Pages!, 0, long.MaxValue);
        Result<HostHandle> pinned = await PinHandleAsync(current, write: _handle is { IsWritable: true });
        if (!pinned.TryGet(out HostHandle? handle, out Errno failed))
            return failed;
        int descriptor = handle.Descriptor;
        Errno synced = await HostWork.RunAsync(current, () => HostCalls.Sync(descriptor, dataOnly));
        Super.Files.Unpin(handle);
        return error == Errno.Success ? synced : error;
    }

    /// <summary>The last user of a shared mapping has gone: what was written through it reaches the host. Must not wait.</summary>
    public void FlushMapped()
    {
        if (_kept is { } kept && Pages is { } pages)
            pages.WriteDirtyNow(kept.Descriptor);
    }

    protected override async KTask<Errno> ResizeAsync(Task current, long size)
    {
        Result<HostHandle> pinned = await PinHandleAsync(current, write: true);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        int descriptor = handle.Descriptor;
        error = HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => HostCalls.Truncate(descriptor, size))
            : HostCalls.Truncate(descriptor, size);
        if (error == Errno.Success)
        {
            long old = Size;
            Size = size;
            if (size < old && Pages is not null)
                await Pages.TruncateAsync(current, size);
            error = await RefreshAfterChangeAsync(current, handle);
        }

        Super.Files.Unpin(handle);
        return error;
    }

    protected override void RefreshAfterChange(in HostStatx stat)
    {
        bool before = _contentChanged;
        Refresh(stat);
        _contentChanged = before;
    }

    private async KTask<Result<long>> WriteChunkAsync(Task current, HostHandle handle, byte[] buffer, int length, long offset)
    {
        int descriptor = handle.Descriptor;
        Result<long> written = HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => WriteBytes(descriptor, buffer, length, offset))
            : WriteBytes(descriptor, buffer, length, offset);
        if (written.Ok)
        {
            Size = Math.Max(Size, offset + written.Value);
            await UpdatePagesAsync(current, buffer, (int)written.Value, offset);
        }

        return written;
    }

    private static unsafe Result<long> WriteBytes(int descriptor, byte[] buffer, int length, long offset)
    {
        // SAFETY: pinned for the call; the vector spans bytes of the array.
        fixed (byte* p = buffer)
        {
            var vector = new HostIovec { Base = p, Length = (nuint)length };
            return HostCalls.WriteAt(descriptor, &vector, 1, offset);
        }
    }

    /// <summary>Cached pages take the written bytes; those being read wait, since they may have read what was there before.</summary>
    private async KTask UpdatePagesAsync(Task current, byte[] data, int length, long offset)
    {
        HostAddressSpace pages = Pages!;
        int done = 0;
        while (done < length)
        {
            long at = offset + done;
            int within = (int)(at & (long)(Page.Size - 1));
            int count = Math.Min(length - done, (int)Page.Size - within);
            if (pages.Find((ulong)at >> Page.Shift) is { } cached)
            {
                Folio folio = cached.Get();
                await folio.LockAsync(current);
                if (folio.Space == pages && folio.IsUptodate)
                    folio.Write((int)((ulong)at - (folio.Index << Page.Shift)), data.AsSpan(done, count));
                folio.Unlock();
                folio.Put();
            }

            done += count;
        }
    }
}
