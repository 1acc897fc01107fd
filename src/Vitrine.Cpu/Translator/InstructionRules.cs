using Iced.Intel;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.Simd;
using static Vitrine.Cpu.Translator.FlagRecord;

namespace Vitrine.Cpu.Translator;

/// <summary>Which instructions are translated how, and what they do to the flags.</summary>
internal static class InstructionRules
{
    private const byte AllButCarry = All & ~Carry;

    /// <summary>Fills in all but what depends on the instructions around it.</summary>
    public static void Classify(ref RegionInstruction r, CpuLevel level)
    {
        ref Instruction i = ref r.Code;
        r.Kind = InstructionKind.Interpreted;
        if (IsOrdinary(i))
        {
            if (i.Encoding == EncodingKind.Legacy)
                Choose(ref r);
            if (r.Kind == InstructionKind.Interpreted)
                ExtensionRules.Choose(ref r, level);
        }

        if (r.Kind == InstructionKind.Interpreted)
        {
            r.IsEvent = true;
            r.Reads = 0;
            r.Writes = 0;
        }
        else if (r.Kind is InstructionKind.Push or InstructionKind.Pop or InstructionKind.Leave or InstructionKind.Call
            or InstructionKind.CallIndirect or InstructionKind.Return or InstructionKind.Divide or InstructionKind.JumpIndirect
            || (HasMemory(i) && r.Kind != InstructionKind.LoadAddress && r.Kind != InstructionKind.Nothing))
        {
            r.IsEvent = true;
        }
    }

    public static bool HasMemory(in Instruction i)
    {
        for (int n = 0; n < i.OpCount; n++)
        {
            if (i.GetOpKind(n) == OpKind.Memory)
                return true;
        }

        return false;
    }

    /// <summary>The instruction is one after which nothing of its block follows, and it isn't translated.</summary>
    public static bool EndsRegion(in RegionInstruction r) => r.Kind switch
    {
        InstructionKind.Jump or InstructionKind.JumpIndirect or InstructionKind.Call or InstructionKind.CallIndirect or InstructionKind.Return => true,
        InstructionKind.Interpreted => EndsBlock(r.Code),
        _ => false,
    };

    /// <summary>An interpreted instruction that doesn't just go on behind itself.</summary>
    public static bool EndsBlock(in Instruction i) =>
        i.FlowControl is not (FlowControl.Next or FlowControl.Exception) || i.Mnemonic is Mnemonic.Rdtsc or Mnemonic.Rdtscp or Mnemonic.Rdrand or Mnemonic.Rdseed or Mnemonic.Syscall
            or Mnemonic.Int3 or Mnemonic.Int1 or Mnemonic.Int or Mnemonic.Hlt or Mnemonic.Ud2 or Mnemonic.Ud1 or Mnemonic.Ud0;

    /// <summary>Bytes of a general register or integer memory operand.</summary>
    public static int SizeOf(in Instruction i, int operand) =>
        i.GetOpKind(operand) == OpKind.Register ? i.GetOpRegister(operand).GetSize() : i.MemorySize.GetSize();

    /// <summary>Number of a general register, whatever its size.</summary>
    public static int Number(Register r) => r.GetFullRegister() - Register.RAX;

    /// <summary>AH CH DH BH.</summary>
    public static bool IsHighByte(Register r) => r is >= Register.AH and <= Register.BH;

    /// <summary>The number of a byte register in an instruction without REX prefix: AH to BH are 4 to 7.</summary>
    public static int LegacyByte(Register r) => r - Register.AL;

    public static bool IsGeneral(Register r) => r is >= Register.AL and <= Register.R15;

