using Iced.Intel;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>Flags that Intel's manual calls undefined after an instruction.</summary>
internal static unsafe class UndefinedFlags
{
    private const ulong Cf = 1, Pf = 4, Af = 0x10, Zf = 0x40, Sf = 0x80, OverflowBit = 0x800;

    /// <summary>
    /// The decoder library's table, except where it depends on an operand's value: shifts and rotates.
    /// </summary>
    public static ulong Of(Form form, in Instruction instruction, MachineState* before)
    {
        switch (form.Mnemonic)
        {
            case Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Rol or Mnemonic.Ror
                or Mnemonic.Rcl or Mnemonic.Rcr or Mnemonic.Shld or Mnemonic.Shrd:
                return OfShift(form, instruction, before);
        }

        RflagsBits bits = instruction.RflagsUndefined;
        ulong mask = 0;
        if ((bits & RflagsBits.CF) != 0)
            mask |= Cf;
        if ((bits & RflagsBits.PF) != 0)
            mask |= Pf;
        if ((bits & RflagsBits.AF) != 0)
            mask |= Af;
        if ((bits & RflagsBits.ZF) != 0)
            mask |= Zf;
        if ((bits & RflagsBits.SF) != 0)
            mask |= Sf;
        if ((bits & RflagsBits.OF) != 0)
            mask |= OverflowBit;
        return mask;
    }


    private static ulong OfShift(Form form, in Instruction instruction, MachineState* before)
    {
        int size = OperandBits(form);
        int count = Count(form, instruction, before, size);
        if (count == 0)
            return 0;
        ulong overflow = count == 1 ? 0 : OverflowBit;
        switch (form.Mnemonic)
        {
            case Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr:
                return overflow;
            case Mnemonic.Shld or Mnemonic.Shrd:
                // SDM: beyond the operand's size, everything is undefined.
                return count > size ? Cf | Pf | Af | Zf | Sf | OverflowBit : overflow | Af;
            case Mnemonic.Sar:
                return overflow | Af;
            default:
                return overflow | Af | (count >= size ? Cf : 0);
        }
    }

    public static int OperandBits(Form form) => form.MemoryBytes * 8;

    /// <summary>The count after masking: to 6 bits with 64-bit operands, else to 5.</summary>
    public static int Count(Form form, in Instruction instruction, MachineState* before, int size)
    {
        int last = instruction.OpCount - 1;
        ulong raw = instruction.GetOpKind(last) == OpKind.Register ? before->Gpr[1] : instruction.GetImmediate(last);
        return (int)(raw & (size == 64 ? 63u : 31u));
    }

    /// <summary>Condition bits of the x87 status word.</summary>
    public static int OfStatusWord(Form form, in Instruction instruction)
    {
        if (!form.IsFpu)
            return 0;
        RflagsBits bits = instruction.RflagsUndefined;
        int mask = 0;
        if ((bits & RflagsBits.C0) != 0)
            mask |= 0x100;
        if ((bits & RflagsBits.C1) != 0)
            mask |= 0x200;
        if ((bits & RflagsBits.C2) != 0)
            mask |= 0x400;
        if ((bits & RflagsBits.C3) != 0)
            mask |= 0x4000;

        // Whether an approximated result was exact, and which way it was rounded, depends on the approximation.
        if (Approximation.IsTranscendental(form.Mnemonic))
            mask |= 0x200 | 0x20 | 0x8080;
        return mask;
    }
}

/// <summary>Registers and memory whose content Intel's manual calls undefined or processor-specific.</summary>
internal static unsafe class Undefined
{
    public static bool Register(Form form, in Instruction instruction, MachineState* before, int register, ulong host, ulong guest)
    {
        int size = UndefinedFlags.OperandBits(form);
        bool isDestination = instruction.Op0Kind == OpKind.Register && (int)(instruction.Op0Register.GetFullRegister() - Iced.Intel.Register.RAX) == register;
        return form.Mnemonic switch
        {
            // SDM: the destination is undefined when a 16-bit double shift goes beyond 16.
            Mnemonic.Shld or Mnemonic.Shrd => isDestination && size == 16 && (host ^ guest) <= 0xffff
                && UndefinedFlags.Count(form, instruction, before, size) > 16,

            // SDM: BSWAP of a 16-bit register is undefined.
            Mnemonic.Bswap => isDestination && size == 16 && (host ^ guest) <= 0xffff,

            // A comparison that fails: Intel writes a 32-bit destination back, clearing the upper half, AMD doesn't.
            Mnemonic.Cmpxchg => isDestination && size == 32 && (uint)host == (uint)guest,

            // SDM: bits 19:16 of the rights are undefined.
            Mnemonic.Lar => isDestination && ((host ^ guest) & ~0xf0000UL) == 0,
            _ => false,
        };
    }

    /// <summary>True for bytes at this place of the arena that the instruction writes with something undefined.</summary>
    public static bool Memory(Form form, in Instruction instruction, Instance* instance, int arenaOffset, bool faulted)
    {
        switch (form.Mnemonic)
        {
            case Mnemonic.Shld or Mnemonic.Shrd:
                return form.MemoryBytes == 2 && UndefinedFlags.Count(form, instruction, &instance->State, 16) > 16;
            case Mnemonic.Call when form.IsFar && faulted:
                // The second of its two pushes may fault: some processors have written the first one then.
                return true;
            case Mnemonic.Fxsave or Mnemonic.Fxsave64 or Mnemonic.Xsave or Mnemonic.Xsave64
                or Mnemonic.Xsaveopt or Mnemonic.Xsaveopt64 or Mnemonic.Xsavec or Mnemonic.Xsavec64:
                // FOP, FIP, FDP: see Comparison. MXCSR_MASK: which bits exist.
                return Within(instance, arenaOffset, 6, 24) || Within(instance, arenaOffset, 28, 32);
            case Mnemonic.Fnsave or Mnemonic.Fnstenv:
                return form.MemoryBytes is 14 or 94 ? Within(instance, arenaOffset, 6, 14) : Within(instance, arenaOffset, 12, 28);
            default:
                return false;
        }
    }

    /// <summary>True if the place is within these bytes of the memory operand, whose seed is the first patch.</summary>
    private static bool Within(Instance* instance, int arenaOffset, int from, int to)
    {
        ReadOnlySpan<Patch> patches = instance->PatchList;
        if (patches.Length < 2)
            return false;
        int at = arenaOffset - (int)patches[0].ArenaOffset;
        return at >= from && at < to;
    }
}
