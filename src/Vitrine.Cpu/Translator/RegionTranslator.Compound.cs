using Iced.Intel;
using Vitrine.Cpu.State;
using static Vitrine.Cpu.Translator.FlagRecord;

namespace Vitrine.Cpu.Translator;

/// <summary>Shifts, products, quotients, exchanges and bits.</summary>
internal sealed unsafe partial class RegionTranslator
{
    private static FlagKind KindOfShift(Mnemonic m) => m switch
    {
        Mnemonic.Shr => FlagKind.ShiftRight,
        Mnemonic.Sar => FlagKind.ShiftArithmeticRight,
        _ => FlagKind.ShiftLeft,
    };

    private void EmitShift(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        int size = InstructionRules.SizeOf(i, 0);
        bool rotates = i.Mnemonic is Mnemonic.Rol or Mnemonic.Ror;
        int kept = rotates ? _host & ~(Carry | Overflow) : 0;
        if (InstructionRules.UsesHighByte(i))
        {
            EmitVerbatim(ref r);
            _host = kept | r.HostValid;
            return;
        }

        if (rotates && r.NeedsRecord)
        {
            PrepareOverlay(FlagOverlay.RotateLeft, r);
            kept &= _host;
        }

        EncodedInstruction e = Parse(r);
        if (e.IsMemory)
        {
            EmitOperand(ref r, size, true);
            kept = 0;
        }

        if (!r.NeedsRecord)
        {
            EmitEncoded(ref e, false, true, false, true);
            _host = kept | r.HostValid;
            return;
        }

        int d = e.IsMemory ? T1 : Read(e.Rm, T0);
        if (e.IsMemory)
            LoadOperand(size, T1);
        int count = i.Immediate8 & (size == 8 ? 63 : 31);
        if (!rotates)
        {
            _w.StoreState(CpuState.FlagAOffset, d);
            _w.StoreState32(CpuState.FlagBOffset, (uint)count);
        }

        _w.Registers(size == 1 ? 0xc0 : 0xc1, size, e.Reg, d);
        _w.Byte(count);
        if (e.IsMemory)
            StoreOperand(size, T1);
        else if (d == T0)
            _w.StoreState(e.Rm * 8, d);
        _host = kept | r.HostValid;
        if (!rotates)
        {
            SetFlags(Word(KindOfShift(i.Mnemonic), size));
            return;
        }

        _w.StoreState(CpuState.FlagOverlayOffset, d);
        SetOverlay(i.Mnemonic == Mnemonic.Rol ? FlagOverlay.RotateLeft : FlagOverlay.RotateRight, size);
    }

    private void EmitShiftByCl(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        int size = InstructionRules.SizeOf(i, 0);
        if (InstructionRules.UsesHighByte(i))
        {
            EmitVerbatim(ref r);
            _host = 0;
            return;
        }

        EncodedInstruction e = Parse(r);
        if (e.IsMemory)
            EmitOperand(ref r, size, true);
        if (!r.NeedsRecord)
        {
            EmitEncoded(ref e, false, true, false, true);
            _host = 0;
            return;
        }

        // A count of zero leaves the record as it was.
        StoreFlags();
        int d = Read(e.Rm, T0);
        _w.Registers(0xf6, 1, 0, HostRegister.Rcx);                           // test cl, 31 or 63
        _w.Byte(size == 8 ? 63 : 31);
        int* zero = _w.JumpIf(4);
        _w.StoreState(CpuState.FlagAOffset, d);
        _w.StoreState(CpuState.FlagBOffset, HostRegister.Rcx);
        _w.StoreState32(CpuState.FlagKindOffset, Word(KindOfShift(i.Mnemonic), size));
        _w.LandHere(zero);
        EmitEncoded(ref e, false, true, false, true);
        ForgetFlags();
    }

    /// <summary>CF and OF of a product, and its low half, on record.</summary>
    private void RecordProduct(int low, int size)
    {
        _w.State(0x0f90, 4, 0, CpuState.FlagBOffset);                         // seto
        _w.StoreState(CpuState.FlagAOffset, low);
        SetFlags(Word(FlagKind.Multiply, size));
    }

