using System.Buffers.Binary;
using Vitrine.Cpu;

namespace Vitrine.Kernel.Signals;

/// <summary>
/// The FPU state as debuggers see it (NT_X86_XSTATE, NT_PRFPREG): XSAVE's standard form, with XCR0 in the bytes that FXSAVE
/// leaves to software. The layout is that of signal frames.
/// </summary>
internal static unsafe class ExtendedStateArea
{
    private const int HeaderSize = 64;

    public static byte[] Read(in FpuStateArea layout, RegisterFile* registers)
    {
        byte[] area = Full(layout, registers);
        area.AsSpan(FpuStateArea.SoftwareAt, FpuStateArea.LegacySize - FpuStateArea.SoftwareAt).Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(area.AsSpan(FpuStateArea.SoftwareAt), layout.Features);
        return area[..layout.Size];
    }

    /// <summary>The legacy region alone, as FXSAVE writes it.</summary>
    public static byte[] ReadLegacy(in FpuStateArea layout, RegisterFile* registers)
    {
        byte[] area = Full(layout, registers)[..FpuStateArea.LegacySize];
        area.AsSpan(FpuStateArea.SoftwareAt).Clear();
        return area;
    }

    /// <summary>Takes the whole state. EINVAL: features or MXCSR bits that the processor does not have.</summary>
    public static Errno Write(in FpuStateArea layout, RegisterFile* registers, ReadOnlySpan<byte> state)
    {
        ReadOnlySpan<byte> header = state.Slice(FpuStateArea.HeaderAt, HeaderSize);
        byte[] area = Full(layout, registers);
        if ((BinaryPrimitives.ReadUInt64LittleEndian(header) & ~layout.Features) != 0 || header[8..].ContainsAnyExcept((byte)0))
            return Errno.EINVAL;
        state[..FpuStateArea.SoftwareAt].CopyTo(area);
        state[FpuStateArea.HeaderAt..layout.Size].CopyTo(area.AsSpan(FpuStateArea.HeaderAt));
        return layout.Read(area, registers) ? Errno.Success : Errno.EINVAL;
    }

    /// <summary>Takes the legacy region; what lies beyond it stays.</summary>
    public static Errno WriteLegacy(in FpuStateArea layout, RegisterFile* registers, ReadOnlySpan<byte> state)
    {
        byte[] area = Full(layout, registers);
        state[..FpuStateArea.SoftwareAt].CopyTo(area);
        return layout.Read(area, registers) ? Errno.Success : Errno.EINVAL;
    }

    private static byte[] Full(in FpuStateArea layout, RegisterFile* registers)
    {
        byte[] area = new byte[layout.FrameSize];
        layout.Write(area, registers);
        return area;
    }
}
