using Iced.Intel;
using Vitrine.Cpu.X87;
using static Vitrine.Cpu.Simd.Vex.VexForms;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>
/// Finds the operation of a VEX instruction of AVX or AVX2. Almost all are their legacy twins' functions. Split by
/// the alphabet, since compiling what is never needed would only cost start-up time.
/// </summary>
internal static unsafe class VexTable
{
    /// <summary>The operation, or one without shape. (EVEX forms have the same mnemonics and are not to be asked for.)</summary>
    public static VexOperation Find(in Instruction i, bool wide)
    {
        Mnemonic m = i.Mnemonic;
        if (m <= Mnemonic.Vextractps)
            return m < Mnemonic.Vcmppd ? ToBroadcast(m) : ToExtract(i, wide);
        if (m <= Mnemonic.Vorps)
            return m < Mnemonic.Vmovapd ? ToMinimum(m) : ToOr(i, wide);
        if (m <= Mnemonic.Vpcmpistrm)
            return IntegersToCompare(m);
        if (m <= Mnemonic.Vpmuludq)
            return m < Mnemonic.Vpmaddubsw ? IntegersToInsert(i) : IntegersToMultiply(m, wide);
        return m <= Mnemonic.Vpxor ? IntegersToXor(m, wide) : ToXor(m, wide);
    }

    private static VexOperation ToBroadcast(Mnemonic m) => m switch
    {
        Mnemonic.Vaddpd => PackedFloat(&SseArithmetic.Addpd),
        Mnemonic.Vaddps => PackedFloat(&SseArithmetic.Addps),
        Mnemonic.Vaddsd => ScalarFloat(&SseArithmetic.Addsd, 8),
        Mnemonic.Vaddss => ScalarFloat(&SseArithmetic.Addss, 4),
        Mnemonic.Vaddsubpd => PackedFloat(&SseHorizontal.Addsubpd),
        Mnemonic.Vaddsubps => PackedFloat(&SseHorizontal.Addsubps),
        Mnemonic.Vandnpd or Mnemonic.Vandnps => Packed(&SseInteger.Pandn),
        Mnemonic.Vandpd or Mnemonic.Vandps => Packed(&SseInteger.Pand),
        Mnemonic.Vblendpd => Packed(&SseShuffle.Blendpd, 2),
        Mnemonic.Vblendps => Packed(&SseShuffle.Blendps, 4),
        Mnemonic.Vblendvpd => Chosen(&SseShuffle.Blendvpd),
        Mnemonic.Vblendvps => Chosen(&SseShuffle.Blendvps),
        Mnemonic.Vbroadcastf128 or Mnemonic.Vbroadcasti128 => Whole(&VexPermute.Broadcast16, 16),
        Mnemonic.Vbroadcastsd => Whole(&VexPermute.Broadcast8, 8),
        Mnemonic.Vbroadcastss => Whole(&VexPermute.Broadcast4, 4),
        _ => default,
    };

