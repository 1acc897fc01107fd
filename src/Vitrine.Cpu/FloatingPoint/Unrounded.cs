using System.Numerics;

namespace Vitrine.Cpu.FloatingPoint;

/// <summary>
/// A finite non-zero number before it is rounded: ±(High.Low)·2^(Exponent−63), with bit 63 of
/// <see cref="High"/> set. Low holds the next 64 bits; its lowest bit is sticky (set when anything
/// below was lost).
/// </summary>
internal readonly struct Unrounded(bool negative, int exponent, ulong high, ulong low)
{
    public readonly bool Negative = negative;
    public readonly int Exponent = exponent;
    public readonly ulong High = high;
    public readonly ulong Low = low;

    /// <summary>Normalises a non-zero 128-bit significand whose bit 127 has the weight 2^exponent.</summary>
    public static Unrounded Normalize(bool negative, int exponent, UInt128 significand)
    {
        int shift = (int)UInt128.LeadingZeroCount(significand);
        significand <<= shift;
        return new(negative, exponent - shift, (ulong)(significand >> 64), (ulong)significand);
    }

    /// <summary>Shifts right; bits that fall out are kept in the lowest bit.</summary>
    public static UInt128 ShiftRightSticky(UInt128 value, int count)
    {
        if (count == 0)
            return value;
        if (count >= 128)
            return value == UInt128.Zero ? UInt128.Zero : UInt128.One;
        UInt128 result = value >> count;
        return (value << (128 - count)) == UInt128.Zero ? result : result | UInt128.One;
    }
}

/// <summary>
/// Exact arithmetic on normalised significands (bit 63 set; the value is significand·2^(exponent−63)).
/// Zeros, infinities and NaNs are the callers' business.
/// </summary>
internal static class ExactArithmetic
{
    /// <summary>a + b. False if the sum is exactly zero, whose sign depends on the rounding mode.</summary>
    public static bool Add(
        bool aNegative, int aExponent, ulong a, bool bNegative, int bExponent, ulong b, out Unrounded sum)
    {
        if (aExponent < bExponent || (aExponent == bExponent && a < b))
        {
            (aNegative, bNegative) = (bNegative, aNegative);
            (aExponent, bExponent) = (bExponent, aExponent);
            (a, b) = (b, a);
        }

        // One bit of headroom for the carry: bit 126 is the larger operand's leading bit.
        UInt128 x = new UInt128(a, 0) >> 1;
        UInt128 y = Unrounded.ShiftRightSticky(new UInt128(b, 0) >> 1, aExponent - bExponent);
        UInt128 result = aNegative == bNegative ? x + y : x - y;
        if (result == UInt128.Zero)
        {
            sum = default;
            return false;
        }

        sum = Unrounded.Normalize(aNegative, aExponent + 1, result);
        return true;
    }

    /// <summary>
    /// a + b of numbers with at most 106 significant bits, of which the sum keeps enough to be rounded to 53: what is shifted out
    /// is far below the larger one's last bit, or nothing cancels. False if the sum is exactly zero.
    /// </summary>
    public static bool Add(in Unrounded a, in Unrounded b, out Unrounded sum)
    {
        UInt128 x = new(a.High, a.Low), y = new(b.High, b.Low);
        int xExponent = a.Exponent, yExponent = b.Exponent;
        bool xNegative = a.Negative, yNegative = b.Negative;
        if (xExponent < yExponent || (xExponent == yExponent && x < y))
        {
            (x, y) = (y, x);
            (xExponent, yExponent) = (yExponent, xExponent);
            (xNegative, yNegative) = (yNegative, xNegative);
        }

        // One bit of headroom for the carry.
        x >>= 1;
        y = Unrounded.ShiftRightSticky(y >> 1, xExponent - yExponent);
        UInt128 result = xNegative == yNegative ? x + y : x - y;
        if (result == UInt128.Zero)
        {
            sum = default;
            return false;
        }

        sum = Unrounded.Normalize(xNegative, xExponent + 1, result);
        return true;
    }

