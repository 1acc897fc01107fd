using System.Runtime.Intrinsics;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>Operations across lanes: ADDSUB, HADD, HSUB and the dot products.</summary>
internal static unsafe class SseHorizontal
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    public static void Addsubps(CpuState* state, void* dst, void* src, byte imm)
    {
        float* x = (float*)dst, y = (float*)src;
        float* result = stackalloc float[4];
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        result[0] = FloatLane.Compute(FloatOperation.Subtract, x[0], y[0], ref environment);
        result[1] = FloatLane.Compute(FloatOperation.Add, x[1], y[1], ref environment);
        result[2] = FloatLane.Compute(FloatOperation.Subtract, x[2], y[2], ref environment);
        result[3] = FloatLane.Compute(FloatOperation.Add, x[3], y[3], ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<float>*)dst = *(Vector128<float>*)result;
    }

    public static void Addsubpd(CpuState* state, void* dst, void* src, byte imm)
    {
        double* x = (double*)dst, y = (double*)src;
        double* result = stackalloc double[2];
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        result[0] = FloatLane.Compute(FloatOperation.Subtract, x[0], y[0], ref environment);
        result[1] = FloatLane.Compute(FloatOperation.Add, x[1], y[1], ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<double>*)dst = *(Vector128<double>*)result;
    }

    public static void Haddps(CpuState* state, void* dst, void* src, byte imm)
    {
        float* x = (float*)dst, y = (float*)src;
        float* result = stackalloc float[4];
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        result[0] = FloatLane.Compute(FloatOperation.Add, x[0], x[1], ref environment);
        result[1] = FloatLane.Compute(FloatOperation.Add, x[2], x[3], ref environment);
        result[2] = FloatLane.Compute(FloatOperation.Add, y[0], y[1], ref environment);
        result[3] = FloatLane.Compute(FloatOperation.Add, y[2], y[3], ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<float>*)dst = *(Vector128<float>*)result;
    }

    public static void Haddpd(CpuState* state, void* dst, void* src, byte imm)
    {
        double* x = (double*)dst, y = (double*)src;
        double* result = stackalloc double[2];
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        result[0] = FloatLane.Compute(FloatOperation.Add, x[0], x[1], ref environment);
        result[1] = FloatLane.Compute(FloatOperation.Add, y[0], y[1], ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<double>*)dst = *(Vector128<double>*)result;
    }

    public static void Hsubps(CpuState* state, void* dst, void* src, byte imm)
    {
        float* x = (float*)dst, y = (float*)src;
        float* result = stackalloc float[4];
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        result[0] = FloatLane.Compute(FloatOperation.Subtract, x[0], x[1], ref environment);
        result[1] = FloatLane.Compute(FloatOperation.Subtract, x[2], x[3], ref environment);
        result[2] = FloatLane.Compute(FloatOperation.Subtract, y[0], y[1], ref environment);
        result[3] = FloatLane.Compute(FloatOperation.Subtract, y[2], y[3], ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<float>*)dst = *(Vector128<float>*)result;
    }

    public static void Hsubpd(CpuState* state, void* dst, void* src, byte imm)
    {
        double* x = (double*)dst, y = (double*)src;
        double* result = stackalloc double[2];
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        result[0] = FloatLane.Compute(FloatOperation.Subtract, x[0], x[1], ref environment);
        result[1] = FloatLane.Compute(FloatOperation.Subtract, y[0], y[1], ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<double>*)dst = *(Vector128<double>*)result;
    }

    public static void Dpps(CpuState* state, void* dst, void* src, byte imm) => Dot(state, (float*)dst, (float*)src, imm, 1);

    /// <summary>Both halves of a YMM register.</summary>
    public static void Vdpps256(CpuState* state, void* dst, void* src, byte imm) => Dot(state, (float*)dst, (float*)src, imm, 2);

    /// <summary>
    /// The products of the selected lanes are summed in pairs: (0 + 1) + (2 + 3). Each step is done in all halves before the
    /// next, and an unmasked exception ends it there.
    /// </summary>
    private static void Dot(CpuState* state, float* x, float* y, byte imm, int halves)
    {
        float* value = stackalloc float[8];
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        int count = 4 * halves;
        for (int i = 0; i < count; i++)
            value[i] = (imm & (0x10 << (i & 3))) != 0 ? FloatLane.Compute(FloatOperation.Multiply, x[i], y[i], ref environment) : 0;
        for (count /= 2; count >= halves; count /= 2)
        {
            if (!MxcsrControl.Commit(state, environment))
                return;
            for (int i = 0; i < count; i++)
                value[i] = FloatLane.Compute(FloatOperation.Add, value[2 * i], value[(2 * i) + 1], ref environment);
        }

        if (!MxcsrControl.Commit(state, environment))
            return;
        for (int i = 0; i < 4 * halves; i++)
            x[i] = (imm & (1 << (i & 3))) != 0 ? value[i >> 2] : 0;
    }

    public static void Dppd(CpuState* state, void* dst, void* src, byte imm)
    {
        double* x = (double*)dst, y = (double*)src;
        double* product = stackalloc double[2];
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        for (int i = 0; i < 2; i++)
            product[i] = (imm & (0x10 << i)) != 0 ? FloatLane.Compute(FloatOperation.Multiply, x[i], y[i], ref environment) : 0;
        if (!MxcsrControl.Commit(state, environment))
            return;
        double sum = FloatLane.Compute(FloatOperation.Add, product[0], product[1], ref environment);
        if (!MxcsrControl.Commit(state, environment))
            return;
        for (int i = 0; i < 2; i++)
            x[i] = (imm & (1 << i)) != 0 ? sum : 0;
    }
}
