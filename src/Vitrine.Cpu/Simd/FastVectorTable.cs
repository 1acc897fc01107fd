using Iced.Intel;
using Vitrine.Cpu.Execution;

namespace Vitrine.Cpu.Simd;

/// <summary>
/// Chooses the handlers of frequent instructions; the others run through <see cref="VectorHandlers"/>. Small methods
/// by family, since each names generic handlers that cost time when it is first compiled.
/// </summary>
internal static unsafe class FastVectorTable
{
    /// <summary>
    /// Gives an operation whose operands are encoded its handler: a function and nothing behind it. False if the
    /// instruction has no handler of its own.
    /// </summary>
    public static bool TrySelect(in Instruction i, Op* o, bool memory)
    {
        OpFunction handler = i.Mnemonic switch
        {
            Mnemonic.Movaps or Mnemonic.Movapd or Mnemonic.Movdqa => Move16(i, memory, aligned: true),
            Mnemonic.Movups or Mnemonic.Movupd or Mnemonic.Movdqu or Mnemonic.Lddqu => Move16(i, memory, aligned: false),
            Mnemonic.Movsd or Mnemonic.Movss or Mnemonic.Movd or Mnemonic.Movq => MoveScalar(i, memory),
            Mnemonic.Movhps or Mnemonic.Movhpd or Mnemonic.Movlps or Mnemonic.Movlpd or Mnemonic.Movlhps or Mnemonic.Movhlps => MoveHalf(i, o, memory),
            Mnemonic.Pxor or Mnemonic.Xorps or Mnemonic.Xorpd => Is128(i) ? Xor(o, memory) : null,
            Mnemonic.Por or Mnemonic.Orps or Mnemonic.Orpd => Is128(i) ? memory ? &FastVectorHandlers.Memory<VectorOr> : &FastVectorHandlers.Registers<VectorOr> : null,
            Mnemonic.Pand or Mnemonic.Andps or Mnemonic.Andpd => Is128(i) ? memory ? &FastVectorHandlers.Memory<VectorAnd> : &FastVectorHandlers.Registers<VectorAnd> : null,
            Mnemonic.Pcmpeqb => Is128(i) ? memory ? &FastVectorHandlers.Memory<VectorEqualBytes> : &FastVectorHandlers.Registers<VectorEqualBytes> : null,
            Mnemonic.Pandn or Mnemonic.Andnps or Mnemonic.Andnpd or Mnemonic.Pcmpeqw or Mnemonic.Pcmpeqd or Mnemonic.Pcmpgtb or Mnemonic.Pcmpgtd
                or Mnemonic.Paddb or Mnemonic.Paddw or Mnemonic.Psubw or Mnemonic.Psubd or Mnemonic.Psubq or Mnemonic.Pmaxub => Is128(i) ? Integer2(i, memory) : null,
            Mnemonic.Pshufb or Mnemonic.Punpcklbw or Mnemonic.Punpckldq or Mnemonic.Unpcklps or Mnemonic.Pmuludq => Is128(i) ? Arrange(i, memory) : null,
            Mnemonic.Pshufd => memory ? null : &FastVectorHandlers.ShuffleInts,
            Mnemonic.Palignr => memory || !Is128(i) ? null : &FastVectorHandlers.Align,
            Mnemonic.Pslld or Mnemonic.Psrld or Mnemonic.Psllq or Mnemonic.Psrlq => Shift(i, o),
            Mnemonic.Pmovmskb => i.Op1Register.IsXMM() ? &FastVectorHandlers.SignMask : null,
            Mnemonic.Pminub or Mnemonic.Psubb or Mnemonic.Paddd or Mnemonic.Paddq or Mnemonic.Punpcklqdq or Mnemonic.Unpcklpd => Is128(i) ? Integer(i, memory) : null,
            Mnemonic.Addsd or Mnemonic.Subsd or Mnemonic.Mulsd or Mnemonic.Divsd => DoubleArithmetic(i, memory),
            Mnemonic.Addss or Mnemonic.Subss or Mnemonic.Mulss or Mnemonic.Divss => SingleArithmetic(i, memory),
            Mnemonic.Sqrtsd or Mnemonic.Comisd or Mnemonic.Ucomisd or Mnemonic.Comiss or Mnemonic.Ucomiss => Compare(i, memory),
            Mnemonic.Cvtsi2sd or Mnemonic.Cvttsd2si or Mnemonic.Cvtss2sd or Mnemonic.Cvtsd2ss => Convert(i, memory),
            _ => null,
        };
        if (handler == null)
            return false;
        o->Fn = handler;
        return true;
    }

