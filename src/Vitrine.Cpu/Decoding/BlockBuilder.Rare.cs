using Iced.Intel;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using Vitrine.Cpu.X87;

namespace Vitrine.Cpu.Decoding;

/// <summary>Integer instructions that compilers seldom emit.</summary>
internal sealed unsafe partial class BlockBuilder
{
    /// <summary>False: not an integer instruction that is known here.</summary>
    private bool EmitRare(in Instruction i, int k)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Xchg: EmitExchange(i, k, SizedKind.Exchange); return true;
            case Mnemonic.Xadd: EmitExchange(i, k, SizedKind.ExchangeAdd); return true;
            case Mnemonic.Cmpxchg: EmitExchange(i, k, SizedKind.CompareExchange); return true;
            case Mnemonic.Cmpxchg8b: AppendWithMemory(i, k)->Fn = &ExchangeHandlers.CompareExchange8Bytes; return true;
            case Mnemonic.Cmpxchg16b: AppendWithMemory(i, k)->Fn = &ExchangeHandlers.CompareExchange16Bytes; return true;
            case Mnemonic.Bt: EmitBitTest<BitKeep>(i, k); return true;
            case Mnemonic.Bts: EmitBitTest<BitSet>(i, k); return true;
            case Mnemonic.Btr: EmitBitTest<BitReset>(i, k); return true;
            case Mnemonic.Btc: EmitBitTest<BitComplement>(i, k); return true;
            case Mnemonic.Bsf: EmitTwoOperand(i, k, SizedKind.Scan, 0); return true;
            case Mnemonic.Bsr: EmitTwoOperand(i, k, SizedKind.Scan, 1); return true;
            case Mnemonic.Popcnt: EmitTwoOperand(i, k, SizedKind.PopCount, 0); return true;
            case Mnemonic.Crc32: EmitTwoOperand(i, k, SizedKind.Crc32, 0); return true;
            case Mnemonic.Shld: EmitDoubleShift(i, k, 0); return true;
            case Mnemonic.Shrd: EmitDoubleShift(i, k, 1); return true;
            case Mnemonic.Bswap:
                {
                    Op* o = Append(i, k);
                    o->D = OffsetOf(i.Op0Register);
                    o->Fn = HandlerSelection.Sized(SizedKind.ByteSwap, SizeOf(i.Op0Register), false);
                    return true;
                }

            case Mnemonic.Movnti:
                {
                    Op* o = AppendWithMemory(i, k);
                    o->S = OffsetOf(i.Op1Register);
                    o->Fn = HandlerSelection.Move(SizeOf(i.Op1Register), OperandForm.MemoryRegister);
                    return true;
                }

            case Mnemonic.Cbw: EmitAux(i, k, 1)->Fn = &SystemHandlers.ExtendAccumulator; return true;
            case Mnemonic.Cwde: EmitAux(i, k, 2)->Fn = &SystemHandlers.ExtendAccumulator; return true;
            case Mnemonic.Cdqe: EmitAux(i, k, 4)->Fn = &SystemHandlers.ExtendAccumulator; return true;
            case Mnemonic.Cwd: EmitAux(i, k, 2)->Fn = &SystemHandlers.SignIntoData; return true;
            case Mnemonic.Cdq: EmitAux(i, k, 4)->Fn = &SystemHandlers.SignIntoData; return true;
            case Mnemonic.Cqo: EmitAux(i, k, 8)->Fn = &SystemHandlers.SignIntoData; return true;
            case Mnemonic.Clc: EmitAux(i, k, 0)->Fn = &SystemHandlers.ChangeFlag; return true;
            case Mnemonic.Stc: EmitAux(i, k, 1)->Fn = &SystemHandlers.ChangeFlag; return true;
            case Mnemonic.Cmc: EmitAux(i, k, 2)->Fn = &SystemHandlers.ChangeFlag; return true;
            case Mnemonic.Cld: EmitAux(i, k, 3)->Fn = &SystemHandlers.ChangeFlag; return true;
            case Mnemonic.Std: EmitAux(i, k, 4)->Fn = &SystemHandlers.ChangeFlag; return true;
            case Mnemonic.Lahf: Append(i, k)->Fn = &SystemHandlers.LoadAh; return true;
            case Mnemonic.Sahf: Append(i, k)->Fn = &SystemHandlers.StoreAh; return true;
            case Mnemonic.Pushf or Mnemonic.Pushfq: EmitStack(i, k, SizedKind.PushFlags, i.Code == Code.Pushfw ? 2 : 8); return true;
            case Mnemonic.Popf or Mnemonic.Popfq: EmitStack(i, k, SizedKind.PopFlags, i.Code == Code.Popfw ? 2 : 8); return true;
            case Mnemonic.Leave: EmitStack(i, k, SizedKind.LeaveFrame, i.Code == Code.Leavew ? 2 : 8); return true;
            case Mnemonic.Enter:
                {
                    Op* o = EmitStack(i, k, SizedKind.Enter, i.Code == Code.Enterw_imm16_imm8 ? 2 : 8);
                    o->Imm = i.Immediate16;
                    o->Aux = i.Immediate8_2nd;
                    return true;
                }

