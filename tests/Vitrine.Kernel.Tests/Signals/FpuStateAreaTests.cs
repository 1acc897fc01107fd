using System.Buffers.Binary;
using Vitrine.Cpu;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tests.Signals;

public sealed unsafe class FpuStateAreaTests
{
    [Theory]
    [InlineData(3UL, 576)]
    [InlineData(7UL, 832)]
    public void WriteAndRead_AllState_ComesBack(ulong features, int size)
    {
        RegisterFile registers = Filled();
        var layout = new FpuStateArea(features);
        byte[] area = new byte[layout.FrameSize];
        layout.Write(area, &registers);

        // The kernel's words: magic, size with the closing magic, features, size.
        Assert.Equal(size, layout.Size);
        Assert.Equal(0x46505853u, Word32(area, 464));
        Assert.Equal((uint)size + 4, Word32(area, 468));
        Assert.Equal(features, Word(area, 472));
        Assert.Equal((uint)size, Word32(area, 480));
        Assert.Equal(features, Word(area, 512));
        Assert.Equal(0x46505845u, Word32(area, size));
        RegisterFile back = default;
        Assert.True(layout.Read(area, &back));
        Assert.Equal(0x27f, back.FpuControl);
        Assert.Equal(0x1fa0u, back.Mxcsr);
        Assert.Equal(0x3fffUL, back.St[1]);
        for (int i = 0; i < 16; i++)
        {
            Assert.Equal((ulong)i + 1, back.Ymm[i * 4]);
            Assert.Equal((features & 4) != 0 ? (ulong)i + 100 : 0, back.Ymm[(i * 4) + 3]);
        }
    }

    [Fact]
    public void Write_ZeroUpperHalves_AreNotInUse()
    {
        RegisterFile registers = default;
        registers.Reset();
        byte[] area = Written(&registers);
        Assert.Equal(3UL, Word(area, 512));
    }

    [Fact]
    public void Read_WithoutTheSoftwareWords_TakesTheLegacyRegionAlone()
    {
        RegisterFile registers = Filled();
        byte[] area = Written(&registers);
        area[464] ^= 1;
        RegisterFile back = Filled();
        Assert.True(WithAvx.Read(area, &back));
        Assert.Equal(16UL, back.Ymm[15 * 4]);
        Assert.Equal(0UL, back.Ymm[(15 * 4) + 3]);
    }

    [Fact]
    public void Read_WithoutTheClosingMagic_TakesTheLegacyRegionAlone()
    {
        RegisterFile registers = Filled();
        byte[] area = Written(&registers);
        area[832] ^= 1;
        RegisterFile back = Filled();
        Assert.True(WithAvx.Read(area, &back));
        Assert.Equal(0UL, back.Ymm[3]);
    }

    [Fact]
    public void Read_ComponentThatIsNotInUse_GetsItsInitialValue()
    {
        RegisterFile registers = Filled();
        byte[] area = Written(&registers);
        area[512] = 4;
        RegisterFile back = Filled();
        Assert.True(WithAvx.Read(area, &back));
        Assert.Equal(0x37f, back.FpuControl);
        Assert.Equal(0UL, back.Ymm[0]);
        Assert.Equal(100UL, back.Ymm[3]);
        Assert.Equal(0x1fa0u, back.Mxcsr);
    }

    [Theory]
    [InlineData(26, 1)]
    [InlineData(512, 15)]
    [InlineData(520, 1)]
    [InlineData(527, 0x80)]
    public void Read_BitsThatTheProcessorDoesNotHave_AreRefused(int at, byte value)
    {
        RegisterFile registers = Filled();
        byte[] area = Written(&registers);
        area[at] = value;
        Assert.False(WithAvx.Read(area, &registers));
    }

    private static FpuStateArea WithAvx => new(7);

    private static byte[] Written(RegisterFile* registers)
    {
        byte[] area = new byte[WithAvx.FrameSize];
        WithAvx.Write(area, registers);
        return area;
    }

    private static RegisterFile Filled()
    {
        RegisterFile registers = default;
        registers.Reset();
        registers.FpuControl = 0x27f;
        registers.FpuTag = 0x3;
        registers.Mxcsr = 0x1fa0;
        registers.St[0] = 0x8000000000000000;
        registers.St[1] = 0x3fff;
        for (int i = 0; i < 16; i++)
        {
            registers.Ymm[i * 4] = (ulong)i + 1;
            registers.Ymm[(i * 4) + 3] = (ulong)i + 100;
        }

        return registers;
    }

    private static uint Word32(byte[] bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(offset));

    private static ulong Word(byte[] bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(offset));
}