    private static VexOperation ToExtract(in Instruction i, bool wide)
    {
        bool register64 = i.Op0Register.IsGPR64();
        return i.Mnemonic switch
        {
            Mnemonic.Vcmppd => PackedFloat(&SseCompare.Vcmppd),
            Mnemonic.Vcmpps => PackedFloat(&SseCompare.Vcmpps),
            Mnemonic.Vcmpsd => ScalarFloat(&SseCompare.Vcmpsd, 8),
            Mnemonic.Vcmpss => ScalarFloat(&SseCompare.Vcmpss, 4),
            Mnemonic.Vcomisd => PlainFloat(&SseCompare.Comisd, 8),
            Mnemonic.Vcomiss => PlainFloat(&SseCompare.Comiss, 4),
            Mnemonic.Vcvtdq2pd => Widening(&SseConvert.Cvtdq2pd, 8),
            Mnemonic.Vcvtdq2ps => PackedFloat(&SseConvert.Cvtdq2ps),
            Mnemonic.Vcvtpd2dq => NarrowingFloat(&SseConvert.Cvtpd2dq),
            Mnemonic.Vcvtpd2ps => NarrowingFloat(&SseConvert.Cvtpd2ps),
            Mnemonic.Vcvtph2ps => WideningFloat(&HalfConvert.Cvtph2ps, 8),
            Mnemonic.Vcvtps2dq => PackedFloat(&SseConvert.Cvtps2dq),
            Mnemonic.Vcvtps2pd => WideningFloat(&SseConvert.Cvtps2pd, 8),
            Mnemonic.Vcvtsd2si => register64 ? PlainFloat(&SseConvert.Cvtsd2si64, 8) : PlainFloat(&SseConvert.Cvtsd2si32, 8),
            Mnemonic.Vcvtsd2ss => ScalarFloat(&SseConvert.Cvtsd2ss, 8),
            Mnemonic.Vcvtsi2sd => IsWideSource(i) ? ScalarFloat(&SseConvert.Cvtsi2sd64, 8) : ScalarFloat(&SseConvert.Cvtsi2sd32, 4),
            Mnemonic.Vcvtsi2ss => IsWideSource(i) ? ScalarFloat(&SseConvert.Cvtsi2ss64, 8) : ScalarFloat(&SseConvert.Cvtsi2ss32, 4),
            Mnemonic.Vcvtss2sd => ScalarFloat(&SseConvert.Cvtss2sd, 4),
            Mnemonic.Vcvtss2si => register64 ? PlainFloat(&SseConvert.Cvtss2si64, 4) : PlainFloat(&SseConvert.Cvtss2si32, 4),
            Mnemonic.Vcvttpd2dq => NarrowingFloat(&SseConvert.Cvttpd2dq),
            Mnemonic.Vcvttps2dq => PackedFloat(&SseConvert.Cvttps2dq),
            Mnemonic.Vcvttsd2si => register64 ? PlainFloat(&SseConvert.Cvttsd2si64, 8) : PlainFloat(&SseConvert.Cvttsd2si32, 8),
            Mnemonic.Vcvttss2si => register64 ? PlainFloat(&SseConvert.Cvttss2si64, 4) : PlainFloat(&SseConvert.Cvttss2si32, 4),
            Mnemonic.Vdivpd => PackedFloat(&SseArithmetic.Divpd),
            Mnemonic.Vdivps => PackedFloat(&SseArithmetic.Divps),
            Mnemonic.Vdivsd => ScalarFloat(&SseArithmetic.Divsd, 8),
            Mnemonic.Vdivss => ScalarFloat(&SseArithmetic.Divss, 4),
            Mnemonic.Vdppd => ScalarFloat(&SseHorizontal.Dppd, 16),
            Mnemonic.Vdpps => wide ? new(&SseHorizontal.Vdpps256, VexShape.Whole, 32, 32, 0, VexTraits.MayFault) : PackedFloat(&SseHorizontal.Dpps),
            Mnemonic.Vextractps => PlainWrite(&SseMove.Pextrd, 4),
            _ => ToMemoryOrXmm(i, wide),
        };
    }

    /// <summary>Instructions with an XMM register or memory as the destination of a part.</summary>
    private static VexOperation ToMemoryOrXmm(in Instruction i, bool wide)
    {
        bool memory = i.Op0Kind == OpKind.Memory;
        return i.Mnemonic switch
        {
            Mnemonic.Vcvtps2ph when wide => memory ? PlainWriteFloat(&HalfConvert.Cvtps2ph256, 16) : new(&HalfConvert.Cvtps2ph256, VexShape.WholeToXmm, 0, 0, 0, VexTraits.MayFault),
            Mnemonic.Vcvtps2ph => memory ? PlainWriteFloat(&HalfConvert.Cvtps2ph128, 8) : new(&HalfConvert.Cvtps2phToRegister, VexShape.WholeToXmm, 0, 0, 0, VexTraits.MayFault),
            _ => default,
        };
    }

    private static bool IsWideSource(in Instruction i) =>
        i.Op2Kind == OpKind.Register ? i.Op2Register.IsGPR64() : i.MemorySize == MemorySize.Int64;