    private static bool Is128(in Instruction i) => i.Op0Register.IsXMM();

    private static OpFunction Move16(in Instruction i, bool memory, bool aligned)
    {
        if (!memory)
            return &FastVectorHandlers.Copy;
        if (i.Op0Kind == OpKind.Memory)
            return aligned ? &FastVectorHandlers.StoreAligned : &FastVectorHandlers.Store;
        return aligned ? &FastVectorHandlers.LoadAligned : &FastVectorHandlers.Load;
    }

    private static OpFunction MoveScalar(in Instruction i, bool memory) => i.Code switch
    {
        Code.Movsd_xmm_xmmm64 => memory ? &FastVectorHandlers.LoadScalar<Byte8> : &MoveHandlers.ToRegister<Byte8, FromRegister>,
        Code.Movss_xmm_xmmm32 => memory ? &FastVectorHandlers.LoadScalar<Byte4> : null,
        Code.Movsd_xmmm64_xmm => memory ? &MoveHandlers.ToMemory<Byte8, FromRegister> : &MoveHandlers.ToRegister<Byte8, FromRegister>,
        Code.Movss_xmmm32_xmm => memory ? &MoveHandlers.ToMemory<Byte4, FromRegister> : null,
        Code.Movd_xmm_rm32 => memory ? &FastVectorHandlers.LoadScalar<Byte4> : &FastVectorHandlers.Scalar<Byte4>,
        Code.Movq_xmm_rm64 or Code.Movq_xmm_xmmm64 => memory ? &FastVectorHandlers.LoadScalar<Byte8> : &FastVectorHandlers.Scalar<Byte8>,
        Code.Movd_rm32_xmm => memory ? &MoveHandlers.ToMemory<Byte4, FromRegister> : &MoveHandlers.ToRegister<Byte4, FromRegister>,
        Code.Movq_rm64_xmm => memory ? &MoveHandlers.ToMemory<Byte8, FromRegister> : &MoveHandlers.ToRegister<Byte8, FromRegister>,
        Code.Movq_xmmm64_xmm => memory ? &MoveHandlers.ToMemory<Byte8, FromRegister> : &FastVectorHandlers.Scalar<Byte8>,
        _ => null,
    };

    /// <summary>Half a register is eight bytes at an offset of its own.</summary>
    private static OpFunction MoveHalf(in Instruction i, Op* o, bool memory)
    {
        bool store = i.Op0Kind == OpKind.Memory;
        switch (i.Mnemonic)
        {
            case Mnemonic.Movhps or Mnemonic.Movhpd when store:
            case Mnemonic.Movhlps:
                o->S += 8;
                break;
            case Mnemonic.Movhps or Mnemonic.Movhpd:
            case Mnemonic.Movlhps:
                o->D += 8;
                break;
        }

        if (!memory)
            return &MoveHandlers.ToRegister<Byte8, FromRegister>;
        return store ? &MoveHandlers.ToMemory<Byte8, FromRegister> : &MoveHandlers.Load<Byte8>;
    }

    private static OpFunction Xor(Op* o, bool memory)
    {
        if (memory)
            return &FastVectorHandlers.Memory<VectorXor>;
        return o->D == o->S ? &FastVectorHandlers.Clear : &FastVectorHandlers.Registers<VectorXor>;
    }

