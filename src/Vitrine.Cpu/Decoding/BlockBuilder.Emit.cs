using System.Runtime.CompilerServices;
using Iced.Intel;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.Simd;
using Vitrine.Cpu.State;
using Vitrine.Cpu.X87;

namespace Vitrine.Cpu.Decoding;

/// <summary>From instructions to operations.</summary>
internal sealed unsafe partial class BlockBuilder
{
    /// <summary>Appends the operations of instruction <paramref name="k"/>; gives how many instructions they cover.</summary>
    [MethodImpl(Inline.Hot)]
    private int Emit(int k)
    {
        ref Instruction i = ref _instructions[k];
        switch (i.Mnemonic)
        {
            case Mnemonic.Mov: EmitMove(i, k); break;
            case Mnemonic.Lea: EmitLea(i, k); break;
            case Mnemonic.Cmp or Mnemonic.Test: return EmitCompare(k);
            case Mnemonic.Add: EmitArithmetic<Add>(i, k); break;
            case Mnemonic.Or: EmitArithmetic<Or>(i, k); break;
            case Mnemonic.Adc: EmitArithmetic<AddCarry>(i, k); break;
            case Mnemonic.Sbb: EmitArithmetic<SubtractBorrow>(i, k); break;
            case Mnemonic.And: EmitArithmetic<And>(i, k); break;
            case Mnemonic.Sub: EmitArithmetic<Subtract>(i, k); break;
            case Mnemonic.Xor: EmitArithmetic<ExclusiveOr>(i, k); break;
            case Mnemonic.Inc: EmitUnary<Increment>(i, k); break;
            case Mnemonic.Dec: EmitUnary<Decrement>(i, k); break;
            case Mnemonic.Neg: EmitUnary<Negate>(i, k); break;
            case Mnemonic.Not: EmitUnary<Complement>(i, k); break;
            case Mnemonic.Movzx: EmitExtend(i, k, false); break;
            case Mnemonic.Movsx or Mnemonic.Movsxd: EmitExtend(i, k, true); break;
            case Mnemonic.Push: EmitPush(i, k); break;
            case Mnemonic.Pop: EmitPop(i, k); break;
            case Mnemonic.Call: EmitCall(i, k); break;
            case Mnemonic.Jmp: EmitJump(i, k); break;
            case Mnemonic.Ret:
                {
                    Op* o = Append(i, k);
                    o->Flags |= OpFlags.StackSegment;
                    o->Imm = i.OpCount == 0 ? 0UL : i.Immediate16;
                    o->Fn = &BranchHandlers.Return;
                    break;
                }

            case Mnemonic.Shl or Mnemonic.Sal: EmitShift<ShiftLeft>(i, k, SizedKind.ShiftLeftQuiet); break;
            case Mnemonic.Shr: EmitShift<ShiftRight>(i, k, SizedKind.ShiftRightQuiet); break;
            case Mnemonic.Sar: EmitShift<ShiftArithmeticRight>(i, k, null); break;
            case Mnemonic.Rol: EmitShift<RotateLeft>(i, k, null); break;
            case Mnemonic.Ror: EmitShift<RotateRight>(i, k, null); break;
            case Mnemonic.Rcl: EmitShift<RotateCarryLeft>(i, k, null); break;
            case Mnemonic.Rcr: EmitShift<RotateCarryRight>(i, k, null); break;
            case Mnemonic.Imul: EmitSignedMultiply(i, k); break;
            case Mnemonic.Mul: EmitSized(i, k, SizedKind.UnsignedMultiply); break;
            case Mnemonic.Div: EmitSized(i, k, SizedKind.UnsignedDivide); break;
            case Mnemonic.Idiv: EmitSized(i, k, SizedKind.SignedDivide); break;
            case Mnemonic.Syscall:
                Append(i, k)->Fn = &SystemHandlers.Syscall;
                break;
            case Mnemonic.Nop or Mnemonic.Endbr64 or Mnemonic.Pause or Mnemonic.Reservednop or Mnemonic.Endbr32:
            case Mnemonic.Prefetchnta or Mnemonic.Prefetcht0 or Mnemonic.Prefetcht1 or Mnemonic.Prefetcht2 or Mnemonic.Prefetchw or Mnemonic.Prefetch:
            case Mnemonic.Prefetchwt1 or Mnemonic.Prefetchit0 or Mnemonic.Prefetchit1 or Mnemonic.Cldemote:
            case Mnemonic.Rdsspd or Mnemonic.Rdsspq or Mnemonic.Bndcl or Mnemonic.Bndcn or Mnemonic.Bndcu or Mnemonic.Bndldx or Mnemonic.Bndmk or Mnemonic.Bndmov or Mnemonic.Bndstx:
                // The last two lines are NOPs where CET and MPX are not announced.
                // No operation at all, but a block is never empty: the end adds one.
                break;
            default:
                if (IsVector(i.Mnemonic) && EmitVex(i, k))
                    break;

                // LOOPE and LOOPNE have a condition too, but count besides.
                bool negated = false;
                int pair = i.IsLoopcc ? -1 : ConditionPair(i.ConditionCode, out negated);
                if (pair >= 0)
                    EmitConditional(i, k, pair, negated);
                else if (!EmitRare(i, k))
                    EmitVector(i, k);
                break;
        }

        return 1;
    }