    private static VexOperation ToMinimum(Mnemonic m) => m switch
    {
        Mnemonic.Vhaddpd => PackedFloat(&SseHorizontal.Haddpd),
        Mnemonic.Vhaddps => PackedFloat(&SseHorizontal.Haddps),
        Mnemonic.Vhsubpd => PackedFloat(&SseHorizontal.Hsubpd),
        Mnemonic.Vhsubps => PackedFloat(&SseHorizontal.Hsubps),
        Mnemonic.Vinsertf128 or Mnemonic.Vinserti128 => Whole(&VexPermute.Insert16, 16),
        Mnemonic.Vinsertps => Scalar(&SseMove.Insertps, 4),
        Mnemonic.Vldmxcsr => PlainFloat(&ExtendedState.Ldmxcsr, 4),
        Mnemonic.Vmaskmovdqu => PlainWrite(&SseMove.Maskmovdqu, 16),
        Mnemonic.Vmaxpd => PackedFloat(&SseCompare.Maxpd),
        Mnemonic.Vmaxps => PackedFloat(&SseCompare.Maxps),
        Mnemonic.Vmaxsd => ScalarFloat(&SseCompare.Maxsd, 8),
        Mnemonic.Vmaxss => ScalarFloat(&SseCompare.Maxss, 4),
        Mnemonic.Vminpd => PackedFloat(&SseCompare.Minpd),
        Mnemonic.Vminps => PackedFloat(&SseCompare.Minps),
        Mnemonic.Vminsd => ScalarFloat(&SseCompare.Minsd, 8),
        Mnemonic.Vminss => ScalarFloat(&SseCompare.Minss, 4),
        _ => default,
    };

    /// <summary>Moves of whole registers have handlers of their own, see <see cref="FastVexTable"/>.</summary>
    private static VexOperation ToOr(in Instruction i, bool wide)
    {
        bool memory = i.Op0Kind == OpKind.Memory;
        return i.Mnemonic switch
        {
            Mnemonic.Vmovd => i.Op0Register.IsXMM() ? Scalar(&SseMove.Load4, 4) : PlainWrite(&SseMove.MovdToGeneral, 4),
            Mnemonic.Vmovddup => new(&SseMove.Movddup, VexShape.Lanes, 8, 32, 16),
            Mnemonic.Vmovhlps => Scalar(&SseMove.StoreHigh, 0),
            Mnemonic.Vmovhpd or Mnemonic.Vmovhps => memory ? PlainWrite(&SseMove.StoreHigh, 8) : Scalar(&SseMove.LoadHigh, 8),
            Mnemonic.Vmovlhps => Scalar(&SseMove.LoadHigh, 0),
            Mnemonic.Vmovlpd or Mnemonic.Vmovlps => memory ? PlainWrite(&SseMove.Move8, 8) : Scalar(&SseMove.Move8, 8),
            Mnemonic.Vmovmskpd => wide ? Plain(&VexPermute.Movmskpd256, 0) : Plain(&SseMove.Movmskpd, 0),
            Mnemonic.Vmovmskps => wide ? Plain(&VexPermute.Movmskps256, 0) : Plain(&SseMove.Movmskps, 0),
            Mnemonic.Vmovq => i.Op0Register.IsXMM() ? Scalar(&SseMove.Load8, 8) : PlainWrite(&SseMove.Move8, 8),
            Mnemonic.Vmovsd => memory ? PlainWrite(&SseMove.Move8, 8) : Scalar(&SseMove.Movsd, 8),
            Mnemonic.Vmovshdup => Packed(&SseMove.Movshdup),
            Mnemonic.Vmovsldup => Packed(&SseMove.Movsldup),
            Mnemonic.Vmovss => memory ? PlainWrite(&SseMove.Move4, 4) : Scalar(&SseMove.Movss, 4),
            Mnemonic.Vmpsadbw => Packed(&SseMultiply.Mpsadbw, 3),
            Mnemonic.Vmulpd => PackedFloat(&SseArithmetic.Mulpd),
            Mnemonic.Vmulps => PackedFloat(&SseArithmetic.Mulps),
            Mnemonic.Vmulsd => ScalarFloat(&SseArithmetic.Mulsd, 8),
            Mnemonic.Vmulss => ScalarFloat(&SseArithmetic.Mulss, 4),
            Mnemonic.Vorpd or Mnemonic.Vorps => Packed(&SseInteger.Por),
            _ => default,
        };
    }

