using Vitrine.Cpu.FloatingPoint;

namespace Vitrine.Cpu.X87;

/// <summary>The basic operations; the reversed ones swap operands.</summary>
internal enum X87Operation
{
    Add,
    Multiply,
    Subtract,
    SubtractReversed,
    Divide,
    DivideReversed,
}

/// <summary>
/// Addition, multiplication, division and square root in extended precision, rounded to the precision that the
/// control word asks for. Exceptions and NaNs: Intel's SDM 1, 4.8.3.5, 8.5 and table 4-7.
/// </summary>
internal static class X87Arithmetic
{
    public static Float80 Compute(X87Operation operation, in X87Operand a, in X87Operand b, int precision, ref FloatEnvironment environment) =>
        operation switch
        {
            X87Operation.Add => Add(a, b, false, precision, ref environment),
            X87Operation.Multiply => Multiply(a, b, precision, ref environment),
            X87Operation.Subtract => Add(a, b, true, precision, ref environment),
            X87Operation.SubtractReversed => Add(b, a, true, precision, ref environment),
            X87Operation.Divide => Divide(a, b, precision, ref environment),
            _ => Divide(b, a, precision, ref environment),
        };

    private static Float80 Add(in X87Operand a, in X87Operand b, bool subtract, int precision, ref FloatEnvironment environment)
    {
        if (TryPropagate(a, b, ref environment, out Float80 special))
            return special;
        bool aNegative = a.IsNegative, bNegative = b.IsNegative ^ subtract;
        if (a.Class == X87Class.Infinity && b.Class == X87Class.Infinity && aNegative != bNegative)
            return Invalid(ref environment);
        NoteDenormals(a, b, ref environment);
        if (a.Class == X87Class.Infinity)
            return a.Value;
        if (b.Class == X87Class.Infinity)
            return Float80.Infinity(bNegative);
        if (a.Class == X87Class.Zero && b.Class == X87Class.Zero)
            return aNegative == bNegative ? a.Value : ExactZero(environment);
        if (a.Class == X87Class.Zero)
            return Round(b.ToUnrounded(bNegative), precision, ref environment);
        if (b.Class == X87Class.Zero)
            return Round(a.ToUnrounded(aNegative), precision, ref environment);
        return ExactArithmetic.Add(aNegative, a.Exponent, a.Significand, bNegative, b.Exponent, b.Significand, out Unrounded sum)
            ? Round(sum, precision, ref environment)
            : ExactZero(environment);
    }

    private static Float80 Multiply(in X87Operand a, in X87Operand b, int precision, ref FloatEnvironment environment)
    {
        if (TryPropagate(a, b, ref environment, out Float80 special))
            return special;
        bool negative = a.IsNegative ^ b.IsNegative;
        if ((a.Class == X87Class.Infinity && b.Class == X87Class.Zero) || (a.Class == X87Class.Zero && b.Class == X87Class.Infinity))
            return Invalid(ref environment);
        NoteDenormals(a, b, ref environment);
        if (a.Class == X87Class.Infinity || b.Class == X87Class.Infinity)
            return Float80.Infinity(negative);
        if (a.Class == X87Class.Zero || b.Class == X87Class.Zero)
            return Float80.Zero(negative);
        return Round(
            ExactArithmetic.Multiply(negative, a.Exponent, a.Significand, b.Exponent, b.Significand), precision, ref environment);
    }

    private static Float80 Divide(in X87Operand a, in X87Operand b, int precision, ref FloatEnvironment environment)
    {
        if (TryPropagate(a, b, ref environment, out Float80 special))
            return special;
        bool negative = a.IsNegative ^ b.IsNegative;
        if ((a.Class == X87Class.Infinity && b.Class == X87Class.Infinity) || (a.Class == X87Class.Zero && b.Class == X87Class.Zero))
            return Invalid(ref environment);
        if (b.Class == X87Class.Zero && a.Class != X87Class.Infinity)
        {
            environment.Raised |= FloatExceptions.ZeroDivide;
            return Float80.Infinity(negative);
        }

        NoteDenormals(a, b, ref environment);
        if (a.Class == X87Class.Infinity)
            return Float80.Infinity(negative);
        if (b.Class == X87Class.Infinity || a.Class == X87Class.Zero)
            return Float80.Zero(negative);
        return Round(
            ExactArithmetic.Divide(negative, a.Exponent, a.Significand, b.Exponent, b.Significand), precision, ref environment);
    }

