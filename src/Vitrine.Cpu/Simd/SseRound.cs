using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>ROUNDxx: imm bits 0–1 the mode, bit 2 "use MXCSR's", bit 3 "don't raise precision".</summary>
internal static unsafe class SseRound
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    public static void Roundsd(CpuState* state, void* dst, void* src, byte imm)
    {
        double value = *(double*)src;
        // The precision exception is the only one that an ordinary number can raise.
        if (FloatClass.IsZeroOrNormal(value) && (imm & 4) == 0 && ((imm & 8) != 0 || MxcsrControl.IsSettled(state)))
        {
            *(double*)dst = (imm & 3) switch
            {
                0 => Math.Round(value),
                1 => Math.Floor(value),
                2 => Math.Ceiling(value),
                _ => Math.Truncate(value),
            };
            return;
        }

        Round64(state, (ulong*)dst, (ulong*)src, imm, 1);
    }

    public static void Roundss(CpuState* state, void* dst, void* src, byte imm)
    {
        float value = *(float*)src;
        // The precision exception is the only one that an ordinary number can raise.
        if (FloatClass.IsZeroOrNormal(value) && (imm & 4) == 0 && ((imm & 8) != 0 || MxcsrControl.IsSettled(state)))
        {
            *(float*)dst = (imm & 3) switch
            {
                0 => MathF.Round(value),
                1 => MathF.Floor(value),
                2 => MathF.Ceiling(value),
                _ => MathF.Truncate(value),
            };
            return;
        }

        Round32(state, (uint*)dst, (uint*)src, imm, 1);
    }

    public static void Roundpd(CpuState* state, void* dst, void* src, byte imm) => Round64(state, (ulong*)dst, (ulong*)src, imm, 2);

    public static void Roundps(CpuState* state, void* dst, void* src, byte imm) => Round32(state, (uint*)dst, (uint*)src, imm, 4);

    private static void Round64(CpuState* state, ulong* dst, ulong* src, uint imm, int lanes)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        RoundingMode mode = (imm & 4) != 0 ? environment.Rounding : (RoundingMode)(imm & 3);
        ulong* result = stackalloc ulong[lanes];
        for (int i = 0; i < lanes; i++)
            result[i] = (ulong)IeeeConversion.RoundToIntegral(IeeeFormat.Binary64, src[i], mode, (imm & 8) == 0, ref environment);
        if (MxcsrControl.Commit(state, environment))
            new ReadOnlySpan<ulong>(result, lanes).CopyTo(new Span<ulong>(dst, lanes));
    }

    private static void Round32(CpuState* state, uint* dst, uint* src, uint imm, int lanes)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        RoundingMode mode = (imm & 4) != 0 ? environment.Rounding : (RoundingMode)(imm & 3);
        uint* result = stackalloc uint[lanes];
        for (int i = 0; i < lanes; i++)
            result[i] = (uint)IeeeConversion.RoundToIntegral(IeeeFormat.Binary32, src[i], mode, (imm & 8) == 0, ref environment);
        if (MxcsrControl.Commit(state, environment))
            new ReadOnlySpan<uint>(result, lanes).CopyTo(new Span<uint>(dst, lanes));
    }
}