            case Mnemonic.Xlatb:
                {
                    Op* o = Append(i, k);
                    o->S = SegmentBase(i.MemorySegment);
                    if (i.MemoryBase == Register.EBX)
                        o->Flags |= OpFlags.Address32;
                    o->Fn = &SystemHandlers.TableLookup;
                    return true;
                }

            case Mnemonic.Loop or Mnemonic.Loope or Mnemonic.Loopne or Mnemonic.Jrcxz or Mnemonic.Jecxz: EmitLoop(i, k); return true;
            case Mnemonic.Cpuid: Append(i, k)->Fn = &SystemHandlers.CpuIdentification; return true;
            case Mnemonic.Rdtsc: EmitAux(i, k, 0)->Fn = &SystemHandlers.ReadTimeStamp; return true;
            case Mnemonic.Rdtscp: EmitAux(i, k, 1)->Fn = &SystemHandlers.ReadTimeStamp; return true;
            case Mnemonic.Xgetbv: Append(i, k)->Fn = &SystemHandlers.ReadExtendedControl; return true;
            case Mnemonic.Xsave or Mnemonic.Xsave64:
                EmitExtendedState(i, k, &ExtendedStateHandlers.Save, i.Mnemonic == Mnemonic.Xsave64);
                return true;
            case Mnemonic.Xrstor or Mnemonic.Xrstor64:
                EmitExtendedState(i, k, &ExtendedStateHandlers.Restore, i.Mnemonic == Mnemonic.Xrstor64);
                return true;
            case Mnemonic.Mfence: Append(i, k)->Fn = &SystemHandlers.Fence; return true;
            case Mnemonic.Lfence or Mnemonic.Sfence: return true;
            case Mnemonic.Clflush:
                {
                    Op* o = AppendWithMemory(i, k);
                    o->Fn = &SystemHandlers.Touch;
                    return true;
                }

            case Mnemonic.Lar: EmitInspect(i, k, 0); return true;
            case Mnemonic.Lsl: EmitInspect(i, k, 1); return true;
            case Mnemonic.Verr: EmitInspect(i, k, 2); return true;
            case Mnemonic.Verw: EmitInspect(i, k, 3); return true;
            case Mnemonic.Int3: EmitAux(i, k, (byte)ExceptionVector.Breakpoint)->Fn = &SystemHandlers.Trap; return true;
            case Mnemonic.Int1: EmitAux(i, k, (byte)ExceptionVector.Debug)->Fn = &SystemHandlers.Trap; return true;
            case Mnemonic.Int: EmitInterrupt(i, k); return true;
            case Mnemonic.Ud0 or Mnemonic.Ud1 or Mnemonic.Ud2 or Mnemonic.Sysenter: EmitFault(i, k, ExceptionVector.InvalidOpcode); return true;
            case Mnemonic.Retf or Mnemonic.Iret or Mnemonic.Iretd or Mnemonic.Iretq: EmitFarReturn(i, k); return true;
            case Mnemonic.Lss: EmitLoadPointer(i, k, Register.SS); return true;
            case Mnemonic.Lfs: EmitLoadPointer(i, k, Register.FS); return true;
            case Mnemonic.Lgs: EmitLoadPointer(i, k, Register.GS); return true;
            default:
                if (EmitString(i, k))
                    return true;
                if (_level >= CpuLevel.V3 && EmitBits(i, k))
                    return true;
                if (_level >= CpuLevel.Max && EmitMaximum(i, k))
                    return true;
                if (IsPrivileged(i))
                {
                    EmitFault(i, k, ExceptionVector.GeneralProtection);
                    return true;
                }

