using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Vitrine.Kernel.Tasks.Exec;

namespace Vitrine.Kernel.Tests.Tasks;

public sealed class ElfImageTests
{
    [Fact]
    public void CheckHeader_Truncated_ReturnsEnoexec()
    {
        byte[] image = Make(Load(0x400000, 0, 0x1000, 0x1000));
        for (int length = 0; length < 64; length++)
            Assert.Equal(Errno.ENOEXEC, ElfImage.CheckHeader(image.AsSpan(0, length), out _));
        Assert.Equal(Errno.Success, ElfImage.CheckHeader(image, out _));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 1)]
    [InlineData(5, 2)]
    [InlineData(16, 1)]
    [InlineData(18, 3)]
    [InlineData(54, 32)]
    [InlineData(56, 0)]
    public void CheckHeader_WrongField_ReturnsEnoexec(int offset, byte value)
    {
        byte[] image = Make(Load(0x400000, 0, 0x1000, 0x1000));
        image[offset] = value;
        Assert.Equal(Errno.ENOEXEC, ElfImage.CheckHeader(image, out _));
    }

    [Theory]
    [InlineData(0x400000, 0, 0x2000, 0x1000)]
    [InlineData(0x400000, 0, 0, 0xffff_ffff_ffff_0000)]
    [InlineData(0x7fff_ffff_f000, 0, 0x1000, 0x2000)]
    [InlineData(0xffff_8000_0000_0000, 0, 0x1000, 0x1000)]
    [InlineData(0x400010, 0, 0x1000, 0x1000)]
    [InlineData(0x400000, 0x7fff_ffff_ffff_f000, 0x1000, 0x1000)]
    public void Parse_AbsurdSegment_ReturnsEnoexec(ulong address, ulong offset, ulong fileSize, ulong memorySize) =>
        Assert.Equal(Errno.ENOEXEC, Parse(Load(address, offset, fileSize, memorySize)).Error);

    [Fact]
    public void Parse_NothingToLoad_ReturnsEnoexec() =>
        Assert.Equal(Errno.ENOEXEC, Parse(new ElfProgramHeader { Type = SegmentType.Note }).Error);

    [Fact]
    public void Parse_OverlappingSegments_ReturnsEnoexec() =>
        Assert.Equal(Errno.ENOEXEC, Parse(Load(0x400000, 0, 0x1000, 0x1800), Load(0x401000, 0x1000, 0x1000, 0x1000)).Error);

    [Fact]
    public void Parse_SegmentsThatShareAPage_AreAccepted()
    {
        Result<ElfImage> image = Parse(Load(0x400000, 0, 0x1100, 0x1100), Load(0x401100, 0x1100, 0x100, 0x2000));
        Assert.True(image.Ok);
        Assert.Equal(0x400000UL, image.Value.Start);
        Assert.Equal(0x403100UL, image.Value.End);
    }

    [Fact]
    public void Parse_ReadsInterpreterStackAndHeadersAddress()
    {
        Result<ElfImage> image = Parse(
            new ElfProgramHeader { Type = SegmentType.Interpreter, Offset = 0x200, FileSize = 28 },
            new ElfProgramHeader { Type = SegmentType.GnuStack, Flags = SegmentFlags.Read | SegmentFlags.Write | SegmentFlags.Execute },
            Load(0x400000, 0, 0x1000, 0x1000));
        Assert.True(image.Ok);
        Assert.Equal((0x200UL, 28UL), image.Value.InterpreterPath);
        Assert.True(image.Value.HasExecutableStack);
        Assert.Equal(0x400040UL, image.Value.ProgramHeadersAddress);
    }

    /// <summary>Whatever the bytes, the parser answers with an image whose segments lie in user space, or with ENOEXEC.</summary>
    [Fact]
    public void Parse_RandomlyDamagedImages_NeverBreakTheirPromises()
    {
        var random = new Random(20240607);
        byte[] good = Make(Load(0x400000, 0, 0x1000, 0x1000), Load(0x402000, 0x1000, 0x800, 0x3000), new ElfProgramHeader { Type = SegmentType.GnuStack });
        for (int round = 0; round < 20_000; round++)
        {
            byte[] image = (byte[])good.Clone();
            int damages = random.Next(1, 8);
            for (int i = 0; i < damages; i++)
                image[random.Next(image.Length)] = (byte)(random.Next(3) switch { 0 => 0, 1 => 0xff, _ => random.Next(256) });
            if (ElfImage.CheckHeader(image, out ElfHeader header) != Errno.Success)
                continue;
            ulong from = header.ProgramHeaderOffset;
            int bytes = header.ProgramHeaderCount * ElfProgramHeader.Size;
            if (from > (ulong)image.Length || from + (ulong)bytes > (ulong)image.Length)
                continue;
            Result<ElfImage> parsed = ElfImage.Parse(in header, image.AsSpan((int)from, bytes));
            if (!parsed.Ok)
            {
                Assert.Equal(Errno.ENOEXEC, parsed.Error);
                continue;
            }

            foreach (LoadSegment segment in parsed.Value.Segments)
            {
                Assert.True(segment.FileSize <= segment.MemorySize);
                Assert.True(segment.End <= 0x7fff_ffff_f000 && segment.End > segment.Address);
                Assert.True(segment.Address >= parsed.Value.Start && segment.End <= parsed.Value.End);
            }
        }
    }

    private static ElfProgramHeader Load(ulong address, ulong offset, ulong fileSize, ulong memorySize) => new()
    {
        Type = SegmentType.Load,
        Flags = SegmentFlags.Read | SegmentFlags.Execute,
        Offset = offset,
        VirtualAddress = address,
        FileSize = fileSize,
        MemorySize = memorySize,
        Alignment = 0x1000,
    };

    private static Result<ElfImage> Parse(params ElfProgramHeader[] entries)
    {
        byte[] image = Make(entries);
        Assert.Equal(Errno.Success, ElfImage.CheckHeader(image, out ElfHeader header));
        return ElfImage.Parse(in header, image.AsSpan(64));
    }

    private static byte[] Make(params ElfProgramHeader[] entries)
    {
        byte[] image = new byte[64 + (entries.Length * ElfProgramHeader.Size)];
        BinaryPrimitives.WriteUInt32LittleEndian(image, ElfHeader.Magic);
        image[4] = 2;
        image[5] = 1;
        image[6] = 1;
        image[16] = 2;
        image[18] = 62;
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(32), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(54), ElfProgramHeader.Size);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(56), (ushort)entries.Length);
        MemoryMarshal.AsBytes(entries.AsSpan()).CopyTo(image.AsSpan(64));
        return image;
    }
}
