using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>What writing needs of a file system, and holes.</content>
internal abstract partial class AddressSpace
{
    /// <summary>
    /// A locked, referenced folio for a write of some bytes into one page. Unless the write covers all of the page
    /// that is within the file, its old content is read first. ENOSPC, EDQUOT, EIO, ENOMEM.
    /// </summary>
    public virtual async KTask<Result<Folio>> WriteBeginAsync(Task current, long offset, int length)
    {
        ulong index = (ulong)offset >> Page.Shift;
        Result<Folio> got = await GetLockedAsync(current, index);
        if (!got.TryGet(out Folio folio, out Errno error))
            return error;
        if (folio.IsUptodate)
            return folio;
        int within = (int)(offset & (long)(Page.Size - 1));
        long pageStart = offset - within;
        bool covers = within == 0 && (length == (int)Page.Size || offset + length >= Size);
        if (pageStart >= Size)
        {
            folio.Zero(0, folio.Length);
            folio.MarkUptodate();
        }
        else if (covers)
        {
            // Becomes uptodate with the write; behind the end there must be zeros.
            if (length < (int)Page.Size)
                folio.Zero(length, (int)Page.Size - length);
        }
        else
        {
            error = await ReadFolioAsync(current, folio);
            if (error != Errno.Success)
            {
                folio.Unlock();
                folio.Put();
                return error;
            }

            folio.MarkUptodate();
        }

        return folio;
    }

    /// <summary>Bytes have been copied into the folio: it becomes dirty, and the file longer if they end beyond its size.</summary>
    public virtual void WriteEnd(Folio folio, long offset, int copied)
    {
        folio.MarkUptodate();
        folio.MarkDirty();
        if (Host is { } inode && offset + copied > inode.Size)
            inode.Size = offset + copied;
    }

    /// <summary>Whether a page within the size is known to be zeros without a folio: reads need not make one.</summary>
    public virtual bool HasHole(ulong index) => false;

    /// <summary>A page of zeros to read from, referenced.</summary>
    internal Folio ZeroFolio => new Folio(Memory, PhysicalMemory.ZeroFrame).Get();

    /// <summary>The next data at or after an offset below the size (SEEK_DATA); ENXIO if there is none.</summary>
    public virtual Result<long> SeekData(long offset) => offset < Size ? offset : Errno.ENXIO;

    /// <summary>The next hole at or after an offset below the size; the end counts as one (SEEK_HOLE).</summary>
    public virtual Result<long> SeekHole(long offset) => offset < Size ? Size : Errno.ENXIO;
}