    private static OpFunction Integer(in Instruction i, bool memory) => i.Mnemonic switch
    {
        Mnemonic.Pminub => memory ? &FastVectorHandlers.Memory<VectorMinBytes> : &FastVectorHandlers.Registers<VectorMinBytes>,
        Mnemonic.Psubb => memory ? &FastVectorHandlers.Memory<VectorSubtractBytes> : &FastVectorHandlers.Registers<VectorSubtractBytes>,
        Mnemonic.Paddd => memory ? &FastVectorHandlers.Memory<VectorAddInts> : &FastVectorHandlers.Registers<VectorAddInts>,
        Mnemonic.Paddq => memory ? &FastVectorHandlers.Memory<VectorAddLongs> : &FastVectorHandlers.Registers<VectorAddLongs>,
        _ => memory ? &FastVectorHandlers.Memory<VectorInterleaveLowLongs> : &FastVectorHandlers.Registers<VectorInterleaveLowLongs>,
    };

    private static OpFunction Integer2(in Instruction i, bool memory) => i.Mnemonic switch
    {
        Mnemonic.Pandn or Mnemonic.Andnps or Mnemonic.Andnpd => memory ? &FastVectorHandlers.Memory<VectorAndNot> : &FastVectorHandlers.Registers<VectorAndNot>,
        Mnemonic.Pcmpeqw => memory ? &FastVectorHandlers.Memory<VectorEqualWords> : &FastVectorHandlers.Registers<VectorEqualWords>,
        Mnemonic.Pcmpeqd => memory ? &FastVectorHandlers.Memory<VectorEqualInts> : &FastVectorHandlers.Registers<VectorEqualInts>,
        Mnemonic.Pcmpgtb => memory ? &FastVectorHandlers.Memory<VectorGreaterBytes> : &FastVectorHandlers.Registers<VectorGreaterBytes>,
        Mnemonic.Pcmpgtd => memory ? &FastVectorHandlers.Memory<VectorGreaterInts> : &FastVectorHandlers.Registers<VectorGreaterInts>,
        Mnemonic.Paddb => memory ? &FastVectorHandlers.Memory<VectorAddBytes> : &FastVectorHandlers.Registers<VectorAddBytes>,
        Mnemonic.Paddw => memory ? &FastVectorHandlers.Memory<VectorAddWords> : &FastVectorHandlers.Registers<VectorAddWords>,
        Mnemonic.Psubw => memory ? &FastVectorHandlers.Memory<VectorSubtractWords> : &FastVectorHandlers.Registers<VectorSubtractWords>,
        Mnemonic.Psubd => memory ? &FastVectorHandlers.Memory<VectorSubtractInts> : &FastVectorHandlers.Registers<VectorSubtractInts>,
        Mnemonic.Psubq => memory ? &FastVectorHandlers.Memory<VectorSubtractLongs> : &FastVectorHandlers.Registers<VectorSubtractLongs>,
        _ => memory ? &FastVectorHandlers.Memory<VectorMaxBytes> : &FastVectorHandlers.Registers<VectorMaxBytes>,
    };

    private static OpFunction Arrange(in Instruction i, bool memory) => i.Mnemonic switch
    {
        Mnemonic.Pshufb => memory ? &FastVectorHandlers.Memory<VectorShuffleBytes> : &FastVectorHandlers.Registers<VectorShuffleBytes>,
        Mnemonic.Punpcklbw => memory ? &FastVectorHandlers.Memory<VectorInterleaveLowBytes> : &FastVectorHandlers.Registers<VectorInterleaveLowBytes>,
        Mnemonic.Pmuludq => memory ? &FastVectorHandlers.Memory<VectorMultiplyInts> : &FastVectorHandlers.Registers<VectorMultiplyInts>,
        _ => memory ? &FastVectorHandlers.Memory<VectorInterleaveLowInts> : &FastVectorHandlers.Registers<VectorInterleaveLowInts>,
    };

    /// <summary>By an immediate below the lanes' width.</summary>
    private static OpFunction Shift(in Instruction i, Op* o) => i.Code switch
    {
        Code.Pslld_xmm_imm8 when o->Aux < 32 => &FastVectorHandlers.Shift<ShiftLeftInts>,
        Code.Psrld_xmm_imm8 when o->Aux < 32 => &FastVectorHandlers.Shift<ShiftRightInts>,
        Code.Psllq_xmm_imm8 when o->Aux < 64 => &FastVectorHandlers.Shift<ShiftLeftLongs>,
        Code.Psrlq_xmm_imm8 when o->Aux < 64 => &FastVectorHandlers.Shift<ShiftRightLongs>,
        _ => null,
    };