    /// <summary>Which of the eight condition pairs, or -1.</summary>
    private static int ConditionPair(ConditionCode code, out bool negated)
    {
        (int pair, negated) = code switch
        {
            ConditionCode.o => (0, false),
            ConditionCode.no => (0, true),
            ConditionCode.b => (1, false),
            ConditionCode.ae => (1, true),
            ConditionCode.e => (2, false),
            ConditionCode.ne => (2, true),
            ConditionCode.be => (3, false),
            ConditionCode.a => (3, true),
            ConditionCode.s => (4, false),
            ConditionCode.ns => (4, true),
            ConditionCode.p => (5, false),
            ConditionCode.np => (5, true),
            ConditionCode.l => (6, false),
            ConditionCode.ge => (6, true),
            ConditionCode.le => (7, false),
            ConditionCode.g => (7, true),
            _ => (-1, false),
        };
        return pair;
    }

    private static void SetOperands(Op* o, in Instruction i, OperandForm form, int size)
    {
        switch (form)
        {
            case OperandForm.RegisterRegister:
                o->D = OffsetOf(i.Op0Register);
                o->S = OffsetOf(i.Op1Register);
                break;
            case OperandForm.RegisterImmediate:
                o->D = OffsetOf(i.Op0Register);
                o->Imm = Truncate(i.GetImmediate(1), size);
                break;
            case OperandForm.RegisterMemory:
                o->D = OffsetOf(i.Op0Register);
                break;
            case OperandForm.MemoryRegister:
                o->S = OffsetOf(i.Op1Register);
                break;
            case OperandForm.MemoryImmediate:
                o->Imm = Truncate(i.GetImmediate(1), size);
                break;
        }
    }

    [MethodImpl(Inline.Hot)]
    private void EmitMove(in Instruction i, int k)
    {
        if ((i.Op0Kind == OpKind.Register && i.Op0Register is >= Register.ES and <= Register.DR15) ||
            (i.Op1Kind == OpKind.Register && i.Op1Register is >= Register.ES and <= Register.DR15))
        {
            EmitSegmentMove(i, k);
            return;
        }

        int size = SizeOf(i, 0);
        OperandForm form = OperandForms.Of(i);
        Op* o = AppendWithMemory(i, k);
        SetOperands(o, i, form, size);
        o->Fn = HandlerSelection.Move(size, form);
    }

