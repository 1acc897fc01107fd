namespace Vitrine.Cpu.FloatingPoint;

/// <summary>Conversions of one SSE lane between the formats and integers, exactly, with their exceptions.</summary>
internal static class IeeeConversion
{
    /// <summary>The integer that an invalid conversion gives: only the sign bit is set.</summary>
    public const int IndefiniteInt32 = int.MinValue;
    public const long IndefiniteInt64 = long.MinValue;

    public static ulong Widen(ulong bits, ref FloatEnvironment environment) =>
        Convert(IeeeFormat.Binary32, IeeeFormat.Binary64, bits, ref environment);

    public static ulong Narrow(ulong bits, ref FloatEnvironment environment) =>
        Convert(IeeeFormat.Binary64, IeeeFormat.Binary32, bits, ref environment);

    /// <summary>Half to single precision: always exact, and a denormal is a number like others.</summary>
    public static ulong WidenHalf(ulong bits, ref FloatEnvironment environment)
    {
        IeeeFormat half = IeeeFormat.Binary16;
        if (!half.IsDenormal(bits))
            return Convert(half, IeeeFormat.Binary32, bits, ref environment);
        ulong significand = half.Unpack(bits, out int exponent);
        return IeeeFormat.Binary32.Round(new Unrounded(half.IsNegative(bits), exponent, significand, 0), ref environment);
    }

    public static ulong NarrowToHalf(ulong bits, ref FloatEnvironment environment) =>
        Convert(IeeeFormat.Binary32, IeeeFormat.Binary16, bits, ref environment);

    private static ulong Convert(in IeeeFormat from, in IeeeFormat to, ulong bits, ref FloatEnvironment environment)
    {
        bits = IeeeArithmetic.FlushOperand(from, bits, environment);
        bool negative = from.IsNegative(bits);
        ulong sign = negative ? to.SignBit : 0;
        if (from.IsNaN(bits))
        {
            bits = IeeeArithmetic.PropagateNaN(from, bits, bits, ref environment);
            ulong fraction = bits & from.FractionMask;
            int shift = to.FractionBits - from.FractionBits;
            return sign | to.Infinity | (shift >= 0 ? fraction << shift : fraction >> -shift);
        }

        if (from.IsInfinity(bits))
            return sign | to.Infinity;
        if (from.IsZero(bits))
            return sign;
        IeeeArithmetic.NoteDenormals(from, bits, bits, ref environment);
        ulong significand = from.Unpack(bits, out int exponent);
        return to.Round(new Unrounded(negative, exponent, significand, 0), ref environment);
    }

    /// <summary>An integer as a number; only precision can be raised.</summary>
    public static ulong FromInt64(in IeeeFormat format, long value, ref FloatEnvironment environment)
    {
        if (value == 0)
            return 0;
        bool negative = value < 0;
        ulong magnitude = negative ? (ulong)-value : (ulong)value;
        ulong significand = ExactArithmetic.NormalizeInteger(magnitude, out int exponent);
        return format.Round(new Unrounded(negative, exponent, significand, 0), ref environment);
    }

    /// <summary>A number as an integer of 32 or 64 bits; NaN and what doesn't fit give the indefinite integer and raise invalid.</summary>
    public static long ToInteger(in IeeeFormat format, ulong bits, int width, RoundingMode mode, ref FloatEnvironment environment)
    {
        bits = IeeeArithmetic.FlushOperand(format, bits, environment);
        long indefinite = width == 32 ? IndefiniteInt32 : IndefiniteInt64;
        if (format.IsZero(bits))
            return 0;
        if (format.Magnitude(bits) >= format.Infinity)
        {
            environment.Raised |= FloatExceptions.Invalid;
            return indefinite;
        }

        bool negative = format.IsNegative(bits);
        ulong significand = format.Unpack(bits, out int exponent);
        if (!IntegerRounding.TryRound(negative, exponent, significand, width, mode, out long result, out bool inexact, out _))
        {
            environment.Raised |= FloatExceptions.Invalid;
            return indefinite;
        }

        if (inexact)
            environment.Raised |= FloatExceptions.Precision;
        return result;
    }

    /// <summary>ROUNDxx: to an integral value in the same format. Denormal operands raise nothing.</summary>
    public static ulong RoundToIntegral(
        in IeeeFormat format, ulong bits, RoundingMode mode, bool raisePrecision, ref FloatEnvironment environment)
    {
        bits = IeeeArithmetic.FlushOperand(format, bits, environment);
        if (format.IsNaN(bits))
            return IeeeArithmetic.PropagateNaN(format, bits, bits, ref environment);
        if (format.IsZero(bits) || format.IsInfinity(bits))
            return bits;
        bool negative = format.IsNegative(bits);
        ulong significand = format.Unpack(bits, out int exponent);
        if (exponent >= format.FractionBits)
            return bits;
        // Below 2^53 every integral value fits in 64 bits.
        IntegerRounding.TryRound(negative, exponent, significand, 64, mode, out long result, out bool inexact, out _);
        if (inexact && raisePrecision)
            environment.Raised |= FloatExceptions.Precision;
        if (result == 0)
            return negative ? format.SignBit : 0;
        ulong magnitude = ExactArithmetic.NormalizeInteger((ulong)Math.Abs(result), out int resultExponent);
        return format.Pack(negative, new Rounded(resultExponent, magnitude));
    }
}

/// <summary>Rounding a number significand·2^(exponent−63) to an integer of 16, 32 or 64 bits.</summary>
internal static class IntegerRounding
{
    /// <summary>False if the rounded value doesn't fit.</summary>
    public static bool TryRound(
        bool negative, int exponent, ulong significand, int width, RoundingMode mode, out long result, out bool inexact, out bool up)
    {
        result = 0;
        inexact = up = false;
        if (exponent > 63)
            return false;
        // Integer part in the high word, fraction in the low word.
        UInt128 fixedPoint = Unrounded.ShiftRightSticky(new UInt128(significand, 0), 63 - exponent);
        ulong magnitude = (ulong)(fixedPoint >> 64), fraction = (ulong)fixedPoint;
        inexact = fraction != 0;
        const ulong half = 1UL << 63;
        up = mode switch
        {
            RoundingMode.Nearest => fraction > half || (fraction == half && (magnitude & 1) != 0),
            RoundingMode.Up => inexact && !negative,
            RoundingMode.Down => inexact && negative,
            _ => false,
        };
        if (up && ++magnitude == 0)
            return false;
        ulong limit = 1UL << (width - 1);
        if (negative ? magnitude > limit : magnitude >= limit)
            return false;
        result = negative ? (long)(0 - magnitude) : (long)magnitude;
        return true;
    }
}
