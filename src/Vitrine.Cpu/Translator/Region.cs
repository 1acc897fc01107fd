using Iced.Intel;
using Vitrine.Cpu.Decoding;
using Vitrine.Cpu.Execution;
using static Vitrine.Cpu.Translator.FlagRecord;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// The instructions that are translated together: those that follow each other in a page from an entry on, jumps that are always
/// taken followed, up to where control leaves; then those that conditional jumps among them lead to, in the same manner. (Not what has never run by
/// then: as a rule half of the code around what is executed never is.) Knows
/// for each instruction which flags must be kept, and how.
/// </summary>
internal sealed unsafe class Region
{
    public const int MaxInstructions = 128;

    /// <summary>Instructions counted at once: the number is a byte with a sign.</summary>
    private const int MaxRun = 96;

    private readonly FrameReader _reader = new();
    private readonly Decoder _decoder;
    private readonly short[] _indexAt = new short[4096];

    private readonly CpuLevel _level;

    public Region(CpuLevel level)
    {
        _level = level;
        _decoder = Decoder.Create(64, _reader, 0, BlockBuilder.OptionsOf(level));
    }

    public RegionInstruction[] Instructions { get; } = new RegionInstruction[MaxInstructions];

    public int Count { get; private set; }

    private readonly ushort[] _pending = new ushort[MaxInstructions];

    /// <summary>Bytes from the page's start that may be read: more than a page for an instruction that goes on in the next one.</summary>
    private int _length;

    private int _most;

    private FrameCode* _ran;

    /// <summary>The instruction at an offset of a page goes on in the next one.</summary>
    public bool IsCrossing(byte* page, uint offset)
    {
        const int MostBytes = 15;
        if (offset <= 4096 - MostBytes)
            return false;
        _reader.Set(page + offset, 4096 - (int)offset);
        _decoder.IP = offset;
        _decoder.Decode(out Instruction i);
        return i.Code == Code.INVALID && _decoder.LastError == DecoderError.NoMoreBytes;
    }

    /// <summary>Reads the region that begins at an offset of a page. False: nothing there can be translated.</summary>
    /// <param name="length">Bytes of the page; or 15 from the offset on, for one instruction that goes on in the next page.</param>
    /// <param name="most">Not 0: no more than so many instructions, those that follow each other.</param>
    /// <param name="ran">Not null: a conditional jump is only followed to where the interpreter has a block of this.</param>
    public bool Read(byte* page, uint offset, int length, int most = 0, FrameCode* ran = null)
    {
        _length = length;
        _ran = ran;
        _most = most == 0 ? MaxInstructions : most;
        Count = 0;
        int pending = 0;
        ReadFrom(page, offset, ref pending);
        bool worthwhile = Count > 1 || (Count == 1 && Instructions[0].Kind != InstructionKind.Interpreted);
        for (int p = 0; worthwhile && most == 0 && p < pending && Count < MaxInstructions; p++)
        {
            if (_indexAt[_pending[p]] == 0)
                ReadFrom(page, _pending[p], ref pending);
        }

        if (worthwhile)
            FindTargets();
        for (int k = 0; k < Count; k++)
            _indexAt[Instructions[k].Offset] = 0;
        if (!worthwhile)
            return false;
        FindLiveness();
        FindRuns();
        return true;
    }

