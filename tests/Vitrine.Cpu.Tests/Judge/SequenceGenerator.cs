using System.Runtime.CompilerServices;
using Iced.Intel;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>
/// Makes short random programs: what single instructions can't show is how an engine carries flags from one
/// to the next, fuses neighbours and goes from block to block, and how it follows changes of rounding, precision and masks.
/// Memory is reached through R15, which stays as it is.
/// </summary>
/// <remarks>
/// No instruction reads a flag that is undefined at that point on some path; those left undefined at the end
/// are reported in <see cref="UndefinedFlags"/>.
/// </remarks>
internal sealed unsafe class SequenceGenerator
{
    /// <summary>Instructions of a sequence, branches included.</summary>
    public const int Length = 20;

    private const int MaxBytes = 400;
    private const RflagsBits Arithmetic = RflagsBits.OF | RflagsBits.SF | RflagsBits.ZF | RflagsBits.AF | RflagsBits.CF | RflagsBits.PF;
    private static readonly Code[] ShortBranches =
    [
        Code.Jo_rel8_64, Code.Jno_rel8_64, Code.Jb_rel8_64, Code.Jae_rel8_64, Code.Je_rel8_64, Code.Jne_rel8_64,
        Code.Jbe_rel8_64, Code.Ja_rel8_64, Code.Js_rel8_64, Code.Jns_rel8_64, Code.Jp_rel8_64, Code.Jnp_rel8_64,
        Code.Jl_rel8_64, Code.Jge_rel8_64, Code.Jle_rel8_64, Code.Jg_rel8_64, Code.Jmp_rel8_64, Code.Jrcxz_rel8_64,
    ];

    /// <summary>Where values for MXCSR and the x87 control word lie.</summary>
    private const ulong Controls = Arena.SecondWritable + 0x800;
    private const int ControlCount = 8;

    private static readonly Code[] ControlLoads = [Code.Ldmxcsr_m32, Code.VEX_Vldmxcsr_m32, Code.Fldcw_m2byte];

    private readonly Form[] _integer, _vector, _strings;
    private readonly ListWriter _writer = new();
    private readonly Encoder _encoder;
    private readonly List<Instruction> _instructions = [];
    private readonly List<(int At, int Over)> _branches = [];
    private Chance _chance;
    private RflagsBits _undefined, _everUndefined;
    private int _conditionalUntil;
    private MachineState* _state;

    /// <summary>Whether exceptions of SSE and x87 may be unmasked anywhere in the sequence.</summary>
    private bool _unmasks;

    public SequenceGenerator(IEnumerable<Code> forms)
    {
        var usable = forms.Select(c => new Form(c)).Where(IsUsable).ToList();
        _integer = [.. usable.Where(f => !f.IsFpu && !f.UsesVectors)];
        _vector = [.. usable.Where(f => f.IsFpu || f.UsesVectors)];
        _strings = [.. usable.Where(f => f.IsString)];
        _encoder = Encoder.Create(64, _writer);
    }

    /// <summary>RFLAGS bits that are undefined after the last sequence made.</summary>
    public ulong UndefinedFlags { get; private set; }

    /// <summary>RFLAGS bits that are undefined anywhere within it.</summary>
    public ulong EverUndefinedFlags { get; private set; }

    /// <summary>The address behind the last instruction.</summary>
    public ulong End { get; private set; }

    public IReadOnlyList<Instruction> Instructions => _instructions;