    private static VexOperation IntegersToCompare(Mnemonic m) => m switch
    {
        Mnemonic.Vpabsb => Packed(&SseInteger.Pabsb),
        Mnemonic.Vpabsd => Packed(&SseInteger.Pabsd),
        Mnemonic.Vpabsw => Packed(&SseInteger.Pabsw),
        Mnemonic.Vpackssdw => Packed(&SseShuffle.Packssdw),
        Mnemonic.Vpacksswb => Packed(&SseShuffle.Packsswb),
        Mnemonic.Vpackusdw => Packed(&SseShuffle.Packusdw),
        Mnemonic.Vpackuswb => Packed(&SseShuffle.Packuswb),
        Mnemonic.Vpaddb => Packed(&SseInteger.Paddb),
        Mnemonic.Vpaddd => Packed(&SseInteger.Paddd),
        Mnemonic.Vpaddq => Packed(&SseInteger.Paddq),
        Mnemonic.Vpaddsb => Packed(&SseInteger.Paddsb),
        Mnemonic.Vpaddsw => Packed(&SseInteger.Paddsw),
        Mnemonic.Vpaddusb => Packed(&SseInteger.Paddusb),
        Mnemonic.Vpaddusw => Packed(&SseInteger.Paddusw),
        Mnemonic.Vpaddw => Packed(&SseInteger.Paddw),
        Mnemonic.Vpalignr => Packed(&SseShift.Palignr),
        Mnemonic.Vpand => Packed(&SseInteger.Pand),
        Mnemonic.Vpandn => Packed(&SseInteger.Pandn),
        Mnemonic.Vpavgb => Packed(&SseInteger.Pavgb),
        Mnemonic.Vpavgw => Packed(&SseInteger.Pavgw),
        Mnemonic.Vpblendd => Packed(&SseShuffle.Blendps, 4),
        Mnemonic.Vpblendvb => Chosen(&SseShuffle.Pblendvb),
        Mnemonic.Vpblendw => Packed(&SseShuffle.Pblendw),
        Mnemonic.Vpbroadcastb => Whole(&VexPermute.Broadcast1, 1),
        Mnemonic.Vpbroadcastd => Whole(&VexPermute.Broadcast4, 4),
        Mnemonic.Vpbroadcastq => Whole(&VexPermute.Broadcast8, 8),
        Mnemonic.Vpbroadcastw => Whole(&VexPermute.Broadcast2, 2),
        Mnemonic.Vpcmpeqb => Packed(&SseInteger.Pcmpeqb),
        Mnemonic.Vpcmpeqd => Packed(&SseInteger.Pcmpeqd),
        Mnemonic.Vpcmpeqq => Packed(&SseInteger.Pcmpeqq),
        Mnemonic.Vpcmpeqw => Packed(&SseInteger.Pcmpeqw),
        Mnemonic.Vpcmpestri => Plain(&SseString.Pcmpestri, 16),
        Mnemonic.Vpcmpestri64 => Plain(&SseString.Pcmpestri64, 16),
        Mnemonic.Vpcmpestrm => Plain(&SseString.Vpcmpestrm, 16),
        Mnemonic.Vpcmpestrm64 => Plain(&SseString.Vpcmpestrm64, 16),
        Mnemonic.Vpcmpgtb => Packed(&SseInteger.Pcmpgtb),
        Mnemonic.Vpcmpgtd => Packed(&SseInteger.Pcmpgtd),
        Mnemonic.Vpcmpgtq => Packed(&SseInteger.Pcmpgtq),
        Mnemonic.Vpcmpgtw => Packed(&SseInteger.Pcmpgtw),
        Mnemonic.Vpcmpistri => Plain(&SseString.Pcmpistri, 16),
        Mnemonic.Vpcmpistrm => Plain(&SseString.Vpcmpistrm, 16),
        _ => default,
    };

    private static VexOperation IntegersToInsert(in Instruction i) => i.Mnemonic switch
    {
        Mnemonic.Vperm2f128 or Mnemonic.Vperm2i128 => Whole(&VexPermute.Perm2x128, 32),
        Mnemonic.Vpermd or Mnemonic.Vpermps => Whole(&VexPermute.Permd, 32),
        Mnemonic.Vpermilpd => i.Op2Kind == OpKind.Immediate8 ? Packed(&VexPermute.PermilpdImmediate, 2) : Packed(&VexPermute.Permilpd),
        Mnemonic.Vpermilps => i.Op2Kind == OpKind.Immediate8 ? Packed(&SseShuffle.Pshufd) : Packed(&VexPermute.Permilps),
        Mnemonic.Vpermpd or Mnemonic.Vpermq => Whole(&VexPermute.Permq, 32),
        Mnemonic.Vpextrb => PlainWrite(&SseMove.Pextrb, 1),
        Mnemonic.Vpextrd => PlainWrite(&SseMove.Pextrd, 4),
        Mnemonic.Vpextrq => PlainWrite(&SseMove.Pextrq, 8),
        Mnemonic.Vpextrw => PlainWrite(&SseMove.Pextrw, 2),
        Mnemonic.Vphaddd => Packed(&SseMultiply.Phaddd),
        Mnemonic.Vphaddsw => Packed(&SseMultiply.Phaddsw),
        Mnemonic.Vphaddw => Packed(&SseMultiply.Phaddw),
        Mnemonic.Vphminposuw => Scalar(&SseMultiply.Phminposuw, 16),
        Mnemonic.Vphsubd => Packed(&SseMultiply.Phsubd),
        Mnemonic.Vphsubsw => Packed(&SseMultiply.Phsubsw),
        Mnemonic.Vphsubw => Packed(&SseMultiply.Phsubw),
        Mnemonic.Vpinsrb => Scalar(&SseMove.Pinsrb, 1),
        Mnemonic.Vpinsrd => Scalar(&SseMove.Pinsrd, 4),
        Mnemonic.Vpinsrq => Scalar(&SseMove.Pinsrq, 8),
        Mnemonic.Vpinsrw => Scalar(&SseMove.Pinsrw, 2),
        _ => default,
    };

