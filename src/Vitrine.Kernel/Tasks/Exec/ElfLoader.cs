using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tasks.Exec;

/// <summary>
/// Reads ELF images from files and maps their segments into a new address space: file pages private and copy-on-write,
/// zero pages behind them.
/// </summary>
internal static class ElfLoader
{
    /// <summary>Reads and checks the image in a file.</summary>
    /// <param name="start">The file's first bytes.</param>
    /// <param name="shortRead">What a file that ends within its headers gives: ENOEXEC for a program, EIO for an interpreter.</param>
    public static async KTask<Result<ElfImage>> ReadAsync(Task current, OpenFile file, ReadOnlyMemory<byte> start, Errno shortRead)
    {
        Errno error = ElfImage.CheckHeader(start.Span, out ElfHeader header);
        if (error != Errno.Success)
            return error;
        int bytes = header.ProgramHeaderCount * ElfProgramHeader.Size;
        ulong from = header.ProgramHeaderOffset;
        // The usual case: the table is in what was read already.
        if (from + (ulong)bytes <= (ulong)start.Length)
            return ElfImage.Parse(in header, start.Span.Slice((int)from, bytes));
        byte[] table = new byte[bytes];
        Result<long> read = await FileContent.ReadAsync(current, file, table, (long)from);
        if (!read.TryGet(out long got, out error))
            return error;
        return got < bytes ? shortRead : ElfImage.Parse(in header, table);
    }

    /// <summary>The path in PT_INTERP. ENOEXEC if it is not a terminated string.</summary>
    public static async KTask<Result<byte[]>> ReadInterpreterPathAsync(Task current, OpenFile file, ElfImage image)
    {
        byte[] path = new byte[image.InterpreterPath.Size];
        Result<long> read = await FileContent.ReadAsync(current, file, path, (long)image.InterpreterPath.Offset);
        if (!read.TryGet(out long got, out Errno error))
            return error;
        if (got < path.Length || path[^1] != 0)
            return Errno.ENOEXEC;
        int end = path.AsSpan().IndexOf((byte)0);
        return path[..end];
    }

    /// <summary>
    /// Maps all segments at a bias that is chosen (position-independent images) or zero. The bias.
    /// </summary>
    /// <param name="mm">The new address space.</param>
    /// <param name="preferred">Where to put a position-independent image; null: among the mappings.</param>
    public static async KTask<Result<ulong>> MapAsync(Task current, MmStruct mm, OpenFile file, ElfImage image, ulong? preferred)
    {
        ulong bias = 0;
        if (image.IsPositionIndependent)
        {
            ulong size = Page.AlignUp(image.End) - image.Start;
            if (preferred is { } wish)
            {
                bias = (wish & ~(image.Alignment - 1)) - (image.Start & ~(image.Alignment - 1));
            }
            else
            {
                // Finds a hole large enough (with room to align), then gives it free for the segments.
                ulong room = size + (image.Alignment > Page.Size ? image.Alignment : 0);
                Result<VirtAddr> hole = await mm.MapAsync(current, default, room, ProtectionFlags.None, MapFlags.Private | MapFlags.Anonymous | MapFlags.NoReserve, null, 0);
                if (!hole.TryGet(out VirtAddr at, out Errno failed))
                    return failed;
                failed = await mm.UnmapAsync(current, at, room);
                if (failed != Errno.Success)
                    return failed;
                ulong aligned = (at.Value + image.Alignment - 1) & ~(image.Alignment - 1);
                bias = aligned - (image.Start & ~(image.Alignment - 1));
            }

            if (image.Start + bias > MmStruct.TaskSize || size > MmStruct.TaskSize - (image.Start + bias))
                return Errno.ENOMEM;
        }

        foreach (LoadSegment segment in image.Segments)
        {
            Errno error = await MapSegmentAsync(current, mm, file, segment, bias);
            if (error != Errno.Success)
                return error;
        }

        return bias;
    }

    private static async KTask<Errno> MapSegmentAsync(Task current, MmStruct mm, OpenFile file, LoadSegment segment, ulong bias)
    {
        ulong start = segment.Address + bias;
        ulong pageStart = Page.AlignDown(start);
        ulong fileEnd = start + segment.FileSize;
        ulong end = Page.AlignUp(start + segment.MemorySize);
        ulong zeroFrom = pageStart;
        if (segment.FileSize != 0)
        {
            zeroFrom = Page.AlignUp(fileEnd);
            Result<VirtAddr> mapped = await mm.MapAsync(
                current,
                new VirtAddr(pageStart),
                zeroFrom - pageStart,
                segment.Protection,
                MapFlags.Private | MapFlags.Fixed,
                file,
                Page.AlignDown(segment.FileOffset));
            if (!mapped.TryGet(out _, out Errno error))
                return error;
            // What the file has behind the segment must not show in its last page.
            if (segment.MemorySize > segment.FileSize && (segment.Protection & ProtectionFlags.Write) != 0 && fileEnd < zeroFrom)
            {
                error = await mm.WriteRemoteAsync(current, new VirtAddr(fileEnd), new byte[zeroFrom - fileEnd]);
                // The file ends before its segment does: truncated.
                if (error != Errno.Success)
                    return error == Errno.EFAULT ? Errno.ENOEXEC : error;
            }
        }

        if (zeroFrom < end)
        {
            Result<VirtAddr> zeroes = await mm.MapAsync(
                current,
                new VirtAddr(zeroFrom),
                end - zeroFrom,
                segment.Protection,
                MapFlags.Private | MapFlags.Fixed | MapFlags.Anonymous,
                null,
                0);
            if (!zeroes.TryGet(out _, out Errno error))
                return error;
        }

        return Errno.Success;
    }
}
