using System.Numerics;

namespace Vitrine.Cpu.FloatingPoint;

/// <summary>
/// The layout of binary16, binary32 or binary64. Numbers travel as their bits in the low end of a <c>ulong</c>.
/// </summary>
internal readonly struct IeeeFormat(int fractionBits, int exponentBits)
{
    public readonly int FractionBits = fractionBits;
    public readonly int ExponentBits = exponentBits;

    public static IeeeFormat Binary32 => new(23, 8);

    public static IeeeFormat Binary64 => new(52, 11);

    public static IeeeFormat Binary16 => new(10, 5);

    public ulong SignBit => 1UL << (FractionBits + ExponentBits);

    public ulong FractionMask => (1UL << FractionBits) - 1;

    /// <summary>The all-ones exponent, in place; also the bits of +∞.</summary>
    public ulong Infinity => ((1UL << ExponentBits) - 1) << FractionBits;

    public ulong QuietBit => 1UL << (FractionBits - 1);

    /// <summary>The NaN of an invalid operation: negative, quiet, no payload.</summary>
    public ulong DefaultNaN => SignBit | Infinity | QuietBit;

    public int Bias => (1 << (ExponentBits - 1)) - 1;

    public FloatLimits Limits => new(FractionBits + 1, 1 - Bias, Bias);

    public bool IsNegative(ulong bits) => (bits & SignBit) != 0;

    public ulong Magnitude(ulong bits) => bits & (SignBit - 1);

    public bool IsZero(ulong bits) => Magnitude(bits) == 0;

    public bool IsInfinity(ulong bits) => Magnitude(bits) == Infinity;

    public bool IsNaN(ulong bits) => Magnitude(bits) > Infinity;

    public bool IsSignalingNaN(ulong bits) => IsNaN(bits) && (bits & QuietBit) == 0;

    public bool IsDenormal(ulong bits) => Magnitude(bits) - 1 < FractionMask;

    /// <summary>Takes a finite non-zero number apart: value = significand·2^(exponent−63), bit 63 set.</summary>
    public ulong Unpack(ulong bits, out int exponent)
    {
        ulong fraction = bits & FractionMask;
        int biased = (int)(Magnitude(bits) >> FractionBits);
        if (biased != 0)
        {
            exponent = biased - Bias;
            return (fraction | (1UL << FractionBits)) << (63 - FractionBits);
        }

        int shift = BitOperations.LeadingZeroCount(fraction);
        exponent = 1 - Bias - FractionBits + 63 - shift;
        return fraction << shift;
    }

    public ulong Pack(bool negative, in Rounded value)
    {
        ulong sign = negative ? SignBit : 0;
        if (value.Infinite)
            return sign | Infinity;
        ulong bits = value.Significand >> (63 - FractionBits);
        // The leading bit adds one to the exponent field unless the number is subnormal.
        return sign | (((ulong)(value.Exponent + Bias - 1) << FractionBits) + bits);
    }

    public ulong Round(in Unrounded value, ref FloatEnvironment environment) =>
        Pack(value.Negative, Rounder.Round(value, Limits, ref environment));
}