    private void EmitLea(in Instruction i, int k)
    {
        int size = SizeOf(i.Op0Register);
        Op* o = AppendWithMemory(i, k);
        o->D = OffsetOf(i.Op0Register);

        // LEA ignores segments.
        if (i.MemorySegment is Register.FS or Register.GS && o->B != CpuState.TempAddressOffset)
        {
            if (i.MemoryBase == Register.None)
                o->B = CpuState.ZeroOffset;
            else
                (o->X, o->Shift) = (i.MemoryIndex == Register.None ? (ushort)CpuState.ZeroOffset : OffsetOf(i.MemoryIndex), 0);
        }

        o->Fn = HandlerSelection.Sized(o->X == CpuState.ZeroOffset ? SizedKind.LeaBase : SizedKind.Lea, size, false);
    }

    private void EmitArithmetic<TOp>(in Instruction i, int k)
        where TOp : struct, IArithmetic
    {
        int size = SizeOf(i, 0);
        OperandForm form = OperandForms.Of(i);
        Op* o = AppendWithMemory(i, k);
        SetOperands(o, i, form, size);
        o->Fn = HandlerSelection.Arithmetic<TOp>(size, form, FlagsAreDead(k), i.HasLockPrefix);
    }

    private void EmitUnary<TOp>(in Instruction i, int k)
        where TOp : struct, IUnary
    {
        bool memory = i.Op0Kind == OpKind.Memory;
        Op* o = AppendWithMemory(i, k);
        if (!memory)
            o->D = OffsetOf(i.Op0Register);
        o->Fn = HandlerSelection.Unary<TOp>(SizeOf(i, 0), memory, i.HasLockPrefix);
    }

    /// <summary>CMP and TEST, with a conditional branch behind them if that pair is fused.</summary>
    [MethodImpl(Inline.Hot)]
    private int EmitCompare(int k)
    {
        ref Instruction i = ref _instructions[k];
        bool test = i.Mnemonic == Mnemonic.Test;
        int size = SizeOf(i, 0);
        OperandForm form = OperandForms.Of(i);
        Op* o = AppendWithMemory(i, k);
        SetOperands(o, i, form, size);
        if (k + 1 < _instructionCount && _instructions[k + 1].IsJccShortOrNear)
        {
            ref Instruction j = ref _instructions[k + 1];
            int pair = ConditionPair(j.ConditionCode, out bool negated);
            OpFunction fused = test ? HandlerSelection.TestBranch(pair, size, form) : HandlerSelection.CompareBranch(pair, size, form);
            if (fused != null)
            {
                o->Fn = fused;
                Link(negated ? j.NextIP : j.NearBranchTarget);
                Link(negated ? j.NearBranchTarget : j.NextIP);
                return 2;
            }
        }

        o->Fn = test
            ? HandlerSelection.Arithmetic<Test>(size, form, FlagsAreDead(k), false)
            : HandlerSelection.Arithmetic<Compare>(size, form, FlagsAreDead(k), false);
        return 1;
    }

    private void EmitExtend(in Instruction i, int k, bool signed)
    {
        bool memory = i.Op1Kind == OpKind.Memory;
        int to = SizeOf(i.Op0Register);
        int from = SizeOf(i, 1);
        Op* o = AppendWithMemory(i, k);
        o->D = OffsetOf(i.Op0Register);
        if (!memory)
            o->S = OffsetOf(i.Op1Register);

        // MOVSXD without REX.W is a plain move.
        o->Fn = to <= from
            ? HandlerSelection.Move(to, memory ? OperandForm.RegisterMemory : OperandForm.RegisterRegister)
            : HandlerSelection.Extend(to, from, memory, signed);
    }

