using System.Buffers.Binary;
using Vitrine.Cpu;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tests.Signals;

public sealed unsafe class SignalFrameTests
{
    [Fact]
    public void WriteAndRead_GeneralRegisters_ComeBackAndTheLayoutIsLinuxs()
    {
        RegisterFile registers = default;
        registers.Reset();
        for (int i = 0; i < 16; i++)
            registers.Gpr[i] = 0x1000 + (ulong)i;
        registers.Rip = 0x401000;
        byte[] frame = new byte[SignalFrame.Size];
        var info = new SignalInfo { Signal = SignalNumber.Usr1, Code = SignalCode.User, Pid = 42 };
        var action = new SignalAction { Restorer = 0x77 };
        SignalFrame.Write(frame, &registers, in info, in action, new SignalSet(5), default, (14, 6, 0x1234), 0x9000);
        Assert.Equal(0x77UL, Word(frame, 0));
        Assert.Equal(7UL, Word(frame, 8));

        // uc_mcontext begins at 48 of the frame: r8 first; rip is its 17th word, cr2 its 23rd.
        Assert.Equal(0x1008UL, Word(frame, 48));
        Assert.Equal(0x401000UL, Word(frame, 48 + (16 * 8)));
        Assert.Equal(0x1234UL, Word(frame, 48 + (22 * 8)));
        Assert.Equal(0x9000UL, Word(frame, 48 + (23 * 8)));
        Assert.Equal(5UL, Word(frame, 48 + 256));
        Assert.Equal((int)SignalNumber.Usr1, BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(312)));

        RegisterFile back = default;
        back.Reset();
        Assert.Equal(0x9000UL, SignalFrame.Read(frame, &back, out SignalSet mask, out _));
        Assert.Equal(new SignalSet(5), mask);
        for (int i = 0; i < 16; i++)
            Assert.Equal(registers.Gpr[i], back.Gpr[i]);
        Assert.Equal(registers.Rip, back.Rip);
    }

    [Fact]
    public void Read_SystemFlags_AreNotTakenFromTheFrame()
    {
        RegisterFile registers = default;
        registers.Reset();
        byte[] frame = new byte[SignalFrame.Size];
        SignalFrame.Write(frame, &registers, default, default, default, default, default, 0);
        BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(48 + (17 * 8)), ulong.MaxValue);
        _ = SignalFrame.Read(frame, &registers, out _, out _);

        // AC OF DF TF SF ZF AF PF CF RF, and what was there: IF and the fixed bit. No IOPL, NT, VM.
        Assert.Equal(0x50DD5UL | 0x202, registers.Rflags);
    }

    private static ulong Word(byte[] bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(offset));
}
