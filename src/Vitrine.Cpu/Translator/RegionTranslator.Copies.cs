namespace Vitrine.Cpu.Translator;

/// <summary>
/// Loops a second time. The head of a loop is reached from ahead and from its end with the flags in different places, so
/// they would have to be in memory there in every round. A copy of the body is entered from the end alone: what is known there holds at its head.
/// </summary>
internal sealed unsafe partial class RegionTranslator
{
    private const int MaxCopies = 8;

    /// <summary>Instructions in all copies of a region.</summary>
    private const int MaxCopied = 64;

    private readonly Copy[] _copies = new Copy[MaxCopies];
    private int _copyCount;
    private int _copied;
    private bool _copying;

    private struct Copy
    {
        /// <summary>First instruction of the loop, and the jump that closes it.</summary>
        public short Head;
        public short Last;

        public int Condition;

        /// <summary>The jump of the original that leads here, and where its code goes on.</summary>
        public int* From;
        public byte* Behind;

        /// <summary>At the jump.</summary>
        public KnownFlags Flags;
    }

    /// <summary>Lets a jump back lead to a copy of its loop. False: it must go to the head itself.</summary>
    private bool TryBeginCopy(ref RegionInstruction r, int k, int condition)
    {
        if (_copying || _copyCount == MaxCopies || _flags == NativeSite.Unknown || _copied + k - r.Target >= MaxCopied)
            return false;
        for (int j = r.Target; j <= k; j++)
        {
            ref RegionInstruction other = ref _region.Instructions[j];
            if ((j > r.Target && (other.IsTarget || other.Inherits)) || other.Kind == InstructionKind.Interpreted)
                return false;
        }

        _copied += k - r.Target + 1;
        ref Copy copy = ref _copies[_copyCount++];
        copy.Head = r.Target;
        copy.Last = (short)k;
        copy.Condition = condition;
        copy.From = _w.JumpIf(condition);
        copy.Behind = _w.Position;
        copy.Flags = Known();
        ForgetPointers();
        return true;
    }

    private void EmitCopy(ref Copy copy)
    {
        _w.AlignAhead(0, 16);
        byte* start = _w.Position;
        int exits = _exitCount;
        int forward = _forwardCount;
        _w.LandHere(copy.From);
        TakeFlags(copy.Flags);
        ForgetPointers();
        _copying = true;
        for (int j = copy.Head; j <= copy.Last; j++)
        {
            ref RegionInstruction r = ref _region.Instructions[j];
            if (j == copy.Head)
                EmitCountAndPoll(ref r);
            else if (r.BeginsRun)
                EmitCount(ref r);
            if (j < copy.Last)
                _ = EmitKeeping(j);
            else
                NeedFlags(r.Reads, r);
        }

        _copying = false;
        if (HasFlags(copy.Flags))
        {
            MachineCodeWriter.Land(_w.JumpIf(copy.Condition), start);
            _w.JumpTo(copy.Behind);
            return;
        }

        // A round ends otherwise than the one before: back to the head, with the flags in memory.
        _exitCount = exits;
        _forwardCount = forward;
        _w.MoveTo(start);
        TakeFlags(copy.Flags);
        StoreFlags();
        _w.JumpTo(_labels[copy.Head]);
    }
}
