using Iced.Intel;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>
/// The 32 fused multiply-adds as bits: the lowest two say which operands are multiplied (132, 213, 231: 0 to 2).
/// </summary>
internal static class FusedForm
{
    public const byte OrderMask = 3;

    /// <summary>−(x·y) + z.</summary>
    public const byte NegatesProduct = 4;

    /// <summary>x·y − z.</summary>
    public const byte NegatesAddend = 8;

    /// <summary>In odd lanes the addend has the other sign.</summary>
    public const byte Alternates = 16;
    public const byte Double = 32;

    /// <summary>The lowest lane only.</summary>
    public const byte Scalar = 64;

    public static bool TryParse(Mnemonic m, out byte form)
    {
        // The mnemonics of a family follow each other: for 132, 213 and 231 pd, ps, sd, ss, or pd and ps.
        (Mnemonic first, byte bits) = m switch
        {
            >= Mnemonic.Vfmadd132pd and <= Mnemonic.Vfmadd231ss => (Mnemonic.Vfmadd132pd, (byte)0),
            >= Mnemonic.Vfmaddsub132pd and <= Mnemonic.Vfmaddsub231ps => (Mnemonic.Vfmaddsub132pd, (byte)(NegatesAddend | Alternates)),
            >= Mnemonic.Vfmsub132pd and <= Mnemonic.Vfmsub231ss => (Mnemonic.Vfmsub132pd, NegatesAddend),
            >= Mnemonic.Vfmsubadd132pd and <= Mnemonic.Vfmsubadd231ps => (Mnemonic.Vfmsubadd132pd, Alternates),
            >= Mnemonic.Vfnmadd132pd and <= Mnemonic.Vfnmadd231ss => (Mnemonic.Vfnmadd132pd, NegatesProduct),
            >= Mnemonic.Vfnmsub132pd and <= Mnemonic.Vfnmsub231ss => (Mnemonic.Vfnmsub132pd, (byte)(NegatesProduct | NegatesAddend)),
            _ => (Mnemonic.INVALID, (byte)0),
        };
        form = bits;
        if (first == Mnemonic.INVALID)
            return false;
        int kinds = (bits & Alternates) != 0 ? 2 : 4;
        int which = m - first;
        form |= (byte)(which / kinds);
        if ((which & 1) == 0)
            form |= Double;
        if (which % kinds >= 2)
            form |= Scalar;
        return true;
    }
}
