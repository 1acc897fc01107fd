using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Iced.Intel;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Decoding;

/// <summary>How building a block ended.</summary>
internal enum BuildResult
{
    Built,

    /// <summary>The first instruction goes on beyond the bytes given.</summary>
    NeedsMoreBytes,
}

/// <summary>
/// Decodes guest code into operations, one block at a time, in a buffer of its own from which the block is copied.
/// Not thread-safe. The operations hold addresses relative to their page, so that one block serves all mappings.
/// </summary>
internal sealed unsafe partial class BlockBuilder : IDisposable
{
    /// <summary>Bounds the nesting of handlers where calls aren't turned into jumps.</summary>
    public const int MaxInstructions = 64;

    private const int MaxOps = MaxInstructions * 3 + 8;

    /// <summary>Without BMI1 and LZCNT, a REP prefix on BSF and BSR means nothing.</summary>
    public static DecoderOptions OptionsOf(CpuLevel level) =>
        DecoderOptions.NoWbnoinvd | (level < CpuLevel.V3 ? DecoderOptions.NoMPFX_0FBC | DecoderOptions.NoMPFX_0FBD : DecoderOptions.None);

    private readonly CpuLevel _level;
    private readonly DecoderOptions _options;
    private readonly FrameReader _reader = new();
    private readonly Decoder _decoder;
    private Decoder? _reservedDecoder;
    private ulong _instructionStart;
    private readonly Instruction[] _instructions = new Instruction[MaxInstructions];
    private readonly BlockHeader* _header;
    private readonly Op* _ops;
    private int _count;
    private bool _step;
    private bool _open;
    private int _instructionCount;

    public BlockBuilder(CpuLevel level)
    {
        _level = level;
        _options = OptionsOf(level);
        _decoder = Decoder.Create(64, _reader, 0, _options);
        _header = (BlockHeader*)NativeMemory.AlignedAlloc((nuint)(sizeof(BlockHeader) + MaxOps * sizeof(Op)), 64);
        *_header = default;
        _ops = BlockHeader.Ops(_header);
    }

    /// <summary>The operations built last, with a header before them that has the block's offset.</summary>
    public Op* Ops => _ops;

    /// <summary>Operations in <see cref="Ops"/>.</summary>
    public int OpCount => _count;

    /// <summary>The last instruction may lead elsewhere than behind itself.</summary>
    public bool EndsWithBranch => IsBranch(_instructions[_instructionCount - 1]);

    /// <summary>Bytes of guest code in the block.</summary>
    public int CodeLength { get; private set; }

    /// <summary>
    /// Builds the block that begins at <paramref name="offset"/> of a page, from bytes at <paramref name="start"/>.
    /// A step's links end the step instead of leading on.
    /// </summary>
    [MethodImpl(Inline.Hot)]
    public BuildResult Build(byte* start, int length, uint offset, int maxInstructions, bool step)
    {
        _reader.Set(start, length);
        _decoder.IP = offset;
        int n = 0;
        bool invalid = false;
        while (n < maxInstructions)
        {
            _instructionStart = _decoder.IP;
            _reader.Mark();
            _decoder.Decode(out _instructions[n]);
            ref Instruction i = ref _instructions[n];
            if (i.Code == Code.INVALID && DecodeAsReserved(out Instruction reserved))
                i = reserved;
            if (IsVector(i.Mnemonic) && _reader.MarkedIsEvex())
                i.Code = Code.INVALID;
            if (i.Code == Code.INVALID)
            {
                if (_decoder.LastError == DecoderError.NoMoreBytes)
                {
                    if (n == 0)
                        return BuildResult.NeedsMoreBytes;
                    break;
                }

                invalid = true;
                n++;
                break;
            }

            n++;
            if (EndsBlock(i))
                break;
        }

        _instructionCount = n;
        _step = step;
        _header->Offset = (ushort)offset;
        _count = 0;
        CodeLength = 0;
        int k = 0;
        while (k < n)
        {
            ref Instruction i = ref _instructions[k];
            if (invalid && k == n - 1)
            {
                Op* o = Append(i, k);
                if (i.Length == 15)
                {
                    // Too long.
                    o->Fn = &SystemHandlers.Fault;
                    o->Aux = (byte)ExceptionVector.GeneralProtection;
                }
                else
                {
                    o->Fn = &SystemHandlers.Unknown;
                }

                CodeLength += 1;
                Finish(false, 0);
                return BuildResult.Built;
            }

            int first = _count;
            int used = Emit(k);
            k += used;
            if (k == n && IsBranch(_instructions[n - 1]))
                MarkEnd(first);
        }

        ref Instruction last = ref _instructions[n - 1];
        CodeLength = (int)(last.NextIP - offset);
        bool open = !IsBranch(last);
        Finish(open, last.NextIP);
        return BuildResult.Built;
    }

