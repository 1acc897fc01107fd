using System.Buffers.Binary;
using Vitrine.Cpu;

namespace Vitrine.Kernel.Signals;

/// <summary>
/// The FPU state as debuggers see it (NT_X86_XSTATE, NT_PRFPREG): XSAVE's standard form, with XCR0 in the bytes that FXSAVE
/// leaves to software. The layout is that of signal frames.
/// </summary>
internal static unsafe class ExtendedStateArea
{
    public const int LegacySize = 512;

    private const int FeaturesAt = 464;
    private const int HeaderAt = 512;
    private const int HeaderSize = 64;

    public static int Size => SignalFrame.ExtendedStateSize;

    public static byte[] Read(RegisterFile* registers)
    {
        byte[] area = Full(registers);
        ulong features = Features(area);
        area.AsSpan(FeaturesAt, LegacySize - FeaturesAt).Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(area.AsSpan(FeaturesAt), features);
        return area[..Size];
    }

    /// <summary>The legacy region alone, as FXSAVE writes it.</summary>
    public static byte[] ReadLegacy(RegisterFile* registers)
    {
        byte[] area = Full(registers)[..LegacySize];
        area.AsSpan(FeaturesAt).Clear();
        return area;
    }

    /// <summary>Takes the whole state. EINVAL: features or MXCSR bits that the processor does not have.</summary>
    public static Errno Write(RegisterFile* registers, ReadOnlySpan<byte> state)
    {
        ReadOnlySpan<byte> header = state.Slice(HeaderAt, HeaderSize);
        byte[] area = Full(registers);
        if ((BinaryPrimitives.ReadUInt64LittleEndian(header) & ~Features(area)) != 0 || header[8..].ContainsAnyExcept((byte)0))
            return Errno.EINVAL;
        state[..FeaturesAt].CopyTo(area);
        state[HeaderAt..].CopyTo(area.AsSpan(HeaderAt));
        return SignalFrame.ReadFpu(area, registers) ? Errno.Success : Errno.EINVAL;
    }

    /// <summary>Takes the legacy region; what lies beyond it stays.</summary>
    public static Errno WriteLegacy(RegisterFile* registers, ReadOnlySpan<byte> state)
    {
        byte[] area = Full(registers);
        state[..FeaturesAt].CopyTo(area);
        return SignalFrame.ReadFpu(area, registers) ? Errno.Success : Errno.EINVAL;
    }

    private static byte[] Full(RegisterFile* registers)
    {
        byte[] area = new byte[SignalFrame.FpuStateSize];
        SignalFrame.WriteFpu(area, registers);
        return area;
    }

    private static ulong Features(ReadOnlySpan<byte> full) => BinaryPrimitives.ReadUInt64LittleEndian(full[(FeaturesAt + 8)..]);
}
