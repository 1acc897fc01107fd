using Iced.Intel;
using Vitrine.Cpu.Decoding;
using static Vitrine.Cpu.Translator.FlagRecord;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// The instructions that are translated together: those that follow each other in a page from an entry to the first
/// jump that is always taken, with the jumps among them. Knows for each which flags must be kept, and how.
/// </summary>
internal sealed unsafe class Region
{
    public const int MaxInstructions = 96;

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

    /// <summary>Where control goes behind the last instruction, if it gets there.</summary>
    public uint End { get; private set; }

    /// <summary>The last instruction never goes on behind itself.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Reads the region that begins at an offset of a page. False: nothing there can be translated.</summary>
    public bool Read(byte* page, uint offset)
    {
        _reader.Set(page + offset, 4096 - (int)offset);
        _decoder.IP = offset;
        Count = 0;
        IsClosed = false;
        End = offset;
        while (Count < MaxInstructions && End < 4096)
        {
            ref RegionInstruction r = ref Instructions[Count];
            r = default;
            _decoder.Decode(out r.Code);
            if (r.Code.Code == Code.INVALID)
                break;
            r.Offset = (ushort)End;
            r.Target = -1;
            InstructionRules.Classify(ref r, _level);
            Count++;
            End += (uint)r.Code.Length;
            if (InstructionRules.EndsRegion(r))
            {
                IsClosed = true;
                break;
            }
        }

        if (Count == 0 || (Count == 1 && Instructions[0].Kind == InstructionKind.Interpreted))
            return false;
        FindTargets();
        FindLiveness();
        FindRuns();
        return true;
    }

    private void FindTargets()
    {
        for (int k = 0; k < Count; k++)
            _indexAt[Instructions[k].Offset] = (short)(k + 1);
        for (int k = 0; k < Count; k++)
        {
            ref RegionInstruction r = ref Instructions[k];
            if (r.Kind is not (InstructionKind.Jump or InstructionKind.JumpIf))
                continue;
            ulong target = r.Code.NearBranchTarget;
            int index = target < 4096 ? _indexAt[target] - 1 : -1;
            if (index < 0)
                continue;
            r.Target = (short)index;
            Instructions[index].IsTarget = true;
            Instructions[index].IsLoopHead |= index <= k;
        }

        for (int k = 0; k < Count; k++)
            _indexAt[Instructions[k].Offset] = 0;
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
                if (k == Count - 1)
                    record = All;
                else
                    AddBefore(Instructions[k + 1], ref record, ref read);
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

    private void FindRuns()
    {
        int start = 0;
        for (int k = 0; k < Count; k++)
        {
            ref RegionInstruction r = ref Instructions[k];
            if (k == 0 || r.IsTarget || Instructions[k - 1].Kind is InstructionKind.JumpIf or InstructionKind.Jump)
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