    private static VexOperation IntegersToMultiply(Mnemonic m, bool wide) => m switch
    {
        Mnemonic.Vpmaddubsw => Packed(&SseMultiply.Pmaddubsw),
        Mnemonic.Vpmaddwd => Packed(&SseMultiply.Pmaddwd),
        Mnemonic.Vpmaxsb => Packed(&SseInteger.Pmaxsb),
        Mnemonic.Vpmaxsd => Packed(&SseInteger.Pmaxsd),
        Mnemonic.Vpmaxsw => Packed(&SseInteger.Pmaxsw),
        Mnemonic.Vpmaxub => Packed(&SseInteger.Pmaxub),
        Mnemonic.Vpmaxud => Packed(&SseInteger.Pmaxud),
        Mnemonic.Vpmaxuw => Packed(&SseInteger.Pmaxuw),
        Mnemonic.Vpminsb => Packed(&SseInteger.Pminsb),
        Mnemonic.Vpminsd => Packed(&SseInteger.Pminsd),
        Mnemonic.Vpminsw => Packed(&SseInteger.Pminsw),
        Mnemonic.Vpminub => Packed(&SseInteger.Pminub),
        Mnemonic.Vpminud => Packed(&SseInteger.Pminud),
        Mnemonic.Vpminuw => Packed(&SseInteger.Pminuw),
        Mnemonic.Vpmovmskb => wide ? Plain(&VexPermute.Pmovmskb256, 0) : Plain(&SseMove.Pmovmskb, 0),
        Mnemonic.Vpmovsxbd => Widening(&SseShuffle.Pmovsxbd, 4),
        Mnemonic.Vpmovsxbq => Widening(&SseShuffle.Pmovsxbq, 2),
        Mnemonic.Vpmovsxbw => Widening(&SseShuffle.Pmovsxbw, 8),
        Mnemonic.Vpmovsxdq => Widening(&SseShuffle.Pmovsxdq, 8),
        Mnemonic.Vpmovsxwd => Widening(&SseShuffle.Pmovsxwd, 8),
        Mnemonic.Vpmovsxwq => Widening(&SseShuffle.Pmovsxwq, 4),
        Mnemonic.Vpmovzxbd => Widening(&SseShuffle.Pmovzxbd, 4),
        Mnemonic.Vpmovzxbq => Widening(&SseShuffle.Pmovzxbq, 2),
        Mnemonic.Vpmovzxbw => Widening(&SseShuffle.Pmovzxbw, 8),
        Mnemonic.Vpmovzxdq => Widening(&SseShuffle.Pmovzxdq, 8),
        Mnemonic.Vpmovzxwd => Widening(&SseShuffle.Pmovzxwd, 8),
        Mnemonic.Vpmovzxwq => Widening(&SseShuffle.Pmovzxwq, 4),
        Mnemonic.Vpmuldq => Packed(&SseMultiply.Pmuldq),
        Mnemonic.Vpmulhrsw => Packed(&SseMultiply.Pmulhrsw),
        Mnemonic.Vpmulhuw => Packed(&SseMultiply.Pmulhuw),
        Mnemonic.Vpmulhw => Packed(&SseMultiply.Pmulhw),
        Mnemonic.Vpmulld => Packed(&SseMultiply.Pmulld),
        Mnemonic.Vpmullw => Packed(&SseMultiply.Pmullw),
        Mnemonic.Vpmuludq => Packed(&SseMultiply.Pmuludq),
        _ => default,
    };

