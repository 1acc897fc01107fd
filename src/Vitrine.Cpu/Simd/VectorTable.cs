using Iced.Intel;
using Vitrine.Cpu.Execution;

namespace Vitrine.Cpu.Simd;

/// <summary>
/// Finds the operation of an MMX or SSE instruction code. The tables are split by the opcode map, since
/// compiling one that is never needed would only cost start-up time.
/// </summary>
internal static class VectorTable
{
    /// <summary>The operation, or one that isn't known.</summary>
    public static VectorOperation Find(Code code)
    {
        if (code < Code.Movups_xmm_xmmm128)
            return default;
        VectorOperation operation = FindXmm(code);
        return operation.IsKnown ? operation : FindMmx(code);
    }

    private static VectorOperation FindXmm(Code code)
    {
        if (code <= Code.Comisd_xmm_xmmm64)
            return SseTable.MovesAndConversions(code);
        if (code <= Code.Maxsd_xmm_xmmm64)
            return SseTable.Arithmetic(code);
        if (code <= Code.Movdqu_xmmm128_xmm)
            return SseTable.Integers6(code);
        if (code is >= Code.Cmpps_xmm_xmmm128_imm8 and <= Code.Shufpd_xmm_xmmm128_imm8)
            return SseTable.CompareAndShuffle(code);
        if (code is >= Code.Addsubpd_xmm_xmmm128 and <= Code.Paddd_xmm_xmmm128)
            return SseTable.IntegersD(code);
        if (code is >= Code.Pshufb_xmm_xmmm128 and <= Code.Phminposuw_xmm_xmmm128)
            return SseThreeByteTable.ThreeByte38(code);
        if (code is >= Code.Roundps_xmm_xmmm128_imm8 and <= Code.Pcmpistri_xmm_xmmm128_imm8)
            return SseThreeByteTable.ThreeByte3A(code);
        return default;
    }

    private static VectorOperation FindMmx(Code code)
    {
        if (code <= Code.Movq_mmm64_mm)
            return MmxTable.Low(code);
        if (code is >= Code.Pinsrw_mm_r32m16_imm8 and <= Code.Paddd_mm_mmm64)
            return MmxTable.High(code);
        if (code is >= Code.Pshufb_mm_mmm64 and <= Code.Palignr_mm_mmm64_imm8)
            return MmxTable.ThreeByte(code);
        return default;
    }
}
