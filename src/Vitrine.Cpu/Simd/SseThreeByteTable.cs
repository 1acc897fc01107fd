using Iced.Intel;
using Vitrine.Cpu.Execution;
using static Vitrine.Cpu.Simd.VectorForms;

namespace Vitrine.Cpu.Simd;

/// <summary>The XMM instructions of the three-byte opcode maps: SSSE3, SSE4.1, SSE4.2.</summary>
internal static unsafe class SseThreeByteTable
{
    /// <summary>Opcodes 0F 38.</summary>
    public static VectorOperation ThreeByte38(Code code) => code switch
    {
        Code.Pshufb_xmm_xmmm128 => Packed(&SseShuffle.Pshufb),
        Code.Phaddw_xmm_xmmm128 => Packed(&SseMultiply.Phaddw),
        Code.Phaddd_xmm_xmmm128 => Packed(&SseMultiply.Phaddd),
        Code.Phaddsw_xmm_xmmm128 => Packed(&SseMultiply.Phaddsw),
        Code.Pmaddubsw_xmm_xmmm128 => Packed(&SseMultiply.Pmaddubsw),
        Code.Phsubw_xmm_xmmm128 => Packed(&SseMultiply.Phsubw),
        Code.Phsubd_xmm_xmmm128 => Packed(&SseMultiply.Phsubd),
        Code.Phsubsw_xmm_xmmm128 => Packed(&SseMultiply.Phsubsw),
        Code.Psignb_xmm_xmmm128 => Packed(&SseInteger.Psignb),
        Code.Psignw_xmm_xmmm128 => Packed(&SseInteger.Psignw),
        Code.Psignd_xmm_xmmm128 => Packed(&SseInteger.Psignd),
        Code.Pmulhrsw_xmm_xmmm128 => Packed(&SseMultiply.Pmulhrsw),
        Code.Pblendvb_xmm_xmmm128 => Packed(&SseShuffle.Pblendvb),
        Code.Blendvps_xmm_xmmm128 => Packed(&SseShuffle.Blendvps),
        Code.Blendvpd_xmm_xmmm128 => Packed(&SseShuffle.Blendvpd),
        Code.Ptest_xmm_xmmm128 => Packed(&SseInteger.Ptest),
        Code.Pabsb_xmm_xmmm128 => Packed(&SseInteger.Pabsb),
        Code.Pabsw_xmm_xmmm128 => Packed(&SseInteger.Pabsw),
        Code.Pabsd_xmm_xmmm128 => Packed(&SseInteger.Pabsd),
        Code.Pmovsxbw_xmm_xmmm64 => Read(&SseShuffle.Pmovsxbw, 8),
        Code.Pmovsxbd_xmm_xmmm32 => Read(&SseShuffle.Pmovsxbd, 4),
        Code.Pmovsxbq_xmm_xmmm16 => Read(&SseShuffle.Pmovsxbq, 2),
        Code.Pmovsxwd_xmm_xmmm64 => Read(&SseShuffle.Pmovsxwd, 8),
        Code.Pmovsxwq_xmm_xmmm32 => Read(&SseShuffle.Pmovsxwq, 4),
        Code.Pmovsxdq_xmm_xmmm64 => Read(&SseShuffle.Pmovsxdq, 8),
        Code.Pmuldq_xmm_xmmm128 => Packed(&SseMultiply.Pmuldq),
        Code.Pcmpeqq_xmm_xmmm128 => Packed(&SseInteger.Pcmpeqq),
        Code.Movntdqa_xmm_m128 => Packed(&SseMove.Move16),
        Code.Packusdw_xmm_xmmm128 => Packed(&SseShuffle.Packusdw),
        Code.Pmovzxbw_xmm_xmmm64 => Read(&SseShuffle.Pmovzxbw, 8),
        Code.Pmovzxbd_xmm_xmmm32 => Read(&SseShuffle.Pmovzxbd, 4),
        Code.Pmovzxbq_xmm_xmmm16 => Read(&SseShuffle.Pmovzxbq, 2),
        Code.Pmovzxwd_xmm_xmmm64 => Read(&SseShuffle.Pmovzxwd, 8),
        Code.Pmovzxwq_xmm_xmmm32 => Read(&SseShuffle.Pmovzxwq, 4),
        Code.Pmovzxdq_xmm_xmmm64 => Read(&SseShuffle.Pmovzxdq, 8),
        Code.Pcmpgtq_xmm_xmmm128 => Packed(&SseInteger.Pcmpgtq),
        Code.Pminsb_xmm_xmmm128 => Packed(&SseInteger.Pminsb),
        Code.Pminsd_xmm_xmmm128 => Packed(&SseInteger.Pminsd),
        Code.Pminuw_xmm_xmmm128 => Packed(&SseInteger.Pminuw),
        Code.Pminud_xmm_xmmm128 => Packed(&SseInteger.Pminud),
        Code.Pmaxsb_xmm_xmmm128 => Packed(&SseInteger.Pmaxsb),
        Code.Pmaxsd_xmm_xmmm128 => Packed(&SseInteger.Pmaxsd),
        Code.Pmaxuw_xmm_xmmm128 => Packed(&SseInteger.Pmaxuw),
        Code.Pmaxud_xmm_xmmm128 => Packed(&SseInteger.Pmaxud),
        Code.Pmulld_xmm_xmmm128 => Packed(&SseMultiply.Pmulld),
        Code.Phminposuw_xmm_xmmm128 => Packed(&SseMultiply.Phminposuw),
        _ => default,
    };


