using Iced.Intel;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>
/// Changes the bytes of an instance's instruction: prefixes that mean nothing, doubled or contradicting ones, REX
/// where it isn't needed, other opcodes and operands. So encodings are run that no assembler writes.
/// </summary>
internal sealed unsafe class Mutator
{
    private static readonly byte[] Prefixes = [0x66, 0x67, 0xF2, 0xF3, 0x2E, 0x36, 0x3E, 0x26, 0x64, 0x65, 0xF0, 0x40, 0x41, 0x48, 0x4F];
    private readonly List<byte> _bytes = [];
    private readonly IReadOnlySet<CpuidFeature> _extras;

    public Mutator(IReadOnlySet<CpuidFeature> extras) => _extras = extras;

    /// <summary>
    /// Replaces the instruction of <paramref name="instance"/>. Gives what the bytes mean now, or null if they mean
    /// something that is not to be run, and nothing may be concluded.
    /// </summary>
    public Instruction? Mutate(Instance* instance, ulong seed)
    {
        var chance = new Chance(new Chance(seed ^ 0x3a3a).Next());
        _bytes.Clear();
        Patch code = default;
        foreach (Patch patch in instance->PatchList)
        {
            if (patch.ArenaOffset < 6 * 4096)
                continue;
            if (code.Length != 0)
                return null;
            code = patch;
            _bytes.AddRange(instance->BytesOf(patch));
        }

        int changes = chance.Between(1, 3);
        for (int i = 0; i < changes; i++)
        {
            int at = chance.Below(Math.Min(_bytes.Count, 5));
            if (chance.Percent(60))
                _bytes.Insert(chance.Percent(70) ? 0 : at, chance.Of<byte>(Prefixes));
            else
                _bytes[at] = chance.Percent(50) ? (byte)(_bytes[at] ^ (1 << chance.Below(8))) : (byte)chance.Next();
        }

        Instruction instruction = Decode(instance->State.Rip, out int length);
        if (!MayBeRun(instruction) || MayLoop(instruction, instance->State.Rip) || HasNoCommonAnswer(instruction, instance))
            return null;
        if (instruction.Code != Code.INVALID)
            _bytes.RemoveRange(length, _bytes.Count - length);
        else if (MayEnterTheKernel())
            return null;
        instance->ReplacePatch(code, instance->State.Rip, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes));
        return instruction;
    }

    private Instruction Decode(ulong rip, out int length)
    {
        // Behind the bytes lies INT3; an instruction that reaches into it is complete.
        var padded = new byte[_bytes.Count + 16];
        _bytes.CopyTo(padded);
        Array.Fill(padded, Arena.Filler, _bytes.Count, 16);
        var decoder = Decoder.Create(64, padded, DecoderOptions.NoWbnoinvd);
        decoder.IP = rip;
        Instruction instruction = decoder.Decode();
        length = Math.Min(instruction.Length, _bytes.Count);
        return instruction;
    }

    private bool MayBeRun(in Instruction instruction)
    {
        if (instruction.Code == Code.INVALID)
            return true;
        if (!Forms.IsAnnounced(instruction.Code, _extras) || Forms.ReasonToExclude(instruction.Code) is not null)
            return false;
        var form = new Form(instruction.Code);
        return !(form.MemoryBytes > 32 || form.IsGather || form.IsFar || form.TouchesSegments || form.Mnemonic is Mnemonic.Int or Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc or Mnemonic.Ud0 or Mnemonic.Ud1
                or Mnemonic.Bsf or Mnemonic.Bsr or Mnemonic.Lsl or Mnemonic.Reservednop or Mnemonic.Maskmovdqu or Mnemonic.Maskmovq or Mnemonic.Vmaskmovdqu
            || form.Code.FlowControl() is FlowControl.IndirectCall or FlowControl.IndirectBranch);
    }

    /// <summary>Encodings that processors, or this decoder library and processors, take differently.</summary>
    private bool HasNoCommonAnswer(in Instruction instruction, Instance* instance)
    {
        // Which counts first, an invalid opcode or a fault of the fetch, is the processor's choice; and the library
        // doesn't say if an invalid instruction is a too long one, with an immediate that the filler behind it makes up.
        if (instruction.Code == Code.INVALID)
            return IsOtherwiseValid(instance->State.Rip) || instance->State.Rip + 16 > Arena.CodeEnd || instruction.Length == 15 || _bytes.Count > 10 || _bytes.Contains(0xF0);

        // Operands of ten bytes are accessed in two pieces: at the end of what is canonical either may count first.
        if (instruction.MemorySize is MemorySize.Float80 or MemorySize.Bcd)
            return true;

        // AMD takes the operand-size prefix of near branches, Intel ignores it.
        bool near = instruction.FlowControl is FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch or FlowControl.Call or FlowControl.Return;
        if (near && _bytes.Contains(0x66))
            return true;
        if (Forms.MayBeUnaligned(instruction.Code))
            return true;

        // AMD checks the effective address in FS and GS, Intel the linear one.
        if (instruction.MemorySegment is Register.FS or Register.GS && (instance->State.FsBase | instance->State.GsBase) != 0)
            return true;

        // A repeat prefix turns the condition of LOOPE and LOOPNE round on AMD, as it did on the 8086.
        if (instruction.Mnemonic is Mnemonic.Loope or Mnemonic.Loopne && (_bytes.Contains(0xF2) || _bytes.Contains(0xF3)))
            return true;

        // F3 REX.B 90 is XCHG to AMD; a locked move from CR0 is one from CR8.
        return instruction.Mnemonic == Mnemonic.Pause || (instruction.Mnemonic == Mnemonic.Mov && _bytes.Contains(0xF0));
    }

    /// <summary>AMD ignores VEX.W in some instructions for which Intel's manual wants it to be set.</summary>
    private bool IsOtherwiseValid(ulong rip)
    {
        int at = _bytes.IndexOf(0xC4);
        if (at < 0 || at + 3 >= _bytes.Count)
            return false;
        _bytes[at + 2] ^= 0x80;
        bool valid = Decode(rip, out _).Code != Code.INVALID;
        _bytes[at + 2] ^= 0x80;
        return valid;
    }

    /// <summary>A branch back into its own bytes may never end.</summary>
    private static bool MayLoop(in Instruction instruction, ulong rip) =>
        instruction.Op0Kind is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64 && instruction.NearBranchTarget - (rip - 16) < 48;

    /// <summary>Should the decoder library err, nothing of what follows may be a system call, nor one to a hypervisor; and XOP is AMD's.</summary>
    private bool MayEnterTheKernel()
    {
        for (int i = 0; i + 1 < _bytes.Count; i++)
        {
            if ((_bytes[i], _bytes[i + 1]) is (0x0F, 0x05) or (0x0F, 0x34) or (0xCD, 0x80) or (0x0F, 0x01) or (0x8F, _))
                return true;
        }

        return false;
    }
}
