using Iced.Intel;
using Vitrine.Cpu.Execution;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>
/// Chooses the handlers of frequent VEX instructions; the others run through <see cref="VexHandlers"/>. Small methods by
/// family, since each names generic handlers that cost time when it is first compiled.
/// </summary>
internal static unsafe class FastVexTable
{
    /// <summary>The handler, or null.</summary>
    public static OpFunction Find(in Instruction i, bool wide) => i.Mnemonic switch
    {
        Mnemonic.Vzeroupper => &VexHandlers.ZeroUpper,
        Mnemonic.Vmovdqu or Mnemonic.Vmovups or Mnemonic.Vmovupd or Mnemonic.Vlddqu => Move<No>(i, wide),
        Mnemonic.Vmovdqa or Mnemonic.Vmovaps or Mnemonic.Vmovapd or Mnemonic.Vmovntdq or Mnemonic.Vmovntdqa or Mnemonic.Vmovntps or Mnemonic.Vmovntpd => Move<Yes>(i, wide),
        Mnemonic.Vmovd or Mnemonic.Vmovq or Mnemonic.Vmovss or Mnemonic.Vmovsd => MoveScalar(i),
        Mnemonic.Vpmovmskb => wide ? &FastVexHandlers.SignMask<Width32> : &FastVexHandlers.SignMask<Width16>,
        Mnemonic.Vpbroadcastb when i.Op1Kind == OpKind.Register => wide ? &FastVexHandlers.BroadcastBytes<Width32> : &FastVexHandlers.BroadcastBytes<Width16>,
        Mnemonic.Vbroadcastf128 or Mnemonic.Vbroadcasti128 => &FastVexHandlers.LoadTwice,
        Mnemonic.Vextractf128 or Mnemonic.Vextracti128 => i.Op0Kind == OpKind.Memory ? &FastVexHandlers.Store<Width16, No> : &FastVexHandlers.Copy<Width16>,
        Mnemonic.Vpxor or Mnemonic.Vxorps or Mnemonic.Vxorpd => i.Op1Register == i.Op2Register && i.Op2Kind == OpKind.Register ? &FastVexHandlers.Clear : Binary<VectorXor>(i, wide),
        Mnemonic.Vpor or Mnemonic.Vorps or Mnemonic.Vorpd => Binary<VectorOr>(i, wide),
        Mnemonic.Vpand or Mnemonic.Vandps or Mnemonic.Vandpd => Binary<VectorAnd>(i, wide),
        Mnemonic.Vpandn or Mnemonic.Vandnps or Mnemonic.Vandnpd => Binary<VectorAndNot>(i, wide),
        Mnemonic.Vpcmpeqb => Binary<VectorEqualBytes>(i, wide),
        Mnemonic.Vpminub => Binary<VectorMinBytes>(i, wide),
        >= Mnemonic.Vpaddb and <= Mnemonic.Vpaddw or >= Mnemonic.Vpsubb and <= Mnemonic.Vpsubw => Sum(i, wide),
        Mnemonic.Vpcmpeqw or Mnemonic.Vpcmpeqd or Mnemonic.Vpcmpgtb or Mnemonic.Vpcmpgtd or Mnemonic.Vpmaxub => Compare(i, wide),
        Mnemonic.Vpshufb or Mnemonic.Vpunpcklbw or Mnemonic.Vpunpckldq or Mnemonic.Vunpcklps or Mnemonic.Vpunpcklqdq or Mnemonic.Vunpcklpd or Mnemonic.Vpmuludq => Arrange(i, wide),
        Mnemonic.Vpslld or Mnemonic.Vpsrld or Mnemonic.Vpsllq or Mnemonic.Vpsrlq => Shift(i, wide),
        _ => null,
    };

    private static OpFunction Move<TAligned>(in Instruction i, bool wide)
        where TAligned : struct, ISwitch
    {
        if (i.Op0Kind == OpKind.Memory)
            return wide ? &FastVexHandlers.Store<Width32, TAligned> : &FastVexHandlers.Store<Width16, TAligned>;
        if (i.Op1Kind == OpKind.Memory)
            return wide ? &FastVexHandlers.Load<Width32, TAligned> : &FastVexHandlers.Load<Width16, TAligned>;
        return wide ? &FastVexHandlers.Copy<Width32> : &FastVexHandlers.Copy<Width16>;
    }

