using System.Numerics;
using System.Runtime.InteropServices;
using Vitrine.Kernel.Mm;

namespace Vitrine.Kernel.Tasks.Exec;

/// <summary>One PT_LOAD, checked: it lies in the address space (relative to the image's bias) and in the file's range.</summary>
internal readonly record struct LoadSegment(ulong Address, ulong FileOffset, ulong FileSize, ulong MemorySize, ProtectionFlags Protection)
{
    public ulong End => Address + MemorySize;
}

/// <summary>
/// An ELF executable or interpreter, parsed and validated (elf(5)); nothing here touches memory or files. What does not
/// pass is refused before the old program is given up, so exec fails with an errno where Linux would kill.
/// </summary>
internal sealed class ElfImage
{
    /// <summary>Program headers take at most this many bytes.</summary>
    public const int MaximumProgramHeaderBytes = 65536;

    private ElfImage(in ElfHeader header, LoadSegment[] segments)
    {
        Header = header;
        Segments = segments;
    }

    public ElfHeader Header { get; }

    /// <summary>In file order, which is the order of addresses in every sane file; checked only to not overlap.</summary>
    public LoadSegment[] Segments { get; }

    public bool IsPositionIndependent => Header.Type == ElfHeader.TypeShared;

    /// <summary>Where the interpreter's path is in the file; size 0: none.</summary>
    public (ulong Offset, ulong Size) InterpreterPath { get; private init; }

    /// <summary>PT_GNU_STACK asks for (or, when missing, old files get) an executable stack.</summary>
    public bool HasExecutableStack { get; private init; }

    /// <summary>Largest p_align of a PT_LOAD, at least a page.</summary>
    public ulong Alignment { get; private init; }

    /// <summary>Lowest page and end of all segments, before the bias.</summary>
    public ulong Start { get; private init; }

    public ulong End { get; private init; }

    /// <summary>The address of the program headers in memory, before the bias; 0 if no segment holds them.</summary>
    public ulong ProgramHeadersAddress { get; private init; }

    /// <summary>Checks the header. ENOEXEC if this is no program for this machine.</summary>
    public static Errno CheckHeader(ReadOnlySpan<byte> start, out ElfHeader header)
    {
        header = default;
        if (start.Length < 64)
            return Errno.ENOEXEC;
        header = MemoryMarshal.Read<ElfHeader>(start);
        if (header.Ident0 != ElfHeader.Magic || header.Class != ElfHeader.Class64 || header.Data != ElfHeader.LittleEndian)
            return Errno.ENOEXEC;
        if (header.Type is not (ElfHeader.TypeExecutable or ElfHeader.TypeShared) || header.Machine != ElfHeader.MachineX64)
            return Errno.ENOEXEC;
        if (header.ProgramHeaderSize != ElfProgramHeader.Size || header.ProgramHeaderCount == 0)
            return Errno.ENOEXEC;
        int bytes = header.ProgramHeaderCount * ElfProgramHeader.Size;
        if (bytes > MaximumProgramHeaderBytes || header.ProgramHeaderOffset > long.MaxValue - MaximumProgramHeaderBytes)
            return Errno.ENOEXEC;
        return Errno.Success;
    }

    /// <summary>Parses the program headers.</summary>
    /// <param name="header">Checked by <see cref="CheckHeader"/>.</param>
    /// <param name="table">The program header table's bytes, complete.</param>
    public static Result<ElfImage> Parse(in ElfHeader header, ReadOnlySpan<byte> table)
    {
        ReadOnlySpan<ElfProgramHeader> entries = MemoryMarshal.Cast<byte, ElfProgramHeader>(table);
        if (entries.Length < header.ProgramHeaderCount)
            return Errno.ENOEXEC;
        var segments = new List<LoadSegment>(8);
        (ulong Offset, ulong Size) interpreter = default;
        bool executableStack = false;
        ulong alignment = Page.Size;
        ulong start = ulong.MaxValue;
        ulong end = 0;
        ulong headersAt = 0;
        foreach (ref readonly ElfProgramHeader entry in entries[..header.ProgramHeaderCount])
        {
            switch (entry.Type)
            {
                case SegmentType.Interpreter when interpreter.Size == 0:
                    if (entry.FileSize is < 2 or > 4096 || entry.Offset > long.MaxValue - 4096)
                        return Errno.ENOEXEC;
                    interpreter = (entry.Offset, entry.FileSize);
                    break;
                case SegmentType.GnuStack:
                    executableStack = (entry.Flags & SegmentFlags.Execute) != 0;
                    break;
                case SegmentType.Load when entry.MemorySize != 0:
                    Errno error = CheckLoad(in entry);
                    if (error != Errno.Success)
                        return error;
                    if (BitOperations.IsPow2(entry.Alignment))
                        alignment = Math.Max(alignment, entry.Alignment);
                    if (headersAt == 0 && header.ProgramHeaderOffset >= entry.Offset
                        && header.ProgramHeaderOffset + (ulong)table.Length <= entry.Offset + entry.FileSize)
                    {
                        headersAt = entry.VirtualAddress + (header.ProgramHeaderOffset - entry.Offset);
                    }

                    start = Math.Min(start, Page.AlignDown(entry.VirtualAddress));
                    end = Math.Max(end, entry.VirtualAddress + entry.MemorySize);
                    segments.Add(new LoadSegment(entry.VirtualAddress, entry.Offset, entry.FileSize, entry.MemorySize, entry.Protection));
                    break;
            }
        }

        if (segments.Count == 0 || Overlap(segments))
            return Errno.ENOEXEC;
        // Loading several terabytes of nothing is not refused by size but by what the address space holds.
        if (alignment > 1UL << 40)
            return Errno.ENOEXEC;
        return new ElfImage(in header, [.. segments])
        {
            InterpreterPath = interpreter,
            HasExecutableStack = executableStack,
            Alignment = alignment,
            Start = start,
            End = end,
            ProgramHeadersAddress = headersAt,
        };
    }

    private static Errno CheckLoad(in ElfProgramHeader entry)
    {
        if (entry.FileSize > entry.MemorySize || entry.MemorySize > MmStruct.TaskSize
            || entry.VirtualAddress > MmStruct.TaskSize - entry.MemorySize)
        {
            return Errno.ENOEXEC;
        }

        if (entry.Offset > long.MaxValue - entry.FileSize)
            return Errno.ENOEXEC;
        // Address and offset must lie alike in their pages, or no page can be mapped.
        return entry.FileSize != 0 && ((entry.VirtualAddress ^ entry.Offset) & (Page.Size - 1)) != 0 ? Errno.ENOEXEC : Errno.Success;
    }

    /// <summary>
    /// Bytes of two segments overlap. Sharing a page at the border is common and fine: the later one's mapping wins it.
    /// </summary>
    private static bool Overlap(List<LoadSegment> segments)
    {
        for (int i = 0; i < segments.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (segments[i].Address < segments[j].End && segments[j].Address < segments[i].End)
                    return true;
            }
        }

        return false;
    }
}
