using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm;

/// <content>Taking pages out: truncation, holes, invalidation, the end of the object.</content>
internal abstract partial class AddressSpace
{
    /// <summary>
    /// The object has become shorter (its size says so already): unmaps and drops what is beyond, zeroes the rest of
    /// the last page, so that a later extension reads zeros.
    /// </summary>
    public async KTask TruncateAsync(Task current, long newSize)
    {
        ulong firstGone = ((ulong)newSize + Page.Size - 1) >> Page.Shift;
        UnmapPages(firstGone, ulong.MaxValue, keepAnonymous: false);
        await DropRangeAsync(current, firstGone, ulong.MaxValue);

        // A fault that was under way may have mapped a page again before its folio was locked.
        UnmapPages(firstGone, ulong.MaxValue, keepAnonymous: false);
        int tail = (int)((ulong)newSize & (Page.Size - 1));
        if (tail != 0)
            await ZeroPartAsync(current, (ulong)newSize >> Page.Shift, tail, (int)Page.Size - tail);
    }

    /// <summary>Bytes [start, end) become zeros: whole pages leave the cache, parts are zeroed.</summary>
    public async KTask PunchHoleAsync(Task current, long start, long end)
    {
        ulong first = ((ulong)start + Page.Size - 1) >> Page.Shift;
        ulong last = (ulong)end >> Page.Shift;
        if (first > last)
        {
            // All within one page.
            await ZeroPartAsync(current, (ulong)start >> Page.Shift, (int)((ulong)start & (Page.Size - 1)), (int)(end - start));
            return;
        }

        if (first < last)
        {
            // Unlike truncation, a hole leaves private copies alone.
            UnmapPages(first, last, keepAnonymous: true);
            await DropRangeAsync(current, first, last);
        }

        int head = (int)((ulong)start & (Page.Size - 1));
        if (head != 0)
            await ZeroPartAsync(current, (ulong)start >> Page.Shift, head, (int)Page.Size - head);
        int tail = (int)((ulong)end & (Page.Size - 1));
        if (tail != 0)
            await ZeroPartAsync(current, last, 0, tail);
    }

    /// <summary>Drops cached pages [first, end) and their entries, except dirty ones: what they hold is no longer true.</summary>
    public async KTask InvalidateAsync(Task current, ulong first, ulong end)
    {
        UnmapPages(first, end, keepAnonymous: true);
        ulong index = first;
        while (FindNext(ref index, out Folio folio) && index < end)
        {
            folio.Get();
            await folio.LockAsync(current);
            if (folio.Space == this && !folio.IsDirty)
            {
                UnmapPages(folio.Index, folio.Index + folio.PageCount, keepAnonymous: true);
                Drop(folio);
            }

            folio.Unlock();
            folio.Put();
            index++;
        }
    }

    /// <summary>Drops those of the cached pages [first, end) that nobody needs now: clean, not mapped, not busy (invalidate_mapping_pages).</summary>
    public async KTask DropUnusedAsync(Task current, ulong first, ulong end)
    {
        if (IsSwapBacked)
            return;
        ulong index = first;
        while (FindNext(ref index, out Folio folio) && index < end)
        {
            if (!folio.IsLocked && !folio.IsMapped && !folio.IsDirty)
                Drop(folio);
            if (++index % 1024 == 0)
                await current.RescheduleAsync();
        }
    }

    /// <summary>Drops everything: the object is gone, nobody maps it or reads from it.</summary>
    public void Destroy()
    {
        ulong index = 0;
        while (FindNext(ref index, out Folio folio))
        {
            if (folio.IsLocked)
                throw new InvalidOperationException($"page {index} of an object that goes is locked");
            Drop(folio);
            index++;
        }
    }

    /// <summary>Takes pages [first, end) out of all mappings.</summary>
    /// <param name="keepAnonymous">Leave private copies of them.</param>
    public void UnmapPages(ulong first, ulong end, bool keepAnonymous)
    {
        foreach (VmArea area in _mappings)
        {
            ulong areaEnd = area.PageOffset + area.Pages;
            if (areaEnd <= first || area.PageOffset >= end)
                continue;
            ulong from = Math.Max(first, area.PageOffset) - area.PageOffset;
            ulong to = Math.Min(end, areaEnd) - area.PageOffset;
            MmuGather gather = Memory.Gather;
            gather.Begin(area.Mm);
            area.Mm.Zap(gather, area.Start.Value + (from << Page.Shift), area.Start.Value + (to << Page.Shift), keepAnonymous);
            gather.Finish();
        }
    }

    /// <summary>
    /// Lets mappings made through an inode's files see another object's pages from now on (copy-up of an overlay);
    /// private copies stay.
    /// </summary>
    public void MoveMappings(AddressSpace to, Inode viaInode)
    {
        for (int i = _mappings.Count - 1; i >= 0; i--)
        {
            VmArea area = _mappings[i];
            if (area.File?.Inode != viaInode)
                continue;
            MmuGather gather = Memory.Gather;
            gather.Begin(area.Mm);
            area.Mm.Zap(gather, area.Start.Value, area.End.Value, keepAnonymous: true);
            gather.Finish();
            area.SetMapping(to);
        }
    }

    /// <summary>Whether a locked mapping (mlock) covers a page.</summary>
    internal bool IsLockedByMapping(ulong index)
    {
        foreach (VmArea area in _mappings)
        {
            if ((area.Flags & VmFlags.Locked) != 0 && index - area.PageOffset < area.Pages)
                return true;
        }

        return false;
    }

    private async KTask DropRangeAsync(Task current, ulong first, ulong end)
    {
        ulong index = first;
        while (FindNext(ref index, out Folio folio) && index < end)
        {
            folio.Get();
            await folio.LockAsync(current);
            if (folio.Space == this)
            {
                if (folio.IsMapped)
                    UnmapPages(folio.Index, folio.Index + folio.PageCount, keepAnonymous: true);
                Drop(folio);
            }

            folio.Unlock();
            folio.Put();
            index++;
        }
    }

    private async KTask ZeroPartAsync(Task current, ulong index, int offset, int length)
    {
        if (FindFrame(index).IsNone)
            return;
        Folio folio = Find(index)!.Value.Get();
        await folio.LockAsync(current);
        if (folio.Space == this)
        {
            folio.Zero(offset, length);
            if (folio.IsUptodate)
                folio.MarkDirty();
        }

        folio.Unlock();
        folio.Put();
    }
}
