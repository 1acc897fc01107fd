using Iced.Intel;
using Vitrine.Cpu.Execution;
using static Vitrine.Cpu.Simd.VectorForms;

namespace Vitrine.Cpu.Simd;

/// <summary>The instructions that use MMX registers, by rows of the opcode map.</summary>
internal static unsafe class MmxTable
{
    /// <summary>Rows 0F 28–7F.</summary>
    public static VectorOperation Low(Code code) => code switch
    {
        Code.Cvttps2pi_mm_xmmm64 => MmxConvert(&SseConvert.Cvttps2pi, 8),
        Code.Cvttpd2pi_mm_xmmm128 => MmxConvertAligned(&SseConvert.Cvttpd2pi),
        Code.Cvtps2pi_mm_xmmm64 => MmxConvert(&SseConvert.Cvtps2pi, 8),
        Code.Cvtpd2pi_mm_xmmm128 => MmxConvertAligned(&SseConvert.Cvtpd2pi),
        Code.Punpcklbw_mm_mmm32 => MmxRead(&MmxInteger.Punpcklbw, 4),
        Code.Punpcklwd_mm_mmm32 => MmxRead(&MmxInteger.Punpcklwd, 4),
        Code.Punpckldq_mm_mmm32 => MmxRead(&MmxInteger.Punpckldq, 4),
        Code.Packsswb_mm_mmm64 => MmxRead(&MmxInteger.Packsswb, 8),
        Code.Pcmpgtb_mm_mmm64 => MmxRead(&MmxInteger.Pcmpgtb, 8),
        Code.Pcmpgtw_mm_mmm64 => MmxRead(&MmxInteger.Pcmpgtw, 8),
        Code.Pcmpgtd_mm_mmm64 => MmxRead(&MmxInteger.Pcmpgtd, 8),
        Code.Packuswb_mm_mmm64 => MmxRead(&MmxInteger.Packuswb, 8),
        Code.Punpckhbw_mm_mmm64 => MmxRead(&MmxInteger.Punpckhbw, 8),
        Code.Punpckhwd_mm_mmm64 => MmxRead(&MmxInteger.Punpckhwd, 8),
        Code.Punpckhdq_mm_mmm64 => MmxRead(&MmxInteger.Punpckhdq, 8),
        Code.Packssdw_mm_mmm64 => MmxRead(&MmxInteger.Packssdw, 8),
        Code.Movd_mm_rm32 => MmxRead(&SseMove.MovdToMmx, 4),
        Code.Movq_mm_rm64 => MmxRead(&SseMove.Move8, 8),
        Code.Movq_mm_mmm64 => MmxRead(&SseMove.Move8, 8),
        Code.Pshufw_mm_mmm64_imm8 => MmxRead(&MmxInteger.Pshufw, 8),
        Code.Psrlw_mm_imm8 => MmxRegisters(&MmxInteger.PsrlwImmediate),
        Code.Psraw_mm_imm8 => MmxRegisters(&MmxInteger.PsrawImmediate),
        Code.Psllw_mm_imm8 => MmxRegisters(&MmxInteger.PsllwImmediate),
        Code.Psrld_mm_imm8 => MmxRegisters(&MmxInteger.PsrldImmediate),
        Code.Psrad_mm_imm8 => MmxRegisters(&MmxInteger.PsradImmediate),
        Code.Pslld_mm_imm8 => MmxRegisters(&MmxInteger.PslldImmediate),
        Code.Psrlq_mm_imm8 => MmxRegisters(&MmxInteger.PsrlqImmediate),
        Code.Psllq_mm_imm8 => MmxRegisters(&MmxInteger.PsllqImmediate),
        Code.Pcmpeqb_mm_mmm64 => MmxRead(&MmxInteger.Pcmpeqb, 8),
        Code.Pcmpeqw_mm_mmm64 => MmxRead(&MmxInteger.Pcmpeqw, 8),
        Code.Pcmpeqd_mm_mmm64 => MmxRead(&MmxInteger.Pcmpeqd, 8),
        Code.Movd_rm32_mm => MmxWrite(&SseMove.MovdToGeneral, 4),
        Code.Movq_rm64_mm => MmxWrite(&SseMove.Move8, 8),
        Code.Movq_mmm64_mm => MmxWrite(&SseMove.Move8, 8),
        _ => default,
    };


