namespace Vitrine.Cpu.FloatingPoint;

/// <summary>
/// One lane of SSE arithmetic, exactly: results, NaN rules and exceptions as in Intel's SDM 1, 11.5 and
/// table 4-7, for every rounding mode, DAZ and FTZ. Slow and complete; the fast paths fall back to it.
/// </summary>
internal static class IeeeArithmetic
{
    public static ulong Add(in IeeeFormat format, ulong a, ulong b, ref FloatEnvironment environment) =>
        AddSigned(format, a, b, negateB: false, ref environment);

    public static ulong Subtract(in IeeeFormat format, ulong a, ulong b, ref FloatEnvironment environment) =>
        AddSigned(format, a, b, negateB: true, ref environment);

    private static ulong AddSigned(in IeeeFormat format, ulong a, ulong b, bool negateB, ref FloatEnvironment environment)
    {
        a = FlushOperand(format, a, environment);
        b = FlushOperand(format, b, environment);
        if (format.IsNaN(a) || format.IsNaN(b))
            return PropagateNaN(format, a, b, ref environment);
        if (negateB)
            b ^= format.SignBit;
        bool aNegative = format.IsNegative(a), bNegative = format.IsNegative(b);
        if (format.IsInfinity(a) && format.IsInfinity(b) && aNegative != bNegative)
            return Invalid(format, ref environment);
        NoteDenormals(format, a, b, ref environment);
        if (format.IsInfinity(a))
            return a;
        if (format.IsInfinity(b))
            return b;
        if (format.IsZero(a) && format.IsZero(b))
            return aNegative == bNegative ? a : ExactZero(format, environment);
        if (format.IsZero(a))
            return FlushResult(format, b, ref environment);
        if (format.IsZero(b))
            return FlushResult(format, a, ref environment);
        ulong x = format.Unpack(a, out int xExponent), y = format.Unpack(b, out int yExponent);
        return ExactArithmetic.Add(aNegative, xExponent, x, bNegative, yExponent, y, out Unrounded sum)
            ? format.Round(sum, ref environment)
            : ExactZero(format, environment);
    }

    public static ulong Multiply(in IeeeFormat format, ulong a, ulong b, ref FloatEnvironment environment)
    {
        a = FlushOperand(format, a, environment);
        b = FlushOperand(format, b, environment);
        if (format.IsNaN(a) || format.IsNaN(b))
            return PropagateNaN(format, a, b, ref environment);
        bool negative = ((a ^ b) & format.SignBit) != 0;
        ulong sign = negative ? format.SignBit : 0;
        if ((format.IsInfinity(a) && format.IsZero(b)) || (format.IsZero(a) && format.IsInfinity(b)))
            return Invalid(format, ref environment);
        NoteDenormals(format, a, b, ref environment);
        if (format.IsInfinity(a) || format.IsInfinity(b))
            return sign | format.Infinity;
        if (format.IsZero(a) || format.IsZero(b))
            return sign;
        ulong x = format.Unpack(a, out int xExponent), y = format.Unpack(b, out int yExponent);
        return format.Round(ExactArithmetic.Multiply(negative, xExponent, x, yExponent, y), ref environment);
    }

    public static ulong Divide(in IeeeFormat format, ulong a, ulong b, ref FloatEnvironment environment)
    {
        a = FlushOperand(format, a, environment);
        b = FlushOperand(format, b, environment);
        if (format.IsNaN(a) || format.IsNaN(b))
            return PropagateNaN(format, a, b, ref environment);
        bool negative = ((a ^ b) & format.SignBit) != 0;
        ulong sign = negative ? format.SignBit : 0;
        if ((format.IsInfinity(a) && format.IsInfinity(b)) || (format.IsZero(a) && format.IsZero(b)))
            return Invalid(format, ref environment);
        if (format.IsZero(b) && !format.IsInfinity(a))
        {
            environment.Raised |= FloatExceptions.ZeroDivide;
            return sign | format.Infinity;
        }

        NoteDenormals(format, a, b, ref environment);
        if (format.IsInfinity(a))
            return sign | format.Infinity;
        if (format.IsInfinity(b) || format.IsZero(a))
            return sign;
        ulong x = format.Unpack(a, out int xExponent), y = format.Unpack(b, out int yExponent);
        return format.Round(ExactArithmetic.Divide(negative, xExponent, x, yExponent, y), ref environment);
    }

    public static ulong SquareRoot(in IeeeFormat format, ulong a, ref FloatEnvironment environment)
    {
        a = FlushOperand(format, a, environment);
        if (format.IsNaN(a))
            return PropagateNaN(format, a, a, ref environment);
        if (format.IsZero(a))
            return a;
        if (format.IsNegative(a))
            return Invalid(format, ref environment);
        NoteDenormals(format, a, a, ref environment);
        if (format.IsInfinity(a))
            return a;
        ulong x = format.Unpack(a, out int exponent);
        return format.Round(ExactArithmetic.SquareRoot(exponent, x), ref environment);
    }

