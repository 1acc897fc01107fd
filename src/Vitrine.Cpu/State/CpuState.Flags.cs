using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vitrine.Cpu.State;

/// <summary>
/// The six arithmetic flags in two words. <see cref="FlagResult"/> is the last result, sign-extended to 64 bits:
/// ZF is "it is zero". <see cref="FlagAux"/> has CF in bit 63, CF xor OF in bit 62, AF in bit 3; bits 61 and 8
/// invert what the result says about SF and PF, for combinations that no result has. So every flag is read by a
/// few operations, without knowing which instruction set it.
/// </summary>
internal unsafe partial struct CpuState
{
    private const ulong CarryBit = 1UL << 63;
    private const ulong CarryXorOverflowBit = 1UL << 62;
    public const int SignInvertPlace = 61;
    public const int ParityInvertPlace = 8;
    private const ulong SignInvert = 1UL << SignInvertPlace;
    private const ulong ParityInvert = 1UL << ParityInvertPlace;
    private const ulong AdjustBit = 1UL << 3;

    /// <summary>OF SF ZF AF PF CF.</summary>
    public const ulong ArithmeticMask = 0x8d5;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Carry(CpuState* c) => (long)c->FlagAux < 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsZero(CpuState* c) => c->FlagResult == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Overflow(CpuState* c) => (long)(c->FlagAux ^ (c->FlagAux << 1)) < 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Sign(CpuState* c) => (c->FlagResult ^ (long)(c->FlagAux << 2)) < 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Parity(CpuState* c) => (BitOperations.PopCount((byte)c->FlagResult ^ (uint)((c->FlagAux >> 8) & 1)) & 1) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Adjust(CpuState* c) => (c->FlagAux & AdjustBit) != 0;

    /// <summary>SF differs from OF.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Less(CpuState* c)
    {
        ulong a = c->FlagAux;
        return (c->FlagResult ^ (long)(a ^ (a << 1) ^ (a << 2))) < 0;
    }

    /// <summary>The arithmetic flags in RFLAGS positions.</summary>
    public static ulong ReadArithmetic(CpuState* c) =>
        (Carry(c) ? 1UL : 0) | (Parity(c) ? 4UL : 0) | (Adjust(c) ? 0x10UL : 0) |
        (IsZero(c) ? 0x40UL : 0) | (Sign(c) ? 0x80UL : 0) | (Overflow(c) ? 0x800UL : 0);

    /// <summary>Sets all arithmetic flags from RFLAGS positions.</summary>
    public static void WriteArithmetic(CpuState* c, ulong flags)
    {
        bool zero = (flags & 0x40) != 0;
        bool carry = (flags & 1) != 0;
        bool overflow = (flags & 0x800) != 0;
        ulong aux = 0;
        if (carry)
            aux |= CarryBit;
        if (carry != overflow)
            aux |= CarryXorOverflowBit;
        if ((flags & 0x80) != 0)
            aux |= SignInvert;

        // A result of 0 has even parity, a result of 1 odd.
        if (((flags & 4) != 0) != zero)
            aux |= ParityInvert;
        if ((flags & 0x10) != 0)
            aux |= AdjustBit;
        c->FlagResult = zero ? 0 : 1;
        c->FlagAux = aux;
    }

    /// <summary>ZF and CF as given, the others clear: after comparisons of floating-point numbers and PTEST.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetZeroCarry(CpuState* c, bool zero, bool carry)
    {
        // A result of 1 has odd parity; that of 0 is even, so PF must be inverted.
        c->FlagResult = zero ? 0 : 1;
        c->FlagAux = (carry ? CarryBit | CarryXorOverflowBit : 0) | (zero ? ParityInvert : 0);
    }

    /// <summary>All of RFLAGS.</summary>
    public static ulong ReadFlags(CpuState* c) => ReadArithmetic(c) | c->SystemFlags;

    public static void WriteFlags(CpuState* c, ulong flags)
    {
        WriteArithmetic(c, flags);
        c->SystemFlags = (flags & ~ArithmeticMask & 0x3f7fd7) | 2;
    }

    /// <summary>Sets CF alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetCarry(CpuState* c, bool value)
    {
        if (Carry(c) != value)
            c->FlagAux ^= CarryBit | CarryXorOverflowBit;
    }

    /// <summary>Sets CF and OF, leaving the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetCarryOverflow(CpuState* c, bool carry, bool overflow)
    {
        ulong aux = c->FlagAux & ~(CarryBit | CarryXorOverflowBit);
        if (carry)
            aux |= CarryBit;
        if (carry != overflow)
            aux |= CarryXorOverflowBit;
        c->FlagAux = aux;
    }

    /// <summary>SF, ZF and PF from a sign-extended result, AF clear, CF and OF as given.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetResult(CpuState* c, long result, bool carry, bool overflow)
    {
        c->FlagResult = result;
        c->FlagAux = (carry ? CarryBit : 0) | (carry != overflow ? CarryXorOverflowBit : 0);
    }
}