    /// <summary>Rows 0F C4–FF.</summary>
    public static VectorOperation High(Code code) => code switch
    {
        Code.Pinsrw_mm_r32m16_imm8 => MmxRead(&MmxInteger.Pinsrw, 2),
        Code.Pinsrw_mm_r64m16_imm8 => MmxRead(&MmxInteger.Pinsrw, 2),
        Code.Pextrw_r32_mm_imm8 => MmxRegisters(&MmxInteger.Pextrw),
        Code.Pextrw_r64_mm_imm8 => MmxRegisters(&MmxInteger.Pextrw),
        Code.Psrlw_mm_mmm64 => MmxRead(&MmxInteger.Psrlw, 8),
        Code.Psrld_mm_mmm64 => MmxRead(&MmxInteger.Psrld, 8),
        Code.Psrlq_mm_mmm64 => MmxRead(&MmxInteger.Psrlq, 8),
        Code.Paddq_mm_mmm64 => MmxRead(&MmxInteger.Paddq, 8),
        Code.Pmullw_mm_mmm64 => MmxRead(&MmxInteger.Pmullw, 8),
        Code.Movq2dq_xmm_mm => MmxRegisters(&SseMove.Load8),
        Code.Movdq2q_mm_xmm => MmxRegisters(&SseMove.Move8),
        Code.Pmovmskb_r32_mm => MmxRegisters(&MmxInteger.Pmovmskb),
        Code.Pmovmskb_r64_mm => MmxRegisters(&MmxInteger.Pmovmskb),
        Code.Psubusb_mm_mmm64 => MmxRead(&MmxInteger.Psubusb, 8),
        Code.Psubusw_mm_mmm64 => MmxRead(&MmxInteger.Psubusw, 8),
        Code.Pminub_mm_mmm64 => MmxRead(&MmxInteger.Pminub, 8),
        Code.Pand_mm_mmm64 => MmxRead(&MmxInteger.Pand, 8),
        Code.Paddusb_mm_mmm64 => MmxRead(&MmxInteger.Paddusb, 8),
        Code.Paddusw_mm_mmm64 => MmxRead(&MmxInteger.Paddusw, 8),
        Code.Pmaxub_mm_mmm64 => MmxRead(&MmxInteger.Pmaxub, 8),
        Code.Pandn_mm_mmm64 => MmxRead(&MmxInteger.Pandn, 8),
        Code.Pavgb_mm_mmm64 => MmxRead(&MmxInteger.Pavgb, 8),
        Code.Psraw_mm_mmm64 => MmxRead(&MmxInteger.Psraw, 8),
        Code.Psrad_mm_mmm64 => MmxRead(&MmxInteger.Psrad, 8),
        Code.Pavgw_mm_mmm64 => MmxRead(&MmxInteger.Pavgw, 8),
        Code.Pmulhuw_mm_mmm64 => MmxRead(&MmxInteger.Pmulhuw, 8),
        Code.Pmulhw_mm_mmm64 => MmxRead(&MmxInteger.Pmulhw, 8),
        Code.Movntq_m64_mm => MmxWrite(&SseMove.Move8, 8),
        Code.Psubsb_mm_mmm64 => MmxRead(&MmxInteger.Psubsb, 8),
        Code.Psubsw_mm_mmm64 => MmxRead(&MmxInteger.Psubsw, 8),
        Code.Pminsw_mm_mmm64 => MmxRead(&MmxInteger.Pminsw, 8),
        Code.Por_mm_mmm64 => MmxRead(&MmxInteger.Por, 8),
        Code.Paddsb_mm_mmm64 => MmxRead(&MmxInteger.Paddsb, 8),
        Code.Paddsw_mm_mmm64 => MmxRead(&MmxInteger.Paddsw, 8),
        Code.Pmaxsw_mm_mmm64 => MmxRead(&MmxInteger.Pmaxsw, 8),
        Code.Pxor_mm_mmm64 => MmxRead(&MmxInteger.Pxor, 8),
        Code.Psllw_mm_mmm64 => MmxRead(&MmxInteger.Psllw, 8),
        Code.Pslld_mm_mmm64 => MmxRead(&MmxInteger.Pslld, 8),
        Code.Psllq_mm_mmm64 => MmxRead(&MmxInteger.Psllq, 8),
        Code.Pmuludq_mm_mmm64 => MmxRead(&MmxInteger.Pmuludq, 8),
        Code.Pmaddwd_mm_mmm64 => MmxRead(&MmxInteger.Pmaddwd, 8),
        Code.Psadbw_mm_mmm64 => MmxRead(&MmxInteger.Psadbw, 8),
        Code.Maskmovq_rDI_mm_mm => MmxWrite(&SseMove.Maskmovq, 8),
        Code.Psubb_mm_mmm64 => MmxRead(&MmxInteger.Psubb, 8),
        Code.Psubw_mm_mmm64 => MmxRead(&MmxInteger.Psubw, 8),
        Code.Psubd_mm_mmm64 => MmxRead(&MmxInteger.Psubd, 8),
        Code.Psubq_mm_mmm64 => MmxRead(&MmxInteger.Psubq, 8),
        Code.Paddb_mm_mmm64 => MmxRead(&MmxInteger.Paddb, 8),
        Code.Paddw_mm_mmm64 => MmxRead(&MmxInteger.Paddw, 8),
        Code.Paddd_mm_mmm64 => MmxRead(&MmxInteger.Paddd, 8),
        _ => default,
    };


