using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>The operand forms that the VEX tables are written in.</summary>
internal static unsafe class VexForms
{
    /// <summary>Whole registers, 16 bytes at a time; <paramref name="shift"/> bits of the immediate belong to each half.</summary>
    public static VexOperation Packed(delegate*<CpuState*, void*, void*, byte, void> function, byte shift = 0) =>
        new(function, VexShape.Lanes, 16, 32, 16, shift: shift);

    public static VexOperation PackedFloat(delegate*<CpuState*, void*, void*, byte, void> function) =>
        new(function, VexShape.Lanes, 16, 32, 16, VexTraits.MayFault);

    /// <summary>A source of which each half of the destination takes so many bytes.</summary>
    public static VexOperation Widening(delegate*<CpuState*, void*, void*, byte, void> function, ushort half) =>
        new(function, VexShape.Lanes, half, (ushort)(2 * half), half);

    public static VexOperation WideningFloat(delegate*<CpuState*, void*, void*, byte, void> function, ushort half) =>
        new(function, VexShape.Lanes, half, (ushort)(2 * half), half, VexTraits.MayFault);

    /// <summary>The low lane only, or what exists for XMM registers only.</summary>
    public static VexOperation Scalar(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VexShape.Lanes, size, 0, 0);

    public static VexOperation ScalarFloat(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VexShape.Lanes, size, 0, 0, VexTraits.MayFault);

    /// <summary>A shift of all lanes by a count in 16 bytes.</summary>
    public static VexOperation ByCount(delegate*<CpuState*, void*, void*, byte, void> function) =>
        new(function, VexShape.Lanes, 16, 16, 0);

    /// <summary>A shift by an immediate.</summary>
    public static VexOperation InPlace(delegate*<CpuState*, void*, void*, byte, void> function) =>
        new(function, VexShape.InPlace, 0, 0, 0);

    public static VexOperation NarrowingFloat(delegate*<CpuState*, void*, void*, byte, void> function) =>
        new(function, VexShape.Narrowing, 16, 32, 16, VexTraits.MayFault | VexTraits.Narrows);

    /// <summary>A register number as the immediate chooses by its sign bits.</summary>
    public static VexOperation Chosen(delegate*<CpuState*, void*, void*, byte, void> function) =>
        new(function, VexShape.Lanes, 16, 32, 16, VexTraits.CountsHalves);

    /// <summary>Lanes go from one half to the other: the function knows both.</summary>
    public static VexOperation Whole(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VexShape.Whole, size, size, 0);

    /// <summary>Reads memory or registers; the destination is a general register or the flags.</summary>
    public static VexOperation Plain(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VexShape.Plain, size, size, 0);

    public static VexOperation PlainFloat(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VexShape.Plain, size, size, 0, VexTraits.MayFault);

    /// <summary>Writes memory or a general register.</summary>
    public static VexOperation PlainWrite(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VexShape.Plain, size, size, 0, VexTraits.Writes);

    public static VexOperation PlainWriteFloat(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VexShape.Plain, size, size, 0, VexTraits.Writes | VexTraits.MayFault);
}
