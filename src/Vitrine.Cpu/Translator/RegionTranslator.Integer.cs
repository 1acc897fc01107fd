using Iced.Intel;
using Vitrine.Cpu.State;
using static Vitrine.Cpu.Translator.FlagRecord;

namespace Vitrine.Cpu.Translator;

/// <summary>Moves and arithmetic.</summary>
internal sealed unsafe partial class RegionTranslator
{
    private const int T0 = HostRegister.T0;
    private const int T1 = HostRegister.T1;

    private static bool IsMemory(in Instruction i, int operand) => i.GetOpKind(operand) == OpKind.Memory;

    private static bool IsRegister(in Instruction i, int operand) => i.GetOpKind(operand) == OpKind.Register;

    private void EmitMove(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        int size = InstructionRules.SizeOf(i, 0);
        if (InstructionRules.UsesHighByte(i))
        {
            if (InstructionRules.HasMemory(i))
                EmitMoveHighByte(ref r);
            else
                EmitVerbatim(ref r);
            return;
        }

        if (IsRegister(i, 0) && !IsRegister(i, 1) && !IsMemory(i, 1))
        {
            EmitMoveImmediate(InstructionRules.Number(i.Op0Register), size, i.GetImmediate(1));
            return;
        }

        EncodedInstruction e = Parse(r);
        bool load = IsRegister(i, 0) && (IsMemory(i, 1) || (e.Opcode & 2) != 0);
        if (e.IsMemory)
            EmitOperand(ref r, size, r.WritesMemory);
        if (e.IsMemory && !IsRegister(i, 1) && !load)
            e.Write(_w, e.Reg, Operand(ref e));
        else
            EmitPlain(ref e, true, load, !load, size < 4);
    }

    private void EmitMoveImmediate(int guest, int size, ulong value)
    {
        int to = HostRegister.Of(guest);
        if (size < 4)
        {
            int reg = Read(guest, T0);
            _w.Registers(size == 1 ? 0xc6 : 0xc7, size, 0, reg);
            if (size == 1)
                _w.Byte((int)value);
            else
                _w.Int16((int)value);
            if (to < 0)
                _w.StoreState(guest * 8, reg);
            return;
        }

        if (size == 4)
            value = (uint)value;
        if (to < 0 && (long)value == (int)(long)value)
        {
            _w.StoreState64(guest * 8, (int)(long)value);
            return;
        }

        int target = to < 0 ? T0 : to;
        _w.Changes(target);
        if (value == (uint)value)
        {
            if (target >= 8)
                _w.Byte(0x41);
            _w.Byte(0xb8 | (target & 7));
            _w.Int32((int)value);
        }
        else if ((long)value == (int)(long)value)
        {
            _w.Registers(0xc7, 8, 0, target);
            _w.Int32((int)(long)value);
        }
        else
        {
            _w.Byte(0x48 | (target >> 3));
            _w.Byte(0xb8 | (target & 7));
            _w.Int64(value);
        }

        if (to < 0)
            StoreGuest(guest, T0);
    }

    /// <summary>MOV between memory and AH to BH, which can't be named beside its registers: by way of the state, whose address needs no REX prefix.</summary>
    private void EmitMoveHighByte(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        EmitOperand(ref r, 1, r.WritesMemory);
        if (r.WritesMemory)
        {
            _w.State(0x88, 4, InstructionRules.LegacyByte(i.Op1Register), CpuState.ScratchOffset);
            _w.State(0x0fb6, 4, T1, CpuState.ScratchOffset);
            StoreOperand(1, T1);
        }
        else
        {
            LoadOperand(1, T1);
            _w.State(0x88, 1, T1, CpuState.ScratchOffset);
            _w.State(0x8a, 4, InstructionRules.LegacyByte(i.Op0Register), CpuState.ScratchOffset);
        }
    }

