using Iced.Intel;
using Vitrine.Abi;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>Registers, immediates, implicit operands and branch targets.</summary>
internal sealed unsafe partial class Generator
{
    private bool _isBranch;

    private static readonly ushort[] Selectors = [0x2b, 0x2b, 0x2b, 0, 0, 1, 2, 3, 0x33, 0x23, 0x2a, 0x28, 0x30, 0x10, 0x18, 0x5b, 0xfff8, 0x83, 0x47, 0x1234];

    private ushort Selector() => _chance.Of<ushort>(Selectors);

    private bool IsAboutSelectors() => _form.TouchesSegments
        || _form.Mnemonic is Mnemonic.Verr or Mnemonic.Verw or Mnemonic.Lar or Mnemonic.Lsl;

    private void SetOperands()
    {
        _isBranch = _form.Code.FlowControl() is not (FlowControl.Next or FlowControl.Exception or FlowControl.Interrupt);
        bool memoryChosen = _form.HasMemory && _chance.Percent(65);
        for (int i = 0; i < _form.OpCode.OpCount; i++)
            SetOperand(i, memoryChosen);
    }

    private void SetOperand(int i, bool memory)
    {
        OpCodeOperandKind kind = _form.OpCode.GetOpKind(i);
        switch (kind)
        {
            case OpCodeOperandKind.mem or OpCodeOperandKind.mem_offs:
                SetMemory(i);
                break;
            case OpCodeOperandKind.mem_vsib32x or OpCodeOperandKind.mem_vsib32y or OpCodeOperandKind.mem_vsib64x or OpCodeOperandKind.mem_vsib64y:
                SetGather(i, kind);
                break;
            case OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r32_or_mem
                or OpCodeOperandKind.r64_or_mem or OpCodeOperandKind.mm_or_mem or OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.ymm_or_mem when memory:
                SetMemory(i);
                break;
            case OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r8_reg or OpCodeOperandKind.r8_opcode:
                SetRegister(i, Register.AL + _chance.Below(20));
                break;
            case OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r16_reg or OpCodeOperandKind.r16_opcode or OpCodeOperandKind.r16_rm:
                SetRegister(i, Register.AX + _chance.Below(16));
                break;
            case OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r32_reg or OpCodeOperandKind.r32_opcode or OpCodeOperandKind.r32_rm or OpCodeOperandKind.r32_vvvv:
                SetRegister(i, Register.EAX + _chance.Below(16));
                break;
            case OpCodeOperandKind.r64_or_mem or OpCodeOperandKind.r64_reg or OpCodeOperandKind.r64_opcode or OpCodeOperandKind.r64_rm or OpCodeOperandKind.r64_vvvv:
                SetRegister(i, Register.RAX + _chance.Below(16));
                break;
            case OpCodeOperandKind.mm_or_mem or OpCodeOperandKind.mm_reg or OpCodeOperandKind.mm_rm:
                SetRegister(i, Register.MM0 + _chance.Below(8));
                break;
            case OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.xmm_reg or OpCodeOperandKind.xmm_rm or OpCodeOperandKind.xmm_vvvv or OpCodeOperandKind.xmm_is4:
                SetRegister(i, Register.XMM0 + VectorRegister(i));
                break;
            case OpCodeOperandKind.ymm_or_mem or OpCodeOperandKind.ymm_reg or OpCodeOperandKind.ymm_rm or OpCodeOperandKind.ymm_vvvv or OpCodeOperandKind.ymm_is4:
                SetRegister(i, Register.YMM0 + VectorRegister(i));
                break;
            case OpCodeOperandKind.seg_reg:
                // A move to CS is an invalid opcode; moves from it are legal, as is everything for the others.
                SetRegister(i, i == 0 && _form.OpCode.OpCount == 2
                    ? _chance.Of<Register>([Register.ES, Register.SS, Register.DS, Register.FS, Register.GS])
                    : Register.ES + _chance.Below(6));
                break;
            case OpCodeOperandKind.cr_reg:
                SetRegister(i, _chance.Of<Register>([Register.CR0, Register.CR2, Register.CR3, Register.CR4]));
                break;
            case OpCodeOperandKind.dr_reg:
                SetRegister(i, _chance.Of<Register>([Register.DR0, Register.DR1, Register.DR3, Register.DR6, Register.DR7]));
                break;
            case OpCodeOperandKind.st0:
                SetRegister(i, Register.ST0);
                break;
            case OpCodeOperandKind.sti_opcode:
                SetRegister(i, Register.ST0 + _chance.Below(8));
                break;
            case OpCodeOperandKind.al:
                SetRegister(i, Register.AL);
                break;
            case OpCodeOperandKind.ax:
                SetRegister(i, Register.AX);
                break;
            case OpCodeOperandKind.eax:
                SetRegister(i, Register.EAX);
                break;
            case OpCodeOperandKind.rax:
                SetRegister(i, Register.RAX);
                break;
            case OpCodeOperandKind.cl:
                SetRegister(i, Register.CL);
                break;
            case OpCodeOperandKind.dx:
                SetRegister(i, Register.DX);
                break;
            case OpCodeOperandKind.fs:
                SetRegister(i, Register.FS);
                break;
            case OpCodeOperandKind.gs:
                SetRegister(i, Register.GS);
                break;
            case OpCodeOperandKind.seg_rSI or OpCodeOperandKind.es_rDI or OpCodeOperandKind.seg_rDI or OpCodeOperandKind.seg_rBX_al:
                SetImplicitMemory(i, kind);
                break;
            case OpCodeOperandKind.br16_1 or OpCodeOperandKind.br64_1 or OpCodeOperandKind.br16_2 or OpCodeOperandKind.br64_4:
                SetBranch(i, kind);
                break;
            default:
                SetImmediate(i, kind);
                break;
        }
    }

