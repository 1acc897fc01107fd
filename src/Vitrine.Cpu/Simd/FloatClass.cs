using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vitrine.Cpu.Simd;

/// <summary>
/// Quick tests on the kind of a number. "Normal" is neither zero, denormal, infinite nor NaN. A "safe"
/// result is normal and not the smallest normal number, which a tiny value may have been rounded to.
/// </summary>
internal static class FloatClass
{
    private const double SmallestDouble = 2.2250738585072014e-308;
    private const float SmallestSingle = 1.17549435e-38f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsNormal(double x) => (BitConverter.DoubleToUInt64Bits(x) << 1) - (1UL << 53) < 0x7feUL << 53;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsNormal(float x) => (BitConverter.SingleToUInt32Bits(x) << 1) - (1U << 24) < 0xfeU << 24;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsSafe(double x) => (BitConverter.DoubleToUInt64Bits(x) << 1) - ((1UL << 53) + 1) < (0x7feUL << 53) - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsSafe(float x) => (BitConverter.SingleToUInt32Bits(x) << 1) - ((1U << 24) + 1) < (0xfeU << 24) - 1;

    /// <summary>Nothing about such an operand is worth an exception by itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsZeroOrNormal(double x) => IsNormal(x) || x == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsZeroOrNormal(float x) => IsNormal(x) || x == 0;

    /// <summary>Far enough from both ends that the residual of an operation is representable.</summary>
    public static bool IsModerate(double x) => Math.Abs(x) is > 1e-270 and < 1e270;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AllZeroOrNormal(Vector128<double> x)
    {
        Vector128<double> magnitude = Vector128.Abs(x);
        Vector128<double> good =
            (Vector128.GreaterThanOrEqual(magnitude, Vector128.Create(SmallestDouble)) &
                Vector128.LessThan(magnitude, Vector128.Create(double.PositiveInfinity))) |
            Vector128.Equals(x, Vector128<double>.Zero);
        return Vector128.ExtractMostSignificantBits(good) == 3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AllZeroOrNormal(Vector128<float> x)
    {
        Vector128<float> magnitude = Vector128.Abs(x);
        Vector128<float> good =
            (Vector128.GreaterThanOrEqual(magnitude, Vector128.Create(SmallestSingle)) &
                Vector128.LessThan(magnitude, Vector128.Create(float.PositiveInfinity))) |
            Vector128.Equals(x, Vector128<float>.Zero);
        return Vector128.ExtractMostSignificantBits(good) == 15;
    }

    /// <summary>Every result is safe, or a zero that <paramref name="zeroIsExact"/> vouches for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AllSafe(Vector128<double> x, Vector128<double> zeroIsExact)
    {
        Vector128<double> magnitude = Vector128.Abs(x);
        Vector128<double> good =
            (Vector128.GreaterThan(magnitude, Vector128.Create(SmallestDouble)) &
                Vector128.LessThan(magnitude, Vector128.Create(double.PositiveInfinity))) |
            (Vector128.Equals(x, Vector128<double>.Zero) & zeroIsExact);
        return Vector128.ExtractMostSignificantBits(good) == 3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AllSafe(Vector128<float> x, Vector128<float> zeroIsExact)
    {
        Vector128<float> magnitude = Vector128.Abs(x);
        Vector128<float> good =
            (Vector128.GreaterThan(magnitude, Vector128.Create(SmallestSingle)) &
                Vector128.LessThan(magnitude, Vector128.Create(float.PositiveInfinity))) |
            (Vector128.Equals(x, Vector128<float>.Zero) & zeroIsExact);
        return Vector128.ExtractMostSignificantBits(good) == 15;
    }
}