    private void EmitMultiply(ref RegionInstruction r)
    {
        EncodedInstruction e = Parse(r);
        int size = InstructionRules.SizeOf(r.Code, 0);
        if (e.IsMemory)
            EmitOperand(ref r, size, false);
        EmitPlain(ref e, true, true, false);
        _host = r.HostValid;
        if (r.NeedsRecord)
            RecordProduct(HostRegister.Of(e.Reg) < 0 ? T1 : HostRegister.Of(e.Reg), size);
    }

    private void EmitMultiplyWide(ref RegionInstruction r)
    {
        int size = InstructionRules.SizeOf(r.Code, 0);
        if (InstructionRules.UsesHighByte(r.Code))
        {
            EmitVerbatim(ref r);
        }
        else
        {
            EncodedInstruction e = Parse(r);
            if (e.IsMemory)
                EmitOperand(ref r, size, false);
            EmitEncoded(ref e, false, true, false, false);
        }

        _host = r.HostValid;
        if (r.NeedsRecord)
            RecordProduct(HostRegister.Rax, size);
    }

    /// <summary>Divides unless that would fault, or might: those go to the interpreter.</summary>
    private void EmitDivide(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        int size = InstructionRules.SizeOf(i, 0);
        EncodedInstruction e = Parse(r);
        int divisor;
        if (e.IsMemory)
        {
            EmitOperand(ref r, size, false);
            LoadOperand(size, T1);
            divisor = T1;
        }
        else
        {
            divisor = Read(e.Rm, T1);
        }

        if (i.Mnemonic == Mnemonic.Div)
        {
            // The quotient fits exactly if the dividend's upper half is below the divisor.
            _w.Registers(0x3b, size, HostRegister.Rdx, divisor);
            _ = NewExit(NativeReason.Slow, _w.JumpIf(3), r);
        }
        else
        {
            // A dividend that is the sign extension of its lower half, by anything but 0 and -1.
            _w.Registers(0x8b, size, T0, HostRegister.Rax);
            _w.Registers(0xc1, size, 7, T0);
            _w.Byte(size * 8 - 1);
            _w.Registers(0x3b, size, T0, HostRegister.Rdx);
            int* wide = _w.JumpIf(5);
            _w.Lea(size, T0, divisor, -1, 0, 1);
            _w.Immediate(7, size, T0, 1);
            ref Exit exit = ref NewExit(NativeReason.Slow, _w.JumpIf(6), r);
            exit.FromToo = wide;
        }

        _w.Registers(0xf7, size, e.Reg, divisor);
        _host = 0;
    }

    /// <summary>XCHG.</summary>
    private void EmitExchange(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        int size = InstructionRules.SizeOf(i, 0);
        if (InstructionRules.UsesHighByte(i))
        {
            EmitVerbatim(ref r);
            return;
        }

        if (IsMemory(i, 0) || IsMemory(i, 1))
        {
            EmitOperand(ref r, size, true);
            EmitAlignment(ref r, size);
            EncodedInstruction e = Parse(r);
            EmitEncoded(ref e, true, true, true, true);
            return;
        }

        int first = InstructionRules.Number(i.Op0Register);
        int second = InstructionRules.Number(i.Op1Register);
        int a = Read(first, T0);
        int b = Read(second, T1);
        if (first == second)
        {
            if (size == 4)
                _w.Registers(0x8b, 4, a, a);
            if (a == T0)
                _w.StoreState(first * 8, a);
            return;
        }

        _w.Registers(size == 1 ? 0x86 : 0x87, size, a, b);
        if (a == T0)
            _w.StoreState(first * 8, a);
        if (b == T1)
            _w.StoreState(second * 8, b);
    }

    private void EmitCompareExchange(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        int size = InstructionRules.SizeOf(i, 0);
        if (InstructionRules.UsesHighByte(i))
        {
            EmitVerbatim(ref r);
            _host = All;
            return;
        }

        EncodedInstruction e = Parse(r);
        if (e.IsMemory)
            EmitOperandToChange(ref r, size);

        if (r.NeedsRecord)
        {
            _w.StoreState(CpuState.FlagAOffset, HostRegister.Rax);
            if (!e.IsMemory)
                _w.StoreState(CpuState.FlagBOffset, Read(e.Rm, T0));
        }

        EmitEncoded(ref e, true, true, false, true);
        _host = All;
        if (!r.NeedsRecord)
            return;

        // The accumulator now equals what memory was.
        if (e.IsMemory)
            _w.StoreState(CpuState.FlagBOffset, HostRegister.Rax);
        SetFlags(Word(FlagKind.Subtract, size));
    }