    private static VexOperation IntegersToXor(Mnemonic m, bool wide) => m switch
    {
        Mnemonic.Vpor => Packed(&SseInteger.Por),
        Mnemonic.Vpsadbw => Packed(&SseMultiply.Psadbw),
        Mnemonic.Vpshufb => Packed(&SseShuffle.Pshufb),
        Mnemonic.Vpshufd => Packed(&SseShuffle.Pshufd),
        Mnemonic.Vpshufhw => Packed(&SseShuffle.Pshufhw),
        Mnemonic.Vpshuflw => Packed(&SseShuffle.Pshuflw),
        Mnemonic.Vpsignb => Packed(&SseInteger.Psignb),
        Mnemonic.Vpsignd => Packed(&SseInteger.Psignd),
        Mnemonic.Vpsignw => Packed(&SseInteger.Psignw),
        Mnemonic.Vpslldq => InPlace(&SseShift.Pslldq),
        Mnemonic.Vpsllvd => Packed(&VexPermute.Psllvd),
        Mnemonic.Vpsllvq => Packed(&VexPermute.Psllvq),
        Mnemonic.Vpsravd => Packed(&VexPermute.Psravd),
        Mnemonic.Vpsrldq => InPlace(&SseShift.Psrldq),
        Mnemonic.Vpsrlvd => Packed(&VexPermute.Psrlvd),
        Mnemonic.Vpsrlvq => Packed(&VexPermute.Psrlvq),
        Mnemonic.Vpsubb => Packed(&SseInteger.Psubb),
        Mnemonic.Vpsubd => Packed(&SseInteger.Psubd),
        Mnemonic.Vpsubq => Packed(&SseInteger.Psubq),
        Mnemonic.Vpsubsb => Packed(&SseInteger.Psubsb),
        Mnemonic.Vpsubsw => Packed(&SseInteger.Psubsw),
        Mnemonic.Vpsubusb => Packed(&SseInteger.Psubusb),
        Mnemonic.Vpsubusw => Packed(&SseInteger.Psubusw),
        Mnemonic.Vpsubw => Packed(&SseInteger.Psubw),
        Mnemonic.Vptest => wide ? Plain(&VexPermute.Ptest256, 32) : Plain(&SseInteger.Ptest, 16),
        Mnemonic.Vpunpckhbw => Packed(&SseShuffle.Punpckhbw),
        Mnemonic.Vpunpckhdq => Packed(&SseShuffle.Punpckhdq),
        Mnemonic.Vpunpckhqdq => Packed(&SseShuffle.Punpckhqdq),
        Mnemonic.Vpunpckhwd => Packed(&SseShuffle.Punpckhwd),
        Mnemonic.Vpunpcklbw => Packed(&SseShuffle.Punpcklbw),
        Mnemonic.Vpunpckldq => Packed(&SseShuffle.Punpckldq),
        Mnemonic.Vpunpcklqdq => Packed(&SseShuffle.Punpcklqdq),
        Mnemonic.Vpunpcklwd => Packed(&SseShuffle.Punpcklwd),
        Mnemonic.Vpxor => Packed(&SseInteger.Pxor),
        _ => default,
    };

    /// <summary>Shifts of all lanes, by an immediate or by a count in a register or memory.</summary>
    public static VexOperation Shift(Mnemonic m, bool immediate) => m switch
    {
        Mnemonic.Vpslld => immediate ? InPlace(&SseShift.PslldImmediate) : ByCount(&SseShift.Pslld),
        Mnemonic.Vpsllq => immediate ? InPlace(&SseShift.PsllqImmediate) : ByCount(&SseShift.Psllq),
        Mnemonic.Vpsllw => immediate ? InPlace(&SseShift.PsllwImmediate) : ByCount(&SseShift.Psllw),
        Mnemonic.Vpsrad => immediate ? InPlace(&SseShift.PsradImmediate) : ByCount(&SseShift.Psrad),
        Mnemonic.Vpsraw => immediate ? InPlace(&SseShift.PsrawImmediate) : ByCount(&SseShift.Psraw),
        Mnemonic.Vpsrld => immediate ? InPlace(&SseShift.PsrldImmediate) : ByCount(&SseShift.Psrld),
        Mnemonic.Vpsrlq => immediate ? InPlace(&SseShift.PsrlqImmediate) : ByCount(&SseShift.Psrlq),
        Mnemonic.Vpsrlw => immediate ? InPlace(&SseShift.PsrlwImmediate) : ByCount(&SseShift.Psrlw),
        _ => default,
    };

