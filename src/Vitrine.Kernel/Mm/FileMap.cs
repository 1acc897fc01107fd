using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// File contents through the page cache (mm/filemap.c's part): read, write, mapping, sync. Buffers are copied without
/// faulting while a folio is held; what is missing of the buffer is faulted in with nothing held, then tried again.
/// </summary>
internal static partial class FileMap
{
    /// <summary>Reads at an offset. Bytes, 0 at the end of the file; short after partial progress.</summary>
    public static async KTask<Result<long>> ReadAsync(Task current, AddressSpace space, IovIter to, long offset, ReadaheadState readahead)
    {
        long done = 0;
        while (to.Remaining > 0 && offset < space.Size)
        {
            ulong index = (ulong)offset >> Page.Shift;
            Result<Folio> got;
            if (space.HasHole(index))
            {
                got = space.ZeroFolio;
            }
            else
            {
                if (!IsReady(space, index) || IsReadaheadMark(space, index))
                {
                    if (to.IsNoWait && !IsReady(space, index))
                        return done > 0 ? done : Errno.EAGAIN;
                    int wanted = (int)Math.Min((to.Remaining + (offset & (long)(Page.Size - 1)) + (long)Page.Size - 1) >> Page.Shift, 1024);
                    Errno ahead = await ReadaheadAsync(current, space, readahead, index, wanted);
                    if (ahead != Errno.Success)
                        return done > 0 ? done : ahead;
                }

                got = await space.GetAsync(current, index);
            }

            if (!got.TryGet(out Folio folio, out Errno error))
            {
                // Truncated meanwhile: the loop's condition sees the end.
                if (error == Errno.ENODATA)
                    continue;
                return done > 0 ? done : error;
            }

            int within = (int)(offset & (long)(Page.Size - 1));
            int count = (int)Math.Min(Math.Min((long)Page.Size - within, space.Size - offset), to.Remaining);
            int copied = count <= 0 ? 0 : to.CopyTo(folio.Span.Slice(within, count));
            folio.Put();
            offset += copied;
            done += copied;
            readahead.Previous = (long)index;
            if (count <= 0)
                break;
            if (copied < count)
            {
                error = await to.FaultInAsync(current, write: true);
                if (error != Errno.Success)
                    return done > 0 ? done : error;
            }

            await current.RescheduleAsync();
            if (current.IsFatalSignalPending && done > 0)
                break;
        }

        return done;
    }

    /// <summary>
    /// Writes at an offset, extending the file; the caller holds the inode's lock and has done the generic checks.
    /// Short after partial progress.
    /// </summary>
    public static async KTask<Result<long>> WriteAsync(Task current, AddressSpace space, IovIter from, long offset)
    {
        long done = 0;
        while (from.Remaining > 0)
        {
            int within = (int)(offset & (long)(Page.Size - 1));
            int count = (int)Math.Min((long)Page.Size - within, from.Remaining);
            Result<Folio> begun = await space.WriteBeginAsync(current, offset, count);
            if (!begun.TryGet(out Folio folio, out Errno error))
                return done > 0 ? done : error;
            int copied = from.CopyFrom(folio.Span.Slice(within, count));
            bool isWhole = copied < count && !folio.IsUptodate;
            if (isWhole)
            {
                // The part that was to be overwritten has no true content yet: nothing of it counts.
                from.Revert(copied);
                copied = 0;
            }

            if (copied > 0)
            {
                folio.Written(within, copied);
                space.WriteEnd(folio, offset, copied);
            }

            folio.Unlock();
            folio.Put();
            offset += copied;
            done += copied;
            if (copied < count)
            {
                // What can't be taken in parts needs all of the buffer's pages, not only the first.
                error = isWhole ? await from.FaultInRangeAsync(current, count) : await from.FaultInAsync(current, write: false);
                if (error != Errno.Success)
                    return done > 0 ? done : error;
            }

            await current.RescheduleAsync();
            if (current.IsFatalSignalPending && (done > 0 || isWhole))
                return done > 0 ? done : Errno.EINTR;
        }

        return done;
    }

    /// <summary>What a regular file's <see cref="OpenFile.Map"/> does.</summary>
    public static Errno Map(OpenFile file, VmArea area)
    {
        if (file.Inode.Mapping is not { } space)
            return Errno.ENODEV;
        area.SetMapping(space);
        return Errno.Success;
    }

    /// <summary>Writes dirty pages of bytes [start, end) back and waits for it.</summary>
    public static async KTask<Errno> SyncAsync(Task current, AddressSpace space, long start, long end)
    {
        if (!space.TracksDirty)
            return Errno.Success;
        Errno result = Errno.Success;
        ulong index = (ulong)start >> Page.Shift;
        while (space.FindNext(ref index, out Folio folio) && index << Page.Shift < (ulong)end)
        {
            if (folio.IsDirty)
            {
                folio.Get();
                await folio.LockAsync(current);
                if (folio.Space == space && folio.IsDirty)
                {
                    current.Kernel.Memory.ClearDirty(folio.Frame);
                    Errno error = await space.WriteFolioAsync(current, folio);
                    if (error != Errno.Success)
                        result = error;
                }

                folio.Unlock();
                folio.Put();
            }

            index++;
        }

        return result;
    }

    private static unsafe bool IsReady(AddressSpace space, ulong index)
    {
        PageFrameNumber frame = space.FindFrame(index);
        return !frame.IsNone
            && (space.Kernel.Memory[frame]->Flags & (PageFlags.Uptodate | PageFlags.Locked)) == PageFlags.Uptodate;
    }

    private static unsafe bool IsReadaheadMark(AddressSpace space, ulong index)
    {
        PageFrameNumber frame = space.FindFrame(index);
        return (space.Kernel.Memory[frame]->Flags & PageFlags.Readahead) != 0;
    }
}