    private void EmitExchangeAdd(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        int size = InstructionRules.SizeOf(i, 0);
        if (InstructionRules.UsesHighByte(i))
        {
            EmitVerbatim(ref r);
            _host = All;
            return;
        }

        EncodedInstruction e = Parse(r);
        if (e.IsMemory)
            EmitOperandToChange(ref r, size);

        if (!r.NeedsRecord)
        {
            EmitExchangeAdd(ref e);
            _host = All;
            return;
        }

        _w.StoreState(CpuState.FlagBOffset, Read(e.Reg, T1));
        if (!e.IsMemory)
        {
            // Both registers may be the same one: what it was is read before.
            _w.StoreState(CpuState.FlagAOffset, Read(e.Rm, T0));
            EmitExchangeAdd(ref e);
        }
        else
        {
            EmitExchangeAdd(ref e);
            _w.StoreState(CpuState.FlagAOffset, Read(e.Reg, T1));
        }

        _host = All;
        SetFlags(Word(FlagKind.Add, size));
    }

    /// <summary>The source is written first: if both are the same register, the sum stays.</summary>
    private void EmitExchangeAdd(ref EncodedInstruction e)
    {
        if (!e.IsMemory && e.Reg == e.Rm && HostRegister.Of(e.Reg) < 0)
        {
            int d = Read(e.Reg, T0);
            e.Write(_w, d, d);
            _w.StoreState(e.Reg * 8, d);
            return;
        }

        EmitEncoded(ref e, true, true, true, true);
    }

    /// <summary>BT BTS BTR BTC of a register.</summary>
    private void EmitBitTest(ref RegionInstruction r)
    {
        EncodedInstruction e = Parse(r);
        bool immediate = !IsRegister(r.Code, 1);
        if (r.NeedsRecord)
            PrepareOverlay(FlagOverlay.Carry, r);
        int kept = _host & Zero;
        EmitEncoded(ref e, !immediate, true, false, r.Code.Mnemonic != Mnemonic.Bt);
        _host = kept | Carry;
        if (!r.NeedsRecord)
            return;
        _w.State(0x0f92, 4, 0, CpuState.FlagOverlayOffset);                   // setc
        SetOverlay(FlagOverlay.Carry, 1);
    }

    /// <summary>BSF and BSR; of zero they leave the destination alone.</summary>
    private void EmitBitScan(ref RegionInstruction r)
    {
        EncodedInstruction e = Parse(r);
        int size = InstructionRules.SizeOf(r.Code, 0);
        int source = Read(e.Rm, T0);
        int d = Read(e.Reg, T1);
        if (r.NeedsRecord)
            _w.StoreState(CpuState.FlagAOffset, source);
        _w.Registers(0x85, size, source, source);
        int* zero = _w.JumpIf(4);
        _w.Registers(e.Opcode | 0x0f00, size, d, source);
        if (d == T1)
            _w.StoreState(e.Reg * 8, d);
        _w.LandHere(zero);
        _host = Zero;
        if (r.NeedsRecord)
            SetFlags(Word(FlagKind.Logic, size));
    }

    /// <summary>Instructions of BMI1 and BMI2, MOVBE, TZCNT and LZCNT: general registers only, one of them in VEX.vvvv.</summary>
    private void EmitGeneral(ref RegionInstruction r)
    {
        EncodedInstruction e = Parse(r);
        if (e.IsMemory)
            EmitOperand(ref r, InstructionRules.SizeOf(r.Code, ExtensionRules.MemoryOperand(r.Code)), r.WritesMemory);
        bool extends = ExtensionRules.HasOpcodeExtension(r.Code);
        int reg = extends ? e.Reg : Read(e.Reg, T1);
        int rm = e.IsMemory ? Operand(ref e) : Read(e.Rm, T0);
        int result = reg;
        if (!e.IsVex)
        {
            e.Write(_w, reg, rm);
        }
        else
        {
            // At most as many registers are in memory as there are temporaries: see ExtensionRules.
            int vvvv = r.Code.Mnemonic == Mnemonic.Rorx ? e.Vvvv : Read(e.Vvvv, reg == T1 && !extends ? T0 : T1);
            e.Write(_w, reg, rm, vvvv);
            if (vvvv is T0 or T1 && r.Code.Mnemonic != Mnemonic.Rorx)
                _w.StoreState(e.Vvvv * 8, vvvv);
            if (extends)
                result = vvvv;
        }

        if (reg == T1 && !extends)
            _w.StoreState(e.Reg * 8, T1);
        if (r.Writes != 0)
            _host = r.HostValid;
        if (!r.NeedsRecord)
            return;
        _w.State(0x0f92, 4, 0, CpuState.FlagBOffset);                         // setc
        _w.StoreState(CpuState.FlagAOffset, result);
        SetFlags(Word(FlagKind.Result, InstructionRules.SizeOf(r.Code, 0)));
    }

