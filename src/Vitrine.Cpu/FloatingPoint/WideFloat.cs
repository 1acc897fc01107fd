namespace Vitrine.Cpu.FloatingPoint;

/// <summary>
/// A number with a significand of 128 bits, for results that are to be rounded to 64: ±significand·2^(exponent−127),
/// bit 127 set unless the number is zero. Each operation errs by a few units in the last place at most; none
/// overflows or raises anything. Integers only, so every host computes the same bits.
/// </summary>
internal readonly struct WideFloat(bool negative, int exponent, UInt128 significand)
{
    public readonly bool Negative = negative;
    public readonly int Exponent = exponent;
    public readonly UInt128 Significand = significand;

    public static WideFloat Zero => default;

    public static WideFloat One => new(false, 0, UInt128.One << 127);

    public static WideFloat Pi => new(false, 1, new UInt128(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1));

    public static WideFloat Ln2 => new(false, -1, new UInt128(0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af));

    public static WideFloat Log2E => new(false, 0, new UInt128(0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89));

    public bool IsZero => Significand == UInt128.Zero;

    public static WideFloat From(bool negative, int exponent, ulong significand) => new(negative, exponent, new UInt128(significand, 0));

    public static WideFloat FromInt32(int value) =>
        value == 0 ? Zero : Normalized(value < 0, 127, (UInt128)(ulong)Math.Abs((long)value));

    /// <summary>A significand that isn't normalised yet.</summary>
    public static WideFloat Normalized(bool negative, int exponent, UInt128 significand)
    {
        if (significand == UInt128.Zero)
            return Zero;
        int shift = (int)UInt128.LeadingZeroCount(significand);
        return new(negative, exponent - shift, significand << shift);
    }

    /// <summary>This number, which is only close to the exact result, ready for rounding.</summary>
    public Unrounded ToUnrounded() => new(Negative, Exponent, (ulong)(Significand >> 64), (ulong)Significand | 1);

    /// <summary>This number times 2^by.</summary>
    public WideFloat Scaled(int by) => IsZero ? this : new(Negative, Exponent + by, Significand);

    public static WideFloat operator -(WideFloat a) => new(!a.Negative, a.Exponent, a.Significand);

    public static WideFloat operator -(WideFloat a, WideFloat b) => a + -b;

    public static WideFloat operator +(WideFloat a, WideFloat b)
    {
        if (a.IsZero)
            return b;
        if (b.IsZero)
            return a;
        if (a.Exponent < b.Exponent || (a.Exponent == b.Exponent && a.Significand < b.Significand))
            (a, b) = (b, a);
        // Sticky, so that 1 − ε stays below 1 for the final rounding.
        UInt128 y = Unrounded.ShiftRightSticky(b.Significand, a.Exponent - b.Exponent);
        if (a.Negative != b.Negative)
            return Normalized(a.Negative, a.Exponent, a.Significand - y);
        UInt128 sum = a.Significand + y;
        return sum >= y
            ? new(a.Negative, a.Exponent, sum)
            : new(a.Negative, a.Exponent + 1, (sum >> 1) | (UInt128.One << 127));
    }

    public static WideFloat operator *(WideFloat a, WideFloat b)
    {
        if (a.IsZero || b.IsZero)
            return Zero;
        ulong aHigh = (ulong)(a.Significand >> 64), aLow = (ulong)a.Significand;
        ulong bHigh = (ulong)(b.Significand >> 64), bLow = (ulong)b.Significand;
        UInt128 product = Product(aHigh, bHigh);
        UInt128 middle = (Product(aHigh, bLow) >> 1) + (Product(aLow, bHigh) >> 1);
        product += middle >> 63;
        bool negative = a.Negative != b.Negative;
        int exponent = a.Exponent + b.Exponent;
        return (product >> 127) != UInt128.Zero
            ? new(negative, exponent + 1, product)
            : new(negative, exponent, (product << 1) | ((middle >> 62) & UInt128.One));
    }

    private static UInt128 Product(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return new(high, low);
    }

    /// <summary>Division by a non-zero number, by Newton's iteration for the reciprocal.</summary>
    public static WideFloat operator /(WideFloat a, WideFloat b)
    {
        if (a.IsZero)
            return Zero;
        // The first 52 bits from the host's division, which IEEE 754 defines to the bit.
        double leading = 1.0 / ((ulong)(b.Significand >> 64) * (1.0 / 9223372036854775808.0));
        ulong bits = BitConverter.DoubleToUInt64Bits(leading);
        int exponent = (int)(bits >> 52) - 1023;
        WideFloat reciprocal = From(b.Negative, exponent - b.Exponent, ((bits & ((1UL << 52) - 1)) | (1UL << 52)) << 11);
        WideFloat two = One.Scaled(1);
        reciprocal *= two - (b * reciprocal);
        reciprocal *= two - (b * reciprocal);
        WideFloat quotient = a * reciprocal;
        // One step on the quotient itself makes exact quotients come out exact but for the last bits.
        return quotient + ((a - (quotient * b)) * reciprocal);
    }

    /// <summary>Division by a small positive integer.</summary>
    public static WideFloat operator /(WideFloat a, uint divisor)
    {
        if (a.IsZero)
            return Zero;
        ulong high = (ulong)(a.Significand >> 64), low = (ulong)a.Significand;
        ulong quotientHigh = high / divisor, rest = high % divisor;
        ulong quotientLow = DivideDigits(ref rest, low, divisor);
        // The quotient has lost as many bits as the divisor has: fetch them.
        ulong more = DivideDigits(ref rest, 0, divisor);
        int shift = System.Numerics.BitOperations.LeadingZeroCount(quotientHigh);
        UInt128 significand = new UInt128(quotientHigh, quotientLow) << shift;
        if (shift != 0)
            significand |= more >> (64 - shift);
        return new(a.Negative, a.Exponent - shift, significand);
    }

    private static ulong DivideDigits(ref ulong rest, ulong digits, uint divisor)
    {
        ulong upper = (rest << 32) | (digits >> 32);
        ulong first = upper / divisor;
        ulong lower = ((upper % divisor) << 32) | (uint)digits;
        rest = lower % divisor;
        return (first << 32) | (lower / divisor);
    }
}
