using System.Runtime.CompilerServices;
using Iced.Intel;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.Simd.Vex;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Decoding;

/// <summary>Vector instructions with a VEX prefix.</summary>
internal sealed unsafe partial class BlockBuilder
{
    /// <summary>May be one: the mnemonics of AVX lie between these, with a few others among them.</summary>
    [MethodImpl(Inline.Always)]
    private static bool IsVector(Mnemonic m) => m is >= Mnemonic.Vaddpd and <= Mnemonic.Vzeroupper;

    /// <summary>False: not an instruction of AVX that the level has.</summary>
    [MethodImpl(Inline.Hot)]
    private bool EmitVex(in Instruction i, int k)
    {
        if (_level < CpuLevel.V3)
            return false;
        bool wide = IsWide(i);
        if (FastVexTable.Find(i, wide) is var fast && fast != null)
        {
            Op* o = AppendWithMemory(i, k);
            SetVexOperands(o, i);
            o->Fn = fast;
            if (i.Mnemonic is Mnemonic.Vextractf128 or Mnemonic.Vextracti128)
                o->S += (ushort)((o->Aux & 1) * 16);
            return true;
        }

        return EmitVexTable(i, k, wide);
    }

    private bool EmitVexTable(in Instruction i, int k, bool wide)
    {
        Mnemonic m = i.Mnemonic;
        switch (m)
        {
            case Mnemonic.Vzeroupper: Append(i, k)->Fn = &VexHandlers.ZeroUpper; return true;
            case Mnemonic.Vzeroall: Append(i, k)->Fn = &VexHandlers.ZeroAll; return true;
            case >= Mnemonic.Vfmadd132pd and <= Mnemonic.Vfnmsub231ss: return EmitFused(i, k, wide);
            case >= Mnemonic.Vgatherdpd and <= Mnemonic.Vgatherqps or >= Mnemonic.Vpgatherdd and <= Mnemonic.Vpgatherqq: return EmitGather(i, k, wide);
            case Mnemonic.Vmaskmovpd or Mnemonic.Vmaskmovps or Mnemonic.Vpmaskmovd or Mnemonic.Vpmaskmovq: EmitMaskedMove(i, k, wide); return true;
        }

        bool immediate = i.OpCount == 3 && i.Op2Kind == OpKind.Immediate8;
        VexOperation v = m switch
        {
            >= Mnemonic.Vpslld and <= Mnemonic.Vpsrlw => VexTable.Shift(m, immediate),
            >= Mnemonic.Vaesdec and <= Mnemonic.Vaeskeygenassist or >= Mnemonic.Vgf2p8affineinvqb and <= Mnemonic.Vgf2p8mulb or Mnemonic.Vpclmulqdq =>
                _level >= CpuLevel.Max ? VexTable.Cryptography(m) : default,
            _ => default,
        };
        if (v.Shape == VexShape.None)
            v = VexTable.Find(i, wide);
        if (v.Shape == VexShape.None)
            return false;
        if ((v.Traits & VexTraits.MayFault) != 0 && FastVexTable.FindFloat(i, HasMemory(i)) is var fast && fast != null)
        {
            Op* f = AppendWithMemory(i, k);
            SetVexOperands(f, i);
            f->Imm = (ulong)v.Execute;
            f->Fn = fast;
            return true;
        }

        if (v.Shape == VexShape.Plain)
        {
            VectorTraits traits = ((v.Traits & VexTraits.Writes) != 0 ? VectorTraits.Writes : VectorTraits.Reads)
                | ((v.Traits & VexTraits.MayFault) != 0 ? VectorTraits.MayFault : VectorTraits.None);
            EmitVector(i, k, new VectorOperation(v.Execute, traits, v.NarrowSize));
            return true;
        }

        Op* o = AppendWithMemory(i, k);
        bool memory = SetVexOperands(o, i);
        o->Imm = (ulong)v.Execute;
        o->Fn = memory ? &VexHandlers.Reads<LanewiseExecution> : &VexHandlers.Registers<LanewiseExecution>;
        bool whole = v.Shape is VexShape.Whole or VexShape.WholeToXmm;
        Op* how = _ops + _count++;
        *how = default;
        how->Length = wide && !whole ? (byte)2 : (byte)1;
        how->D = v.Stride;
        how->Shift = v.Shift;
        how->S = wide ? v.WideSize : v.NarrowSize;
        VexTraits kept = v.Traits & (VexTraits.Narrows | VexTraits.CountsHalves);
        how->Before = (ushort)(kept | (wide && v.Shape is not (VexShape.Narrowing or VexShape.WholeToXmm) ? VexTraits.Wide : VexTraits.None));
        return true;
    }

    /// <summary>
    /// D is the first operand; of the others the last register or memory is S, one before it V. A register store has its
    /// operands the other way round; an operand in the immediate's place is Aux. True: there is a memory operand.
    /// </summary>
    [MethodImpl(Inline.Hot)]
    private static bool SetVexOperands(Op* o, in Instruction i)
    {
        int sources = 0;
        bool memory = i.Op0Kind == OpKind.Memory;
        o->D = memory ? (ushort)CpuState.ZeroOffset : OffsetOf(i.Op0Register);
        o->V = o->D;
        int count = i.OpCount;
        for (int q = 1; q < count; q++)
        {
            OpKind kind = i.GetOpKind(q);
            if (kind == OpKind.Register)
            {
                ushort offset = OffsetOf(i.GetOpRegister(q));
                switch (sources++)
                {
                    case 0:
                        o->S = o->V = offset;
                        break;
                    case 1:
                        o->S = offset;
                        break;
                    default:
                        // VBLENDVPS and its kin: the number of a half register.
                        o->Aux = (byte)((offset - CpuState.YmmOffset) / (CpuState.YmmStride / 2));
                        break;
                }
            }
            else if (kind == OpKind.Memory)
            {
                memory = true;
                sources++;
            }
            else if (IsImmediate(kind))
            {
                o->Aux = i.Immediate8;
            }
        }

        return memory;
    }