    private void EmitMoveExtended(ref RegionInstruction r)
    {
        if (InstructionRules.UsesHighByte(r.Code))
        {
            EmitVerbatim(ref r);
            return;
        }

        EncodedInstruction e = Parse(r);
        if (e.IsMemory)
            EmitOperand(ref r, InstructionRules.SizeOf(r.Code, 1), false);
        EmitPlain(ref e, true, true, false, InstructionRules.SizeOf(r.Code, 0) < 4);
    }

    private void EmitLoadAddress(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        int guest = InstructionRules.Number(i.Op0Register);
        int to = HostRegister.Of(guest);
        EmitOffset(i, to < 0 ? T0 : to, i.Op0Register.GetSize());
        if (to < 0)
            StoreGuest(guest, T0);
    }

    private static int OperationOf(Mnemonic m) => m switch
    {
        Mnemonic.Add => 0,
        Mnemonic.Or => 1,
        Mnemonic.Adc => 2,
        Mnemonic.Sbb => 3,
        Mnemonic.And => 4,
        Mnemonic.Sub => 5,
        Mnemonic.Xor => 6,
        Mnemonic.Cmp => 7,
        _ => 8,
    };

    private static FlagKind KindOfOperation(int operation) => operation switch
    {
        0 => FlagKind.Add,
        2 => FlagKind.AddCarry,
        3 => FlagKind.SubtractBorrow,
        5 or 7 => FlagKind.Subtract,
        _ => FlagKind.Logic,
    };

    /// <summary>ADD OR ADC SBB AND SUB XOR CMP TEST.</summary>
    private void EmitArithmetic(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        int operation = OperationOf(i.Mnemonic);
        int size = InstructionRules.SizeOf(i, 0);
        bool memory = IsMemory(i, 0) || IsMemory(i, 1);
        if (InstructionRules.UsesHighByte(i))
        {
            if (r.Reads != 0)
                NeedFlags(r.Reads, r);
            if (r.NeedsRecord)
                EmitHighByte(ref r, operation);
            else
                EmitVerbatim(ref r);
            _host = r.HostValid;
            return;
        }

        if (memory)
        {
            EmitOperand(ref r, size, r.WritesMemory);
            if (i.HasLockPrefix)
                EmitAlignment(ref r, size);
        }

        if (r.Reads != 0)
            NeedFlags(r.Reads, r);
        if (!r.NeedsRecord)
            EmitPlainArithmetic(ref r, memory);
        else if (i.HasLockPrefix)
            EmitLockedSum(ref i, operation, size);
        else if (IsMemory(i, 0))
            EmitToMemory(ref i, operation, size);
        else
            EmitToRegister(ref i, operation, size);
        _host = r.HostValid;
        if (r.NeedsRecord && i.HasLockPrefix && operation == 5)
            _host = 0;
    }

    /// <summary>Arithmetic with AH to BH, both operands in registers or one a constant; the flags' record is written.</summary>
    private void EmitHighByte(ref RegionInstruction r, int operation)
    {
        ref Instruction i = ref r.Code;
        FlagKind kind = KindOfOperation(operation);
        int destination = InstructionRules.LegacyByte(i.Op0Register);
        bool after = kind == FlagKind.Logic && operation != 8;
        if (!after)
            _w.State(0x88, 4, destination, CpuState.FlagAOffset);

        // The result of TEST is made on record; the others take both operands there.
        int field = operation == 8 ? CpuState.FlagAOffset : CpuState.FlagBOffset;
        if (!after && IsRegister(i, 1))
        {
            _w.State(operation == 8 ? 0x20 : 0x88, 4, InstructionRules.LegacyByte(i.Op1Register), field);
        }
        else if (!after)
        {
            _w.State(operation == 8 ? 0x80 : 0xc6, 4, operation == 8 ? 4 : 0, field);
            _w.Byte(i.Immediate8);
        }

        EmitVerbatim(ref r);
        if (after)
            _w.State(0x88, 4, destination, CpuState.FlagAOffset);
        SetFlags(Word(kind, 1));
    }

