using System.Runtime.CompilerServices;
using Vitrine.Cpu.FloatingPoint;

namespace Vitrine.Cpu.Simd;

/// <summary>The two-operand operations whose results are rounded.</summary>
internal enum FloatOperation
{
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// <summary>
/// One lane with all its exceptions. Ordinary operands under plain control are computed by the host, and
/// whether the result is exact is told by the residual; all else is done by <see cref="IeeeArithmetic"/>.
/// </summary>
internal static class FloatLane
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static double Compute(FloatOperation operation, double x, double y, ref FloatEnvironment environment)
    {
        if (IsPlain(environment) && FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            double result = operation switch
            {
                FloatOperation.Add => x + y,
                FloatOperation.Subtract => x - y,
                FloatOperation.Multiply => x * y,
                _ => x / y,
            };
            if (result == 0 && ZeroIsExact(operation, x == 0, y == 0))
                return result;
            if (FloatClass.IsModerate(result))
            {
                bool exact = operation switch
                {
                    FloatOperation.Add => SumIsExact(x, y, result),
                    FloatOperation.Subtract => SumIsExact(x, -y, result),
                    FloatOperation.Multiply => Math.FusedMultiplyAdd(x, y, -result) == 0,
                    _ => FloatClass.IsModerate(x) && Math.FusedMultiplyAdd(result, y, -x) == 0,
                };
                if (exact)
                    return result;
                if (operation != FloatOperation.Divide || FloatClass.IsModerate(x))
                {
                    environment.Raised |= FloatExceptions.Precision;
                    return result;
                }
            }
        }

        IeeeFormat format = IeeeFormat.Binary64;
        ulong a = BitConverter.DoubleToUInt64Bits(x), b = BitConverter.DoubleToUInt64Bits(y);
        return BitConverter.UInt64BitsToDouble(Exactly(operation, format, a, b, ref environment));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static float Compute(FloatOperation operation, float x, float y, ref FloatEnvironment environment)
    {
        if (IsPlain(environment) && FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            // In double precision products are exact, and so are the residuals of sums and quotients.
            double wideX = x, wideY = operation == FloatOperation.Subtract ? -y : y;
            float result = operation switch
            {
                FloatOperation.Add => x + y,
                FloatOperation.Subtract => x - y,
                FloatOperation.Multiply => x * y,
                _ => x / y,
            };
            if (result == 0 && ZeroIsExact(operation, x == 0, y == 0))
                return result;
            if (FloatClass.IsSafe(result))
            {
                bool exact = operation switch
                {
                    FloatOperation.Add or FloatOperation.Subtract => wideX + wideY == result && SumIsExact(wideX, wideY, result),
                    FloatOperation.Multiply => wideX * wideY == result,
                    _ => result * wideY == wideX,
                };
                if (!exact)
                    environment.Raised |= FloatExceptions.Precision;
                return result;
            }
        }

        IeeeFormat format = IeeeFormat.Binary32;
        ulong a = BitConverter.SingleToUInt32Bits(x), b = BitConverter.SingleToUInt32Bits(y);
        return BitConverter.UInt32BitsToSingle((uint)Exactly(operation, format, a, b, ref environment));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static double SquareRoot(double x, ref FloatEnvironment environment)
    {
        if (IsPlain(environment) && x > 0 && FloatClass.IsModerate(x))
        {
            double result = Math.Sqrt(x);
            if (Math.FusedMultiplyAdd(result, result, -x) != 0)
                environment.Raised |= FloatExceptions.Precision;
            return result;
        }

        return BitConverter.UInt64BitsToDouble(
            IeeeArithmetic.SquareRoot(IeeeFormat.Binary64, BitConverter.DoubleToUInt64Bits(x), ref environment));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static float SquareRoot(float x, ref FloatEnvironment environment)
    {
        if (IsPlain(environment) && x > 0 && FloatClass.IsNormal(x))
        {
            float result = MathF.Sqrt(x);
            if ((double)result * result != x)
                environment.Raised |= FloatExceptions.Precision;
            return result;
        }

        return BitConverter.UInt32BitsToSingle(
            (uint)IeeeArithmetic.SquareRoot(IeeeFormat.Binary32, BitConverter.SingleToUInt32Bits(x), ref environment));
    }

    private static bool IsPlain(in FloatEnvironment environment) =>
        environment.Rounding == RoundingMode.Nearest && !environment.DenormalsAreZero && !environment.FlushToZero;

    /// <summary>Knuth's TwoSum (TAOCP 2, 4.2.2): the rounding error of a sum is itself a number.</summary>
    private static bool SumIsExact(double x, double y, double sum)
    {
        double shared = sum - x;
        return (x - (sum - shared)) + (y - shared) == 0;
    }

    /// <summary>Whether a zero result of ordinary operands is the true one, not an underflow.</summary>
    private static bool ZeroIsExact(FloatOperation operation, bool xIsZero, bool yIsZero) => operation switch
    {
        FloatOperation.Multiply => xIsZero || yIsZero,
        FloatOperation.Divide => xIsZero && !yIsZero,
        _ => true,
    };

    private static ulong Exactly(FloatOperation operation, in IeeeFormat format, ulong a, ulong b, ref FloatEnvironment environment) =>
        operation switch
        {
            FloatOperation.Add => IeeeArithmetic.Add(format, a, b, ref environment),
            FloatOperation.Subtract => IeeeArithmetic.Subtract(format, a, b, ref environment),
            FloatOperation.Multiply => IeeeArithmetic.Multiply(format, a, b, ref environment),
            _ => IeeeArithmetic.Divide(format, a, b, ref environment),
        };
}