    /// <summary>Any of 16; a gather's three are mostly different, for else it is an invalid opcode.</summary>
    private int VectorRegister(int i)
    {
        int register = _chance.Below(16);
        if (!_form.IsGather || i == 0 || _chance.Percent(5))
            return register;
        while (register == NumberOf(_instruction.Op0Register) || register == NumberOf(_instruction.MemoryIndex))
            register = (register + 1) & 15;
        return register;
    }

    private static int NumberOf(Register register) => register switch
    {
        >= Register.XMM0 and <= Register.XMM15 => register - Register.XMM0,
        >= Register.YMM0 and <= Register.YMM15 => register - Register.YMM0,
        _ => -1,
    };

    private void SetRegister(int i, Register register)
    {
        _instruction.SetOpKind(i, OpKind.Register);
        _instruction.SetOpRegister(i, register);
    }

    private void SetImmediate(int i, OpCodeOperandKind kind)
    {
        ulong value = Seeds.Integer(ref _chance);
        switch (kind)
        {
            case OpCodeOperandKind.imm8:
                bool second = i > 0 && _form.OpCode.GetOpKind(i - 1) is OpCodeOperandKind.imm16 or OpCodeOperandKind.imm8;
                if (second && i > 0 && _form.OpCode.GetOpKind(i - 1) == OpCodeOperandKind.imm16)
                {
                    _instruction.SetOpKind(i, OpKind.Immediate8_2nd);
                    _instruction.Immediate8_2nd = (byte)(_chance.Percent(70) ? _chance.Below(5) : _chance.Below(256));
                    break;
                }

                _instruction.SetOpKind(i, OpKind.Immediate8);
                _instruction.Immediate8 = ByteImmediate((byte)value);
                break;
            case OpCodeOperandKind.imm8_const_1:
                _instruction.SetOpKind(i, OpKind.Immediate8);
                _instruction.Immediate8 = 1;
                break;
            case OpCodeOperandKind.imm8sex16:
                _instruction.SetOpKind(i, OpKind.Immediate8to16);
                _instruction.Immediate8to16 = (sbyte)value;
                break;
            case OpCodeOperandKind.imm8sex32:
                _instruction.SetOpKind(i, OpKind.Immediate8to32);
                _instruction.Immediate8to32 = (sbyte)value;
                break;
            case OpCodeOperandKind.imm8sex64:
                _instruction.SetOpKind(i, OpKind.Immediate8to64);
                _instruction.Immediate8to64 = (sbyte)value;
                break;
            case OpCodeOperandKind.imm16:
                _instruction.SetOpKind(i, OpKind.Immediate16);
                _instruction.Immediate16 = (ushort)(_form.Mnemonic == Mnemonic.Enter && _chance.Percent(70) ? value & 0xff : value);
                break;
            case OpCodeOperandKind.imm32:
                _instruction.SetOpKind(i, OpKind.Immediate32);
                _instruction.Immediate32 = (uint)value;
                break;
            case OpCodeOperandKind.imm32sex64:
                _instruction.SetOpKind(i, OpKind.Immediate32to64);
                _instruction.Immediate32to64 = (int)value;
                break;
            case OpCodeOperandKind.imm64:
                _instruction.SetOpKind(i, OpKind.Immediate64);
                _instruction.Immediate64 = value;
                break;
            default:
                throw new InvalidOperationException($"The generator has no case for operand kind {kind} of {_form.Code}.");
        }
    }

    private byte ByteImmediate(byte random)
    {
        switch (_form.Mnemonic)
        {
            case Mnemonic.Int:
                // 0x80 enters the host's kernel by its 32-bit gate.
                return random == 0x80 ? (byte)3 : _chance.Percent(50) ? (byte)_chance.Below(6) : random;
            case Mnemonic.Cmpps or Mnemonic.Cmppd or Mnemonic.Cmpss or Mnemonic.Cmpsd:
                return (byte)_chance.Below(8);
            case Mnemonic.Vcmpps or Mnemonic.Vcmppd or Mnemonic.Vcmpss or Mnemonic.Vcmpsd when _chance.Percent(90):
                return (byte)_chance.Below(32);
            case Mnemonic.Roundps or Mnemonic.Roundpd or Mnemonic.Roundss or Mnemonic.Roundsd:
                return (byte)_chance.Below(16);
            default:
                return _chance.Percent(50) ? (byte)_chance.Below(72) : random;
        }
    }