    public static Float80 SquareRoot(in X87Operand a, int precision, ref FloatEnvironment environment)
    {
        if (TryPropagate(a, a, ref environment, out Float80 special))
            return special;
        if (a.Class == X87Class.Zero)
            return a.Value;
        if (a.IsNegative)
            return Invalid(ref environment);
        NoteDenormals(a, a, ref environment);
        return a.Class == X87Class.Infinity
            ? a.Value
            : Round(ExactArithmetic.SquareRoot(a.Exponent, a.Significand), precision, ref environment);
    }

    /// <summary>Compares; NaNs and unsupported encodings are unordered and, unless quiet NaNs are let through, invalid.</summary>
    public static FloatRelation Compare(in X87Operand a, in X87Operand b, bool quietNaNsAreInvalid, ref FloatEnvironment environment)
    {
        if (a.Class >= X87Class.QuietNaN || b.Class >= X87Class.QuietNaN)
        {
            if (quietNaNsAreInvalid || a.Class > X87Class.QuietNaN || b.Class > X87Class.QuietNaN)
                environment.Raised |= FloatExceptions.Invalid;
            return FloatRelation.Unordered;
        }

        NoteDenormals(a, b, ref environment);
        if (a.Class == X87Class.Zero && b.Class == X87Class.Zero)
            return FloatRelation.Equal;
        int aSign = Sign(a), bSign = Sign(b);
        if (aSign != bSign)
            return aSign < bSign ? FloatRelation.Less : FloatRelation.Greater;
        int order = CompareMagnitude(a, b) * aSign;
        return order == 0 ? FloatRelation.Equal : order < 0 ? FloatRelation.Less : FloatRelation.Greater;
    }

    private static int Sign(in X87Operand a) => a.Class == X87Class.Zero ? 0 : a.IsNegative ? -1 : 1;

    /// <summary>Both are finite and non-zero, or infinite.</summary>
    private static int CompareMagnitude(in X87Operand a, in X87Operand b)
    {
        if (a.Class != b.Class)
            return a.Class == X87Class.Infinity ? 1 : -1;
        int exponents = a.Exponent.CompareTo(b.Exponent);
        return exponents != 0 ? exponents : a.Significand.CompareTo(b.Significand);
    }

    public static Float80 Round(in Unrounded value, int precision, ref FloatEnvironment environment) =>
        Float80.Pack(value.Negative, Rounder.Round(value, FloatLimits.Extended(precision), ref environment));

    public static Float80 Invalid(ref FloatEnvironment environment)
    {
        environment.Raised |= FloatExceptions.Invalid;
        return Float80.DefaultNaN;
    }

    public static void NoteDenormals(in X87Operand a, in X87Operand b, ref FloatEnvironment environment)
    {
        if (a.IsDenormal || b.IsDenormal)
            environment.Raised |= FloatExceptions.Denormal;
    }

    private static Float80 ExactZero(in FloatEnvironment environment) => Float80.Zero(environment.Rounding == RoundingMode.Down);

    /// <summary>True if an operand is unsupported or a NaN: the result is decided.</summary>
    public static bool TryPropagate(in X87Operand a, in X87Operand b, ref FloatEnvironment environment, out Float80 result)
    {
        if (a.Class < X87Class.QuietNaN && b.Class < X87Class.QuietNaN)
        {
            result = default;
            return false;
        }

        if (a.Class == X87Class.Unsupported || b.Class == X87Class.Unsupported)
        {
            result = Invalid(ref environment);
            return true;
        }

        if (a.Class == X87Class.SignalingNaN || b.Class == X87Class.SignalingNaN)
            environment.Raised |= FloatExceptions.Invalid;
        result = ChooseNaN(a, b).Quieted;
        return true;
    }

    /// <summary>A quiet NaN before a signaling one; else the larger significand; else the positive one.</summary>
    private static Float80 ChooseNaN(in X87Operand a, in X87Operand b)
    {
        if (!a.IsNaN)
            return b.Value;
        if (!b.IsNaN)
            return a.Value;
        if (a.Class != b.Class)
            return a.Class == X87Class.QuietNaN ? a.Value : b.Value;
        if (a.Value.Significand != b.Value.Significand)
            return a.Value.Significand > b.Value.Significand ? a.Value : b.Value;
        return a.IsNegative ? b.Value : a.Value;
    }
}
