using System.Buffers.Binary;
using System.Text;

namespace Vitrine.Kernel.Time.VirtualDso;

/// <summary>
/// Writes the vDSO as an ELF shared object (vdso(7)): symbols with version LINUX_2.6, both hash tables, unwind data. Two
/// pages: tables, then code.
/// </summary>
internal static class VdsoImage
{
    public const int Length = 2 * (int)Page.Size;

    private const int CodeOffset = (int)Page.Size;
    private const string Soname = "linux-vdso.so.1";
    private const string VersionName = "LINUX_2.6";
    private const int SymbolSize = 24;
    private const int ProgramHeaders = 4;
    private const ushort TextSection = 10;

    private readonly record struct Section(string Name, uint Type, ulong Flags, int Offset, int Size, uint Link, ulong EntrySize);

    // The order within one hash bucket is free; all are exported twice, under the plain name weakly.
    private static readonly (string Name, int Start, int End)[] Functions =
    [
        ("clock_gettime", VdsoCode.ClockGettime, VdsoCode.Gettimeofday),
        ("gettimeofday", VdsoCode.Gettimeofday, VdsoCode.Time),
        ("time", VdsoCode.Time, VdsoCode.ClockGetres),
        ("clock_getres", VdsoCode.ClockGetres, VdsoCode.Getcpu),
        ("getcpu", VdsoCode.Getcpu, VdsoCode.End),
    ];

