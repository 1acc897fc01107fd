namespace Vitrine.Cpu.FloatingPoint;

/// <summary>
/// Where a number is rounded to: bits of precision and the exponents (of the leading bit) of the smallest
/// and the largest normal number.
/// </summary>
internal readonly struct FloatLimits(int precision, int minExponent, int maxExponent)
{
    public readonly int Precision = precision;
    public readonly int MinExponent = minExponent;
    public readonly int MaxExponent = maxExponent;

    public static FloatLimits Binary32 => new(24, -126, 127);

    public static FloatLimits Binary64 => new(53, -1022, 1023);

    /// <summary>x87's extended range with a precision of 24, 53 or 64 bits.</summary>
    public static FloatLimits Extended(int precision) => new(precision, -16382, 16383);
}

/// <summary>A rounded number. Subnormal: bit 63 of the significand is clear and the exponent is the smallest.</summary>
internal readonly struct Rounded(int exponent, ulong significand, bool infinite = false)
{
    public readonly int Exponent = exponent;
    public readonly ulong Significand = significand;
    public readonly bool Infinite = infinite;
}

/// <summary>Rounding as IEEE 754 and Intel's SDM 1, 4.9.1 have it; tininess is detected after rounding.</summary>
internal static class Rounder
{
    /// <summary>What x87 adds to or takes from the exponent when an underflow or overflow isn't masked.</summary>
    public const int ExtendedWrap = 24576;

    public static Rounded Round(in Unrounded value, in FloatLimits limits, ref FloatEnvironment environment)
    {
        int drop = 64 - limits.Precision;
        ulong significand = RoundSignificand(
            value.High, value.Low, drop, value.Negative, environment.Rounding, out bool carry, out bool inexact, out bool up);
        int exponent = value.Exponent;
        if (carry)
            exponent++;

        if (exponent < limits.MinExponent)
            return RoundTiny(value, limits, exponent, significand, inexact, up, ref environment);

        if (exponent > limits.MaxExponent)
        {
            environment.Raised |= FloatExceptions.Overflow;
            if (environment.Traps(FloatExceptions.Overflow))
            {
                Note(inexact, up, ref environment);
                return new(exponent - ExtendedWrap, significand);
            }

            bool toInfinity = environment.Rounding switch
            {
                RoundingMode.Nearest => true,
                RoundingMode.Up => !value.Negative,
                RoundingMode.Down => value.Negative,
                _ => false,
            };
            Note(true, toInfinity, ref environment);
            return toInfinity
                ? new(limits.MaxExponent + 1, 1UL << 63, infinite: true)
                : new(limits.MaxExponent, ulong.MaxValue << drop);
        }

        Note(inexact, up, ref environment);
        return new(exponent, significand);
    }

    private static Rounded RoundTiny(
        in Unrounded value, in FloatLimits limits, int exponent, ulong significand, bool inexact, bool up, ref FloatEnvironment environment)
    {
        if (environment.Traps(FloatExceptions.Underflow))
        {
            environment.Raised |= FloatExceptions.Underflow;
            Note(inexact, up, ref environment);
            return new(exponent + ExtendedWrap, significand);
        }

        if (environment.FlushToZero)
        {
            environment.Raised |= FloatExceptions.Underflow | FloatExceptions.Precision;
            environment.RoundedUp = false;
            return new(limits.MinExponent, 0);
        }

        UInt128 shifted = Unrounded.ShiftRightSticky(new UInt128(value.High, value.Low), limits.MinExponent - value.Exponent);
        significand = RoundSignificand(
            (ulong)(shifted >> 64), (ulong)shifted, 64 - limits.Precision, value.Negative, environment.Rounding, out _, out inexact, out up);
        if (inexact)
            environment.Raised |= FloatExceptions.Underflow;
        Note(inexact, up, ref environment);
        return new(limits.MinExponent, significand);
    }

    private static void Note(bool inexact, bool up, ref FloatEnvironment environment)
    {
        if (inexact)
            environment.Raised |= FloatExceptions.Precision;
        environment.RoundedUp = up;
    }

    /// <summary>Rounds away the lowest <paramref name="drop"/> bits (0 to 63) of high, and low.</summary>
    public static ulong RoundSignificand(
        ulong high, ulong low, int drop, bool negative, RoundingMode mode, out bool carry, out bool inexact, out bool up)
    {
        bool half, sticky;
        ulong unit = 1UL << drop;
        if (drop == 0)
        {
            half = low >> 63 != 0;
            sticky = low << 1 != 0;
        }
        else
        {
            half = (high & (unit >> 1)) != 0;
            sticky = ((high & ((unit >> 1) - 1)) | low) != 0;
        }

        inexact = half | sticky;
        up = mode switch
        {
            RoundingMode.Nearest => half && (sticky || (high & unit) != 0),
            RoundingMode.Up => inexact && !negative,
            RoundingMode.Down => inexact && negative,
            _ => false,
        };
        ulong result = high & ~(unit - 1);
        carry = false;
        if (up)
        {
            result += unit;
            if (result == 0)
            {
                carry = true;
                result = 1UL << 63;
            }
        }

        return result;
    }
}