    /// <summary>
    /// Some encodings of 0F 18 to 0F 1F that the decoder gives no name to are executed as NOP. If that is what the
    /// reader has just gone past, the decoder is put behind it.
    /// </summary>
    private bool DecodeAsReserved(out Instruction instruction)
    {
        instruction = default;
        if (_decoder.LastError == DecoderError.NoMoreBytes)
            return false;
        _reader.Rewind();
        _reservedDecoder ??= Decoder.Create(64, _reader, 0, _options | DecoderOptions.ForceReservedNop);
        _reservedDecoder.IP = _instructionStart;
        _reservedDecoder.Decode(out instruction);
        if (instruction.Mnemonic == Mnemonic.Reservednop)
        {
            _decoder.IP = _reservedDecoder.IP;
            return true;
        }

        return false;
    }

    public void Dispose() => NativeMemory.AlignedFree(_header);

    private void Finish(bool open, ulong next)
    {
        _open = open;
        if (open)
        {
            Op* o = _ops + _count++;
            *o = default;
            o->Fn = &BranchHandlers.Jump;
            o->Before = (ushort)_instructionCount;
            o->Offset = (ushort)next;
            Link(next);
        }

        _ops->Flags |= OpFlags.BlockStart;
        _header->First = _ops->Fn;
    }

    /// <summary>
    /// Lets the operations that were built, if they go on behind themselves, end with <see cref="BranchHandlers.Stop"/> instead.
    /// </summary>
    public void EndOpen()
    {
        if (!_open)
            return;
        _count--;
        _ops[_count - 1].Fn = &BranchHandlers.Stop;
        _ops[_count - 1].Flags = OpFlags.Stop;
    }

    /// <summary>Marks the last operation from <paramref name="first"/> on that is no link.</summary>
    private void MarkEnd(int first)
    {
        for (int i = _count - 1; i >= first; i--)
        {
            if ((_ops[i].Flags & OpFlags.Link) == 0)
            {
                _ops[i].Flags |= OpFlags.EndsBlock;
                return;
            }
        }
    }

    /// <summary>Appends an operation for instruction <paramref name="k"/>.</summary>
    private Op* Append(in Instruction i, int k)
    {
        Op* o = _ops + _count++;
        *o = default;
        o->Offset = (ushort)i.IP;
        o->Before = (ushort)k;
        o->Length = (byte)i.Length;
        o->B = CpuState.ZeroOffset;
        o->X = CpuState.ZeroOffset;
        return o;
    }

    /// <summary>Appends a link to an address relative to the page.</summary>
    private void Link(ulong target)
    {
        Op* o = _ops + _count++;
        *o = default;
        o->Disp = (int)(long)target;
        if (IsNear(target))
        {
            o->Fn = _step ? &BranchHandlers.StepLink : &BranchHandlers.Link;
        }
        else
        {
            o->B = (ushort)(target >> 32);
            o->X = (ushort)(target >> 48);
            o->Fn = _step ? &BranchHandlers.StepDistantLink : &BranchHandlers.DistantLink;
        }

        o->Imm = (ulong)o;
        o->Flags = OpFlags.Link;
    }