    private void EmitPush(in Instruction i, int k)
    {
        if (i.Op0Kind == OpKind.Register && i.Op0Register is >= Register.ES and <= Register.GS)
        {
            Op* s = Append(i, k);
            s->Flags |= OpFlags.StackSegment;
            s->S = OffsetOf(i.Op0Register);
            s->Fn = HandlerSelection.Sized(SizedKind.PushSegment, i.Code is Code.Pushw_FS or Code.Pushw_GS ? 2 : 8, false);
            return;
        }

        Op* o = AppendWithMemory(i, k);
        if (IsImmediate(i.Op0Kind))
        {
            int size = i.Op0Kind is OpKind.Immediate16 or OpKind.Immediate8to16 ? 2 : 8;
            o->Flags |= OpFlags.StackSegment;
            o->Imm = Truncate(i.GetImmediate(0), size);
            o->Fn = HandlerSelection.Sized(SizedKind.PushImmediate, size, false);
            return;
        }

        bool memory = i.Op0Kind == OpKind.Memory;
        if (!memory)
        {
            o->Flags |= OpFlags.StackSegment;
            o->S = OffsetOf(i.Op0Register);
        }

        o->Fn = HandlerSelection.Sized(SizedKind.Push, SizeOf(i, 0), memory);
    }

    private void EmitPop(in Instruction i, int k)
    {
        if (i.Op0Kind == OpKind.Register && i.Op0Register is >= Register.ES and <= Register.GS)
        {
            Op* s = Append(i, k);
            s->Flags |= OpFlags.StackSegment;
            s->D = OffsetOf(i.Op0Register);
            s->Fn = HandlerSelection.Sized(SizedKind.PopSegment, i.Code is Code.Popw_FS or Code.Popw_GS ? 2 : 8, false);
            return;
        }

        bool memory = i.Op0Kind == OpKind.Memory;
        int size = SizeOf(i, 0);
        Op* o = AppendWithMemory(i, k);
        if (!memory)
        {
            o->Flags |= OpFlags.StackSegment;
            o->D = OffsetOf(i.Op0Register);
        }
        else if (o->B == CpuState.TempAddressOffset && i.MemoryBase is Register.RSP or Register.ESP)
        {
            // Computed before the pop, but counts from the RSP behind it.
            o->Disp += size;
        }

        o->Fn = HandlerSelection.Sized(SizedKind.Pop, size, memory);
    }

    private static bool IsDirect(in Instruction i) => i.Op0Kind is OpKind.NearBranch64 or OpKind.NearBranch32 or OpKind.NearBranch16;

    private void EmitCall(in Instruction i, int k)
    {
        if (IsDirect(i))
        {
            Op* o = Append(i, k);
            o->Flags |= OpFlags.StackSegment;
            o->Fn = i.NearBranchTarget < 4096 || _step || !IsNear(i.NearBranchTarget) ? &BranchHandlers.Call : &BranchHandlers.CallFar;
            Link(i.NearBranchTarget);
            return;
        }

        EmitIndirect(i, k, true);
    }

    private void EmitJump(in Instruction i, int k)
    {
        if (IsDirect(i))
        {
            Op* o = Append(i, k);
            o->Before++;
            o->Fn = &BranchHandlers.Jump;
            Link(i.NearBranchTarget);
            return;
        }

        EmitIndirect(i, k, false);
    }

    private void EmitIndirect(in Instruction i, int k, bool call)
    {
        bool memory = i.Op0Kind == OpKind.Memory;
        bool near = memory
            ? i.Code is Code.Call_rm64 or Code.Jmp_rm64
            : i.Op0Kind == OpKind.Register && SizeOf(i.Op0Register) == 8;
        if (!near)
        {
            if (memory)
                EmitFarTransfer(i, k, call);
            else
                EmitFault(i, k, ExceptionVector.InvalidOpcode);
            return;
        }

        Op* o = AppendWithMemory(i, k);
        if (memory)
        {
            o->Fn = call ? &BranchHandlers.CallIndirect<FromMemory> : &BranchHandlers.JumpIndirect<FromMemory>;
        }
        else
        {
            o->S = OffsetOf(i.Op0Register);
            o->Fn = call ? &BranchHandlers.CallIndirect<FromRegister> : &BranchHandlers.JumpIndirect<FromRegister>;
        }
    }