    /// <summary>The image's bytes.</summary>
    public static byte[] Build()
    {
        var strings = new StringTable();
        int soname = strings.Add(Soname);
        int version = strings.Add(VersionName);
        var symbols = new List<(int Name, string Text, int Offset, int Size, byte Info, ushort Section)>
        {
            (0, "", 0, 0, 0, 0),
        };
        foreach ((string name, int start, int end) in Functions)
        {
            // STB_GLOBAL and STB_WEAK, STT_FUNC.
            symbols.Add((strings.Add("__vdso_" + name), "__vdso_" + name, CodeOffset + start, end - start, 0x12, TextSection));
            symbols.Add((strings.Add(name), name, CodeOffset + start, end - start, 0x22, TextSection));
        }

        // The version's own symbol: STB_GLOBAL, STT_OBJECT, SHN_ABS.
        symbols.Add((version, VersionName, 0, 0, 0x11, 0xfff1));

        byte[] image = new byte[Length];
        int at = 64 + (ProgramHeaders * 56);
        int hash = at;
        at = WriteHash(image, at, symbols.ConvertAll(s => s.Text));
        int gnuHash = Align(ref at);
        at = WriteGnuHash(image, at, symbols.ConvertAll(s => s.Text));
        int symbolTable = Align(ref at);
        foreach ((int name, _, int offset, int size, byte info, ushort section) in symbols)
        {
            Span<byte> entry = image.AsSpan(at, SymbolSize);
            Put32(entry, 0, (uint)name);
            entry[4] = info;
            BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], section);
            Put64(entry, 8, (ulong)offset);
            Put64(entry, 16, (ulong)size);
            at += SymbolSize;
        }

        int stringTable = at;
        strings.Bytes.CopyTo(image.AsSpan(at));
        at += strings.Length;
        int versionSymbols = Align(ref at, 2);
        for (int i = 0; i < symbols.Count; i++, at += 2)
            BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(at), (ushort)(i == 0 ? 0 : 2));
        int definitions = Align(ref at);
        at = WriteVersionDefinitions(image, at, soname, version);
        int dynamic = Align(ref at);
        ulong[] entries =
        [
            14, (ulong)soname, 4, (ulong)hash, 0x6ffffef5, (ulong)gnuHash, 5, (ulong)stringTable, 6, (ulong)symbolTable,
            10, (ulong)strings.Length, 11, SymbolSize, 0x6ffffffc, (ulong)definitions, 0x6ffffffd, 2,
            0x6ffffff0, (ulong)versionSymbols, 0, 0,
        ];
        foreach (ulong word in entries)
        {
            Put64(image, at, word);
            at += 8;
        }

        int frameHeader = Align(ref at);
        at += 12 + (Functions.Length * 8);
        int frame = Align(ref at);
        at = WriteFrames(image, frame, frameHeader);
        int framesEnd = at;
        int sections = Align(ref at);
        int count = WriteSections(
            image,
            ref at,
            [
                new Section(".hash", 5, 2, hash, gnuHash - hash, 3, 4),
                new Section(".gnu.hash", 0x6ffffff6, 2, gnuHash, symbolTable - gnuHash, 3, 0),
                new Section(".dynsym", 11, 2, symbolTable, stringTable - symbolTable, 4, SymbolSize),
                new Section(".dynstr", 3, 2, stringTable, strings.Length, 0, 0),
                new Section(".gnu.version", 0x6fffffff, 2, versionSymbols, symbols.Count * 2, 3, 2),
                new Section(".gnu.version_d", 0x6ffffffd, 2, definitions, 56, 4, 0),
                new Section(".dynamic", 6, 2, dynamic, entries.Length * 8, 4, 16),
                new Section(".eh_frame_hdr", 1, 2, frameHeader, 12 + (Functions.Length * 8), 0, 0),
                new Section(".eh_frame", 1, 2, frame, framesEnd - frame, 0, 0),
                new Section(".text", 1, 6, CodeOffset, VdsoCode.Bytes.Length, 0, 0),
            ]);
        if (at > CodeOffset)
            throw new InvalidOperationException("the vDSO's tables have outgrown their page");
        VdsoCode.Bytes.CopyTo(image.AsSpan(CodeOffset));
        Put64(image, 40, (ulong)sections);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(60), (ushort)count);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(62), (ushort)(count - 1));
        WriteHeaders(image, dynamic, entries.Length * 8, frameHeader, 12 + (Functions.Length * 8));
        return image;
    }

    private static void WriteHeaders(byte[] image, int dynamic, int dynamicSize, int frameHeader, int frameHeaderSize)
    {
        Span<byte> header = image;
        Put32(header, 0, 0x464C457F);
        header[4] = 2;
        header[5] = 1;
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header[16..], 3);
        BinaryPrimitives.WriteUInt16LittleEndian(header[18..], 62);
        Put32(header, 20, 1);
        Put64(header, 24, CodeOffset);
        Put64(header, 32, 64);
        BinaryPrimitives.WriteUInt16LittleEndian(header[52..], 64);
        BinaryPrimitives.WriteUInt16LittleEndian(header[54..], 56);
        BinaryPrimitives.WriteUInt16LittleEndian(header[56..], ProgramHeaders);
        BinaryPrimitives.WriteUInt16LittleEndian(header[58..], 64);
        int end = CodeOffset + VdsoCode.Bytes.Length;
        WriteSegment(header, 0, 1, 5, 0, end, Page.Size);
        WriteSegment(header, 1, 2, 4, dynamic, dynamicSize, 8);
        WriteSegment(header, 2, 0x6474e550, 4, frameHeader, frameHeaderSize, 4);
        WriteSegment(header, 3, 0x6474e551, 4, 0, 0, 16);
    }

    private static void WriteSegment(Span<byte> image, int index, uint type, uint flags, int offset, int size, ulong alignment)
    {
        Span<byte> entry = image[(64 + (index * 56))..];
        Put32(entry, 0, type);
        Put32(entry, 4, flags);
        Put64(entry, 8, (ulong)offset);
        Put64(entry, 16, (ulong)offset);
        Put64(entry, 24, (ulong)offset);
        Put64(entry, 32, (ulong)size);
        Put64(entry, 40, (ulong)size);
        Put64(entry, 48, alignment);
    }

    /// <summary>
    /// The section table, for debuggers; the loader does not look at it. Numbers of linked sections are those of the list
    /// plus one; the names come last. How many sections there are.
    /// </summary>
    private static int WriteSections(byte[] image, ref int at, Section[] sections)
    {
        int count = sections.Length + 2;
        int names = at + (count * 64);
        int name = 1;
        for (int i = 0; i <= sections.Length; i++)
        {
            Section section = i < sections.Length ? sections[i] : new Section(".shstrtab", 3, 0, names, 0, 0, 0);
            Encoding.ASCII.GetBytes(section.Name, image.AsSpan(names + name));
            Span<byte> entry = image.AsSpan(at + ((i + 1) * 64), 64);
            int nameOffset = name;
            name += section.Name.Length + 1;
            Put32(entry, 0, (uint)nameOffset);
            Put32(entry, 4, section.Type);
            Put64(entry, 8, section.Flags);
            Put64(entry, 16, section.Flags == 0 ? 0 : (ulong)section.Offset);
            Put64(entry, 24, (ulong)section.Offset);
            Put64(entry, 32, (ulong)(i < sections.Length ? section.Size : name));
            Put32(entry, 40, section.Link);
            Put32(entry, 44, section.Type == 11 ? 1u : section.Type == 0x6ffffffd ? 2u : 0);
            Put64(entry, 48, section.Flags == 6 ? 16UL : 8UL);
            Put64(entry, 56, section.EntrySize);
        }

        at = names + name;
        return count;
    }

    /// <summary>DT_HASH with one bucket: the symbols in order.</summary>
    private static int WriteHash(byte[] image, int at, List<string> names)
    {
        Put32(image, at, 1);
        Put32(image, at + 4, (uint)names.Count);
        Put32(image, at + 8, 1);
        for (int i = 0; i < names.Count; i++)
            Put32(image, at + 12 + (i * 4), i == 0 || i == names.Count - 1 ? 0 : (uint)i + 1);
        return at + 12 + (names.Count * 4);
    }

    /// <summary>DT_GNU_HASH with one bucket and a Bloom filter that lets everything through.</summary>
    private static int WriteGnuHash(byte[] image, int at, List<string> names)
    {
        Put32(image, at, 1);
        Put32(image, at + 4, 1);
        Put32(image, at + 8, 1);
        Put32(image, at + 12, 0);
        Put64(image, at + 16, ulong.MaxValue);
        Put32(image, at + 24, 1);
        at += 28;
        for (int i = 1; i < names.Count; i++, at += 4)
        {
            uint hash = 5381;
            foreach (char c in names[i])
                hash = (hash * 33) + c;
            Put32(image, at, i == names.Count - 1 ? hash | 1 : hash & ~1u);
        }

        return at;
    }

    /// <summary>Two definitions: the object's own name, and the version of its symbols.</summary>
    private static int WriteVersionDefinitions(byte[] image, int at, int soname, int version)
    {
        WriteDefinition(image.AsSpan(at), flags: 1, index: 1, Soname, soname, next: 28);
        WriteDefinition(image.AsSpan(at + 28), flags: 0, index: 2, VersionName, version, next: 0);
        return at + 56;
    }

    private static void WriteDefinition(Span<byte> entry, ushort flags, ushort index, string name, int nameOffset, uint next)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(entry, 1);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], flags);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[4..], index);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], 1);
        Put32(entry, 8, ElfHash(name));
        Put32(entry, 12, 20);
        Put32(entry, 16, next);
        Put32(entry, 20, (uint)nameOffset);
        Put32(entry, 24, 0);
    }

    /// <summary>
    /// .eh_frame and its sorted index. All functions are leaves that leave RSP alone, so one rule holds at every
    /// instruction: the caller's frame is at RSP + 8, the return address below it.
    /// </summary>
    private static int WriteFrames(byte[] image, int at, int header)
    {
        int common = at;
        ReadOnlySpan<byte> cie =
        [
            20, 0, 0, 0, 0, 0, 0, 0, 1, (byte)'z', (byte)'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0,
        ];
        cie.CopyTo(image.AsSpan(at));
        at += cie.Length;
        Span<byte> index = image.AsSpan(header);
        index[0] = 1;
        index[1] = 0x1b;
        index[2] = 0x03;
        index[3] = 0x3b;
        Put32(index, 4, (uint)(common - (header + 4)));
        Put32(index, 8, (uint)Functions.Length);
        for (int i = 0; i < Functions.Length; i++)
        {
            int code = CodeOffset + Functions[i].Start;
            Span<byte> entry = image.AsSpan(at);
            Put32(entry, 0, 20);
            Put32(entry, 4, (uint)(at + 4 - common));
            Put32(entry, 8, (uint)(code - (at + 8)));
            Put32(entry, 12, (uint)(Functions[i].End - Functions[i].Start));
            Put32(index, 12 + (i * 8), (uint)(code - header));
            Put32(index, 16 + (i * 8), (uint)(at - header));
            at += 24;
        }

        // A length of zero ends the section.
        return at + 4;
    }

    private static uint ElfHash(string name)
    {
        uint hash = 0;
        foreach (char c in name)
        {
            hash = (hash << 4) + c;
            uint high = hash & 0xf0000000;
            hash ^= high >> 24;
            hash &= ~high;
        }

        return hash;
    }

    private static int Align(ref int at, int to = 8) => at = (at + to - 1) & -to;

    private static void Put32(Span<byte> bytes, int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes[offset..], value);

    private static void Put64(Span<byte> bytes, int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(bytes[offset..], value);

    private sealed class StringTable
    {
        private readonly List<byte> _bytes = [0];

        public int Length => _bytes.Count;

        public ReadOnlySpan<byte> Bytes => _bytes.ToArray();

        public int Add(string text)
        {
            int at = _bytes.Count;
            _bytes.AddRange(Encoding.ASCII.GetBytes(text));
            _bytes.Add(0);
            return at;
        }
    }
}
