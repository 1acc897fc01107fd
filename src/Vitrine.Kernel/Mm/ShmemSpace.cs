using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm;

/// <summary>Who limits the pages of a tmpfs.</summary>
internal interface IShmemQuota
{
    /// <summary>False when so many more pages would pass the limit.</summary>
    bool TryCharge(long pages);

    void Uncharge(long pages);
}

/// <summary>
/// An object whose pages live in memory only (mm/shmem.c's part): files of tmpfs, memfds, shared anonymous mappings,
/// System V segments. Pages come with the first write or fault; what has no page reads as zeros.
/// </summary>
internal sealed class ShmemSpace(KernelInstance kernel, Inode? host, IShmemQuota? quota) : AddressSpace(kernel, host)
{
    private long _size;
    private int _pins = 1;
    private ulong _committed;

    public override long Size => Host?.Size ?? _size;

    public override bool IsSwapBacked => true;

    /// <summary>Frames in use (st_blocks).</summary>
    public long FrameCount => CachedPages;

    /// <summary>An object without a name for MAP_SHARED|MAP_ANONYMOUS, with one pin for the caller. ENOMEM: overcommit.</summary>
    public static Result<ShmemSpace> CreateAnonymous(KernelInstance kernel, long size, bool account)
    {
        ulong pages = ((ulong)size + Page.Size - 1) >> Page.Shift;
        if (account && kernel.Memory.Commit(pages) != Errno.Success)
            return Errno.ENOMEM;
        return new ShmemSpace(kernel, null, null) { _size = size, _committed = account ? pages : 0 };
    }

    public override void Pin()
    {
        if (Host is not null)
            base.Pin();
        else
            _pins++;
    }

    public override void Unpin()
    {
        if (Host is not null)
        {
            base.Unpin();
        }
        else if (--_pins == 0)
        {
            Destroy();
            Memory.Uncommit(_committed);
        }
    }

    /// <summary>A fault or a partial write gives a hole a page of zeros.</summary>
    public override KTask<Errno> ReadFolioAsync(Task current, Folio folio)
    {
        folio.Zero(0, folio.Length);
        return KTask<Errno>.FromResult(Errno.Success);
    }

    /// <summary>Gives every page of bytes [start, end) a frame (fallocate). ENOSPC; pages made before stay.</summary>
    public async KTask<Errno> AllocateRangeAsync(Task current, long start, long end)
    {
        ulong last = ((ulong)end + Page.Size - 1) >> Page.Shift;
        for (ulong index = (ulong)start >> Page.Shift; index < last; index++)
        {
            if (current.IsFatalSignalPending)
                return Errno.EINTR;
            if (!FindFrame(index).IsNone)
                continue;
            Result<Folio> got = await GetLockedAsync(current, index);
            if (!got.TryGet(out Folio folio, out Errno error))
                return error;
            // It stays without content until somebody reads or writes it: a hole to SEEK_DATA.
            folio.MarkDirty();
            folio.Unlock();
            folio.Put();
        }

        return Errno.Success;
    }

    public override bool HasHole(ulong index) => FindFrame(index).IsNone;

    public override Result<long> SeekData(long offset)
    {
        if (offset >= Size)
            return Errno.ENXIO;
        ulong index = (ulong)offset >> Page.Shift;
        ulong found = index;
        while (FindNext(ref found, out Folio folio))
        {
            if (found >= PageCount)
                break;
            if (folio.IsUptodate)
                return Math.Max(offset, (long)(found << Page.Shift));
            found++;
        }

        return Errno.ENXIO;
    }

    public override Result<long> SeekHole(long offset)
    {
        if (offset >= Size)
            return Errno.ENXIO;
        ulong index = (ulong)offset >> Page.Shift;
        while (index < PageCount && Find(index) is { IsUptodate: true })
            index++;
        return index >= PageCount ? Size : Math.Max(offset, (long)(index << Page.Shift));
    }

    protected override Errno ChargeFolio(long pages) =>
        quota is null || quota.TryCharge(pages) ? Errno.Success : Errno.ENOSPC;

    protected override void FolioDropped(long pages) => quota?.Uncharge(pages);
}
