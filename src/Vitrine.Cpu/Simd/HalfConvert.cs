using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>
/// F16C: between half and single precision (SDM 2C, VCVTPH2PS and VCVTPS2PH). Half-precision denormals are numbers
/// whatever DAZ and FTZ say. Immediate bits 0–1 are the rounding mode, bit 2 "use MXCSR's".
/// </summary>
internal static unsafe class HalfConvert
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    public static void Cvtph2ps(CpuState* state, void* dst, void* src, byte imm)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        ulong source = *(ulong*)src;
        uint* result = stackalloc uint[4];
        for (int i = 0; i < 4; i++)
            result[i] = (uint)IeeeConversion.WidenHalf((ushort)(source >> (16 * i)), ref environment);
        if (!MxcsrControl.Commit(state, environment))
            return;
        for (int i = 0; i < 4; i++)
            ((uint*)dst)[i] = result[i];
    }

    /// <summary>Four numbers into 8 bytes.</summary>
    public static void Cvtps2ph128(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong result;
        if (TryNarrow(state, (ushort*)&result, (uint*)src, 4, imm))
            *(ulong*)dst = result;
    }

    /// <summary>As <see cref="Cvtps2ph128"/> into a register, whose other half is cleared.</summary>
    public static void Cvtps2phToRegister(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong result;
        if (!TryNarrow(state, (ushort*)&result, (uint*)src, 4, imm))
            return;
        ((ulong*)dst)[0] = result;
        ((ulong*)dst)[1] = 0;
    }

    /// <summary>Eight numbers into 16 bytes.</summary>
    public static void Cvtps2ph256(CpuState* state, void* dst, void* src, byte imm)
    {
        UInt128 result;
        if (TryNarrow(state, (ushort*)&result, (uint*)src, 8, imm))
            *(UInt128*)dst = result;
    }

    private static bool TryNarrow(CpuState* state, ushort* result, uint* source, int lanes, byte imm)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        if ((imm & 4) == 0)
            environment.Rounding = (RoundingMode)(imm & 3);
        environment.FlushToZero = false;
        for (int i = 0; i < lanes; i++)
            result[i] = (ushort)IeeeConversion.NarrowToHalf(source[i], ref environment);
        return MxcsrControl.Commit(state, environment);
    }
}