    /// <summary>Opcodes 0F 38 and 3A.</summary>
    public static VectorOperation ThreeByte(Code code) => code switch
    {
        Code.Pshufb_mm_mmm64 => MmxRead(&MmxInteger.Pshufb, 8),
        Code.Phaddw_mm_mmm64 => MmxRead(&MmxInteger.Phaddw, 8),
        Code.Phaddd_mm_mmm64 => MmxRead(&MmxInteger.Phaddd, 8),
        Code.Phaddsw_mm_mmm64 => MmxRead(&MmxInteger.Phaddsw, 8),
        Code.Pmaddubsw_mm_mmm64 => MmxRead(&MmxInteger.Pmaddubsw, 8),
        Code.Phsubw_mm_mmm64 => MmxRead(&MmxInteger.Phsubw, 8),
        Code.Phsubd_mm_mmm64 => MmxRead(&MmxInteger.Phsubd, 8),
        Code.Phsubsw_mm_mmm64 => MmxRead(&MmxInteger.Phsubsw, 8),
        Code.Psignb_mm_mmm64 => MmxRead(&MmxInteger.Psignb, 8),
        Code.Psignw_mm_mmm64 => MmxRead(&MmxInteger.Psignw, 8),
        Code.Psignd_mm_mmm64 => MmxRead(&MmxInteger.Psignd, 8),
        Code.Pmulhrsw_mm_mmm64 => MmxRead(&MmxInteger.Pmulhrsw, 8),
        Code.Pabsb_mm_mmm64 => MmxRead(&MmxInteger.Pabsb, 8),
        Code.Pabsw_mm_mmm64 => MmxRead(&MmxInteger.Pabsw, 8),
        Code.Pabsd_mm_mmm64 => MmxRead(&MmxInteger.Pabsd, 8),
        Code.Palignr_mm_mmm64_imm8 => MmxRead(&MmxInteger.Palignr, 8),
        _ => default,
    };
}