    /// <summary>False for displacements so near to 2 GiB that the distance from the page's base is more.</summary>
    private static bool IsNear(ulong target) => (long)target == (int)(long)target;

    /// <summary>Copies the block to its place; links, which lead to themselves at first, are adjusted.</summary>
    [MethodImpl(Inline.Hot)]
    public void CopyTo(Op* target, uint frame)
    {
        for (int i = 0; i < _count; i++)
        {
            target[i] = _ops[i];
            target[i].Fn = DirectCode.Of(target[i].Fn);
            if ((target[i].Flags & OpFlags.Link) != 0)
            {
                target[i].Imm = (ulong)(target + i);
                target[i].D = (ushort)frame;
                target[i].S = (ushort)(frame >> 16);
            }
        }
    }

    private static bool EndsBlock(in Instruction i) => IsBranch(i) || i.Mnemonic is Mnemonic.Rdtsc or Mnemonic.Rdtscp or Mnemonic.Rdrand or Mnemonic.Rdseed;

    /// <summary>True if the instruction's own operations end the block.</summary>
    private static bool IsBranch(in Instruction i)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Jmp or Mnemonic.Call or Mnemonic.Ret or Mnemonic.Syscall:
            case Mnemonic.Ja or Mnemonic.Jae or Mnemonic.Jb or Mnemonic.Jbe or Mnemonic.Je or Mnemonic.Jne:
            case Mnemonic.Jg or Mnemonic.Jge or Mnemonic.Jl or Mnemonic.Jle or Mnemonic.Jo or Mnemonic.Jno:
            case Mnemonic.Jp or Mnemonic.Jnp or Mnemonic.Js or Mnemonic.Jns:
            case Mnemonic.Jrcxz or Mnemonic.Jecxz or Mnemonic.Loop or Mnemonic.Loope or Mnemonic.Loopne:
            case Mnemonic.Retf or Mnemonic.Iret or Mnemonic.Iretd or Mnemonic.Iretq:
            case Mnemonic.Int or Mnemonic.Int1 or Mnemonic.Int3 or Mnemonic.Ud0 or Mnemonic.Ud1 or Mnemonic.Ud2 or Mnemonic.Hlt:
                return true;
            default:
                return false;
        }
    }

    /// <summary>
    /// True if the arithmetic flags that instruction <paramref name="k"/> sets can't be seen: before anything that
    /// reads them, may fault or ends the block, an instruction that can't fault sets them all.
    /// </summary>
    [MethodImpl(Inline.Hot)]
    private bool FlagsAreDead(int k)
    {
        if (_step)
            return false;
        for (int n = k + 1; n < _instructionCount; n++)
        {
            ref Instruction i = ref _instructions[n];
            for (int q = 0; q < i.OpCount; q++)
            {
                if (i.GetOpKind(q) == OpKind.Memory && i.Mnemonic != Mnemonic.Lea)
                    return false;
            }

            switch (i.Mnemonic)
            {
                case Mnemonic.Add or Mnemonic.Sub or Mnemonic.And or Mnemonic.Or or Mnemonic.Xor or Mnemonic.Cmp or Mnemonic.Test or Mnemonic.Neg:
                    return true;
                case Mnemonic.Mov or Mnemonic.Lea or Mnemonic.Movzx or Mnemonic.Movsx or Mnemonic.Movsxd or Mnemonic.Not or Mnemonic.Nop or Mnemonic.Bswap:
                case Mnemonic.Cdqe or Mnemonic.Cwde or Mnemonic.Cdq or Mnemonic.Cqo:
                    if (i.Mnemonic == Mnemonic.Mov && i.Op0Register is >= Register.ES and <= Register.GS)
                        return false;
                    continue;
                default:
                    return false;
            }
        }

        return false;
    }
}