    public static Unrounded Multiply(bool negative, int aExponent, ulong a, int bExponent, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        int exponent = aExponent + bExponent + 1;
        if ((long)high >= 0)
        {
            high = (high << 1) | (low >> 63);
            low <<= 1;
            exponent--;
        }

        return new(negative, exponent, high, low);
    }

    public static Unrounded Divide(bool negative, int aExponent, ulong a, int bExponent, ulong b)
    {
        int exponent = aExponent - bExponent;
        UInt128 dividend = new(a, 0);
        if (a >= b)
            dividend >>= 1;
        else
            exponent--;
        // The quotient lies in [2^63, 2^64).
        (ulong quotient, ulong remainder) = DivRem(dividend, b);
        // Two more bits' worth of information: the round bit and the sticky bit.
        ulong low = 0;
        if (remainder != 0)
            low = (remainder > b - remainder || remainder == b - remainder ? 1UL << 63 : 0) | (remainder == b - remainder ? 0UL : 1UL);
        return new(negative, exponent, quotient, low);
    }

    /// <summary>The square root of a positive number.</summary>
    public static Unrounded SquareRoot(int exponent, ulong significand)
    {
        bool odd = (exponent & 1) != 0;
        UInt128 radicand = odd ? new UInt128(significand, 0) : new UInt128(significand, 0) >> 1;
        ulong root = IntegerSquareRoot(radicand);
        UInt128 remainder = radicand - ((UInt128)root * root);
        ulong low = 0;
        if (remainder != UInt128.Zero)
            low = (remainder > root ? 1UL << 63 : 0) | 1;
        return new(false, exponent >> 1, root, low);
    }

    /// <summary>The floor of the square root of a radicand of at least 2^126.</summary>
    private static ulong IntegerSquareRoot(UInt128 radicand)
    {
        double estimate = Math.Sqrt((ulong)(radicand >> 64)) * 4294967296.0;
        UInt128 root = estimate >= 18446744073709551615.0 ? ulong.MaxValue : (ulong)estimate;
        // Two Newton steps take the 52 good bits to all 64; the loops settle the last one.
        root = (root + (radicand / root)) >> 1;
        root = (root + (radicand / root)) >> 1;
        if (root > ulong.MaxValue)
            root = ulong.MaxValue;
        while (root * root > radicand)
            root--;
        while (root < ulong.MaxValue && (root + 1) * (root + 1) <= radicand)
            root++;
        return (ulong)root;
    }

    /// <summary>Divides 128 by 64 bits; the quotient fits in 64 bits and the divisor has bit 63 set.</summary>
    public static (ulong Quotient, ulong Remainder) DivRem(UInt128 dividend, ulong divisor)
    {
        // Knuth's algorithm D (TAOCP 2, 4.3.1) with two digits of 32 bits.
        ulong high = (ulong)(dividend >> 64), low = (ulong)dividend;
        ulong d1 = divisor >> 32, d0 = (uint)divisor;
        ulong q1 = Digit(ref high, (uint)(low >> 32), d1, d0, divisor);
        ulong q0 = Digit(ref high, (uint)low, d1, d0, divisor);
        return ((q1 << 32) | q0, high);
    }

    private static ulong Digit(ref ulong high, uint next, ulong d1, ulong d0, ulong divisor)
    {
        ulong digit = high / d1;
        ulong rest = high - (digit * d1);
        while (digit >> 32 != 0 || digit * d0 > ((rest << 32) | next))
        {
            digit--;
            rest += d1;
            if (rest >> 32 != 0)
                break;
        }

        high = ((high << 32) | next) - (digit * divisor);
        return digit;
    }

    /// <summary>Normalises a non-zero integer: its value is result·2^(exponent−63).</summary>
    public static ulong NormalizeInteger(ulong value, out int exponent)
    {
        int shift = BitOperations.LeadingZeroCount(value);
        exponent = 63 - shift;
        return value << shift;
    }
}
