using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks.Exec;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tasks.CoreDumps;

/// <summary>
/// Writes an ELF core file: header, program headers, notes, and the memory that the process's coredump_filter asks for (by
/// default what differs from the files it came from, and the first page of mapped ELF files). Pages of zeros become holes.
/// </summary>
internal sealed class CoreFile(Task current, OpenFile file, long limit)
{
    private const ushort TypeCore = 4;

    /// <summary>More segments than the header can count would need a section header: they are left out, last first.</summary>
    private const int MostSegments = 65_000;

    private readonly List<(VirtAddr Start, ulong Length)> _dumped = [];

    /// <summary>Writes what fits: a file that ends at the limit, or where the disk is full, is a core file all the same.</summary>
    public async KTask WriteAsync(SignalInfo info)
    {
        MmStruct mm = current.Mm!;
        byte[] notes = CoreNotes.Make(current, info);
        byte[] head = Headers(mm, notes.Length);
        if (!await PutAsync(head, 0) || !await PutAsync(notes, head.Length))
            return;
        long offset = AlignUp(head.Length + notes.Length);
        byte[] page = new byte[Page.Size];
        foreach ((VirtAddr start, ulong length) in _dumped)
        {
            for (ulong done = 0; done < length; done += Page.Size, offset += (long)Page.Size)
            {
                if (!IsPresent(mm, start + done))
                    continue;
                if (await mm.ReadRemoteAsync(current, start + done, page) != Errno.Success || page.AsSpan().IndexOfAnyExcept((byte)0) < 0)
                    continue;
                if (!await PutAsync(page, offset))
                    return;
                await current.RescheduleAsync();
            }
        }

        // The last pages may be holes: the file is as long as its headers say.
        if (offset <= limit)
            _ = await current.Kernel.Vfs.TruncateAsync(current, file.Path.Dentry, offset);
    }

    private byte[] Headers(MmStruct mm, int notes)
    {
        var segments = new List<ElfProgramHeader> { new() { Type = SegmentType.Note, FileSize = (ulong)notes, Alignment = 4 } };
        for (int i = 0; i < mm.Areas.Count && segments.Count < MostSegments; i++)
        {
            VmArea area = mm.Areas[i];
            ulong length = DumpedLength(mm, area);
            if (length > 0)
                _dumped.Add((area.Start, length));
            segments.Add(new ElfProgramHeader
            {
                Type = SegmentType.Load,
                Flags = FlagsOf(area.Flags),
                VirtualAddress = area.Start.Value,
                FileSize = length,
                MemorySize = area.Length,
                Alignment = Page.Size,
            });
        }

        int size = Marshal.SizeOf<ElfHeader>() + (segments.Count * ElfProgramHeader.Size);
        ulong offset = (ulong)AlignUp(size + notes);
        for (int i = 0; i < segments.Count; i++)
        {
            ElfProgramHeader segment = segments[i];
            segment.Offset = i == 0 ? (ulong)size : offset;
            offset += i == 0 ? 0 : segment.FileSize;
            segments[i] = segment;
        }

        var header = new ElfHeader
        {
            Ident0 = ElfHeader.Magic,
            Class = ElfHeader.Class64,
            Data = ElfHeader.LittleEndian,
            IdentVersion = 1,
            Type = TypeCore,
            Machine = ElfHeader.MachineX64,
            Version = 1,
            ProgramHeaderOffset = (ulong)Marshal.SizeOf<ElfHeader>(),
            HeaderSize = (ushort)Marshal.SizeOf<ElfHeader>(),
            ProgramHeaderSize = ElfProgramHeader.Size,
            ProgramHeaderCount = (ushort)segments.Count,
        };
        byte[] bytes = new byte[size];
        MemoryMarshal.Write(bytes, in header);
        MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(segments)).CopyTo(bytes.AsSpan(Marshal.SizeOf<ElfHeader>()));
        return bytes;
    }

    /// <summary>Bytes of an area, from its start, that go into the file (vma_dump_size).</summary>
    private static ulong DumpedLength(MmStruct mm, VmArea area)
    {
        if ((area.Flags & VmFlags.DontDump) != 0)
            return 0;

        // The vDSO's code is nowhere else to be found; its data page is of the moment.
        if (area.Operations is not null)
            return area.Start == mm.VdsoBase ? area.Length : 0;
        if (area.IsShared)
        {
            // Memory that no name leads to is as good as anonymous.
            bool isNameless = area.Mapping?.Host is not { LinkCount: > 0 };
            return (mm.CoreFilter & (isNameless ? CoreFilter.AnonymousShared : CoreFilter.FileShared)) != 0 ? area.Length : 0;
        }

        if ((area.IsAnonymous || area.HasAnonymous) && (mm.CoreFilter & CoreFilter.AnonymousPrivate) != 0)
            return area.Length;
        if (area.IsAnonymous)
            return 0;
        if ((mm.CoreFilter & CoreFilter.FilePrivate) != 0)
            return area.Length;
        bool mayBeElf = (mm.CoreFilter & CoreFilter.ElfHeaders) != 0 && area.PageOffset == 0 && (area.Flags & VmFlags.Read) != 0;
        return mayBeElf && IsElf(mm, area.Start) ? Page.Size : 0;
    }

    private static bool IsElf(MmStruct mm, VirtAddr address) =>
        mm.TryRead32(address, out uint magic) && magic == ElfHeader.Magic;

    /// <summary>Anonymous memory that was never touched is a hole, and must not be allocated by looking.</summary>
    private static unsafe bool IsPresent(MmStruct mm, VirtAddr address)
    {
        VmArea? area = mm.Areas.Find(address);
        if (area is null)
            return false;
        if (!area.IsAnonymous)
            return true;
        ulong* entry = mm.FindEntry(address.Value);
        return entry is not null && *entry != 0;
    }

    private async KTask<bool> PutAsync(byte[] bytes, long offset)
    {
        if (offset + bytes.Length > limit)
            return false;
        int done = 0;
        while (done < bytes.Length)
        {
            Result<long> written = await file.WriteAsync(current, new KernelIovIter(bytes.AsMemory(done)), offset + done);
            if (!written.TryGet(out long count, out _) || count == 0)
                return false;
            done += (int)count;
        }

        return true;
    }

    private static SegmentFlags FlagsOf(VmFlags flags) =>
        ((flags & VmFlags.Read) != 0 ? SegmentFlags.Read : SegmentFlags.None)
        | ((flags & VmFlags.Write) != 0 ? SegmentFlags.Write : SegmentFlags.None)
        | ((flags & VmFlags.Execute) != 0 ? SegmentFlags.Execute : SegmentFlags.None);

    private static long AlignUp(long value) => (value + (long)Page.Size - 1) & ~((long)Page.Size - 1);
}