    /// <summary>Opcodes 0F 3A.</summary>
    public static VectorOperation ThreeByte3A(Code code) => code switch
    {
        Code.Roundps_xmm_xmmm128_imm8 => PackedFloat(&SseRound.Roundps),
        Code.Roundpd_xmm_xmmm128_imm8 => PackedFloat(&SseRound.Roundpd),
        Code.Roundss_xmm_xmmm32_imm8 => ReadFloat(&SseRound.Roundss, 4),
        Code.Roundsd_xmm_xmmm64_imm8 => ReadFloat(&SseRound.Roundsd, 8),
        Code.Blendps_xmm_xmmm128_imm8 => Packed(&SseShuffle.Blendps),
        Code.Blendpd_xmm_xmmm128_imm8 => Packed(&SseShuffle.Blendpd),
        Code.Pblendw_xmm_xmmm128_imm8 => Packed(&SseShuffle.Pblendw),
        Code.Palignr_xmm_xmmm128_imm8 => Packed(&SseShift.Palignr),
        Code.Pextrb_r32m8_xmm_imm8 => Write(&SseMove.Pextrb, 1),
        Code.Pextrb_r64m8_xmm_imm8 => Write(&SseMove.Pextrb, 1),
        Code.Pextrw_r32m16_xmm_imm8 => Write(&SseMove.Pextrw, 2),
        Code.Pextrw_r64m16_xmm_imm8 => Write(&SseMove.Pextrw, 2),
        Code.Pextrd_rm32_xmm_imm8 => Write(&SseMove.Pextrd, 4),
        Code.Pextrq_rm64_xmm_imm8 => Write(&SseMove.Pextrq, 8),
        Code.Extractps_rm32_xmm_imm8 => Write(&SseMove.Pextrd, 4),
        Code.Extractps_r64m32_xmm_imm8 => Write(&SseMove.Pextrd, 4),
        Code.Pinsrb_xmm_r32m8_imm8 => Read(&SseMove.Pinsrb, 1),
        Code.Pinsrb_xmm_r64m8_imm8 => Read(&SseMove.Pinsrb, 1),
        Code.Insertps_xmm_xmmm32_imm8 => Read(&SseMove.Insertps, 4),
        Code.Pinsrd_xmm_rm32_imm8 => Read(&SseMove.Pinsrd, 4),
        Code.Pinsrq_xmm_rm64_imm8 => Read(&SseMove.Pinsrq, 8),
        Code.Dpps_xmm_xmmm128_imm8 => PackedFloat(&SseHorizontal.Dpps),
        Code.Dppd_xmm_xmmm128_imm8 => PackedFloat(&SseHorizontal.Dppd),
        Code.Mpsadbw_xmm_xmmm128_imm8 => Packed(&SseMultiply.Mpsadbw),
        Code.Pcmpestrm_xmm_xmmm128_imm8 => Read(&SseString.Pcmpestrm, 16),
        Code.Pcmpestrm64_xmm_xmmm128_imm8 => Read(&SseString.Pcmpestrm64, 16),
        Code.Pcmpestri_xmm_xmmm128_imm8 => Read(&SseString.Pcmpestri, 16),
        Code.Pcmpestri64_xmm_xmmm128_imm8 => Read(&SseString.Pcmpestri64, 16),
        Code.Pcmpistrm_xmm_xmmm128_imm8 => Read(&SseString.Pcmpistrm, 16),
        Code.Pcmpistri_xmm_xmmm128_imm8 => Read(&SseString.Pcmpistri, 16),
        _ => default,
    };
}