    private void EmitPlainArithmetic(ref RegionInstruction r, bool memory)
    {
        ref Instruction i = ref r.Code;
        if (!memory && !IsRegister(i, 1))
        {
            // Some of these forms have no ModRM byte.
            int guest = InstructionRules.Number(i.Op0Register);
            int d = Read(guest, T0);
            EmitWithImmediate(OperationOf(i.Mnemonic), InstructionRules.SizeOf(i, 0), d, i);
            if (d == T0 && i.Mnemonic is not (Mnemonic.Cmp or Mnemonic.Test))
                StoreGuest(guest, d);
            return;
        }

        EncodedInstruction e = Parse(r);
        bool immediate = !IsRegister(i, 1) && !IsMemory(i, 1);
        bool writes = i.Mnemonic is not (Mnemonic.Cmp or Mnemonic.Test);
        bool toReg = !immediate && i.Mnemonic != Mnemonic.Test && (e.Opcode & 2) != 0;
        EmitPlain(ref e, !immediate, writes && toReg, writes && !toReg);
    }

    /// <summary>An operation of the 80h group, or TEST (8), between a host register and the instruction's immediate.</summary>
    private void EmitWithImmediate(int operation, int size, int register, in Instruction i)
    {
        int value = (int)(long)i.GetImmediate(1);
        if (operation < 8)
        {
            _w.Immediate(operation, size, register, size == 1 ? (sbyte)value : size == 2 ? (short)value : value);
            return;
        }

        _w.Registers(size == 1 ? 0xf6 : 0xf7, size, 0, register);
        if (size == 1)
            _w.Byte(value);
        else if (size == 2)
            _w.Int16(value);
        else
            _w.Int32(value);
    }

    /// <summary>The opcode of "register, register or memory".</summary>
    private static int OpcodeFrom(int operation, int size) => (operation << 3) | (size == 1 ? 2 : 3);

    /// <summary>With a register as the destination; the flags' record is written.</summary>
    private void EmitToRegister(ref Instruction i, int operation, int size)
    {
        int guest = InstructionRules.Number(i.Op0Register);
        bool logic = KindOfOperation(operation) == FlagKind.Logic;
        bool writes = operation < 7;
        bool immediate = !IsRegister(i, 1) && !IsMemory(i, 1);
        int source = -1;
        if (IsMemory(i, 1))
        {
            LoadOperand(size, T1);
            source = T1;
        }
        else if (!immediate)
        {
            source = Read(InstructionRules.Number(i.Op1Register), T1);
        }

        int d = Read(guest, T0);
        if (operation == 8)
        {
            // TEST: the result is made in a temporary.
            if (!immediate && source == d)
            {
                _w.Registers(size == 1 ? 0x84 : 0x85, size, d, d);
                RecordLogic(guest, d, size);
                return;
            }

            if (d != T0)
                _w.Move(T0, d);
            if (immediate)
                EmitWithImmediate(4, size, T0, i);
            else
                _w.Registers(OpcodeFrom(4, size), size, T0, source);
            _w.StoreState(CpuState.FlagAOffset, T0);
            SetFlags(Word(FlagKind.Logic, size));
            return;
        }

        // What stays in a register needn't be stored.
        bool keepsA = d != T0 && operation is 0 or 5 or 7 && (operation == 7 || immediate || source != d);
        FlagOperand b = immediate ? FlagOperand.Immediate : source == T1 ? FlagOperand.Stored : (FlagOperand)InstructionRules.Number(i.Op1Register);
        if (!logic)
        {
            if (!keepsA)
                _w.StoreState(CpuState.FlagAOffset, d);
            if (!keepsA || b == FlagOperand.Stored)
            {
                if (immediate)
                    _w.StoreState64(CpuState.FlagBOffset, (int)(long)i.GetImmediate(1));
                else
                    _w.StoreState(CpuState.FlagBOffset, source);
                b = FlagOperand.Stored;
            }
        }

        if (immediate)
            EmitWithImmediate(operation, size, d, i);
        else
            _w.Registers(OpcodeFrom(operation, size), size, d, source);
        if (logic)
        {
            RecordLogic(guest, d, size);
        }
        else
        {
            if (operation is 2 or 3)
                _w.StoreState(CpuState.FlagROffset, d);
            FlagKind kind = !keepsA || operation == 7 ? KindOfOperation(operation) : operation == 0 ? FlagKind.AddResult : FlagKind.SubtractResult;
            SetFlags(Word(kind, size), keepsA ? (FlagOperand)guest : FlagOperand.Stored, b, immediate ? (int)(long)i.GetImmediate(1) : 0);
        }

        if (d == T0 && writes)
            _w.StoreState(guest * 8, d);
    }

