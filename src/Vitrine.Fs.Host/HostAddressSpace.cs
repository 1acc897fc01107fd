using Vitrine.Fs.Host.Native;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Fs.Host;

/// <summary>The pages of a file of the host, read straight into frames.</summary>
internal sealed class HostAddressSpace(HostRegularFile file) : AddressSpace(file.Super.Machine, file)
{
    /// <summary>Larger reads go off the kernel lock where the host can't say whether it would have to wait.</summary>
    private const long SmallRead = 256 << 10;

    /// <summary>IOV_MAX of the host is 1024; readahead windows are smaller.</summary>
    private const int MaxVectors = 256;

    public override bool TracksDirty => file.Super.Spec.IsWritable;

    public override KTask<Errno> ReadFolioAsync(Task current, Folio folio) => ReadFoliosAsync(current, new Folio[] { folio });

    /// <summary>
    /// What the host has in memory is copied at once; what it would have to wait for is read off the kernel lock.
    /// </summary>
    public override async KTask<Errno> ReadFoliosAsync(Task current, ReadOnlyMemory<Folio> folios)
    {
        Result<HostHandle> pinned = await file.PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        int descriptor = handle.Descriptor;
        HostDevice device = file.HostDevice;
        while (!folios.IsEmpty && error == Errno.Success)
        {
            ReadOnlyMemory<Folio> part = folios[..Math.Min(folios.Length, MaxVectors)];
            folios = folios[part.Length..];
            long done = 0;
            error = device.IsSlow ? Errno.EAGAIN : Read(descriptor, part.Span, ref done, mayWait: !device.CanReadWithoutWaiting && part.Length * (long)Page.Size <= SmallRead);
            if (error == Errno.EOPNOTSUPP)
            {
                device.CanReadWithoutWaiting = false;
                error = Errno.EAGAIN;
            }

            if (error == Errno.EAGAIN)
                error = await HostWork.RunAsync(current, () => Read(descriptor, part.Span, ref done, mayWait: true));
        }

        file.Super.Files.Unpin(handle);
        return error;
    }

    public override async KTask<Errno> WriteFolioAsync(Task current, Folio folio)
    {
        Result<HostHandle> pinned = await file.PinHandleAsync(current, write: true);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        int descriptor = handle.Descriptor;
        long size = Size;
        error = await HostWork.RunAsync(current, () => Write(descriptor, folio, size));
        file.Super.Files.Unpin(handle);
        return error;
    }

    /// <summary>Writes all dirty pages at once, for when nobody is left who could wait. What fails is lost, as in any writeback without fsync.</summary>
    public void WriteDirtyNow(int descriptor)
    {
        ulong index = 0;
        while (FindNext(ref index, out Folio folio))
        {
            if (folio.IsDirty && !folio.IsLocked)
            {
                Memory.ClearDirty(folio.Frame);
                Errno error = Write(descriptor, folio, Size);
                if (error != Errno.Success)
                    Kernel.Log.Write(Vitrine.Kernel.Printk.PrintkLevel.Error, $"hostfs: lost a write to inode {file.Number.Value}: {error}");
            }

            index++;
        }
    }

    private static unsafe Errno Write(int descriptor, Folio folio, long size)
    {
        long start = (long)(folio.Index << Page.Shift);
        long length = Math.Min(folio.Length, size - start);
        long done = 0;
        while (done < length)
        {
            // SAFETY: the frames are kept by their folio; the vector lies on the stack.
            var vector = new HostIovec { Base = folio.Data + done, Length = (nuint)(length - done) };
            Result<long> written = HostCalls.WriteAt(descriptor, &vector, 1, start + done);
            if (!written.TryGet(out long count, out Errno error))
                return error;
            if (count == 0)
                return Errno.EIO;
            done += count;
        }

        return Errno.Success;
    }

    /// <summary>
    /// Fills consecutive folios from where an earlier call stopped; what lies behind the end of the file is zero. Any
    /// thread: the folios are locked. EAGAIN if the host would have to wait and may not.
    /// </summary>
    private static unsafe Errno Read(int descriptor, ReadOnlySpan<Folio> folios, ref long done, bool mayWait)
    {
        // SAFETY: the frames are pinned by their folios' locks; the vectors lie on the stack.
        HostIovec* vectors = stackalloc HostIovec[folios.Length];
        for (int i = 0; i < folios.Length; i++)
            vectors[i] = new HostIovec { Base = folios[i].Data, Length = (nuint)folios[i].Length };
        long start = (long)(folios[0].Index << Page.Shift);
        HostIovec* next = vectors;
        int left = folios.Length;
        Skip(ref next, ref left, done);
        while (left > 0)
        {
            Result<long> read = HostCalls.ReadAt(descriptor, next, left, start + done, mayWait);
            if (!read.TryGet(out long length, out Errno error))
                return error;
            if (length == 0)
                break;
            done += length;
            Skip(ref next, ref left, length);
        }

        for (; left > 0; next++, left--)
            new Span<byte>(next->Base, (int)next->Length).Clear();
        return Errno.Success;
    }

    /// <summary>Takes bytes off the front of the vectors.</summary>
    private static unsafe void Skip(ref HostIovec* next, ref int left, long length)
    {
        while (left > 0 && (ulong)length >= next->Length)
        {
            length -= (long)next->Length;
            next++;
            left--;
        }

        if (left > 0)
        {
            next->Base += length;
            next->Length -= (nuint)length;
        }
    }
}
