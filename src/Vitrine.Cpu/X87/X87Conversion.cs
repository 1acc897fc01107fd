using Vitrine.Cpu.FloatingPoint;

namespace Vitrine.Cpu.X87;

/// <summary>Extended precision to the narrower formats, to integers and to packed decimal.</summary>
internal static class X87Conversion
{
    /// <summary>To binary32 or binary64, for a store. Denormal operands are no exception here.</summary>
    public static ulong ToIeee(in IeeeFormat format, in X87Operand value, ref FloatEnvironment environment)
    {
        ulong sign = value.IsNegative ? format.SignBit : 0;
        switch (value.Class)
        {
            case X87Class.Zero:
                return sign;
            case X87Class.Infinity:
                return sign | format.Infinity;
            case X87Class.Unsupported:
                environment.Raised |= FloatExceptions.Invalid;
                return format.DefaultNaN;
            case X87Class.QuietNaN or X87Class.SignalingNaN:
                if (value.Class == X87Class.SignalingNaN)
                    environment.Raised |= FloatExceptions.Invalid;
                return sign | format.Infinity | format.QuietBit |
                    ((value.Value.Significand >> (63 - format.FractionBits)) & format.FractionMask);
            default:
                return format.Round(value.ToUnrounded(value.IsNegative), ref environment);
        }
    }

    /// <summary>To an integer of 16, 32 or 64 bits; what doesn't fit is invalid and gives the smallest integer.</summary>
    public static long ToInteger(in X87Operand value, int width, RoundingMode mode, ref FloatEnvironment environment)
    {
        if (value.Class == X87Class.Zero)
            return 0;
        if (value.Class != X87Class.Finite || !IntegerRounding.TryRound(
            value.IsNegative, value.Exponent, value.Significand, width, mode, out long result, out bool inexact, out bool up))
        {
            environment.Raised |= FloatExceptions.Invalid;
            return long.MinValue >> (64 - width);
        }

        if (inexact)
            environment.Raised |= FloatExceptions.Precision;
        environment.RoundedUp = up;
        return result;
    }

    /// <summary>FRNDINT.</summary>
    public static Float80 RoundToIntegral(in X87Operand value, ref FloatEnvironment environment)
    {
        if (X87Arithmetic.TryPropagate(value, value, ref environment, out Float80 special))
            return special;
        X87Arithmetic.NoteDenormals(value, value, ref environment);
        if (value.Class != X87Class.Finite || value.Exponent >= 63)
            return value.Value;
        bool negative = value.IsNegative;
        ulong magnitude = RoundMagnitude(value.Exponent, value.Significand, negative, environment.Rounding, out bool inexact, out bool up);
        if (inexact)
            environment.Raised |= FloatExceptions.Precision;
        environment.RoundedUp = up;
        if (magnitude == 0)
            return Float80.Zero(negative);
        ulong significand = ExactArithmetic.NormalizeInteger(magnitude, out int exponent);
        return Float80.Pack(negative, new Rounded(exponent, significand));
    }

    /// <summary>Rounds a number below 2^63 to an integer.</summary>
    private static ulong RoundMagnitude(int exponent, ulong significand, bool negative, RoundingMode mode, out bool inexact, out bool up)
    {
        UInt128 fixedPoint = Unrounded.ShiftRightSticky(new UInt128(significand, 0), 63 - exponent);
        ulong magnitude = Rounder.RoundSignificand(
            (ulong)(fixedPoint >> 64), (ulong)fixedPoint, 0, negative, mode, out _, out inexact, out up);
        return magnitude;
    }

    private const ulong DecimalLimit = 1_000_000_000_000_000_000;

    /// <summary>FBSTP: 18 decimal digits, two a byte, and the sign in the tenth byte.</summary>
    public static void ToDecimal(in X87Operand value, Span<byte> digits, ref FloatEnvironment environment)
    {
        ulong magnitude = 0;
        if (value.Class == X87Class.Finite && value.Exponent < 63)
        {
            magnitude = RoundMagnitude(
                value.Exponent, value.Significand, value.IsNegative, environment.Rounding, out bool inexact, out bool up);
            if (inexact && magnitude < DecimalLimit)
                environment.Raised |= FloatExceptions.Precision;
            environment.RoundedUp = up;
        }

        if (magnitude >= DecimalLimit || (value.Class != X87Class.Zero && (value.Class != X87Class.Finite || value.Exponent >= 63)))
        {
            environment.Raised |= FloatExceptions.Invalid;
            DecimalIndefinite(digits);
            return;
        }

        for (int i = 0; i < 9; i++)
        {
            (magnitude, ulong pair) = Math.DivRem(magnitude, 100);
            digits[i] = (byte)(((pair / 10) << 4) | (pair % 10));
        }

        digits[9] = value.IsNegative ? (byte)0x80 : (byte)0;
    }

    public static void DecimalIndefinite(Span<byte> digits)
    {
        digits[..7].Clear();
        digits[7] = 0xc0;
        digits[8] = 0xff;
        digits[9] = 0xff;
    }

    /// <summary>FBLD.</summary>
    public static Float80 FromDecimal(ReadOnlySpan<byte> digits)
    {
        ulong magnitude = 0;
        for (int i = 8; i >= 0; i--)
            magnitude = (magnitude * 100) + ((uint)(digits[i] >> 4) * 10) + (digits[i] & 15u);
        bool negative = (digits[9] & 0x80) != 0;
        if (magnitude == 0)
            return Float80.Zero(negative);
        Float80 value = Float80.FromInt64((long)magnitude);
        return negative ? value.Negated : value;
    }
}
