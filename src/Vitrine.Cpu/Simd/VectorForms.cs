using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>The operand forms that the tables are written in.</summary>
internal static unsafe class VectorForms
{
    /// <summary>xmm, xmm/m128 with an aligned memory operand.</summary>
    public static VectorOperation Packed(delegate*<CpuState*, void*, void*, byte, void> function) =>
        new(function, VectorTraits.Reads | VectorTraits.Aligned, 16);

    /// <summary>As <see cref="Packed"/>, and may raise #XM.</summary>
    public static VectorOperation PackedFloat(delegate*<CpuState*, void*, void*, byte, void> function) =>
        new(function, VectorTraits.Reads | VectorTraits.Aligned | VectorTraits.MayFault, 16);

    /// <summary>Reads a memory operand of any alignment.</summary>
    public static VectorOperation Read(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VectorTraits.Reads, size);

    /// <summary>As <see cref="Read"/>, and may raise #XM.</summary>
    public static VectorOperation ReadFloat(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VectorTraits.Reads | VectorTraits.MayFault, size);

    /// <summary>Writes a memory operand of any alignment.</summary>
    public static VectorOperation Write(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VectorTraits.Writes, size);

    /// <summary>Writes an aligned memory operand of 16 bytes.</summary>
    public static VectorOperation WriteAligned(delegate*<CpuState*, void*, void*, byte, void> function) =>
        new(function, VectorTraits.Writes | VectorTraits.Aligned, 16);

    /// <summary>Has no memory operand.</summary>
    public static VectorOperation Registers(delegate*<CpuState*, void*, void*, byte, void> function) =>
        new(function, VectorTraits.None, 0);

    public static VectorOperation MmxRead(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VectorTraits.Reads | VectorTraits.Mmx, size);

    public static VectorOperation MmxWrite(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VectorTraits.Writes | VectorTraits.Mmx, size);

    public static VectorOperation MmxRegisters(delegate*<CpuState*, void*, void*, byte, void> function) =>
        new(function, VectorTraits.Mmx, 0);

    /// <summary>A conversion between MMX and XMM.</summary>
    public static VectorOperation MmxConvert(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VectorTraits.Reads | VectorTraits.Mmx | VectorTraits.MayFault, size);

    public static VectorOperation MmxConvertAligned(delegate*<CpuState*, void*, void*, byte, void> function) =>
        new(function, VectorTraits.Reads | VectorTraits.Aligned | VectorTraits.Mmx | VectorTraits.MayFault, 16);
}