    private void EmitShift<TOp>(in Instruction i, int k, SizedKind? quiet)
        where TOp : struct, IShift
    {
        bool memory = i.Op0Kind == OpKind.Memory;
        int size = SizeOf(i, 0);
        bool byCl = i.Op1Kind == OpKind.Register;
        Op* o = AppendWithMemory(i, k);
        if (!memory)
            o->D = OffsetOf(i.Op0Register);
        if (!byCl)
        {
            o->Aux = (byte)(i.Immediate8 & (size == 8 ? 63 : 31));
            if (o->Aux == 0)
            {
                // Nothing changes but, for 32 bits, the upper half of the register; memory is still touched.
                o->Imm = 0;
                if (memory)
                {
                    o->Fn = HandlerSelection.Arithmetic<WriteBack>(size, OperandForm.MemoryImmediate, false, false);
                }
                else
                {
                    o->S = o->D;
                    o->Fn = HandlerSelection.Move(size, OperandForm.RegisterRegister);
                }

                return;
            }

            if (quiet is { } kind && !memory && FlagsAreDead(k))
            {
                o->Fn = HandlerSelection.Sized(kind, size, false);
                return;
            }
        }

        o->Fn = HandlerSelection.Shift<TOp>(size, memory, byCl);
    }

    private void EmitSignedMultiply(in Instruction i, int k)
    {
        if (i.OpCount == 1)
        {
            EmitSized(i, k, SizedKind.SignedMultiply);
            return;
        }

        int size = SizeOf(i.Op0Register);
        bool memory = i.Op1Kind == OpKind.Memory;
        Op* o = AppendWithMemory(i, k);
        o->D = OffsetOf(i.Op0Register);
        if (!memory)
            o->S = OffsetOf(i.Op1Register);
        if (i.OpCount == 3)
            o->Imm = Truncate(i.GetImmediate(2), size);
        o->Fn = HandlerSelection.Sized(i.OpCount == 3 ? SizedKind.Multiply3 : SizedKind.Multiply2, size, memory);
    }

    /// <summary>One operand, the source.</summary>
    private void EmitSized(in Instruction i, int k, SizedKind kind)
    {
        bool memory = i.Op0Kind == OpKind.Memory;
        Op* o = AppendWithMemory(i, k);
        if (!memory)
            o->S = OffsetOf(i.Op0Register);
        o->Fn = HandlerSelection.Sized(kind, SizeOf(i, 0), memory);
    }

    /// <summary>Jcc, SETcc, CMOVcc.</summary>
    private void EmitConditional(in Instruction i, int k, int pair, bool negated)
    {
        if (i.IsJccShortOrNear)
        {
            Op* o = Append(i, k);
            o->Fn = HandlerSelection.Branch(pair);
            Link(negated ? i.NextIP : i.NearBranchTarget);
            Link(negated ? i.NearBranchTarget : i.NextIP);
        }
        else if (i.OpCount == 1)
        {
            bool memory = i.Op0Kind == OpKind.Memory;
            Op* o = AppendWithMemory(i, k);
            if (!memory)
                o->D = OffsetOf(i.Op0Register);
            o->Aux = negated ? (byte)1 : (byte)0;
            o->Fn = HandlerSelection.Set(pair, memory);
        }
        else
        {
            if (SizeOf(i.Op0Register) == 0)
            {
                // FCMOVcc and the like.
                EmitVector(i, k);
                return;
            }

            bool memory = i.Op1Kind == OpKind.Memory;
            Op* o = AppendWithMemory(i, k);
            o->D = OffsetOf(i.Op0Register);
            if (!memory)
                o->S = OffsetOf(i.Op1Register);
            o->Aux = negated ? (byte)1 : (byte)0;
            o->Fn = HandlerSelection.ConditionalMove(pair, SizeOf(i.Op0Register), memory);
        }
    }

    private void EmitFault(in Instruction i, int k, ExceptionVector vector)
    {
        Op* o = Append(i, k);
        o->Aux = (byte)vector;
        o->Fn = &SystemHandlers.Fault;
    }