                return false;
        }
    }

    private Op* EmitAux(in Instruction i, int k, byte aux)
    {
        Op* o = Append(i, k);
        o->Aux = aux;
        return o;
    }

    private void EmitExtendedState(in Instruction i, int k, OpFunction handler, bool wide)
    {
        Op* o = AppendWithMemory(i, k);
        o->Aux = wide ? (byte)1 : (byte)0;
        o->Fn = handler;
    }

    private Op* EmitStack(in Instruction i, int k, SizedKind kind, int size)
    {
        Op* o = Append(i, k);
        o->Flags |= OpFlags.StackSegment;
        o->Fn = HandlerSelection.Sized(kind, size, false);
        return o;
    }

    /// <summary>XCHG XADD CMPXCHG: S is the register operand, D the first one if that is a register too.</summary>
    private void EmitExchange(in Instruction i, int k, SizedKind kind)
    {
        int size = SizeOf(i, 0);
        Op* o = AppendWithMemory(i, k);
        bool memory = false;
        if (i.Op0Kind == OpKind.Memory)
        {
            memory = true;
            o->S = OffsetOf(i.Op1Register);
        }
        else if (i.Op1Kind == OpKind.Memory)
        {
            memory = true;
            o->S = OffsetOf(i.Op0Register);
        }
        else
        {
            o->D = OffsetOf(i.Op0Register);
            o->S = OffsetOf(i.Op1Register);
        }

        o->Fn = HandlerSelection.Sized(kind, size, memory);
    }

    private void EmitBitTest<TChange>(in Instruction i, int k)
        where TChange : struct, IBitChange
    {
        int size = SizeOf(i, 0);
        OperandForm form = OperandForms.Of(i);
        Op* o = AppendWithMemory(i, k);
        SetOperands(o, i, form, size);
        o->Aux = form == OperandForm.MemoryRegister ? (byte)1 : (byte)0;
        o->Fn = HandlerSelection.BitTest<TChange>(size, form);
    }

    private void EmitTwoOperand(in Instruction i, int k, SizedKind kind, byte aux)
    {
        bool memory = i.Op1Kind == OpKind.Memory;
        Op* o = AppendWithMemory(i, k);
        o->D = OffsetOf(i.Op0Register);
        if (!memory)
            o->S = OffsetOf(i.Op1Register);
        o->Aux = aux;
        o->Fn = HandlerSelection.Sized(kind, kind == SizedKind.Crc32 ? SizeOf(i, 1) : SizeOf(i.Op0Register), memory);
    }

    private void EmitDoubleShift(in Instruction i, int k, ulong right)
    {
        bool memory = i.Op0Kind == OpKind.Memory;
        int size = SizeOf(i.Op1Register);
        bool byCl = i.Op2Kind == OpKind.Register;
        Op* o = AppendWithMemory(i, k);
        if (!memory)
            o->D = OffsetOf(i.Op0Register);
        o->S = OffsetOf(i.Op1Register);
        o->Imm = right;
        if (!byCl)
            o->Aux = (byte)(i.Immediate8 & (size == 8 ? 63 : 31));
        o->Fn = HandlerSelection.DoubleShift(size, memory, byCl);
    }

    private void EmitLoop(in Instruction i, int k)
    {
        Op* o = Append(i, k);
        o->Aux = i.Mnemonic switch
        {
            Mnemonic.Loop => 2,
            Mnemonic.Loope => 1,
            Mnemonic.Loopne => 0,
            _ => 3,
        };
        bool narrow = i.Code is Code.Jecxz_rel8_64 or Code.Loop_rel8_64_ECX or Code.Loope_rel8_64_ECX or Code.Loopne_rel8_64_ECX;
        if (narrow)
            o->Flags |= OpFlags.Address32;
        o->Fn = &BranchHandlers.Loop;
        Link(i.NearBranchTarget);
        Link(i.NextIP);
    }

    /// <summary>INT n: user mode may call vectors 3 and 4 only; on Linux 0x80 is the 32-bit system call, which we don't have.</summary>
    private void EmitInterrupt(in Instruction i, int k)
    {
        byte vector = i.Immediate8;
        if (vector is 3 or 4)
            EmitAux(i, k, vector)->Fn = &SystemHandlers.Trap;
        else
            EmitFault(i, k, ExceptionVector.GeneralProtection);
    }

    private void EmitFarReturn(in Instruction i, int k)
    {
        Op* o = Append(i, k);
        o->Flags |= OpFlags.StackSegment;
        o->Imm = i.OpCount == 0 ? 0u : i.Immediate16;
        o->Aux = i.Code switch
        {
            Code.Retfw or Code.Retfw_imm16 or Code.Iretw => 2,
            Code.Retfd or Code.Retfd_imm16 or Code.Iretd => 4,
            _ => 8,
        };
        if (i.Mnemonic == Mnemonic.Retf)
            o->Fn = &FarTransferHandlers.Return;
        else
            o->Fn = &FarTransferHandlers.InterruptReturn;
    }

    /// <summary>JMP and CALL to a far pointer in memory.</summary>
    private void EmitFarTransfer(in Instruction i, int k, bool call)
    {
        Op* o = AppendWithMemory(i, k);
        o->Aux = i.MemorySize switch
        {
            MemorySize.SegPtr16 => 2,
            MemorySize.SegPtr32 => 4,
            _ => 8,
        };
        if (call)
            o->Fn = &FarTransferHandlers.Call;
        else
            o->Fn = &FarTransferHandlers.Jump;
    }

    /// <summary>LSS LFS LGS.</summary>
    private void EmitLoadPointer(in Instruction i, int k, Register segment)
    {
        Op* o = AppendWithMemory(i, k);
        o->D = OffsetOf(i.Op0Register);
        o->S = OffsetOf(segment);
        o->Aux = (byte)SizeOf(i.Op0Register);
        o->Fn = &FarTransferHandlers.LoadPointer;
    }

    private void EmitSegmentMove(in Instruction i, int k)
    {
        bool from = i.Op1Kind == OpKind.Register && i.Op1Register is >= Register.ES and <= Register.GS;
        bool to = i.Op0Kind == OpKind.Register && i.Op0Register is >= Register.ES and <= Register.GS;
        if (!from && !to)
        {
            // Control and debug registers.
            EmitFault(i, k, ExceptionVector.GeneralProtection);
            return;
        }

        if (to && i.Op0Register == Register.CS)
        {
            EmitFault(i, k, ExceptionVector.InvalidOpcode);
            return;
        }

        Op* o = AppendWithMemory(i, k);
        if (from)
        {
            o->S = OffsetOf(i.Op1Register);
            if (i.Op0Kind == OpKind.Memory)
            {
                o->Fn = &SystemHandlers.ReadSegmentToMemory;
            }
            else
            {
                o->D = OffsetOf(i.Op0Register);
                o->Fn = HandlerSelection.Sized(SizedKind.ReadSegment, SizeOf(i.Op0Register), false);
            }
        }
        else
        {
            o->D = OffsetOf(i.Op0Register);
            if (i.Op1Kind == OpKind.Memory)
            {
                o->Fn = &SystemHandlers.WriteSegment<FromMemory>;
            }
            else
            {
                o->S = OffsetOf(i.Op1Register);
                o->Fn = &SystemHandlers.WriteSegment<FromRegister>;
            }
        }
    }

    private void EmitInspect(in Instruction i, int k, byte aux)
    {
        int source = i.OpCount - 1;
        bool memory = i.GetOpKind(source) == OpKind.Memory;
        Op* o = AppendWithMemory(i, k);
        o->Aux = aux;
        if (source == 1)
        {
            o->D = OffsetOf(i.Op0Register);
            o->Imm = (ulong)SizeOf(i.Op0Register);
        }

        if (memory)
        {
            o->Fn = &SystemHandlers.InspectDescriptor<FromMemory>;
        }
        else
        {
            o->S = OffsetOf(i.GetOpRegister(source));
            o->Fn = &SystemHandlers.InspectDescriptor<FromRegister>;
        }
    }

    private bool EmitString(in Instruction i, int k)
    {
        SizedKind kind;
        int size;
        switch (i.Code)
        {
            case Code.Movsb_m8_m8: (kind, size) = (SizedKind.StringMove, 1); break;
            case Code.Movsw_m16_m16: (kind, size) = (SizedKind.StringMove, 2); break;
            case Code.Movsd_m32_m32: (kind, size) = (SizedKind.StringMove, 4); break;
            case Code.Movsq_m64_m64: (kind, size) = (SizedKind.StringMove, 8); break;
            case Code.Stosb_m8_AL: (kind, size) = (SizedKind.StringStore, 1); break;
            case Code.Stosw_m16_AX: (kind, size) = (SizedKind.StringStore, 2); break;
            case Code.Stosd_m32_EAX: (kind, size) = (SizedKind.StringStore, 4); break;
            case Code.Stosq_m64_RAX: (kind, size) = (SizedKind.StringStore, 8); break;
            case Code.Lodsb_AL_m8: (kind, size) = (SizedKind.StringLoad, 1); break;
            case Code.Lodsw_AX_m16: (kind, size) = (SizedKind.StringLoad, 2); break;
            case Code.Lodsd_EAX_m32: (kind, size) = (SizedKind.StringLoad, 4); break;
            case Code.Lodsq_RAX_m64: (kind, size) = (SizedKind.StringLoad, 8); break;
            case Code.Scasb_AL_m8: (kind, size) = (SizedKind.StringScan, 1); break;
            case Code.Scasw_AX_m16: (kind, size) = (SizedKind.StringScan, 2); break;
            case Code.Scasd_EAX_m32: (kind, size) = (SizedKind.StringScan, 4); break;
            case Code.Scasq_RAX_m64: (kind, size) = (SizedKind.StringScan, 8); break;
            case Code.Cmpsb_m8_m8: (kind, size) = (SizedKind.StringCompare, 1); break;
            case Code.Cmpsw_m16_m16: (kind, size) = (SizedKind.StringCompare, 2); break;
            case Code.Cmpsd_m32_m32: (kind, size) = (SizedKind.StringCompare, 4); break;
            case Code.Cmpsq_m64_m64: (kind, size) = (SizedKind.StringCompare, 8); break;
            default: return false;
        }

        Op* o = Append(i, k);
        bool compares = kind is SizedKind.StringScan or SizedKind.StringCompare;
        Repeat repeat = i.HasRepePrefix ? (compares ? Repeat.WhileEqual : Repeat.WhileCount)
            : i.HasRepnePrefix ? (compares ? Repeat.WhileNotEqual : Repeat.WhileCount) : Repeat.Once;
        o->Aux = (byte)repeat;
        o->S = SegmentBase(i.MemorySegment);
        for (int q = 0; q < i.OpCount; q++)
        {
            if (i.GetOpKind(q) is OpKind.MemorySegESI or OpKind.MemoryESEDI)
                o->Flags |= OpFlags.Address32;
        }

        o->Fn = HandlerSelection.Sized(kind, size, false);
        return true;
    }

    /// <summary>What hardware answers with #GP at privilege level 3.</summary>
    private static bool IsPrivileged(in Instruction i) => i.Mnemonic is
        Mnemonic.Hlt or Mnemonic.Cli or Mnemonic.Sti or Mnemonic.In or Mnemonic.Out or Mnemonic.Insb or Mnemonic.Insw or Mnemonic.Insd or
        Mnemonic.Outsb or Mnemonic.Outsw or Mnemonic.Outsd or Mnemonic.Lgdt or Mnemonic.Lidt or Mnemonic.Lldt or Mnemonic.Ltr or
        Mnemonic.Lmsw or Mnemonic.Clts or Mnemonic.Invd or Mnemonic.Wbinvd or Mnemonic.Invlpg or Mnemonic.Rdmsr or Mnemonic.Wrmsr or
        Mnemonic.Rdpmc or Mnemonic.Swapgs or Mnemonic.Sysret or Mnemonic.Sysretq or Mnemonic.Sysexit or Mnemonic.Sysexitq or
        Mnemonic.Xsetbv or Mnemonic.Sgdt or Mnemonic.Sidt or Mnemonic.Sldt or Mnemonic.Str or Mnemonic.Smsw;
}