    /// <summary>Reads what is executed from an offset on, until control leaves, or comes to what has been read.</summary>
    private void ReadFrom(byte* page, uint at, ref int pending)
    {
        int first = Count;
        uint expected = uint.MaxValue;
        while (true)
        {
            int known = at < 4096 ? _indexAt[at] - 1 : -1;
            if (known >= 0 || at >= 4096 || Count == _most)
                break;
            if (at != expected)
            {
                _reader.Set(page + at, _length - (int)at);
                _decoder.IP = at;
            }

            ref RegionInstruction r = ref Instructions[Count];
            r = default;
            _decoder.Decode(out r.Code);
            if (r.Code.Code == Code.INVALID)
                break;
            r.Offset = (ushort)at;
            r.Target = -1;
            r.Continuation = RegionInstruction.Next;
            InstructionRules.Classify(ref r, _level);
            _indexAt[at] = (short)++Count;
            at += (uint)r.Code.Length;
            expected = at;

            // Of a page that an instruction only begins in, nothing else can be read.
            bool isNear = _length == 4096 && r.Kind is InstructionKind.Jump or InstructionKind.JumpIf && r.Code.NearBranchTarget < 4096;
            if (r.Kind == InstructionKind.JumpIf)
            {
                if (isNear && pending < _pending.Length && HasRun((uint)r.Code.NearBranchTarget))
                    _pending[pending++] = (ushort)r.Code.NearBranchTarget;
                if (!HasRun(at))
                    break;
            }

            if (!InstructionRules.EndsRegion(r))
                continue;
            if (!isNear || _indexAt[r.Code.NearBranchTarget] != 0)
            {
                r.Continuation = RegionInstruction.Nowhere;
                return;
            }

            r.IsFollowed = true;
            at = (uint)r.Code.NearBranchTarget;
        }

        if (Count == first)
            return;
        ref RegionInstruction last = ref Instructions[Count - 1];
        last.Continuation = at < 4096 && _indexAt[at] != 0 ? (short)(_indexAt[at] - 1) : RegionInstruction.Outside;
        last.End = (ushort)at;
    }

    /// <summary>What a conditional jump leads to has been executed.</summary>
    private bool HasRun(uint offset) => _ran == null || offset >= 4096 || FrameCode.Find(_ran, offset, 0) != null;

    private void FindTargets()
    {
        for (int k = 0; k < Count; k++)
        {
            ref RegionInstruction r = ref Instructions[k];
            if (r.Continuation >= 0)
                AddTarget(r.Continuation, k);
            if (r.Kind is not (InstructionKind.Jump or InstructionKind.JumpIf) || r.IsFollowed)
                continue;
            ulong target = r.Code.NearBranchTarget;
            int index = target < 4096 ? _indexAt[target] - 1 : -1;
            if (index < 0)
                continue;
            r.Target = (short)index;
            AddTarget(index, k);
        }

        for (int k = 1; k < Count; k++)
        {
            ref RegionInstruction r = ref Instructions[k];
            if (r.References == 1 && r.Source < k && Instructions[k - 1].Continuation != RegionInstruction.Next
                && Instructions[r.Source].Kind == InstructionKind.JumpIf && Instructions[r.Source].Target == k && !IsInCopiedLoop(r.Source))
            {
                r.Inherits = true;
                r.IsTarget = false;
            }
        }
    }

    private void AddTarget(int index, int from)
    {
        ref RegionInstruction target = ref Instructions[index];
        target.IsTarget = true;
        target.IsLoopHead |= index <= from;
        target.Source = (short)from;
        if (target.References < byte.MaxValue)
            target.References++;
    }

    /// <summary>The instruction is in a loop without jumps into it, which may be written twice: then what holds behind it is not one thing.</summary>
    private bool IsInCopiedLoop(int k)
    {
        for (int end = k; end < Count; end++)
        {
            ref RegionInstruction r = ref Instructions[end];
            if (end > k && (r.IsTarget || r.Inherits))
                return false;
            if (r.Kind == InstructionKind.JumpIf && r.Target >= 0 && r.Target <= k)
                return true;
        }

        return false;
    }