    /// <summary>What AES, PCLMULQDQ and GFNI have with three operands, and VAES and VPCLMULQDQ with YMM registers.</summary>
    public static VexOperation Cryptography(Mnemonic m) => m switch
    {
        Mnemonic.Vaesdec => Packed(&AesRounds.Aesdec),
        Mnemonic.Vaesdeclast => Packed(&AesRounds.Aesdeclast),
        Mnemonic.Vaesenc => Packed(&AesRounds.Aesenc),
        Mnemonic.Vaesenclast => Packed(&AesRounds.Aesenclast),
        Mnemonic.Vaesimc => Scalar(&AesRounds.Aesimc, 16),
        Mnemonic.Vaeskeygenassist => Scalar(&AesRounds.Aeskeygenassist, 16),
        Mnemonic.Vgf2p8affineinvqb => Packed(&GaloisField.Gf2p8affineinvqb),
        Mnemonic.Vgf2p8affineqb => Packed(&GaloisField.Gf2p8affineqb),
        Mnemonic.Vgf2p8mulb => Packed(&GaloisField.Gf2p8mulb),
        Mnemonic.Vpclmulqdq => Packed(&CarrylessMultiply.Pclmulqdq),
        _ => default,
    };

    private static VexOperation ToXor(Mnemonic m, bool wide) => m switch
    {
        Mnemonic.Vrcpps => Packed(&SseRoots.Rcpps),
        Mnemonic.Vrcpss => Scalar(&SseRoots.Rcpss, 4),
        Mnemonic.Vroundpd => PackedFloat(&SseRound.Roundpd),
        Mnemonic.Vroundps => PackedFloat(&SseRound.Roundps),
        Mnemonic.Vroundsd => ScalarFloat(&SseRound.Roundsd, 8),
        Mnemonic.Vroundss => ScalarFloat(&SseRound.Roundss, 4),
        Mnemonic.Vrsqrtps => Packed(&SseRoots.Rsqrtps),
        Mnemonic.Vrsqrtss => Scalar(&SseRoots.Rsqrtss, 4),
        Mnemonic.Vshufpd => Packed(&SseShuffle.Shufpd, 2),
        Mnemonic.Vshufps => Packed(&SseShuffle.Shufps),
        Mnemonic.Vsqrtpd => PackedFloat(&SseRoots.Sqrtpd),
        Mnemonic.Vsqrtps => PackedFloat(&SseRoots.Sqrtps),
        Mnemonic.Vsqrtsd => ScalarFloat(&SseRoots.Sqrtsd, 8),
        Mnemonic.Vsqrtss => ScalarFloat(&SseRoots.Sqrtss, 4),
        Mnemonic.Vstmxcsr => PlainWrite(&ExtendedState.Stmxcsr, 4),
        Mnemonic.Vsubpd => PackedFloat(&SseArithmetic.Subpd),
        Mnemonic.Vsubps => PackedFloat(&SseArithmetic.Subps),
        Mnemonic.Vsubsd => ScalarFloat(&SseArithmetic.Subsd, 8),
        Mnemonic.Vsubss => ScalarFloat(&SseArithmetic.Subss, 4),
        Mnemonic.Vtestpd => wide ? Plain(&VexPermute.Testpd256, 32) : Plain(&VexPermute.Testpd128, 16),
        Mnemonic.Vtestps => wide ? Plain(&VexPermute.Testps256, 32) : Plain(&VexPermute.Testps128, 16),
        Mnemonic.Vucomisd => PlainFloat(&SseCompare.Ucomisd, 8),
        Mnemonic.Vucomiss => PlainFloat(&SseCompare.Ucomiss, 4),
        Mnemonic.Vunpckhpd => Packed(&SseShuffle.Punpckhqdq),
        Mnemonic.Vunpckhps => Packed(&SseShuffle.Punpckhdq),
        Mnemonic.Vunpcklpd => Packed(&SseShuffle.Punpcklqdq),
        Mnemonic.Vunpcklps => Packed(&SseShuffle.Punpckldq),
        Mnemonic.Vxorpd or Mnemonic.Vxorps => Packed(&SseInteger.Pxor),
        _ => default,
    };
}