    /// <summary>Operands are general or XMM registers, immediates and plain memory.</summary>
    private static bool IsOrdinary(in Instruction i)
    {
        if (i.Encoding is not (EncodingKind.Legacy or EncodingKind.VEX))
            return false;
        for (int n = 0; n < i.OpCount; n++)
        {
            switch (i.GetOpKind(n))
            {
                case OpKind.Register:
                    Register r = i.GetOpRegister(n);
                    if (!IsGeneral(r) && r is not ((>= Register.XMM0 and <= Register.XMM15) or (>= Register.YMM0 and <= Register.YMM15)))
                        return false;
                    break;
                case OpKind.Memory:
                    if (i.MemoryBase is not (Register.None or Register.RIP or (>= Register.RAX and <= Register.R15))
                        || i.MemoryIndex is not (Register.None or (>= Register.RAX and <= Register.R15)))
                        return false;
                    if ((long)i.MemoryDisplacement64 != (int)(long)i.MemoryDisplacement64)
                        return false;
                    break;
                case OpKind.Immediate8 or OpKind.Immediate16 or OpKind.Immediate32 or OpKind.Immediate64 or OpKind.Immediate8to16
                    or OpKind.Immediate8to32 or OpKind.Immediate8to64 or OpKind.Immediate32to64:
                    break;
                case OpKind.NearBranch64:
                    if ((long)i.NearBranch64 != (int)(long)i.NearBranch64)
                        return false;
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    private static void Choose(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        switch (i.Mnemonic)
        {
            case Mnemonic.Mov:
                if (i.Code is not (Code.Mov_AL_moffs8 or Code.Mov_AX_moffs16 or Code.Mov_EAX_moffs32 or Code.Mov_RAX_moffs64
                    or Code.Mov_moffs8_AL or Code.Mov_moffs16_AX or Code.Mov_moffs32_EAX or Code.Mov_moffs64_RAX))
                {
                    r.Kind = InstructionKind.Move;
                    r.WritesMemory = i.Op0Kind == OpKind.Memory;
                }

                break;
            case Mnemonic.Movnti:
                r.Kind = InstructionKind.Move;
                r.WritesMemory = true;
                break;
            case Mnemonic.Movzx or Mnemonic.Movsx or Mnemonic.Movsxd:
                if (i.Op1Kind == OpKind.Memory || !IsHighByte(i.Op1Register) || Number(i.Op0Register) != HostRegister.State)
                    r.Kind = InstructionKind.MoveExtended;
                break;
            case Mnemonic.Lea:
                if (i.Op0Register.GetSize() >= 4)
                    r.Kind = InstructionKind.LoadAddress;
                break;
            case Mnemonic.Add or Mnemonic.Sub or Mnemonic.Cmp:
                Set(ref r, InstructionKind.Arithmetic, 0, All, All);
                r.WritesMemory = i.Mnemonic != Mnemonic.Cmp && i.Op0Kind == OpKind.Memory;
                break;
            case Mnemonic.Adc or Mnemonic.Sbb:
                if (!i.HasLockPrefix)
                    Set(ref r, InstructionKind.Arithmetic, Carry, All, All);
                r.WritesMemory = i.Op0Kind == OpKind.Memory;
                break;
            case Mnemonic.And or Mnemonic.Or or Mnemonic.Xor or Mnemonic.Test:
                Set(ref r, InstructionKind.Arithmetic, 0, All, All & ~Adjust);
                r.WritesMemory = i.Mnemonic != Mnemonic.Test && i.Op0Kind == OpKind.Memory;
                break;
            case Mnemonic.Inc or Mnemonic.Dec:
                Set(ref r, InstructionKind.IncrementDecrement, 0, AllButCarry, AllButCarry);
                r.WritesMemory = i.Op0Kind == OpKind.Memory;
                break;
            case Mnemonic.Neg:
                if (!i.HasLockPrefix)
                    Set(ref r, InstructionKind.Invert, 0, All, All);
                r.WritesMemory = i.Op0Kind == OpKind.Memory;
                break;
            case Mnemonic.Not:
                r.Kind = InstructionKind.Invert;
                r.WritesMemory = i.Op0Kind == OpKind.Memory;
                break;
            case Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Rol or Mnemonic.Ror:
                ChooseShift(ref r);
                break;
            case Mnemonic.Imul:
                Set(ref r, i.OpCount == 1 ? InstructionKind.MultiplyWide : InstructionKind.Multiply, 0, All, Carry | Overflow);
                break;
            case Mnemonic.Mul:
                Set(ref r, InstructionKind.MultiplyWide, 0, All, Carry | Overflow);
                break;
            case Mnemonic.Div or Mnemonic.Idiv:
                if (SizeOf(i, 0) >= 4)
                    r.Kind = InstructionKind.Divide;
                break;
            case Mnemonic.Push:
                if (i.Op0Kind == OpKind.Memory ? i.MemorySize.GetSize() == 8
                    : i.Op0Kind != OpKind.Register ? i.Op0Kind is OpKind.Immediate8to64 or OpKind.Immediate32to64 : i.Op0Register.GetSize() == 8)
                    r.Kind = InstructionKind.Push;
                break;
            case Mnemonic.Pop:
                if (i.Op0Kind == OpKind.Register && i.Op0Register.GetSize() == 8)
                    r.Kind = InstructionKind.Pop;
                break;
            case Mnemonic.Leave:
                if (i.Code == Code.Leaveq)
                    r.Kind = InstructionKind.Leave;
                break;
            case Mnemonic.Call:
                r.Kind = i.Op0Kind == OpKind.NearBranch64 ? InstructionKind.Call
                    : i.Code == Code.Call_rm64 ? InstructionKind.CallIndirect : InstructionKind.Interpreted;
                break;
            case Mnemonic.Jmp:
                r.Kind = i.Op0Kind == OpKind.NearBranch64 ? InstructionKind.Jump
                    : i.Code == Code.Jmp_rm64 ? InstructionKind.JumpIndirect : InstructionKind.Interpreted;
                break;
            case Mnemonic.Ret:
                if (i.Code is Code.Retnq or Code.Retnq_imm16)
                    r.Kind = InstructionKind.Return;
                break;
            case Mnemonic.Cbw or Mnemonic.Cwde or Mnemonic.Cdqe or Mnemonic.Cwd or Mnemonic.Cdq or Mnemonic.Cqo:
            case Mnemonic.Mfence or Mnemonic.Lfence or Mnemonic.Sfence or Mnemonic.Pause:
                r.Kind = InstructionKind.Verbatim;
                break;
            case Mnemonic.Bswap:
                if (i.Op0Register.GetSize() >= 4)
                    r.Kind = InstructionKind.SwapBytes;
                break;
            case Mnemonic.Xchg:
                r.Kind = InstructionKind.Exchange;
                r.WritesMemory = i.Op0Kind == OpKind.Memory;
                break;
            case Mnemonic.Cmpxchg:
                Set(ref r, InstructionKind.CompareExchange, 0, All, All);
                r.WritesMemory = i.Op0Kind == OpKind.Memory;
                break;
            case Mnemonic.Xadd:
                Set(ref r, InstructionKind.ExchangeAdd, 0, All, All);
                r.WritesMemory = i.Op0Kind == OpKind.Memory;
                break;
            case Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc:
                if (i.Op0Kind == OpKind.Register)
                    Set(ref r, InstructionKind.BitTest, 0, Carry, Carry);
                break;
            case Mnemonic.Bsf or Mnemonic.Bsr:
                if (i.Op1Kind == OpKind.Register && SizeOf(i, 0) >= 4)
                    Set(ref r, InstructionKind.BitScan, 0, All, Zero);
                break;
            case Mnemonic.Popcnt:
                Set(ref r, InstructionKind.PopulationCount, 0, All, All);
                break;
            case Mnemonic.Nop or Mnemonic.Endbr64 or Mnemonic.Endbr32 or Mnemonic.Reservednop:
            case Mnemonic.Prefetchnta or Mnemonic.Prefetcht0 or Mnemonic.Prefetcht1 or Mnemonic.Prefetcht2 or Mnemonic.Prefetchw or Mnemonic.Prefetch:
                r.Kind = InstructionKind.Nothing;
                break;
            case Mnemonic.Comiss or Mnemonic.Ucomiss or Mnemonic.Comisd or Mnemonic.Ucomisd or Mnemonic.Ptest:
                ChooseVector(ref r);
                if (r.Kind == InstructionKind.Vector)
                    Set(ref r, InstructionKind.VectorCompare, 0, All, All);
                break;
            case Mnemonic.Pcmpestri or Mnemonic.Pcmpestrm or Mnemonic.Pcmpistri or Mnemonic.Pcmpistrm or Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm64:
                ChooseStringCompare(ref r);
                break;
            default:
                ChooseConditional(ref r);
                break;
        }

        // A high byte register can't be named beside a REX prefix, which host addresses need; only moves are worth a detour.
        if (r.Kind is not (InstructionKind.Interpreted or InstructionKind.Nothing or InstructionKind.Move) && UsesHighByte(i) && (r.IsEvent || HasMemory(i)))
            r.Kind = InstructionKind.Interpreted;
    }

    /// <summary>Guest registers that an instruction may change, one bit each.</summary>
    public static int WrittenRegisters(in RegionInstruction r)
    {
        const int Accumulators = 1 | 4;
        const int StackPointer = 16;
        ref readonly Instruction i = ref r.Code;
        return r.Kind switch
        {
            InstructionKind.Nothing or InstructionKind.Jump or InstructionKind.JumpIf or InstructionKind.JumpIndirect => 0,
            InstructionKind.Arithmetic when i.Mnemonic is Mnemonic.Cmp or Mnemonic.Test => 0,
            InstructionKind.BitTest when i.Mnemonic == Mnemonic.Bt => 0,
            InstructionKind.Call or InstructionKind.CallIndirect or InstructionKind.Return or InstructionKind.Push => StackPointer,
            InstructionKind.Leave => StackPointer | 32,
            InstructionKind.Pop => StackPointer | Bit(i, 0),
            InstructionKind.MultiplyWide or InstructionKind.Divide or InstructionKind.Verbatim => Accumulators,
            InstructionKind.StringCompare => 2,
            InstructionKind.Exchange or InstructionKind.ExchangeAdd => Bit(i, 0) | Bit(i, 1),
            InstructionKind.CompareExchange => 1 | Bit(i, 0),
            InstructionKind.Interpreted => 0xffff,
            InstructionKind.General => Bit(i, 0) | Bit(i, 1),
            _ => Bit(i, 0),
        };
    }

    private static int Bit(in Instruction i, int operand) =>
        i.GetOpKind(operand) == OpKind.Register && IsGeneral(i.GetOpRegister(operand)) ? 1 << Number(i.GetOpRegister(operand)) : 0;

    public static bool UsesHighByte(in Instruction i)
    {
        for (int n = 0; n < i.OpCount; n++)
        {
            if (i.GetOpKind(n) == OpKind.Register && IsHighByte(i.GetOpRegister(n)))
                return true;
        }

        return false;
    }

    private static void ChooseShift(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        bool rotates = i.Mnemonic is Mnemonic.Rol or Mnemonic.Ror;
        int size = SizeOf(i, 0);
        r.WritesMemory = i.Op0Kind == OpKind.Memory;
        if (i.Op1Kind == OpKind.Register)
        {
            Set(ref r, InstructionKind.ShiftByCl, 0, rotates ? Carry | Overflow : All, 0);
            return;
        }

        int count = i.Immediate8 & (size == 8 ? 63 : 31);
        if (count == 0 || (size < 4 && count >= size * 8))
            return;
        int valid = count == 1 ? Carry | Overflow : Carry;
        if (rotates)
            Set(ref r, InstructionKind.Shift, 0, Carry | Overflow, valid);
        else
            Set(ref r, InstructionKind.Shift, 0, All, valid | Parity | Zero | Sign);
    }

    private static void ChooseConditional(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        ConditionCode condition = i.IsLoopcc ? ConditionCode.None : i.ConditionCode;
        if (condition == ConditionCode.None)
        {
            ChooseVector(ref r);
            return;
        }

        byte reads = ReadsOf(condition);
        if (i.IsJccShortOrNear)
        {
            if (i.Op0Kind == OpKind.NearBranch64)
                Set(ref r, InstructionKind.JumpIf, reads, 0, 0);
        }
        else if (i.OpCount == 1)
        {
            Set(ref r, InstructionKind.Set, reads, 0, 0);
            r.WritesMemory = i.Op0Kind == OpKind.Memory;
        }
        else if (i.OpCount == 2 && IsGeneral(i.Op0Register))
        {
            Set(ref r, InstructionKind.MoveIf, reads, 0, 0);
        }
    }

    public static byte ReadsOf(ConditionCode condition) => condition switch
    {
        ConditionCode.o or ConditionCode.no => Overflow,
        ConditionCode.b or ConditionCode.ae => Carry,
        ConditionCode.e or ConditionCode.ne => Zero,
        ConditionCode.be or ConditionCode.a => Carry | Zero,
        ConditionCode.s or ConditionCode.ns => Sign,
        ConditionCode.p or ConditionCode.np => Parity,
        ConditionCode.l or ConditionCode.ge => Sign | Overflow,
        _ => Sign | Overflow | Zero,
    };

    /// <summary>The condition's number in an opcode.</summary>
    public static int NumberOf(ConditionCode condition) => condition switch
    {
        ConditionCode.o => 0,
        ConditionCode.no => 1,
        ConditionCode.b => 2,
        ConditionCode.ae => 3,
        ConditionCode.e => 4,
        ConditionCode.ne => 5,
        ConditionCode.be => 6,
        ConditionCode.a => 7,
        ConditionCode.s => 8,
        ConditionCode.ns => 9,
        ConditionCode.p => 10,
        ConditionCode.np => 11,
        ConditionCode.l => 12,
        ConditionCode.ge => 13,
        ConditionCode.le => 14,
        _ => 15,
    };

    /// <summary>Vector instructions that the host executes: results are defined, and nothing but registers, memory and MXCSR takes part.</summary>
    private static void ChooseVector(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        switch (i.Mnemonic)
        {
            case Mnemonic.Rcpps or Mnemonic.Rcpss or Mnemonic.Rsqrtps or Mnemonic.Rsqrtss or Mnemonic.Ldmxcsr or Mnemonic.Stmxcsr:
            case Mnemonic.Maskmovdqu:
                return;
        }

        bool hasXmm = false;
        for (int n = 0; n < i.OpCount; n++)
        {
            if (i.GetOpKind(n) == OpKind.Register)
                hasXmm |= i.GetOpRegister(n) is >= Register.XMM0 and <= Register.XMM15;
        }

        if (!hasXmm)
            return;
        VectorOperation operation = VectorTable.Find(i.Code);
        const VectorTraits Plain = VectorTraits.Reads | VectorTraits.Writes | VectorTraits.Aligned | VectorTraits.MayFault;
        if (!operation.IsKnown || (operation.Traits & ~Plain) != 0)
            return;
        if (HasMemory(i) && (operation.MemorySize == 0 || operation.MemorySize > 16))
            return;
        r.Kind = InstructionKind.Vector;
        r.VectorSize = operation.MemorySize;
        r.Aligned = (operation.Traits & VectorTraits.Aligned) != 0;
        r.WritesMemory = (operation.Traits & VectorTraits.Writes) != 0;
    }

    /// <summary>Operands in memory need no alignment.</summary>
    public static void ChooseStringCompare(ref RegionInstruction r)
    {
        Set(ref r, InstructionKind.StringCompare, 0, All, All);
        r.VectorSize = 16;
    }

    public static void Set(ref RegionInstruction r, InstructionKind kind, int reads, int writes, int valid)
    {
        r.Kind = kind;
        r.Reads = (byte)reads;
        r.Writes = (byte)writes;
        r.HostValid = (byte)valid;
    }
}