    /// <summary>Works backwards until nothing changes: jumps back make that a second pass, rarely more.</summary>
    private void FindLiveness()
    {
        bool changed = true;
        while (changed)
        {
            changed = false;
            for (int k = Count - 1; k >= 0; k--)
            {
                ref RegionInstruction r = ref Instructions[k];
                int record = 0;
                int read = 0;
                if (r.Continuation == RegionInstruction.Next)
                    AddBefore(Instructions[k + 1], ref record, ref read);
                else if (r.Continuation >= 0)
                    AddBefore(Instructions[r.Continuation], ref record, ref read);
                else if (r.Kind != InstructionKind.Jump || r.Target < 0 || r.Continuation != RegionInstruction.Nowhere)
                    record = All;
                if (r.Kind == InstructionKind.JumpIf && r.Target < 0)
                    record = All;
                else if (r.Target >= 0)
                    AddBefore(Instructions[r.Target], ref record, ref read);

                // What the host doesn't give must come from the record.
                record |= read & r.Writes & ~r.HostValid;

                // One that sets some flags and keeps others that are read: all may have to come from the record together.
                if (r.Writes is not (0 or All) && (read & ~r.Writes) != 0)
                    record |= All;
                if (r.RecordAfter != record || r.ReadAfter != read)
                {
                    r.RecordAfter = (byte)record;
                    r.ReadAfter = (byte)read;
                    changed = true;
                }

                if (r.NeedsRecord && !CanRecord(r))
                {
                    r.Kind = InstructionKind.Interpreted;
                    r.IsEvent = true;
                    r.Reads = 0;
                    r.Writes = 0;
                    changed = true;
                }

                byte before = (byte)((read & ~Kills(r)) | r.Reads);
                if (r.ReadBefore != before)
                {
                    r.ReadBefore = before;
                    changed = true;
                }
            }
        }
    }

    public static int Kills(in RegionInstruction r) => r.Kind == InstructionKind.ShiftByCl ? 0 : r.Writes;

    /// <summary>What must be on record and what is read just before an instruction.</summary>
    private static void AddBefore(in RegionInstruction next, ref int record, ref int read)
    {
        int needed = next.IsEvent ? All : next.RecordAfter & ~Kills(next);

        // These leave the host with other flags than they should.
        if (next.Kind == InstructionKind.BitTest)
            needed |= next.ReadAfter & ~(Carry | Zero);
        if (next.IsTarget)
            needed |= next.ReadBefore | (next.IsLoopHead ? All : 0);
        record |= needed;
        read |= next.ReadBefore;
    }

    /// <summary>False for the few that the interpreter has to run if anybody may see their flags.</summary>
    private static bool CanRecord(in RegionInstruction r)
    {
        int size;
        switch (r.Kind)
        {
            case InstructionKind.ShiftByCl:
                return r.Code.Op0Kind == OpKind.Register && r.Code.Mnemonic is not (Mnemonic.Rol or Mnemonic.Ror) && !InstructionRules.UsesHighByte(r.Code);
            case InstructionKind.Shift:
                size = InstructionRules.SizeOf(r.Code, 0);
                if (r.Code.Mnemonic is Mnemonic.Rol or Mnemonic.Ror)
                    return size >= 2 && r.Code.Op0Kind == OpKind.Register;
                return !InstructionRules.UsesHighByte(r.Code);
            case InstructionKind.Arithmetic:
                if (InstructionRules.UsesHighByte(r.Code))
                    return r.Code.Mnemonic is not (Mnemonic.Adc or Mnemonic.Sbb);
                return !r.Code.HasLockPrefix || r.Code.Mnemonic is Mnemonic.Add or Mnemonic.Sub;
            default:
                return !InstructionRules.UsesHighByte(r.Code);
        }
    }

    /// <summary>The next instruction is always executed behind it.</summary>
    private static bool IsPassed(in RegionInstruction r) => r.Continuation == RegionInstruction.Next && r.Kind != InstructionKind.JumpIf;

    private void FindRuns()
    {
        int start = 0;
        for (int k = 0; k < Count; k++)
        {
            ref RegionInstruction r = ref Instructions[k];
            if (k == 0 || r.IsTarget || r.Inherits || !IsPassed(Instructions[k - 1]) || k - start == MaxRun)
            {
                start = k;
                r.BeginsRun = true;
            }

            int length = k - start + 1;
            Instructions[start].RunLength = (ushort)length;
        }

        int ahead = 0;
        for (int k = 0; k < Count; k++)
        {
            ref RegionInstruction r = ref Instructions[k];
            if (r.BeginsRun)
                ahead = r.RunLength;
            r.Ahead = (ushort)ahead--;
        }
    }
}