    private static bool HasMemory(in Instruction i) => i.Op1Kind == OpKind.Memory || i.Op2Kind == OpKind.Memory;

    /// <summary>An operand is a YMM register, or as wide: conversions of four doubles in memory have an XMM destination.</summary>
    [MethodImpl(Inline.Always)]
    private static bool IsWide(in Instruction i) =>
        IsYmm(i.Op0Kind, i.Op0Register) || IsYmm(i.Op1Kind, i.Op1Register) || IsYmm(i.Op2Kind, i.Op2Register)
        || (i.Op1Kind == OpKind.Memory && i.MemorySize == MemorySize.Packed256_Float64);

    [MethodImpl(Inline.Always)]
    private static bool IsYmm(OpKind kind, Register register) => kind == OpKind.Register && register is >= Register.YMM0 and <= Register.YMM31;

    /// <summary>FMA: Aux says which of the operands are multiplied and what is negated, o[1] the memory size and lanes.</summary>
    private bool EmitFused(in Instruction i, int k, bool wide)
    {
        if (!FusedForm.TryParse(i.Mnemonic, out byte form))
            return false;
        Op* o = AppendWithMemory(i, k);
        bool memory = SetVexOperands(o, i);
        o->Aux = form;
        o->Fn = memory ? &VexHandlers.Reads<FusedMultiply> : &VexHandlers.Registers<FusedMultiply>;
        Op* how = _ops + _count++;
        *how = default;
        how->Length = wide ? (byte)2 : (byte)1;
        how->S = (form & FusedForm.Scalar) == 0 ? (wide ? (ushort)32 : (ushort)16) : (form & FusedForm.Double) != 0 ? (ushort)8 : (ushort)4;
        return true;
    }

    /// <summary>VGATHERxx: D the destination, V the mask, X the index register; o[1] counts elements and has their sizes.</summary>
    private bool EmitGather(in Instruction i, int k, bool wide)
    {
        Op* o = Append(i, k);
        o->D = OffsetOf(i.Op0Register);
        o->V = OffsetOf(i.Op2Register);
        o->S = OffsetOf(i.MemoryIndex);
        o->Shift = (byte)System.Numerics.BitOperations.Log2((uint)i.MemoryIndexScale);
        o->Imm = i.MemoryDisplacement64;
        bool narrow = IsNarrow(i.MemoryBase) || i.MemoryDisplSize == 4;
        o->B = i.MemoryBase switch
        {
            Register.None => CpuState.ZeroOffset,
            Register.RIP or Register.EIP => CpuState.PageBaseOffset,
            _ => OffsetOf(i.MemoryBase),
        };
        o->X = SegmentBase(i.MemorySegment);
        if (narrow)
            o->Flags |= OpFlags.Address32;
        if (o->X == CpuState.ZeroOffset && i.MemoryBase is Register.RSP or Register.RBP or Register.ESP or Register.EBP)
            o->Flags |= OpFlags.StackSegment;
        int element = i.Mnemonic is Mnemonic.Vgatherdpd or Mnemonic.Vgatherqpd or Mnemonic.Vpgatherdq or Mnemonic.Vpgatherqq ? 8 : 4;
        int index = i.Mnemonic is Mnemonic.Vgatherqpd or Mnemonic.Vgatherqps or Mnemonic.Vpgatherqd or Mnemonic.Vpgatherqq ? 8 : 4;
        bool wideIndex = i.MemoryIndex is >= Register.YMM0 and <= Register.YMM31;
        o->Aux = (byte)(element | (index == 8 ? 16 : 0) | (wide && i.Op0Register is >= Register.YMM0 and <= Register.YMM31 ? 32 : 0));
        o->Length = (byte)i.Length;
        o->Disp = Math.Min((wide && i.Op0Register.IsYMM() ? 32 : 16) / element, (wideIndex ? 32 : 16) / index);
        o->Fn = &GatherHandlers.Gather;
        return true;
    }

    /// <summary>VMASKMOVPx, VPMASKMOVx: V is the mask; D or S the register; Aux an element's size, Imm how many.</summary>
    private void EmitMaskedMove(in Instruction i, int k, bool wide)
    {
        Op* o = AppendWithMemory(i, k);
        bool store = i.Op0Kind == OpKind.Memory;
        int element = i.Mnemonic is Mnemonic.Vmaskmovpd or Mnemonic.Vpmaskmovq ? 8 : 4;
        o->V = OffsetOf(i.Op1Register);
        o->D = o->S = OffsetOf(store ? i.Op2Register : i.Op0Register);
        o->Aux = (byte)element;
        o->Imm = (ulong)((wide ? 32 : 16) / element);
        o->Fn = store ? &GatherHandlers.MaskedStore : &GatherHandlers.MaskedLoad;
    }
}