    /// <summary>The result of a logical operation on record: a guest register, whose value is in a host register.</summary>
    private void RecordLogic(int guest, int host, int size)
    {
        FlagOperand a = OperandOf(guest);
        if (a == FlagOperand.Stored)
            _w.StoreState(CpuState.FlagAOffset, host);
        SetFlags(Word(FlagKind.Logic, size), a, FlagOperand.Stored);
    }

    /// <summary>With the memory operand as the destination; the flags' record is written.</summary>
    private void EmitToMemory(ref Instruction i, int operation, int size)
    {
        bool logic = KindOfOperation(operation) == FlagKind.Logic;
        bool immediate = !IsRegister(i, 1);
        int guest = immediate ? 0 : InstructionRules.Number(i.Op1Register);
        int source = immediate ? -1 : HostRegister.Of(guest);
        if (!logic)
        {
            if (immediate)
            {
                _w.StoreState64(CpuState.FlagBOffset, (int)(long)i.GetImmediate(1));
            }
            else if (source >= 0)
            {
                _w.StoreState(CpuState.FlagBOffset, source);
            }
            else
            {
                _w.LoadState(T1, guest * 8);
                _w.StoreState(CpuState.FlagBOffset, T1);
            }
        }

        LoadOperand(size, T1);
        if (!logic)
            _w.StoreState(CpuState.FlagAOffset, T1);
        int apply = operation == 8 ? 4 : operation;
        if (immediate)
            EmitWithImmediate(apply, size, T1, i);
        else if (source >= 0)
            _w.Registers(OpcodeFrom(apply, size), size, T1, source);
        else
            _w.State(OpcodeFrom(apply, size), size, T1, guest * 8);
        if (operation < 7)
            StoreOperand(size, T1);
        if (logic)
            _w.StoreState(CpuState.FlagAOffset, T1);
        else if (operation is 2 or 3)
            _w.StoreState(CpuState.FlagROffset, T1);
        SetFlags(Word(KindOfOperation(operation), size));
    }

    /// <summary>LOCK ADD and LOCK SUB of memory with the flags' record: by LOCK XADD, which tells the old value.</summary>
    private void EmitLockedSum(ref Instruction i, int operation, int size)
    {
        if (IsRegister(i, 1))
        {
            int source = Read(InstructionRules.Number(i.Op1Register), T1);
            if (source != T1)
                _w.Move(T1, source);
        }
        else
        {
            _w.Registers(0xc7, 8, 0, T1);
            _w.Int32((int)(long)i.GetImmediate(1));
        }

        _w.StoreState(CpuState.FlagBOffset, T1);
        if (operation == 5)
            _w.Registers(0xf7, 8, 3, T1);                                     // neg
        _w.Byte(0xf0);
        AtOperand(size == 1 ? 0x0fc0 : 0x0fc1, size, T1);
        _w.StoreState(CpuState.FlagAOffset, T1);
        SetFlags(Word(KindOfOperation(operation), size));
    }