    /// <summary>±x·y ± z with one rounding. The first NaN of x, y and z is the result.</summary>
    public static ulong FusedMultiplyAdd(
        in IeeeFormat format, ulong x, ulong y, ulong z, bool negateProduct, bool negateAddend, ref FloatEnvironment environment)
    {
        x = FlushOperand(format, x, environment);
        y = FlushOperand(format, y, environment);
        z = FlushOperand(format, z, environment);
        bool infiniteTimesZero = (format.IsInfinity(x) && format.IsZero(y)) || (format.IsZero(x) && format.IsInfinity(y));
        if (format.IsNaN(x) || format.IsNaN(y) || format.IsNaN(z))
        {
            if (format.IsSignalingNaN(x) || format.IsSignalingNaN(y) || format.IsSignalingNaN(z))
                environment.Raised |= FloatExceptions.Invalid;
            return (format.IsNaN(x) ? x : format.IsNaN(y) ? y : z) | format.QuietBit;
        }

        if (infiniteTimesZero)
            return Invalid(format, ref environment);
        if (negateAddend)
            z ^= format.SignBit;
        bool productNegative = (((x ^ y) & format.SignBit) != 0) != negateProduct, addendNegative = format.IsNegative(z);
        bool infiniteProduct = format.IsInfinity(x) || format.IsInfinity(y);
        if (infiniteProduct && format.IsInfinity(z) && productNegative != addendNegative)
            return Invalid(format, ref environment);
        NoteDenormals(format, x, y, ref environment);
        NoteDenormals(format, z, z, ref environment);
        if (infiniteProduct)
            return (productNegative ? format.SignBit : 0) | format.Infinity;
        if (format.IsInfinity(z))
            return z;
        if (format.IsZero(x) || format.IsZero(y))
        {
            if (!format.IsZero(z))
                return FlushResult(format, z, ref environment);
            return productNegative == addendNegative ? z : ExactZero(format, environment);
        }

        ulong a = format.Unpack(x, out int aExponent), b = format.Unpack(y, out int bExponent);
        Unrounded product = ExactArithmetic.Multiply(productNegative, aExponent, a, bExponent, b);
        if (format.IsZero(z))
            return format.Round(product, ref environment);
        ulong s = format.Unpack(z, out int exponent);
        return ExactArithmetic.Add(product, new Unrounded(addendNegative, exponent, s, 0), out Unrounded sum)
            ? format.Round(sum, ref environment)
            : ExactZero(format, environment);
    }

    /// <summary>MINxx: the second operand unless the first is smaller; so for NaNs and for two zeros.</summary>
    public static ulong Minimum(in IeeeFormat format, ulong a, ulong b, ref FloatEnvironment environment) =>
        Select(format, a, b, FloatRelation.Less, ref environment);

    public static ulong Maximum(in IeeeFormat format, ulong a, ulong b, ref FloatEnvironment environment) =>
        Select(format, a, b, FloatRelation.Greater, ref environment);

    private static ulong Select(in IeeeFormat format, ulong a, ulong b, FloatRelation wanted, ref FloatEnvironment environment)
    {
        a = FlushOperand(format, a, environment);
        b = FlushOperand(format, b, environment);
        return Compare(format, a, b, quietNaNsAreInvalid: true, ref environment) == wanted ? a : b;
    }

    public static FloatRelation Compare(
        in IeeeFormat format, ulong a, ulong b, bool quietNaNsAreInvalid, ref FloatEnvironment environment)
    {
        a = FlushOperand(format, a, environment);
        b = FlushOperand(format, b, environment);
        if (format.IsNaN(a) || format.IsNaN(b))
        {
            if (quietNaNsAreInvalid || format.IsSignalingNaN(a) || format.IsSignalingNaN(b))
                environment.Raised |= FloatExceptions.Invalid;
            return FloatRelation.Unordered;
        }

        NoteDenormals(format, a, b, ref environment);
        long x = Ordered(format, a), y = Ordered(format, b);
        return x < y ? FloatRelation.Less : x > y ? FloatRelation.Greater : FloatRelation.Equal;
    }

    private static long Ordered(in IeeeFormat format, ulong bits)
    {
        long magnitude = (long)format.Magnitude(bits);
        return format.IsNegative(bits) ? -magnitude : magnitude;
    }

    /// <summary>An operand under DAZ: a denormal counts as a zero of its sign.</summary>
    public static ulong FlushOperand(in IeeeFormat format, ulong bits, in FloatEnvironment environment) =>
        environment.DenormalsAreZero && format.IsDenormal(bits) ? bits & format.SignBit : bits;

    /// <summary>What a result that needs no rounding becomes under FTZ, or raises when it is tiny and underflow isn't masked.</summary>
    private static ulong FlushResult(in IeeeFormat format, ulong bits, ref FloatEnvironment environment)
    {
        if (!format.IsDenormal(bits))
            return bits;
        ulong significand = format.Unpack(bits, out int exponent);
        return format.Round(new Unrounded(format.IsNegative(bits), exponent, significand, 0), ref environment);
    }

    public static void NoteDenormals(in IeeeFormat format, ulong a, ulong b, ref FloatEnvironment environment)
    {
        if (format.IsDenormal(a) || format.IsDenormal(b))
            environment.Raised |= FloatExceptions.Denormal;
    }

    public static ulong Invalid(in IeeeFormat format, ref FloatEnvironment environment)
    {
        environment.Raised |= FloatExceptions.Invalid;
        return format.DefaultNaN;
    }

    /// <summary>The first operand that is a NaN, quieted. At least one of them is.</summary>
    public static ulong PropagateNaN(in IeeeFormat format, ulong a, ulong b, ref FloatEnvironment environment)
    {
        if (format.IsSignalingNaN(a) || format.IsSignalingNaN(b))
            environment.Raised |= FloatExceptions.Invalid;
        return (format.IsNaN(a) ? a : b) | format.QuietBit;
    }

    private static ulong ExactZero(in IeeeFormat format, in FloatEnvironment environment) =>
        environment.Rounding == RoundingMode.Down ? format.SignBit : 0;
}

/// <summary>How two numbers compare.</summary>
internal enum FloatRelation
{
    Equal = 0,
    Less = 1,
    Greater = 2,
    Unordered = 3,
}