    /// <summary>Not the three-operand moves, which keep a part of the first source.</summary>
    private static OpFunction MoveScalar(in Instruction i)
    {
        bool eight = i.Mnemonic is Mnemonic.Vmovq or Mnemonic.Vmovsd;
        if (i.OpCount == 3)
            return null;
        if (i.Op1Kind == OpKind.Memory)
            return eight ? &FastVexHandlers.LoadScalar<Byte8> : &FastVexHandlers.LoadScalar<Byte4>;
        if (i.Op0Kind == OpKind.Memory)
            return eight ? &MoveHandlers.ToMemory<Byte8, FromRegister> : &MoveHandlers.ToMemory<Byte4, FromRegister>;
        if (i.Op0Register.IsXMM())
            return eight ? &FastVexHandlers.Scalar<Byte8> : &FastVexHandlers.Scalar<Byte4>;
        return eight ? &MoveHandlers.ToRegister<Byte8, FromRegister> : &MoveHandlers.ToRegister<Byte4, FromRegister>;
    }

    private static OpFunction Binary<TOperation>(in Instruction i, bool wide)
        where TOperation : struct, IVectorBinary
    {
        if (i.Op2Kind == OpKind.Memory)
            return wide ? &FastVexHandlers.Memory<TOperation, Width32> : &FastVexHandlers.Memory<TOperation, Width16>;
        return wide ? &FastVexHandlers.Registers<TOperation, Width32> : &FastVexHandlers.Registers<TOperation, Width16>;
    }

    private static OpFunction Sum(in Instruction i, bool wide) => i.Mnemonic switch
    {
        Mnemonic.Vpaddb => Binary<VectorAddBytes>(i, wide),
        Mnemonic.Vpaddw => Binary<VectorAddWords>(i, wide),
        Mnemonic.Vpaddd => Binary<VectorAddInts>(i, wide),
        Mnemonic.Vpaddq => Binary<VectorAddLongs>(i, wide),
        Mnemonic.Vpsubb => Binary<VectorSubtractBytes>(i, wide),
        Mnemonic.Vpsubw => Binary<VectorSubtractWords>(i, wide),
        Mnemonic.Vpsubd => Binary<VectorSubtractInts>(i, wide),
        Mnemonic.Vpsubq => Binary<VectorSubtractLongs>(i, wide),
        _ => null,
    };

    private static OpFunction Compare(in Instruction i, bool wide) => i.Mnemonic switch
    {
        Mnemonic.Vpcmpeqw => Binary<VectorEqualWords>(i, wide),
        Mnemonic.Vpcmpeqd => Binary<VectorEqualInts>(i, wide),
        Mnemonic.Vpcmpgtb => Binary<VectorGreaterBytes>(i, wide),
        Mnemonic.Vpcmpgtd => Binary<VectorGreaterInts>(i, wide),
        _ => Binary<VectorMaxBytes>(i, wide),
    };

    private static OpFunction Arrange(in Instruction i, bool wide) => i.Mnemonic switch
    {
        Mnemonic.Vpshufb => Binary<VectorShuffleBytes>(i, wide),
        Mnemonic.Vpunpcklbw => Binary<VectorInterleaveLowBytes>(i, wide),
        Mnemonic.Vpunpckldq or Mnemonic.Vunpcklps => Binary<VectorInterleaveLowInts>(i, wide),
        Mnemonic.Vpmuludq => Binary<VectorMultiplyInts>(i, wide),
        _ => Binary<VectorInterleaveLowLongs>(i, wide),
    };

    /// <summary>By an immediate below the lanes' width.</summary>
    private static OpFunction Shift(in Instruction i, bool wide)
    {
        if (i.Op2Kind != OpKind.Immediate8 || i.Immediate8 >= (i.Mnemonic is Mnemonic.Vpsllq or Mnemonic.Vpsrlq ? 64 : 32))
            return null;
        return i.Mnemonic switch
        {
            Mnemonic.Vpslld => wide ? &FastVexHandlers.Shift<ShiftLeftInts, Width32> : &FastVexHandlers.Shift<ShiftLeftInts, Width16>,
            Mnemonic.Vpsrld => wide ? &FastVexHandlers.Shift<ShiftRightInts, Width32> : &FastVexHandlers.Shift<ShiftRightInts, Width16>,
            Mnemonic.Vpsllq => wide ? &FastVexHandlers.Shift<ShiftLeftLongs, Width32> : &FastVexHandlers.Shift<ShiftLeftLongs, Width16>,
            _ => wide ? &FastVexHandlers.Shift<ShiftRightLongs, Width32> : &FastVexHandlers.Shift<ShiftRightLongs, Width16>,
        };
    }