    public void Make(int index, Instance* instance)
    {
        _chance = new Chance(new Chance((ulong)index ^ 0x5e9_0000_0000).Next());
        Unsafe.InitBlockUnaligned(instance, 0, (uint)Instance.DataStart);
        _state = &instance->State;
        _unmasks = _chance.Percent(20);
        SeedState();
        _writer.Bytes.Clear();
        _instructions.Clear();
        _branches.Clear();
        _undefined = _everUndefined = 0;
        _conditionalUntil = 0;

        ulong start = Arena.Code + (ulong)(_chance.Percent(20) ? 4096 - _chance.Between(1, 60) : _chance.Between(0, 3000));
        bool vectors = _chance.Percent(35);
        int loop = 0;
        while (_instructions.Count < Length && _writer.Bytes.Count < MaxBytes && loop++ < 400)
        {
            if (_chance.Percent(18))
                AddBranch(start);
            else if (_chance.Percent(3))
                AddRepeated(start);
            else if (vectors && _chance.Percent(8))
                AddControlLoad(start);
            else
                AddInstruction(start, vectors && _chance.Percent(70) ? _chance.Of<Form>(_vector) : _chance.Of<Form>(_integer));
        }

        // Every branch goes over a few instructions, or to the INT3 behind the last.
        foreach ((int at, int over) in _branches)
            _writer.Bytes[at - 1] = (byte)(OffsetOf(Math.Min(over, _instructions.Count), start) - at);
        instance->State.Rip = start;
        instance->AddPatch(start, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_writer.Bytes));
        Span<byte> data = stackalloc byte[256];
        Seeds.Fill(ref _chance, data, vectors ? ElementKind.Mixed : ElementKind.Integer);
        instance->AddPatch(_state->Gpr[15] - 128, data);
        if (vectors)
            AddControls(instance);
        UndefinedFlags = ToRflags(_undefined);
        EverUndefinedFlags = ToRflags(_everUndefined);
        End = start + (ulong)_writer.Bytes.Count;
    }

    private int OffsetOf(int instruction, ulong start) =>
        instruction == _instructions.Count ? _writer.Bytes.Count : (int)(_instructions[instruction].IP - start);

    private static bool IsUsable(Form form)
    {
        if (form.Code.FlowControl() != FlowControl.Next || form.Code.IsPrivileged() || form.TouchesSegments
            || Approximation.IsTranscendental(form.Mnemonic) || form.MemoryBytes > 32 || form.IsGather || form.OpCode.IsReservedNop || (form.HasMemory && Forms.MayBeUnaligned(form.Code)))
            return false;
        return form.Mnemonic is not (Mnemonic.Lar or Mnemonic.Lsl or Mnemonic.Verr or Mnemonic.Verw or Mnemonic.Popf or Mnemonic.Popfq
            or Mnemonic.Popfd or Mnemonic.Shld or Mnemonic.Shrd or Mnemonic.Bswap or Mnemonic.Rcpps or Mnemonic.Rcpss or Mnemonic.Rsqrtps
            or Mnemonic.Rsqrtss or Mnemonic.Vrcpps or Mnemonic.Vrcpss or Mnemonic.Vrsqrtps or Mnemonic.Vrsqrtss or Mnemonic.Pushf or Mnemonic.Pushfq or Mnemonic.Lahf or Mnemonic.Rdpmc or Mnemonic.Enter or Mnemonic.Leave
            or Mnemonic.Maskmovq or Mnemonic.Maskmovdqu or Mnemonic.Xlatb or Mnemonic.Invlpg or Mnemonic.Fnstsw or Mnemonic.Fnstenv or Mnemonic.Fldcw
            or Mnemonic.Ldmxcsr or Mnemonic.Vldmxcsr or Mnemonic.Vmaskmovdqu);
    }

    private void SeedState()
    {
        for (int i = 0; i < 16; i++)
            _state->Gpr[i] = Seeds.Integer(ref _chance);
        _state->Gpr[15] = _chance.Below(20) switch
        {
            // Near pages that are missing or read-only, where some operands fault.
            0 => Arena.FirstHole - (ulong)_chance.Below(120),
            1 => Arena.ReadOnly - (ulong)_chance.Below(120),
            2 => Arena.ThirdWritable + (ulong)_chance.Below(120),
            < 8 => Arena.Data + 0x1000 - (ulong)_chance.Below(40),
            _ => Arena.Data + 0x200 + (ulong)_chance.Below(0x1800),
        };
        _state->Gpr[4] = Arena.SecondWritable + 0x400 + (ulong)(8 * _chance.Below(64));
        _state->Gpr[6] = StringAddress(0x400);
        _state->Gpr[7] = StringAddress(0x800);
        _state->Rflags = (_chance.Next() & 0x8d5) | 0x202;
        _state->Fcw = Seeds.Fcw(ref _chance);
        if (!_unmasks)
            _state->Fcw |= 0x3f;
        _state->Fsw = (ushort)(_chance.Below(8) << 11);
        _state->Ftw = (byte)(_chance.Percent(50) ? 0xff : _chance.Next());
        _state->Mxcsr = Seeds.Mxcsr(ref _chance) | (_unmasks ? 0 : 0x1f80u);
        for (int i = 0; i < 8; i++)
        {
            (ulong significand, ushort top) = Seeds.Extended(ref _chance);
            _state->St(2 * i) = significand;
            _state->St((2 * i) + 1) = top;
        }

        Seeds.Fill(ref _chance, new Span<byte>(_state->Fx + 160, 256), ElementKind.Mixed);
        Seeds.Fill(ref _chance, new Span<byte>(_state->High, 256), ElementKind.Mixed);
    }

    private void AddBranch(ulong start)
    {
        Code code = _chance.Of<Code>(ShortBranches);
        Instruction instruction = default;
        instruction.Code = code;
        if ((instruction.RflagsRead & _undefined) != 0)
            return;
        instruction.Op0Kind = OpKind.NearBranch64;
        instruction.NearBranch64 = start + (ulong)_writer.Bytes.Count + 2;
        if (!Append(instruction, start))
            return;
        int over = _instructions.Count + _chance.Between(0, 3);
        _branches.Add((_writer.Bytes.Count, over));
        _conditionalUntil = Math.Max(_conditionalUntil, over);
    }

    /// <summary>Mostly where nothing is near; sometimes where a repeated instruction soon meets the next page or a hole.</summary>
    private ulong StringAddress(ulong usual) => _chance.Below(12) switch
    {
        0 => Arena.SecondHole - (ulong)_chance.Between(1, 64),
        1 => Arena.Data + 0x1000 - (ulong)_chance.Between(1, 64),
        2 => Arena.ThirdWritable + (ulong)_chance.Below(64),
        _ => Arena.ThirdWritable + usual,
    };

    /// <summary>A repeated string instruction, mostly with a count that ends it soon.</summary>
    private void AddRepeated(ulong start)
    {
        if (_chance.Percent(90))
        {
            Instruction count = default;
            count.Code = Code.Mov_r32_imm32;
            _ = SetRegister(ref count, 0, Register.ECX);
            count.SetOpKind(1, OpKind.Immediate32);
            count.Immediate32 = (uint)_chance.Below(_chance.Percent(80) ? 12 : 80);
            if (!Append(count, start))
                return;
        }

        AddInstruction(start, _chance.Of<Form>(_strings), repeated: true);
    }

    /// <summary>Loads MXCSR or the x87 control word with one of the values that are ready for it.</summary>
    private void AddControlLoad(ulong start)
    {
        Instruction instruction = default;
        instruction.Code = _chance.Of<Code>(ControlLoads);
        instruction.SetOpKind(0, OpKind.Memory);
        instruction.MemoryDisplSize = 4;
        int which = _chance.Below(ControlCount);
        instruction.MemoryDisplacement64 = Controls + (ulong)(instruction.Code == Code.Fldcw_m2byte ? (4 * ControlCount) + (2 * which) : 4 * which);
        _ = Append(instruction, start);
    }

    private void AddControls(Instance* instance)
    {
        Span<byte> values = stackalloc byte[6 * ControlCount];
        for (int i = 0; i < ControlCount; i++)
        {
            bool masked = !_unmasks || _chance.Percent(40);
            BitConverter.TryWriteBytes(values[(4 * i)..], Seeds.Mxcsr(ref _chance) | (masked ? 0x1f80u : 0));
            BitConverter.TryWriteBytes(values[((4 * ControlCount) + (2 * i))..], (ushort)(Seeds.Fcw(ref _chance) | (masked ? 0x3f : 0)));
        }

        instance->AddPatch(Controls, values);
    }

    private void AddInstruction(ulong start, Form form, bool repeated = false)
    {
        // Whether the change to MMX state precedes a fault of these is not written down.
        if (_unmasks && form.Mnemonic is Mnemonic.Cvtps2pi or Mnemonic.Cvttps2pi or Mnemonic.Cvtpd2pi or Mnemonic.Cvttpd2pi)
            return;
        Instruction instruction = default;
        instruction.Code = form.Code;
        bool memory = form.HasMemory && _chance.Percent(40);
        for (int i = 0; i < form.OpCode.OpCount; i++)
        {
            if (!SetOperand(ref instruction, i, form, memory))
                return;
        }

        if (repeated && form.OpCode.CanUseRepnePrefix && _chance.Percent(50))
            instruction.HasRepnePrefix = true;
        else if (repeated)
            instruction.HasRepePrefix = true;
        if (form.OpCode.CanUseLockPrefix && instruction.Op0Kind == OpKind.Memory && _chance.Percent(20))
            instruction.HasLockPrefix = true;
        if ((instruction.RflagsRead & _undefined) != 0 || !Append(instruction, start))
            return;
        // With a count of zero a shift or a repeated instruction leaves all flags as they were.
        if (_instructions.Count > _conditionalUntil && !form.ShiftsByCl && !repeated)
            _undefined &= ~instruction.RflagsModified;
        _undefined |= instruction.RflagsUndefined & Arithmetic;
        if (form.ShiftsByCl)
            _undefined |= RflagsBits.OF | RflagsBits.AF | RflagsBits.CF;
        _everUndefined |= _undefined;
    }

    private bool Append(in Instruction instruction, ulong start)
    {
        int before = _writer.Bytes.Count;
        Instruction placed = instruction;
        placed.IP = start + (ulong)before;
        if (!_encoder.TryEncode(placed, placed.IP, out uint length, out _))
        {
            _writer.Bytes.RemoveRange(before, _writer.Bytes.Count - before);
            return false;
        }

        placed.Length = (int)length;
        placed.IP = start + (ulong)before;
        _instructions.Add(placed);
        return true;
    }

    private bool SetOperand(ref Instruction instruction, int i, Form form, bool memory)
    {
        OpCodeOperandKind kind = form.OpCode.GetOpKind(i);
        switch (kind)
        {
            case OpCodeOperandKind.mem:
            case OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r32_or_mem
                or OpCodeOperandKind.r64_or_mem or OpCodeOperandKind.mm_or_mem or OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.ymm_or_mem when memory:
                instruction.SetOpKind(i, OpKind.Memory);
                instruction.MemoryBase = Register.R15;
                instruction.MemoryDisplacement64 = (ulong)(long)_chance.Between(-100, 100);
                instruction.MemoryDisplSize = 1;
                return true;
            case OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r8_reg or OpCodeOperandKind.r8_opcode:
                return SetRegister(ref instruction, i, _chance.Of<Register>([Register.AL, Register.CL, Register.DL, Register.BL, Register.AH, Register.CH, Register.DH, Register.BH, Register.BPL, Register.R8L, Register.R9L]));
            case OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r16_reg or OpCodeOperandKind.r16_opcode or OpCodeOperandKind.r16_rm:
                return SetRegister(ref instruction, i, Register.AX + General());
            case OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r32_reg or OpCodeOperandKind.r32_opcode or OpCodeOperandKind.r32_rm or OpCodeOperandKind.r32_vvvv:
                return SetRegister(ref instruction, i, Register.EAX + General());
            case OpCodeOperandKind.r64_or_mem or OpCodeOperandKind.r64_reg or OpCodeOperandKind.r64_opcode or OpCodeOperandKind.r64_rm or OpCodeOperandKind.r64_vvvv:
                return SetRegister(ref instruction, i, Register.RAX + General());
            case OpCodeOperandKind.mm_or_mem or OpCodeOperandKind.mm_reg or OpCodeOperandKind.mm_rm:
                return SetRegister(ref instruction, i, Register.MM0 + _chance.Below(8));
            case OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.xmm_reg or OpCodeOperandKind.xmm_rm or OpCodeOperandKind.xmm_vvvv or OpCodeOperandKind.xmm_is4:
                return SetRegister(ref instruction, i, Register.XMM0 + _chance.Below(6));
            case OpCodeOperandKind.ymm_or_mem or OpCodeOperandKind.ymm_reg or OpCodeOperandKind.ymm_rm or OpCodeOperandKind.ymm_vvvv or OpCodeOperandKind.ymm_is4:
                return SetRegister(ref instruction, i, Register.YMM0 + _chance.Below(6));
            case OpCodeOperandKind.st0:
                return SetRegister(ref instruction, i, Register.ST0);
            case OpCodeOperandKind.sti_opcode:
                return SetRegister(ref instruction, i, Register.ST0 + _chance.Below(8));
            case OpCodeOperandKind.al:
                return SetRegister(ref instruction, i, Register.AL);
            case OpCodeOperandKind.ax:
                return SetRegister(ref instruction, i, Register.AX);
            case OpCodeOperandKind.eax:
                return SetRegister(ref instruction, i, Register.EAX);
            case OpCodeOperandKind.rax:
                return SetRegister(ref instruction, i, Register.RAX);
            case OpCodeOperandKind.cl:
                return SetRegister(ref instruction, i, Register.CL);
            case OpCodeOperandKind.imm8:
                instruction.SetOpKind(i, OpKind.Immediate8);
                instruction.Immediate8 = (byte)(form.Mnemonic is Mnemonic.Cmpps or Mnemonic.Cmppd or Mnemonic.Cmpss or Mnemonic.Cmpsd ? _chance.Below(8)
                    : form.Mnemonic is Mnemonic.Vcmpps or Mnemonic.Vcmppd or Mnemonic.Vcmpss or Mnemonic.Vcmpsd ? _chance.Below(32)
                    : form.Mnemonic is Mnemonic.Roundps or Mnemonic.Roundpd or Mnemonic.Roundss or Mnemonic.Roundsd ? _chance.Below(16)
                    : _chance.Below(form.MemoryBytes * 8));
                return true;
            case OpCodeOperandKind.imm8_const_1:
                instruction.SetOpKind(i, OpKind.Immediate8);
                instruction.Immediate8 = 1;
                return true;
            case OpCodeOperandKind.imm8sex16:
                instruction.SetOpKind(i, OpKind.Immediate8to16);
                instruction.Immediate8to16 = (sbyte)Seeds.Integer(ref _chance);
                return true;
            case OpCodeOperandKind.imm8sex32:
                instruction.SetOpKind(i, OpKind.Immediate8to32);
                instruction.Immediate8to32 = (sbyte)Seeds.Integer(ref _chance);
                return true;
            case OpCodeOperandKind.imm8sex64:
                instruction.SetOpKind(i, OpKind.Immediate8to64);
                instruction.Immediate8to64 = (sbyte)Seeds.Integer(ref _chance);
                return true;
            case OpCodeOperandKind.imm16:
                instruction.SetOpKind(i, OpKind.Immediate16);
                instruction.Immediate16 = (ushort)Seeds.Integer(ref _chance);
                return true;
            case OpCodeOperandKind.imm32:
                instruction.SetOpKind(i, OpKind.Immediate32);
                instruction.Immediate32 = (uint)Seeds.Integer(ref _chance);
                return true;
            case OpCodeOperandKind.imm32sex64:
                instruction.SetOpKind(i, OpKind.Immediate32to64);
                instruction.Immediate32to64 = (int)Seeds.Integer(ref _chance);
                return true;
            case OpCodeOperandKind.imm64:
                instruction.SetOpKind(i, OpKind.Immediate64);
                instruction.Immediate64 = Seeds.Integer(ref _chance);
                return true;
            case OpCodeOperandKind.seg_rSI:
                instruction.SetOpKind(i, OpKind.MemorySegRSI);
                return true;
            case OpCodeOperandKind.es_rDI:
                instruction.SetOpKind(i, OpKind.MemoryESRDI);
                return true;
            default:
                return false;
        }
    }

    /// <summary>RAX RCX RDX RBX RBP R8 R9 R10: few, so that instructions depend on each other.</summary>
    private int General() => _chance.Of<int>([0, 0, 1, 2, 3, 5, 8, 9, 10]);

    private static bool SetRegister(ref Instruction instruction, int i, Register register)
    {
        instruction.SetOpKind(i, OpKind.Register);
        instruction.SetOpRegister(i, register);
        return true;
    }

    private static ulong ToRflags(RflagsBits bits) =>
        ((bits & RflagsBits.CF) != 0 ? 1UL : 0) | ((bits & RflagsBits.PF) != 0 ? 4UL : 0) | ((bits & RflagsBits.AF) != 0 ? 0x10UL : 0)
        | ((bits & RflagsBits.ZF) != 0 ? 0x40UL : 0) | ((bits & RflagsBits.SF) != 0 ? 0x80UL : 0) | ((bits & RflagsBits.OF) != 0 ? 0x800UL : 0);

    private sealed class ListWriter : CodeWriter
    {
        public List<byte> Bytes { get; } = [];

        public override void WriteByte(byte value) => Bytes.Add(value);
    }
}
