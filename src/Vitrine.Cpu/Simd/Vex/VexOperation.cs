using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>How a VEX instruction is made from a function of operand addresses.</summary>
internal enum VexShape : byte
{
    /// <summary>No such instruction.</summary>
    None = 0,

    /// <summary>
    /// The function does 16 bytes; with YMM operands it is called for each half. Its destination starts as the first
    /// source (VEX.vvvv), as the legacy instruction's does.
    /// </summary>
    Lanes,

    /// <summary>As <see cref="Lanes"/>, but the source itself is changed in place: shifts by an immediate.</summary>
    InPlace,

    /// <summary>As <see cref="Lanes"/>, but each half gives 8 bytes, and the destination is an XMM register in any case.</summary>
    Narrowing,

    /// <summary>The function does all 32 bytes at once.</summary>
    Whole,

    /// <summary>As <see cref="Whole"/>; the source is as wide as YMM, the destination an XMM register.</summary>
    WholeToXmm,

    /// <summary>The destination is no vector register: as the legacy instruction.</summary>
    Plain,
}

/// <summary>What else must be known of a VEX instruction.</summary>
[Flags]
internal enum VexTraits : ushort
{
    None = 0,

    /// <summary>All 32 bytes of the destination are written; else its upper half is cleared.</summary>
    Wide = 1,

    /// <summary>See <see cref="VexShape.Narrowing"/>.</summary>
    Narrows = 2,

    /// <summary>The immediate is the number of a half register: the upper half's is the next.</summary>
    CountsHalves = 4,

    /// <summary>The function may raise #XM.</summary>
    MayFault = 8,

    /// <summary>A memory operand is written.</summary>
    Writes = 16,
}

/// <summary>
/// One VEX instruction, for both vector lengths: the function of its legacy twin, and how that is applied to halves.
/// </summary>
internal readonly unsafe struct VexOperation(
    delegate*<CpuState*, void*, void*, byte, void> execute, VexShape shape, ushort narrow, ushort wide, ushort stride, VexTraits traits = VexTraits.None, byte shift = 0)
{
    public readonly delegate*<CpuState*, void*, void*, byte, void> Execute = execute;
    public readonly VexShape Shape = shape;

    /// <summary>Bytes of the memory operand with XMM operands.</summary>
    public readonly ushort NarrowSize = narrow;

    /// <summary>Bytes of the memory operand with YMM operands; 0: there is no such form.</summary>
    public readonly ushort WideSize = wide;

    /// <summary>From the source of the lower half to that of the upper.</summary>
    public readonly ushort Stride = stride;
    public readonly VexTraits Traits = traits;

    /// <summary>By how much the immediate is shifted right for the upper half.</summary>
    public readonly byte Shift = shift;
}
