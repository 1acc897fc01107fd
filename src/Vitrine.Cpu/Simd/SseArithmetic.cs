using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>
/// ADD, SUB, MUL and DIV of one or all lanes. The host computes; when MXCSR is settled and every number is
/// ordinary there is nothing to record, else the lanes are done one by one with their exceptions.
/// </summary>
internal static unsafe class SseArithmetic
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    public static void Addsd(CpuState* state, void* dst, void* src, byte imm)
    {
        double x = *(double*)dst, y = *(double*)src, result = x + y;
        if (MxcsrControl.IsSettled(state) && FloatClass.IsNormal(x) && FloatClass.IsNormal(y) && FloatClass.IsSafe(result))
        {
            *(double*)dst = result;
            return;
        }

        Scalar(state, FloatOperation.Add, (double*)dst, x, y);
    }

    public static void Addss(CpuState* state, void* dst, void* src, byte imm)
    {
        float x = *(float*)dst, y = *(float*)src, result = x + y;
        if (MxcsrControl.IsSettled(state) && FloatClass.IsNormal(x) && FloatClass.IsNormal(y) && FloatClass.IsSafe(result))
        {
            *(float*)dst = result;
            return;
        }

        Scalar(state, FloatOperation.Add, (float*)dst, x, y);
    }

    public static void Addpd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<double> x = *(Vector128<double>*)dst, y = *(Vector128<double>*)src, result = x + y;
        if (MxcsrControl.IsSettled(state) && FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y)
            && FloatClass.AllSafe(result, Vector128<double>.AllBitsSet))
        {
            *(Vector128<double>*)dst = result;
            return;
        }

        Packed(state, FloatOperation.Add, (double*)dst, x, y);
    }

    public static void Addps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<float> x = *(Vector128<float>*)dst, y = *(Vector128<float>*)src, result = x + y;
        if (MxcsrControl.IsSettled(state) && FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y)
            && FloatClass.AllSafe(result, Vector128<float>.AllBitsSet))
        {
            *(Vector128<float>*)dst = result;
            return;
        }

        Packed(state, FloatOperation.Add, (float*)dst, x, y);
    }

    public static void Subsd(CpuState* state, void* dst, void* src, byte imm)
    {
        double x = *(double*)dst, y = *(double*)src, result = x - y;
        if (MxcsrControl.IsSettled(state) && FloatClass.IsNormal(x) && FloatClass.IsNormal(y) && FloatClass.IsSafe(result))
        {
            *(double*)dst = result;
            return;
        }

        Scalar(state, FloatOperation.Subtract, (double*)dst, x, y);
    }

    public static void Subss(CpuState* state, void* dst, void* src, byte imm)
    {
        float x = *(float*)dst, y = *(float*)src, result = x - y;
        if (MxcsrControl.IsSettled(state) && FloatClass.IsNormal(x) && FloatClass.IsNormal(y) && FloatClass.IsSafe(result))
        {
            *(float*)dst = result;
            return;
        }

        Scalar(state, FloatOperation.Subtract, (float*)dst, x, y);
    }

    public static void Subpd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<double> x = *(Vector128<double>*)dst, y = *(Vector128<double>*)src, result = x - y;
        if (MxcsrControl.IsSettled(state) && FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y)
            && FloatClass.AllSafe(result, Vector128<double>.AllBitsSet))
        {
            *(Vector128<double>*)dst = result;
            return;
        }

        Packed(state, FloatOperation.Subtract, (double*)dst, x, y);
    }

    public static void Subps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<float> x = *(Vector128<float>*)dst, y = *(Vector128<float>*)src, result = x - y;
        if (MxcsrControl.IsSettled(state) && FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y)
            && FloatClass.AllSafe(result, Vector128<float>.AllBitsSet))
        {
            *(Vector128<float>*)dst = result;
            return;
        }

        Packed(state, FloatOperation.Subtract, (float*)dst, x, y);
    }

    public static void Mulsd(CpuState* state, void* dst, void* src, byte imm)
    {
        double x = *(double*)dst, y = *(double*)src, result = x * y;
        if (MxcsrControl.IsSettled(state) && FloatClass.IsNormal(x) && FloatClass.IsNormal(y) && FloatClass.IsSafe(result))
        {
            *(double*)dst = result;
            return;
        }

        Scalar(state, FloatOperation.Multiply, (double*)dst, x, y);
    }

    public static void Mulss(CpuState* state, void* dst, void* src, byte imm)
    {
        float x = *(float*)dst, y = *(float*)src, result = x * y;
        if (MxcsrControl.IsSettled(state) && FloatClass.IsNormal(x) && FloatClass.IsNormal(y) && FloatClass.IsSafe(result))
        {
            *(float*)dst = result;
            return;
        }

        Scalar(state, FloatOperation.Multiply, (float*)dst, x, y);
    }

    public static void Mulpd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<double> x = *(Vector128<double>*)dst, y = *(Vector128<double>*)src, result = x * y;
        if (MxcsrControl.IsSettled(state) && FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y)
            && FloatClass.AllSafe(result, Vector128.Equals(x, Vector128<double>.Zero) | Vector128.Equals(y, Vector128<double>.Zero)))
        {
            *(Vector128<double>*)dst = result;
            return;
        }

        Packed(state, FloatOperation.Multiply, (double*)dst, x, y);
    }

    public static void Mulps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<float> x = *(Vector128<float>*)dst, y = *(Vector128<float>*)src, result = x * y;
        if (MxcsrControl.IsSettled(state) && FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y)
            && FloatClass.AllSafe(result, Vector128.Equals(x, Vector128<float>.Zero) | Vector128.Equals(y, Vector128<float>.Zero)))
        {
            *(Vector128<float>*)dst = result;
            return;
        }

        Packed(state, FloatOperation.Multiply, (float*)dst, x, y);
    }

    public static void Divsd(CpuState* state, void* dst, void* src, byte imm)
    {
        double x = *(double*)dst, y = *(double*)src, result = x / y;
        if (MxcsrControl.IsSettled(state) && FloatClass.IsNormal(x) && FloatClass.IsNormal(y) && FloatClass.IsSafe(result))
        {
            *(double*)dst = result;
            return;
        }

        Scalar(state, FloatOperation.Divide, (double*)dst, x, y);
    }

    public static void Divss(CpuState* state, void* dst, void* src, byte imm)
    {
        float x = *(float*)dst, y = *(float*)src, result = x / y;
        if (MxcsrControl.IsSettled(state) && FloatClass.IsNormal(x) && FloatClass.IsNormal(y) && FloatClass.IsSafe(result))
        {
            *(float*)dst = result;
            return;
        }

        Scalar(state, FloatOperation.Divide, (float*)dst, x, y);
    }

    public static void Divpd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<double> x = *(Vector128<double>*)dst, y = *(Vector128<double>*)src, result = x / y;
        if (MxcsrControl.IsSettled(state) && FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y)
            && FloatClass.AllSafe(result, Vector128.Equals(x, Vector128<double>.Zero)))
        {
            *(Vector128<double>*)dst = result;
            return;
        }

        Packed(state, FloatOperation.Divide, (double*)dst, x, y);
    }

    public static void Divps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<float> x = *(Vector128<float>*)dst, y = *(Vector128<float>*)src, result = x / y;
        if (MxcsrControl.IsSettled(state) && FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y)
            && FloatClass.AllSafe(result, Vector128.Equals(x, Vector128<float>.Zero)))
        {
            *(Vector128<float>*)dst = result;
            return;
        }

        Packed(state, FloatOperation.Divide, (float*)dst, x, y);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Scalar(CpuState* state, FloatOperation operation, double* dst, double x, double y)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        double result = FloatLane.Compute(operation, x, y, ref environment);
        if (MxcsrControl.Commit(state, environment))
            *dst = result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Packed(CpuState* state, FloatOperation operation, double* dst, Vector128<double> x, Vector128<double> y)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        double* result = stackalloc double[2];
        for (int i = 0; i < 2; i++)
            result[i] = FloatLane.Compute(operation, x[i], y[i], ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<double>*)dst = *(Vector128<double>*)result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Scalar(CpuState* state, FloatOperation operation, float* dst, float x, float y)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        float result = FloatLane.Compute(operation, x, y, ref environment);
        if (MxcsrControl.Commit(state, environment))
            *dst = result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Packed(CpuState* state, FloatOperation operation, float* dst, Vector128<float> x, Vector128<float> y)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        float* result = stackalloc float[4];
        for (int i = 0; i < 4; i++)
            result[i] = FloatLane.Compute(operation, x[i], y[i], ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<float>*)dst = *(Vector128<float>*)result;
    }
}