    private void EmitVector(in Instruction i, int k)
    {
        VectorOperation v = VectorTable.Find(i.Code);
        if (!v.IsKnown)
            v = X87Table.Find(i.Code);
        if (!v.IsKnown && _level >= CpuLevel.Max)
            v = CryptographyTable.Find(i.Code);
        if (v.IsKnown)
            EmitVector(i, k, v);
        else
            Append(i, k)->Fn = &SystemHandlers.Unknown;
    }

    /// <summary>D and S are the operands; see <see cref="VectorHandlers"/>.</summary>
    private void EmitVector(in Instruction i, int k, in VectorOperation v)
    {
        Op* o = i.Op0Kind is OpKind.MemorySegRDI or OpKind.MemorySegEDI ? AppendWithImplicitData(i, k) : AppendWithMemory(i, k);
        int memory = 0;
        bool destinationSet = false;
        bool sourceSet = false;
        o->D = CpuState.ZeroOffset;
        o->S = CpuState.ZeroOffset;
        for (int q = 0; q < i.OpCount; q++)
        {
            OpKind kind = i.GetOpKind(q);
            if (kind == OpKind.Memory || kind is >= OpKind.MemorySegSI and <= OpKind.MemoryESRDI)
            {
                memory = (v.Traits & VectorTraits.Writes) != 0 ? 2 : 1;
                if (memory == 2)
                    destinationSet = true;
                else
                    sourceSet = true;
            }
            else if (kind == OpKind.Register)
            {
                Register r = i.GetOpRegister(q);
                if (r is >= Register.ST0 and <= Register.ST7)
                {
                    if (r != Register.ST0)
                        o->Aux = (byte)(r - Register.ST0);
                    else if (i.OpCount == 1)
                        o->Aux = 0;
                }
                else if (!destinationSet)
                {
                    o->D = OffsetOf(r);
                    destinationSet = true;
                }
                else if (!sourceSet)
                {
                    o->S = OffsetOf(r);
                    sourceSet = true;
                }
                else
                {
                    o->Aux = (byte)(r >= Register.MM0 && r <= Register.MM7 ? r - Register.MM0 : r - Register.XMM0);
                }
            }
            else if (IsImmediate(kind))
            {
                o->Aux = (byte)i.GetImmediate(q);
            }
        }

        o->Imm = (ulong)v.Execute;
        if (FastVectorTable.TrySelect(i, o, memory != 0))
            return;
        const VectorTraits Plain = VectorTraits.Reads | VectorTraits.Writes | VectorTraits.Aligned;
        bool plain = (v.Traits & ~Plain) == 0 && ((v.Traits & VectorTraits.Aligned) == 0 || v.MemorySize >= 16);
        bool mayFaultOnly = !plain && (v.Traits & ~(Plain | VectorTraits.MayFault)) == 0 && memory != 2;
        o->Fn = mayFaultOnly ? memory == 0 ? &VectorHandlers.CheckedRegisters : &VectorHandlers.CheckedReads
            : !plain ? &VectorHandlers.General
            : memory == 0 ? &VectorHandlers.Registers
            : memory == 1 ? &VectorHandlers.Reads : &VectorHandlers.Writes;
        Op* extra = _ops + _count++;
        *extra = default;
        extra->Before = (ushort)v.Traits;
        extra->S = v.MemorySize;
        extra->Aux = (byte)memory;
    }

    /// <summary>MASKMOVQ and MASKMOVDQU store at [rDI] of a segment.</summary>
    private Op* AppendWithImplicitData(in Instruction i, int k)
    {
        bool narrow = i.Op0Kind == OpKind.MemorySegEDI;
        Op* o;
        if (narrow)
        {
            Op* prepare = Append(i, k);
            prepare->Fn = &MoveHandlers.PrepareAddress;
            prepare->B = OffsetOf(Register.RDI);
            prepare->Flags |= OpFlags.Address32;
            o = Append(i, k);
            o->B = CpuState.TempAddressOffset;
            o->X = SegmentBase(i.MemorySegment);
        }
        else
        {
            o = Append(i, k);
            o->B = OffsetOf(Register.RDI);
            o->X = SegmentBase(i.MemorySegment);
        }

        return o;
    }
}