    private void EmitIncrement(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        int size = InstructionRules.SizeOf(i, 0);
        bool up = i.Mnemonic == Mnemonic.Inc;
        bool memory = IsMemory(i, 0);
        if (InstructionRules.UsesHighByte(i))
        {
            EmitVerbatim(ref r);
            _host |= AllButCarry;
            return;
        }

        if (r.NeedsRecord)
            PrepareOverlay(FlagOverlay.Increment, r);
        if (memory)
            EmitOperandToChange(ref r, size);

        if (!r.NeedsRecord)
        {
            EncodedInstruction e = Parse(r);
            EmitEncoded(ref e, false, true, false, true);
            _host |= AllButCarry;
            return;
        }

        int opcode = size == 1 ? 0xfe : 0xff;
        if (memory && i.HasLockPrefix)
        {
            _w.Registers(0xc7, 8, 0, T1);
            _w.Int32(up ? 1 : -1);
            _w.Byte(0xf0);
            AtOperand(size == 1 ? 0x0fc0 : 0x0fc1, size, T1);
            _w.Lea(8, T1, T1, -1, 0, up ? 1 : -1);
            _w.StoreState(CpuState.FlagOverlayOffset, T1);
            _host = 0;
        }
        else if (memory)
        {
            LoadOperand(size, T1);
            _w.Registers(opcode, size, up ? 0 : 1, T1);
            StoreOperand(size, T1);
            _w.StoreState(CpuState.FlagOverlayOffset, T1);
            _host |= AllButCarry;
        }
        else
        {
            int guest = InstructionRules.Number(i.Op0Register);
            int d = Read(guest, T0);
            _w.Registers(opcode, size, up ? 0 : 1, d);
            if (d == T0)
                _w.StoreState(guest * 8, d);
            _w.StoreState(CpuState.FlagOverlayOffset, d);
            _host |= AllButCarry;
        }

        SetOverlay(up ? FlagOverlay.Increment : FlagOverlay.Decrement, size);
    }

    private const int AllButCarry = All & ~Carry;

    /// <summary>NOT and NEG.</summary>
    private void EmitInvert(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        int size = InstructionRules.SizeOf(i, 0);
        if (InstructionRules.UsesHighByte(i))
        {
            EmitVerbatim(ref r);
            if (r.Writes != 0)
                _host = All;
            return;
        }

        EncodedInstruction e = Parse(r);
        if (e.IsMemory)
            EmitOperandToChange(ref r, size);

        if (r.NeedsRecord)
        {
            int old;
            if (e.IsMemory)
            {
                LoadOperand(size, T1);
                old = T1;
            }
            else
            {
                old = Read(e.Rm, T0);
            }

            _w.StoreState64(CpuState.FlagAOffset, 0);
            _w.StoreState(CpuState.FlagBOffset, old);
            SetFlags(Word(FlagKind.Subtract, size));
        }

        EmitEncoded(ref e, false, true, false, true);
        if (r.Writes != 0)
            _host = All;
    }

    private void EmitSet(ref RegionInstruction r)
    {
        EncodedInstruction e = Parse(r);
        if (InstructionRules.UsesHighByte(r.Code))
        {
            NeedFlags(r.Reads, r);
            EmitVerbatim(ref r);
            return;
        }

        if (e.IsMemory)
            EmitOperand(ref r, 1, true);
        NeedFlags(r.Reads, r);
        EmitEncoded(ref e, false, true, false, true);
    }

    private void EmitMoveIf(ref RegionInstruction r)
    {
        EncodedInstruction e = Parse(r);
        if (e.IsMemory)
            EmitOperand(ref r, InstructionRules.SizeOf(r.Code, 0), false);
        NeedFlags(r.Reads, r);
        EmitPlain(ref e, true, true, false);
    }

    private void EmitSwapBytes(ref RegionInstruction r)
    {
        int guest = InstructionRules.Number(r.Code.Op0Register);
        int d = Read(guest, T0);
        int size = r.Code.Op0Register.GetSize();
        _w.Byte(0x40 | (size == 8 ? 8 : 0) | (d >> 3));
        _w.Byte(0x0f);
        _w.Byte(0xc8 | (d & 7));
        if (d == T0)
            StoreGuest(guest, d);
    }
}