    private static OpFunction DoubleArithmetic(in Instruction i, bool memory) => i.Mnemonic switch
    {
        Mnemonic.Addsd => memory ? &FastFloatHandlers.Double<ScalarAdd, InMemory, LegacyOperands> : &FastFloatHandlers.Double<ScalarAdd, InRegister, LegacyOperands>,
        Mnemonic.Subsd => memory ? &FastFloatHandlers.Double<ScalarSubtract, InMemory, LegacyOperands> : &FastFloatHandlers.Double<ScalarSubtract, InRegister, LegacyOperands>,
        Mnemonic.Mulsd => memory ? &FastFloatHandlers.Double<ScalarMultiply, InMemory, LegacyOperands> : &FastFloatHandlers.Double<ScalarMultiply, InRegister, LegacyOperands>,
        _ => memory ? &FastFloatHandlers.Double<ScalarDivide, InMemory, LegacyOperands> : &FastFloatHandlers.Double<ScalarDivide, InRegister, LegacyOperands>,
    };

    private static OpFunction SingleArithmetic(in Instruction i, bool memory) => i.Mnemonic switch
    {
        Mnemonic.Addss => memory ? &FastFloatHandlers.Single<ScalarAdd, InMemory, LegacyOperands> : &FastFloatHandlers.Single<ScalarAdd, InRegister, LegacyOperands>,
        Mnemonic.Subss => memory ? &FastFloatHandlers.Single<ScalarSubtract, InMemory, LegacyOperands> : &FastFloatHandlers.Single<ScalarSubtract, InRegister, LegacyOperands>,
        Mnemonic.Mulss => memory ? &FastFloatHandlers.Single<ScalarMultiply, InMemory, LegacyOperands> : &FastFloatHandlers.Single<ScalarMultiply, InRegister, LegacyOperands>,
        _ => memory ? &FastFloatHandlers.Single<ScalarDivide, InMemory, LegacyOperands> : &FastFloatHandlers.Single<ScalarDivide, InRegister, LegacyOperands>,
    };

    private static OpFunction Compare(in Instruction i, bool memory) => i.Mnemonic switch
    {
        Mnemonic.Sqrtsd => memory ? &FastFloatHandlers.SquareRootDouble<InMemory, LegacyOperands> : &FastFloatHandlers.SquareRootDouble<InRegister, LegacyOperands>,
        Mnemonic.Comisd or Mnemonic.Ucomisd => memory ? &FastFloatHandlers.CompareDouble<InMemory> : &FastFloatHandlers.CompareDouble<InRegister>,
        _ => memory ? &FastFloatHandlers.CompareSingle<InMemory> : &FastFloatHandlers.CompareSingle<InRegister>,
    };

    private static OpFunction Convert(in Instruction i, bool memory) => i.Code switch
    {
        Code.Cvtsi2sd_xmm_rm32 => memory ? &FastFloatHandlers.DoubleFromInt32<InMemory, LegacyOperands> : &FastFloatHandlers.DoubleFromInt32<InRegister, LegacyOperands>,
        Code.Cvtsi2sd_xmm_rm64 => memory ? &FastFloatHandlers.DoubleFromInt64<InMemory, LegacyOperands> : &FastFloatHandlers.DoubleFromInt64<InRegister, LegacyOperands>,
        Code.Cvttsd2si_r32_xmmm64 => memory ? &FastFloatHandlers.TruncateToInt32<InMemory> : &FastFloatHandlers.TruncateToInt32<InRegister>,
        Code.Cvttsd2si_r64_xmmm64 => memory ? &FastFloatHandlers.TruncateToInt64<InMemory> : &FastFloatHandlers.TruncateToInt64<InRegister>,
        Code.Cvtss2sd_xmm_xmmm32 => memory ? &FastFloatHandlers.Widen<InMemory, LegacyOperands> : &FastFloatHandlers.Widen<InRegister, LegacyOperands>,
        Code.Cvtsd2ss_xmm_xmmm64 => memory ? &FastFloatHandlers.Narrow<InMemory, LegacyOperands> : &FastFloatHandlers.Narrow<InRegister, LegacyOperands>,
        _ => null,
    };
}