    private void SetBranch(int i, OpCodeOperandKind kind)
    {
        bool shortForm = kind is OpCodeOperandKind.br64_1 or OpCodeOperandKind.br16_1;
        ulong target;
        if (shortForm)
            target = _rip + (ulong)(long)(_chance.Percent(50) ? _chance.Between(20, 110) : -_chance.Between(20, 110));
        else if (_chance.Percent(10))
            target = _rip + 6 + (_chance.Percent(50) ? 0x7fff_ff00UL + (ulong)_chance.Below(250) : 0xffff_ffff_8000_0010 + (ulong)_chance.Below(250));
        else if (_chance.Percent(85))
            target = CodeTarget();
        else
            target = Arena.CodeEnd + (ulong)_chance.Below(0x10000000);
        if (target - _rip < 32)
            target += 32;
        _instruction.SetOpKind(i, OpKind.NearBranch64);
        _instruction.NearBranch64 = target;
    }

    /// <summary>A place in the code pages that is not within the instruction itself.</summary>
    private ulong CodeTarget()
    {
        ulong target = Arena.Code + 0x20 + (ulong)_chance.Below(0x1fc0);
        return target - (_rip - 16) < 48 ? target + 64 : target;
    }

    /// <summary>Where an indirect branch goes: mostly to code, sometimes nowhere.</summary>
    private ulong IndirectTarget() => _chance.Below(20) switch
    {
        // A call may push before it looks at its target, or after: these only fault by one of both.
        0 or 1 when _form.Mnemonic == Mnemonic.Call => CodeTarget(),
        0 => 0x0000_8000_0000_0000 + (_chance.Next() >> 18),
        1 => _chance.Next() | 1UL << 62,
        2 => Arena.CodeEnd + (ulong)_chance.Below(4096),
        3 => Arena.Data + (ulong)_chance.Below(4096),
        _ => CodeTarget(),
    };

    /// <summary>An offset as wide as the operand, followed in far pointers by a selector.</summary>
    private void BranchTarget(Span<byte> bytes)
    {
        ulong target = IndirectTarget();
        int width = bytes.Length is 4 or 6 or 10 ? bytes.Length - 2 : bytes.Length;
        for (int i = 0; i < width; i++)
            bytes[i] = (byte)(target >> (8 * i));
        if (width != bytes.Length)
            BitConverter.TryWriteBytes(bytes[width..], CodeSelector());
    }

    /// <summary>A selector for CS; the 32-bit segment is left out, it would switch the host to another mode.</summary>
    private ushort CodeSelector() => _chance.Below(10) switch
    {
        0 => 0,
        1 => 0x2b,
        2 => 0x30,
        3 => (ushort)(_chance.Next() | 0x8000),
        _ => 0x33,
    };

    /// <summary>
    /// What a far return finds for CS. Always of privilege level 3: for others some processors look at the outer
    /// stack before they find them wrong.
    /// </summary>
    private ushort ReturnSelector() => (ushort)(CodeSelector() | 3);

    private ulong SegmentBaseOf(ulong target, bool narrow)
    {
        ulong segmentBase = SegmentBase(target, narrow);
        if (IsCanonical(target) && IsCanonical(target - segmentBase))
            return segmentBase;
        _instruction.SegmentPrefix = Register.None;
        return 0;
    }

    private void SetImplicitMemory(int i, OpCodeOperandKind kind)
    {
        bool narrow = _narrowStrings;
        switch (kind)
        {
            case OpCodeOperandKind.seg_rSI:
                _instruction.SetOpKind(i, narrow ? OpKind.MemorySegESI : OpKind.MemorySegRSI);
                PointString(6, segmented: true);
                break;
            case OpCodeOperandKind.es_rDI:
                _instruction.SetOpKind(i, narrow ? OpKind.MemoryESEDI : OpKind.MemoryESRDI);
                PointString(7, segmented: false);
                break;
            case OpCodeOperandKind.seg_rDI:
                _instruction.SetOpKind(i, narrow ? OpKind.MemorySegEDI : OpKind.MemorySegRDI);
                {
                    ulong target = Place(_form.UsesVectors && _form.OpCode.GetOpKind(1) == OpCodeOperandKind.xmm_reg ? 16 : 8, 1);
                    ulong offset = target - SegmentBaseOf(target, narrow);
                    SetAddressRegister(7, offset, narrow);
                }

                break;
            default:
                _instruction.SetOpKind(i, OpKind.Memory);
                {
                    ulong target = Place(1, 1);
                    ulong offset = target - SegmentBaseOf(target, narrow) - (State.Gpr[0] & 0xff);
                    SetAddressRegister(3, offset, narrow);
                    _instruction.MemoryBase = narrow ? Register.EBX : Register.RBX;
                    _instruction.MemoryIndex = Register.AL;
                }

                break;
        }
    }
}