    /// <summary>
    /// Scalar arithmetic and conversions, once their functions are known: the ordinary case in line, as in the legacy
    /// handlers.
    /// </summary>
    public static OpFunction FindFloat(in Instruction i, bool memory) => i.Mnemonic switch
    {
        Mnemonic.Vaddsd or Mnemonic.Vsubsd or Mnemonic.Vmulsd or Mnemonic.Vdivsd => Doubles(i, memory),
        Mnemonic.Vaddss or Mnemonic.Vsubss or Mnemonic.Vmulss or Mnemonic.Vdivss => Singles(i, memory),
        Mnemonic.Vsqrtsd or Mnemonic.Vcvtsi2sd or Mnemonic.Vcvtss2sd or Mnemonic.Vcvtsd2ss => Convert(i, memory),
        Mnemonic.Vcomisd or Mnemonic.Vucomisd or Mnemonic.Vcomiss or Mnemonic.Vucomiss or Mnemonic.Vcvttsd2si => FloatToOther(i, memory),
        _ => null,
    };

    private static OpFunction Doubles(in Instruction i, bool memory) => i.Mnemonic switch
    {
        Mnemonic.Vaddsd => memory ? &FastFloatHandlers.Double<ScalarAdd, InMemory, VexOperands> : &FastFloatHandlers.Double<ScalarAdd, InRegister, VexOperands>,
        Mnemonic.Vsubsd => memory ? &FastFloatHandlers.Double<ScalarSubtract, InMemory, VexOperands> : &FastFloatHandlers.Double<ScalarSubtract, InRegister, VexOperands>,
        Mnemonic.Vmulsd => memory ? &FastFloatHandlers.Double<ScalarMultiply, InMemory, VexOperands> : &FastFloatHandlers.Double<ScalarMultiply, InRegister, VexOperands>,
        _ => memory ? &FastFloatHandlers.Double<ScalarDivide, InMemory, VexOperands> : &FastFloatHandlers.Double<ScalarDivide, InRegister, VexOperands>,
    };

    private static OpFunction Singles(in Instruction i, bool memory) => i.Mnemonic switch
    {
        Mnemonic.Vaddss => memory ? &FastFloatHandlers.Single<ScalarAdd, InMemory, VexOperands> : &FastFloatHandlers.Single<ScalarAdd, InRegister, VexOperands>,
        Mnemonic.Vsubss => memory ? &FastFloatHandlers.Single<ScalarSubtract, InMemory, VexOperands> : &FastFloatHandlers.Single<ScalarSubtract, InRegister, VexOperands>,
        Mnemonic.Vmulss => memory ? &FastFloatHandlers.Single<ScalarMultiply, InMemory, VexOperands> : &FastFloatHandlers.Single<ScalarMultiply, InRegister, VexOperands>,
        _ => memory ? &FastFloatHandlers.Single<ScalarDivide, InMemory, VexOperands> : &FastFloatHandlers.Single<ScalarDivide, InRegister, VexOperands>,
    };

    private static OpFunction Convert(in Instruction i, bool memory)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Vsqrtsd:
                return memory ? &FastFloatHandlers.SquareRootDouble<InMemory, VexOperands> : &FastFloatHandlers.SquareRootDouble<InRegister, VexOperands>;
            case Mnemonic.Vcvtss2sd:
                return memory ? &FastFloatHandlers.Widen<InMemory, VexOperands> : &FastFloatHandlers.Widen<InRegister, VexOperands>;
            case Mnemonic.Vcvtsd2ss:
                return memory ? &FastFloatHandlers.Narrow<InMemory, VexOperands> : &FastFloatHandlers.Narrow<InRegister, VexOperands>;
        }

        bool from64 = memory ? i.MemorySize == MemorySize.Int64 : i.Op2Register.IsGPR64();
        return from64
            ? memory ? &FastFloatHandlers.DoubleFromInt64<InMemory, VexOperands> : &FastFloatHandlers.DoubleFromInt64<InRegister, VexOperands>
            : memory ? &FastFloatHandlers.DoubleFromInt32<InMemory, VexOperands> : &FastFloatHandlers.DoubleFromInt32<InRegister, VexOperands>;
    }

    private static OpFunction FloatToOther(in Instruction i, bool memory)
    {
        if (i.Mnemonic == Mnemonic.Vcvttsd2si)
        {
            return i.Op0Register.IsGPR64()
                ? memory ? &FastFloatHandlers.TruncateToInt64<InMemory> : &FastFloatHandlers.TruncateToInt64<InRegister>
                : memory ? &FastFloatHandlers.TruncateToInt32<InMemory> : &FastFloatHandlers.TruncateToInt32<InRegister>;
        }

        return i.Mnemonic is Mnemonic.Vcomisd or Mnemonic.Vucomisd
            ? memory ? &FastFloatHandlers.CompareDouble<InMemory> : &FastFloatHandlers.CompareDouble<InRegister>
            : memory ? &FastFloatHandlers.CompareSingle<InMemory> : &FastFloatHandlers.CompareSingle<InRegister>;
    }
}