    private void EmitPopulationCount(ref RegionInstruction r)
    {
        EncodedInstruction e = Parse(r);
        if (e.IsMemory)
            EmitOperand(ref r, InstructionRules.SizeOf(r.Code, 1), false);
        EmitEncoded(ref e, true, true, true, false);
        _host = All;
        if (!r.NeedsRecord)
            return;
        RecordBytes();
    }

    /// <summary>CF, PF and ZF on record, as after comparisons that clear the others.</summary>
    private void RecordBytes()
    {
        _w.State(0x0f92, 4, 0, CpuState.FlagBOffset);
        _w.State(0x0f9a, 4, 0, CpuState.FlagBOffset + 1);
        _w.State(0x0f94, 4, 0, CpuState.FlagBOffset + 2);
        SetFlags(Word(FlagKind.Bytes, 1));
    }

    private void EmitVector(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        EncodedInstruction e = Parse(r);
        if (e.IsMemory)
        {
            EmitOperand(ref r, r.VectorSize, r.WritesMemory);
            if (r.Aligned)
                EmitAlignment(ref r, r.VectorSize);
        }

        bool third = i.OpCount > 2 && IsRegister(i, 2) && i.Op2Register is >= Register.AL and <= Register.R15;
        bool first = i.OpCount > 0 && IsRegister(i, 0) && i.Op0Register is >= Register.AL and <= Register.R15;
        bool second = i.OpCount > 1 && IsRegister(i, 1) && i.Op1Register is >= Register.AL and <= Register.R15;

        // A general register is in ModRM.reg where it receives something made of a vector, else in ModRM.rm.
        bool inReg = first && i.Mnemonic is Mnemonic.Movmskps or Mnemonic.Movmskpd or Mnemonic.Pmovmskb
            or Mnemonic.Cvtss2si or Mnemonic.Cvttss2si or Mnemonic.Cvtsd2si or Mnemonic.Cvttsd2si
            or Mnemonic.Vmovmskps or Mnemonic.Vmovmskpd or Mnemonic.Vpmovmskb
            or Mnemonic.Vcvtss2si or Mnemonic.Vcvttss2si or Mnemonic.Vcvtsd2si or Mnemonic.Vcvttsd2si
            || (first && i.Code is Code.Pextrw_r32_xmm_imm8 or Code.Pextrw_r64_xmm_imm8 or Code.VEX_Vpextrw_r32_xmm_imm8 or Code.VEX_Vpextrw_r64_xmm_imm8);
        EmitEncoded(ref e, inReg, (first || second || third) && !inReg, inReg, first && !inReg);
        if (r.Kind is not (InstructionKind.VectorCompare or InstructionKind.StringCompare))
            return;
        _host = All;
        if (!r.NeedsRecord)
            return;
        if (r.Kind == InstructionKind.VectorCompare)
            RecordBytes();
        else
            RecordImage();
    }

    /// <summary>All flags on record as they are in the host's register, which keeps them.</summary>
    private void RecordImage()
    {
        _w.StoreState(CpuState.ScratchOffset, HostRegister.Rax);
        _w.Byte(0x9f);                                                        // lahf
        _w.Registers(0x0f90, 1, 0, HostRegister.Rax);                         // seto al
        _w.State(0x89, 4, HostRegister.Rax, CpuState.FlagBOffset);
        _w.LoadState(HostRegister.Rax, CpuState.ScratchOffset);
        SetFlags(Word(FlagKind.Image, 2));
    }
}
