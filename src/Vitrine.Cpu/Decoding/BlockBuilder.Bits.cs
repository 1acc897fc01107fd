using Iced.Intel;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using Vitrine.Cpu.X87;

namespace Vitrine.Cpu.Decoding;

/// <summary>Integer instructions of the levels above x86-64-v2.</summary>
internal sealed unsafe partial class BlockBuilder
{
    /// <summary>Those of x86-64-v3.</summary>
    private bool EmitBits(in Instruction i, int k)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Tzcnt: EmitBitField<TrailingZeros>(i, k, 1, 0); return true;
            case Mnemonic.Lzcnt: EmitBitField<LeadingZeros>(i, k, 1, 0); return true;
            case Mnemonic.Andn: EmitBitField<AndNot>(i, k, 2, 1); return true;
            case Mnemonic.Blsr: EmitBitField<ResetLowestBit>(i, k, 1, 0); return true;
            case Mnemonic.Blsmsk: EmitBitField<MaskToLowestBit>(i, k, 1, 0); return true;
            case Mnemonic.Blsi: EmitBitField<LowestBit>(i, k, 1, 0); return true;
            case Mnemonic.Bextr when i.Op2Kind == OpKind.Register: EmitBitField<ExtractField>(i, k, 1, 2); return true;
            case Mnemonic.Bzhi: EmitBitField<ZeroHighBits>(i, k, 1, 2); return true;
            case Mnemonic.Shlx: EmitBitField<ShiftLeftPlain>(i, k, 1, 2); return true;
            case Mnemonic.Shrx: EmitBitField<ShiftRightPlain>(i, k, 1, 2); return true;
            case Mnemonic.Sarx: EmitBitField<ShiftArithmeticPlain>(i, k, 1, 2); return true;
            case Mnemonic.Pdep: EmitBitField<DepositBits>(i, k, 2, 1); return true;
            case Mnemonic.Pext: EmitBitField<GatherBits>(i, k, 2, 1); return true;
            case Mnemonic.Rorx: EmitRotatePlain(i, k); return true;
            case Mnemonic.Mulx: EmitMultiplyPlain(i, k); return true;
            case Mnemonic.Movbe: EmitSwappedMove(i, k); return true;
            default: return false;
        }
    }

    /// <summary>Those that only the highest level has.</summary>
    private bool EmitMaximum(in Instruction i, int k)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Adcx: EmitBitField<AddWithCarryAlone>(i, k, 1, 0); return true;
            case Mnemonic.Adox: EmitBitField<AddWithOverflowAlone>(i, k, 1, 0); return true;
            case Mnemonic.Rdrand or Mnemonic.Rdseed:
                {
                    Op* o = Append(i, k);
                    o->D = OffsetOf(i.Op0Register);
                    o->Fn = SizeOf(i.Op0Register) switch
                    {
                        2 => &BitFieldHandlers.ReadRandom<Byte2>,
                        4 => &BitFieldHandlers.ReadRandom<Byte4>,
                        _ => &BitFieldHandlers.ReadRandom<Byte8>,
                    };
                    return true;
                }

            case Mnemonic.Xsaveopt or Mnemonic.Xsaveopt64:
                EmitExtendedState(i, k, &ExtendedStateHandlers.SaveUsed, i.Mnemonic == Mnemonic.Xsaveopt64);
                return true;
            case Mnemonic.Xsavec or Mnemonic.Xsavec64:
                EmitExtendedState(i, k, &ExtendedStateHandlers.SaveCompact, i.Mnemonic == Mnemonic.Xsavec64);
                return true;
            case Mnemonic.Clflushopt or Mnemonic.Clwb: AppendWithMemory(i, k)->Fn = &SystemHandlers.Touch; return true;
            case Mnemonic.Rdpid:
                EmitCopy(i, k, OffsetOf(i.Op0Register), CpuState.IndexOffset, 4);
                return true;
            case Mnemonic.Rdfsbase:
                EmitCopy(i, k, OffsetOf(i.Op0Register), CpuState.FsBaseOffset, SizeOf(i.Op0Register));
                return true;
            case Mnemonic.Rdgsbase:
                EmitCopy(i, k, OffsetOf(i.Op0Register), CpuState.GsBaseOffset, SizeOf(i.Op0Register));
                return true;
            case Mnemonic.Wrfsbase:
                EmitWriteSegmentBase(i, k, CpuState.FsBaseOffset);
                return true;
            case Mnemonic.Wrgsbase:
                EmitWriteSegmentBase(i, k, CpuState.GsBaseOffset);
                return true;
            default:
                return false;
        }
    }

    private void EmitCopy(in Instruction i, int k, ushort to, ushort from, int size)
    {
        Op* o = Append(i, k);
        o->D = to;
        o->S = from;
        o->Fn = HandlerSelection.Move(size, OperandForm.RegisterRegister);
    }

    private void EmitWriteSegmentBase(in Instruction i, int k, ushort place)
    {
        EmitCopy(i, k, place, OffsetOf(i.Op0Register), 4);
        if (SizeOf(i.Op0Register) == 8)
            _ops[_count - 1].Fn = &BitFieldHandlers.WriteSegmentBase;
    }

    /// <summary>D is operand 0; which of the others may be memory, and which the register beside it, differs.</summary>
    private void EmitBitField<TOp>(in Instruction i, int k, int operand, int register)
        where TOp : struct, IBitFieldOperation
    {
        bool memory = i.GetOpKind(operand) == OpKind.Memory;
        Op* o = AppendWithMemory(i, k);
        o->D = OffsetOf(i.Op0Register);
        o->V = OffsetOf(i.GetOpRegister(register));
        if (!memory)
            o->S = OffsetOf(i.GetOpRegister(operand));
        o->Fn = SizeOf(i.Op0Register) switch
        {
            2 => memory ? &BitFieldHandlers.Combine<TOp, Byte2, FromMemory> : &BitFieldHandlers.Combine<TOp, Byte2, FromRegister>,
            4 => memory ? &BitFieldHandlers.Combine<TOp, Byte4, FromMemory> : &BitFieldHandlers.Combine<TOp, Byte4, FromRegister>,
            _ => memory ? &BitFieldHandlers.Combine<TOp, Byte8, FromMemory> : &BitFieldHandlers.Combine<TOp, Byte8, FromRegister>,
        };
    }

    private void EmitRotatePlain(in Instruction i, int k)
    {
        bool memory = i.Op1Kind == OpKind.Memory;
        int size = SizeOf(i.Op0Register);
        Op* o = AppendWithMemory(i, k);
        o->D = OffsetOf(i.Op0Register);
        if (!memory)
            o->S = OffsetOf(i.Op1Register);
        o->Aux = (byte)(i.Immediate8 & (size * 8 - 1));
        o->Fn = size == 8
            ? memory ? &BitFieldHandlers.Rotate<Byte8, FromMemory> : &BitFieldHandlers.Rotate<Byte8, FromRegister>
            : memory ? &BitFieldHandlers.Rotate<Byte4, FromMemory> : &BitFieldHandlers.Rotate<Byte4, FromRegister>;
    }

    private void EmitMultiplyPlain(in Instruction i, int k)
    {
        bool memory = i.Op2Kind == OpKind.Memory;
        Op* o = AppendWithMemory(i, k);
        o->D = OffsetOf(i.Op0Register);
        o->V = OffsetOf(i.Op1Register);
        if (!memory)
            o->S = OffsetOf(i.Op2Register);
        o->Fn = SizeOf(i.Op0Register) == 8
            ? memory ? &BitFieldHandlers.MultiplyPlain<Byte8, FromMemory> : &BitFieldHandlers.MultiplyPlain<Byte8, FromRegister>
            : memory ? &BitFieldHandlers.MultiplyPlain<Byte4, FromMemory> : &BitFieldHandlers.MultiplyPlain<Byte4, FromRegister>;
    }

    private void EmitSwappedMove(in Instruction i, int k)
    {
        bool store = i.Op0Kind == OpKind.Memory;
        Register register = store ? i.Op1Register : i.Op0Register;
        Op* o = AppendWithMemory(i, k);
        o->D = o->S = OffsetOf(register);
        o->Fn = SizeOf(register) switch
        {
            2 => store ? &BitFieldHandlers.StoreSwapped<Byte2> : &BitFieldHandlers.LoadSwapped<Byte2>,
            4 => store ? &BitFieldHandlers.StoreSwapped<Byte4> : &BitFieldHandlers.LoadSwapped<Byte4>,
            _ => store ? &BitFieldHandlers.StoreSwapped<Byte8> : &BitFieldHandlers.LoadSwapped<Byte8>,
        };
    }
}
