using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>
/// CVTxx: between single, double and integers. What doesn't fit, and NaN, becomes the indefinite integer.
/// </summary>
internal static unsafe class SseConvert
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    public static void Cvtsi2sd32(CpuState* state, void* dst, void* src, byte imm)
    {
        *(double*)dst = *(int*)src;
    }

    public static void Cvtsi2ss32(CpuState* state, void* dst, void* src, byte imm)
    {
        int value = *(int*)src;
        if (MxcsrControl.IsSettled(state))
        {
            *(float*)dst = value;
            return;
        }

        FromInteger32(state, dst, value);
    }

    public static void Cvtsi2sd64(CpuState* state, void* dst, void* src, byte imm)
    {
        long value = *(long*)src;
        double result = value;
        if (MxcsrControl.IsSettled(state) || Math.Abs(value >> 1) < 1L << 52)
        {
            *(double*)dst = result;
            return;
        }

        FromInteger64(state, dst, value);
    }

    public static void Cvtsi2ss64(CpuState* state, void* dst, void* src, byte imm)
    {
        long value = *(long*)src;
        if (MxcsrControl.IsSettled(state))
        {
            *(float*)dst = value;
            return;
        }

        FromInteger32(state, dst, value);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FromInteger64(CpuState* state, void* dst, long value)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        ulong result = IeeeConversion.FromInt64(IeeeFormat.Binary64, value, ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(ulong*)dst = result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FromInteger32(CpuState* state, void* dst, long value)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        ulong result = IeeeConversion.FromInt64(IeeeFormat.Binary32, value, ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(uint*)dst = (uint)result;
    }

    public static void Cvttsd2si32(CpuState* state, void* dst, void* src, byte imm)
    {
        double value = *(double*)src;
        if (value > -2147483649.0 && value < 2147483648.0)
        {
            int result = (int)value;
            // Denormals are the only numbers for which MXCSR matters beyond the precision flag.
            if (MxcsrControl.IsSettled(state) || result == value)
            {
                *(ulong*)dst = (uint)result;
                return;
            }
        }

        ToInteger(state, IeeeFormat.Binary64, (ulong*)dst, *(ulong*)src, 32, RoundingMode.Zero);
    }

    public static void Cvtsd2si32(CpuState* state, void* dst, void* src, byte imm)
    {
        double value = *(double*)src;
        // Settled means round to nearest, and no flag left to set.
        if (value is >= -2147483648.0 and <= 2147483647.0 && MxcsrControl.IsSettled(state))
            *(ulong*)dst = (uint)(int)Math.Round(value);
        else
            ToInteger(state, IeeeFormat.Binary64, (ulong*)dst, *(ulong*)src, 32, (RoundingMode)((state->Mxcsr >> 13) & 3));
    }

    public static void Cvttsd2si64(CpuState* state, void* dst, void* src, byte imm)
    {
        double value = *(double*)src;
        if (value >= -9223372036854775808.0 && value < 9223372036854775808.0)
        {
            long result = (long)value;
            // Denormals are the only numbers for which MXCSR matters beyond the precision flag.
            if (MxcsrControl.IsSettled(state) || result == value)
            {
                *(ulong*)dst = (ulong)result;
                return;
            }
        }

        ToInteger(state, IeeeFormat.Binary64, (ulong*)dst, *(ulong*)src, 64, RoundingMode.Zero);
    }

    public static void Cvtsd2si64(CpuState* state, void* dst, void* src, byte imm)
    {
        double value = *(double*)src;
        // Settled means round to nearest, and no flag left to set.
        if (value is >= -9223372036854775808.0 and <= 9223372036854774784.0 && MxcsrControl.IsSettled(state))
            *(ulong*)dst = (ulong)(long)Math.Round(value);
        else
            ToInteger(state, IeeeFormat.Binary64, (ulong*)dst, *(ulong*)src, 64, (RoundingMode)((state->Mxcsr >> 13) & 3));
    }

    public static void Cvttss2si32(CpuState* state, void* dst, void* src, byte imm)
    {
        double value = *(float*)src;
        if (value > -2147483649.0 && value < 2147483648.0)
        {
            int result = (int)value;
            // Denormals are the only numbers for which MXCSR matters beyond the precision flag.
            if (MxcsrControl.IsSettled(state) || result == value)
            {
                *(ulong*)dst = (uint)result;
                return;
            }
        }

        ToInteger(state, IeeeFormat.Binary32, (ulong*)dst, *(uint*)src, 32, RoundingMode.Zero);
    }

    public static void Cvtss2si32(CpuState* state, void* dst, void* src, byte imm)
    {
        double value = *(float*)src;
        // Settled means round to nearest, and no flag left to set.
        if (value is >= -2147483648.0 and <= 2147483647.0 && MxcsrControl.IsSettled(state))
            *(ulong*)dst = (uint)(int)Math.Round(value);
        else
            ToInteger(state, IeeeFormat.Binary32, (ulong*)dst, *(uint*)src, 32, (RoundingMode)((state->Mxcsr >> 13) & 3));
    }

    public static void Cvttss2si64(CpuState* state, void* dst, void* src, byte imm)
    {
        double value = *(float*)src;
        if (value >= -9223372036854775808.0 && value < 9223372036854775808.0)
        {
            long result = (long)value;
            // Denormals are the only numbers for which MXCSR matters beyond the precision flag.
            if (MxcsrControl.IsSettled(state) || result == value)
            {
                *(ulong*)dst = (ulong)result;
                return;
            }
        }

        ToInteger(state, IeeeFormat.Binary32, (ulong*)dst, *(uint*)src, 64, RoundingMode.Zero);
    }

    public static void Cvtss2si64(CpuState* state, void* dst, void* src, byte imm)
    {
        double value = *(float*)src;
        // Settled means round to nearest, and no flag left to set.
        if (value is >= -9223372036854775808.0 and <= 9223372036854774784.0 && MxcsrControl.IsSettled(state))
            *(ulong*)dst = (ulong)(long)Math.Round(value);
        else
            ToInteger(state, IeeeFormat.Binary32, (ulong*)dst, *(uint*)src, 64, (RoundingMode)((state->Mxcsr >> 13) & 3));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ToInteger(CpuState* state, in IeeeFormat format, ulong* dst, ulong bits, int width, RoundingMode mode)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        long result = IeeeConversion.ToInteger(format, bits, width, mode, ref environment);
        if (MxcsrControl.Commit(state, environment))
            *dst = width == 32 ? (uint)result : (ulong)result;
    }

    public static void Cvtss2sd(CpuState* state, void* dst, void* src, byte imm)
    {
        float value = *(float*)src;
        if (FloatClass.IsZeroOrNormal(value))
        {
            *(double*)dst = value;
            return;
        }

        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        ulong result = IeeeConversion.Widen(*(uint*)src, ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(ulong*)dst = result;
    }

    public static void Cvtsd2ss(CpuState* state, void* dst, void* src, byte imm)
    {
        double value = *(double*)src;
        float narrowed = (float)value;
        if (FloatClass.IsSafe(narrowed) && (MxcsrControl.IsSettled(state) || narrowed == value))
        {
            *(float*)dst = narrowed;
            return;
        }

        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        ulong result = IeeeConversion.Narrow(*(ulong*)src, ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(uint*)dst = (uint)result;
    }

    public static void Cvtps2pd(CpuState* state, void* dst, void* src, byte imm)
    {
        uint low = ((uint*)src)[0], high = ((uint*)src)[1];
        float x = ((float*)src)[0], y = ((float*)src)[1];
        if (FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            *(Vector128<double>*)dst = Vector128.Create(x, (double)y);
            return;
        }

        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        ulong first = IeeeConversion.Widen(low, ref environment), second = IeeeConversion.Widen(high, ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<ulong>*)dst = Vector128.Create(first, second);
    }

    public static void Cvtpd2ps(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong low = ((ulong*)src)[0], high = ((ulong*)src)[1];
        float x = (float)((double*)src)[0], y = (float)((double*)src)[1];
        if (FloatClass.IsSafe(x) && FloatClass.IsSafe(y) && MxcsrControl.IsSettled(state))
        {
            *(Vector128<float>*)dst = Vector128.Create(x, y, 0, 0);
            return;
        }

        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        ulong first = IeeeConversion.Narrow(low, ref environment), second = IeeeConversion.Narrow(high, ref environment);
        if (MxcsrControl.Commit(state, environment))
            *(Vector128<ulong>*)dst = Vector128.Create((second << 32) | first, 0);
    }

    public static void Cvtdq2pd(CpuState* state, void* dst, void* src, byte imm)
    {
        int low = ((int*)src)[0], high = ((int*)src)[1];
        *(Vector128<double>*)dst = Vector128.Create((double)low, high);
    }

    public static void Cvtdq2ps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<int> value = *(Vector128<int>*)src;
        if (MxcsrControl.IsSettled(state))
        {
            *(Vector128<float>*)dst = Vector128.ConvertToSingle(value);
            return;
        }

        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        uint* result = stackalloc uint[4];
        for (int i = 0; i < 4; i++)
            result[i] = (uint)IeeeConversion.FromInt64(IeeeFormat.Binary32, value[i], ref environment);
        Finish(state, environment, dst, result, 4);
    }

    public static void Cvtps2dq(CpuState* state, void* dst, void* src, byte imm) => PackedSingleToInteger(state, dst, src, 4, truncate: false);

    public static void Cvttps2dq(CpuState* state, void* dst, void* src, byte imm) => PackedSingleToInteger(state, dst, src, 4, truncate: true);

    public static void Cvtpd2dq(CpuState* state, void* dst, void* src, byte imm) => PackedDoubleToInteger(state, dst, src, 4, truncate: false);

    public static void Cvttpd2dq(CpuState* state, void* dst, void* src, byte imm) => PackedDoubleToInteger(state, dst, src, 4, truncate: true);

    // The MMX forms move two lanes; the MMX registers' state is prepared by the caller.

    public static void Cvtps2pi(CpuState* state, void* dst, void* src, byte imm) => PackedSingleToInteger(state, dst, src, 2, truncate: false);

    public static void Cvttps2pi(CpuState* state, void* dst, void* src, byte imm) => PackedSingleToInteger(state, dst, src, 2, truncate: true);

    public static void Cvtpd2pi(CpuState* state, void* dst, void* src, byte imm) => PackedDoubleToInteger(state, dst, src, 2, truncate: false);

    public static void Cvttpd2pi(CpuState* state, void* dst, void* src, byte imm) => PackedDoubleToInteger(state, dst, src, 2, truncate: true);

    /// <summary>Only an MMX register as the source switches the x87 state to MMX; memory doesn't.</summary>
    public static void Cvtpi2pd(CpuState* state, void* dst, void* src, byte imm)
    {
        if (EnterMmx(state, src))
            Cvtdq2pd(state, dst, src, imm);
    }

    /// <summary>As <see cref="Cvtpi2pd"/>, the upper half of the destination is kept.</summary>
    public static void Cvtpi2ps(CpuState* state, void* dst, void* src, byte imm)
    {
        if (!EnterMmx(state, src))
            return;
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        uint* result = stackalloc uint[2];
        for (int i = 0; i < 2; i++)
            result[i] = (uint)IeeeConversion.FromInt64(IeeeFormat.Binary32, ((int*)src)[i], ref environment);
        Finish(state, environment, dst, result, 2);
    }

    /// <summary>False if an x87 exception was pending: #MF is requested.</summary>
    private static bool EnterMmx(CpuState* state, void* src)
    {
        nuint offset = (nuint)src - (nuint)state;
        if (offset - CpuState.X87Offset >= 128)
            return true;
        if ((state->FpuStatus & 0x80) != 0)
        {
            CpuState.RequestException(state, ExceptionVector.X87FloatingPoint);
            return false;
        }

        state->FpuTop = 0;
        state->FpuTag = 0xff;
        return true;
    }

    private static void PackedSingleToInteger(CpuState* state, void* dst, void* src, int lanes, bool truncate)
    {
        if (lanes == 4 && MxcsrControl.IsSettled(state))
        {
            Vector128<float> value = *(Vector128<float>*)src;
            if (Vector128.LessThanAll(Vector128.Abs(value), Vector128.Create(2147483648f)))
            {
                *(Vector128<int>*)dst = Vector128.ConvertToInt32(truncate ? value : Vector128.Round(value));
                return;
            }
        }

        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        RoundingMode mode = truncate ? RoundingMode.Zero : environment.Rounding;
        uint* result = stackalloc uint[4];
        for (int i = 0; i < lanes; i++)
            result[i] = (uint)IeeeConversion.ToInteger(IeeeFormat.Binary32, ((uint*)src)[i], 32, mode, ref environment);
        Finish(state, environment, dst, result, lanes);
    }

    /// <summary>Four result lanes: the upper two are zero.</summary>
    private static void PackedDoubleToInteger(CpuState* state, void* dst, void* src, int lanes, bool truncate)
    {
        double x = ((double*)src)[0], y = ((double*)src)[1];
        if (lanes == 4 && Math.Abs(x) < 2147483647 && Math.Abs(y) < 2147483647 && MxcsrControl.IsSettled(state))
        {
            *(Vector128<int>*)dst = truncate ? Vector128.Create((int)x, (int)y, 0, 0) : Vector128.Create((int)Math.Round(x), (int)Math.Round(y), 0, 0);
            return;
        }

        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        RoundingMode mode = truncate ? RoundingMode.Zero : environment.Rounding;
        uint* result = stackalloc uint[4];
        result[2] = result[3] = 0;
        for (int i = 0; i < 2; i++)
            result[i] = (uint)IeeeConversion.ToInteger(IeeeFormat.Binary64, ((ulong*)src)[i], 32, mode, ref environment);
        Finish(state, environment, dst, result, lanes);
    }

    private static void Finish(CpuState* state, in FloatEnvironment environment, void* dst, uint* result, int lanes)
    {
        if (MxcsrControl.Commit(state, environment))
            new ReadOnlySpan<uint>(result, lanes).CopyTo(new Span<uint>(dst, lanes));
    }
}
