using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>SQRT, and the estimates RCP and RSQRT.</summary>
/// <remarks>
/// The estimates have one definition on every host: the correctly rounded double result, cut to 12 bits of
/// fraction (round to nearest). Its relative error is below 2^-13, within Intel's bound of 1.5·2^-12.
/// They raise nothing and ignore MXCSR; denormal operands count as zeros, tiny results become zeros.
/// </remarks>
internal static unsafe class SseRoots
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    public static void Sqrtsd(CpuState* state, void* dst, void* src, byte imm)
    {
        double x = *(double*)src;
        if (MxcsrControl.IsSettled(state) && x > 0 && FloatClass.IsNormal(x))
        {
            *(double*)dst = Math.Sqrt(x);
            return;
        }

        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        double result = FloatLane.SquareRoot(x, ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(double*)dst = result;
    }

    public static void Sqrtss(CpuState* state, void* dst, void* src, byte imm)
    {
        float x = *(float*)src;
        if (MxcsrControl.IsSettled(state) && x > 0 && FloatClass.IsNormal(x))
        {
            *(float*)dst = MathF.Sqrt(x);
            return;
        }

        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        float result = FloatLane.SquareRoot(x, ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(float*)dst = result;
    }

    public static void Sqrtpd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<double> x = *(Vector128<double>*)src;
        if (MxcsrControl.IsSettled(state) && FloatClass.AllZeroOrNormal(x) && Vector128.GreaterThanOrEqualAll(x, Vector128<double>.Zero))
        {
            *(Vector128<double>*)dst = Vector128.Sqrt(x);
            return;
        }

        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        double* result = stackalloc double[2];
        for (int i = 0; i < 2; i++)
            result[i] = FloatLane.SquareRoot(x[i], ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<double>*)dst = *(Vector128<double>*)result;
    }

    public static void Sqrtps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<float> x = *(Vector128<float>*)src;
        if (MxcsrControl.IsSettled(state) && FloatClass.AllZeroOrNormal(x) && Vector128.GreaterThanOrEqualAll(x, Vector128<float>.Zero))
        {
            *(Vector128<float>*)dst = Vector128.Sqrt(x);
            return;
        }

        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        float* result = stackalloc float[4];
        for (int i = 0; i < 4; i++)
            result[i] = FloatLane.SquareRoot(x[i], ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<float>*)dst = *(Vector128<float>*)result;
    }

    public static void Rcpss(CpuState* state, void* dst, void* src, byte imm)
    {
        *(float*)dst = Reciprocal(*(float*)src);
    }

    public static void Rcpps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<float> x = *(Vector128<float>*)src;
        *(Vector128<float>*)dst = Vector128.Create(Reciprocal(x[0]), Reciprocal(x[1]), Reciprocal(x[2]), Reciprocal(x[3]));
    }

    public static void Rsqrtss(CpuState* state, void* dst, void* src, byte imm)
    {
        *(float*)dst = ReciprocalRoot(*(float*)src);
    }

    public static void Rsqrtps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<float> x = *(Vector128<float>*)src;
        *(Vector128<float>*)dst = Vector128.Create(ReciprocalRoot(x[0]), ReciprocalRoot(x[1]), ReciprocalRoot(x[2]), ReciprocalRoot(x[3]));
    }

    private static float Reciprocal(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        uint sign = bits & 0x80000000, magnitude = bits & 0x7fffffff;
        if (magnitude > 0x7f800000)
            return BitConverter.UInt32BitsToSingle(bits | 0x400000);
        if (magnitude < 0x800000)
            return BitConverter.UInt32BitsToSingle(sign | 0x7f800000);
        return magnitude == 0x7f800000 ? BitConverter.UInt32BitsToSingle(sign) : Estimate(1.0 / x);
    }

    private static float ReciprocalRoot(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        uint sign = bits & 0x80000000, magnitude = bits & 0x7fffffff;
        if (magnitude > 0x7f800000)
            return BitConverter.UInt32BitsToSingle(bits | 0x400000);
        if (magnitude < 0x800000)
            return BitConverter.UInt32BitsToSingle(sign | 0x7f800000);
        if (sign != 0)
            return BitConverter.UInt32BitsToSingle((uint)IeeeFormat.Binary32.DefaultNaN);
        return magnitude == 0x7f800000 ? 0 : Estimate(1.0 / Math.Sqrt(x));
    }

    /// <summary>Rounds to 12 fraction bits; what is then below the normal range of a float becomes zero.</summary>
    private static float Estimate(double value)
    {
        ulong bits = BitConverter.DoubleToUInt64Bits(value);
        bits = (bits + (1UL << 39)) & ~((1UL << 40) - 1);
        value = BitConverter.UInt64BitsToDouble(bits);
        return Math.Abs(value) < 1.17549435e-38 ? (float)Math.CopySign(0.0, value) : (float)value;
    }
}
