using Vitrine.Cpu.Decoding;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// Makes machine code of one region at a time. Guest registers stay in their host registers across regions; what leaves
/// a region goes through gates and a <see cref="NativeSite"/> that says where and with which flags. Not thread-safe.
/// </summary>
internal sealed unsafe partial class RegionTranslator : IDisposable
{
    /// <summary>Bytes that a region may need at most; the caller sees to it that they are there.</summary>
    public const int MaxBytes = 64 << 10;

    /// <summary>As <see cref="MaxBytes"/>, of code that is rarely executed.</summary>
    public const int MaxRareBytes = 192 << 10;

    /// <summary>An instruction has at most four ways out.</summary>
    private const int MaxExits = ((Region.MaxInstructions * 2) + MaxCopied) * 5;

    private readonly HostCode _code;
    private readonly Region _region;
    private readonly MachineCodeWriter _w = new();
    private readonly Exit[] _exits = new Exit[MaxExits];
    private readonly byte*[] _labels = new byte*[Region.MaxInstructions];
    private readonly (nint From, short Target)[] _forward = new (nint, short)[Region.MaxInstructions * 3];
    private readonly BlockBuilder _builder;
    private readonly KnownFlags[] _inherited = new KnownFlags[Region.MaxInstructions];
    private int _exitCount;
    private int _forwardCount;
    private byte* _page;
    private int _length;
    private uint _frame;

    public RegionTranslator(HostCode code, CpuLevel level)
    {
        _code = code;
        _region = new Region(level);
        _builder = new BlockBuilder(level);
    }

    /// <summary>A way out of the region, written behind its code.</summary>
    private struct Exit
    {
        public NativeReason Reason;

        /// <summary>Jumps that lead here.</summary>
        public int* From;
        public int* FromToo;

        /// <summary>Where to go on afterwards, as a writable address; null for never.</summary>
        public byte* Resume;

        /// <summary>Where to go on when nobody else is needed after all; for <see cref="NativeReason.Miss"/> with the host address.</summary>
        public byte* Behind;

        /// <summary>For <see cref="NativeReason.Flags"/>: the flags are to be loaded before control goes on at <see cref="Behind"/>.</summary>
        public bool LoadsFlags;

        /// <summary>For <see cref="NativeReason.Link"/>: the jump to set is the one that leads here, not one of the exit's own.</summary>
        public bool LinksFrom;

        /// <summary>The flags' record must be stored first.</summary>
        public bool StoresFlags;

        /// <summary>For <see cref="NativeReason.Miss"/>: the host register that gets the operand's address.</summary>
        public int Host;

        /// <summary>For <see cref="NativeReason.Miss"/>: that register gets the distance from guest to host addresses instead.</summary>
        public bool AsDistance;

        /// <summary>For <see cref="NativeReason.Interpret"/>: first instruction and how many.</summary>
        public short First;
        public short Number;

        /// <summary>For <see cref="NativeReason.Distant"/>: that it is a jump; for a fixed operand: from the page's base.</summary>
        public int Distance;

        /// <summary>For <see cref="NativeReason.Miss"/>: the operand is at a fixed distance from the code.</summary>
        public bool IsFixed;

        public NativeSite Site;
    }

    /// <summary>Translates what begins at an offset of a page. Null: it can't be. Else the executable address.</summary>
    /// <param name="length">Bytes of the page; or 15 from the offset on, for one instruction that goes on in the next page.</param>
    /// <param name="ran">If not null, only what has been decoded as part of it.</param>
    public byte* Translate(byte* page, uint frame, uint offset, int length, FrameCode* ran)
    {
        if (!_region.Read(page, offset, length, 0, ran))
            return null;
        _merges = true;
        _w.MoveTo(_code.Free);
        _w.AlignAhead(0, 16);
        byte* start = _w.Position;
        Write(page, frame, length);
        return start + _code.ToExecutable;
    }

    /// <summary>
    /// Translates instructions whose operands are checked together, and lay on two pages, once more, each with its own check;
    /// and lets the place where this was found lead there from now on.
    /// </summary>
    public void Split(NativeSite* site, byte* page, uint frame)
    {
        if (!_region.Read(page, site->Offset, 4096, site->Number))
            return;
        _merges = false;
        _w.MoveTo(_code.Free);
        _w.AlignAhead(0, 16);
        byte* start = _w.Position;
        StoreOperands(site->A, site->B, site->Immediate);
        if (site->Flags != NativeSite.Unknown)
            _w.StoreState32(CpuState.FlagKindOffset, site->Flags);
        _w.State(0x83, 4, 0, CpuState.BudgetOffset);                          // add [budget], ahead
        _w.Byte(site->Ahead);
        Write(page, frame, 4096);

        // SAFETY: the distance is aligned, so whoever executes the jump meanwhile sees the old one or the new one.
        var distance = (int*)((byte*)site + site->Split - _code.ToExecutable);
        Volatile.Write(ref *distance, (int)(start - (byte*)(distance + 1)));
    }

    /// <summary>Writes what has been read.</summary>
    private void Write(byte* page, uint frame, int length)
    {
        _length = length;
        _page = page;
        _frame = frame;
        _exitCount = 0;
        _forwardCount = 0;
        _copyCount = 0;
        _copied = 0;
        ForgetFlags();
        ForgetPointers();
        int k = 0;
        while (k < _region.Count)
        {
            BeginInstruction(k);
            int grouped = GroupAt(k);
            if (grouped > 1)
            {
                EmitGroup(k, grouped);
                k += grouped;
            }
            else
            {
                k += EmitKeeping(k);
            }

            EmitContinuation(k - 1);
        }

        for (int c = 0; c < _copyCount; c++)
            EmitCopy(ref _copies[c]);
        _code.Free = _w.Position;
        _w.MoveTo(_code.FreeRare);
        foreach ((nint from, short target) in _forward.AsSpan(0, _forwardCount))
            MachineCodeWriter.Land((int*)from, _labels[target]);
        for (int e = 0; e < _exitCount; e++)
            EmitExit(ref _exits[e]);
        _code.FreeRare = _w.Position;
    }

    /// <summary>All that was translated is gone.</summary>
    public void Reset() => _nextFixed = 0;

    /// <summary>As <see cref="Emit"/>, with an eye on registers that the flags' record needs.</summary>
    private int EmitKeeping(int k)
    {
        ref RegionInstruction r = ref _region.Instructions[k];
        _current = k;
        KeepOperands(r);
        int record = _record;
        int used = Emit(k);
        DropOperands(r, record);
        AdjustPointers(r);
        return used;
    }

    /// <summary>Behind an instruction that isn't followed by the one that is executed next.</summary>
    private void EmitContinuation(int k)
    {
        ref RegionInstruction r = ref _region.Instructions[k];
        if (r.Continuation == RegionInstruction.Next)
            return;
        if (r.Continuation == RegionInstruction.Outside)
            EmitGoto(r.End);
        else if (r.Continuation >= 0)
            EmitJumpTo(r.Continuation, k);
        ForgetFlags();
        ForgetPointers();
    }

    private void BeginInstruction(int k)
    {
        ref RegionInstruction r = ref _region.Instructions[k];
        if (r.Inherits)
        {
            TakeFlags(_inherited[k]);
            _inheritedPointers.AsSpan(k * 2, 2).CopyTo(_pointers);
        }
        else if (r.IsTarget)
        {
            StoreFlags();
            ForgetFlags();
            ForgetPointers();
            if (r.IsLoopHead)
                _w.AlignAhead(0, 16);
        }

        _labels[k] = _w.Position;
        if (k == 0 || r.IsLoopHead)
            EmitCountAndPoll(ref r);
        else if (r.BeginsRun)
            EmitCount(ref r);
    }

    /// <summary>Counts a run of instructions ahead of it.</summary>
    private void EmitCount(ref RegionInstruction r)
    {
        if (r.ReadBefore != 0 && _host != 0)
        {
            _w.State(0x8b, 4, HostRegister.T1, CpuState.BudgetOffset);
            _w.Lea(4, HostRegister.T1, HostRegister.T1, -1, 0, -r.RunLength);
            _w.State(0x89, 4, HostRegister.T1, CpuState.BudgetOffset);
            return;
        }

        _w.State(0x83, 4, 5, CpuState.BudgetOffset);                          // sub [budget], length
        _w.Byte(r.RunLength);
        _host = 0;
    }

    /// <summary>As <see cref="EmitCount"/>; leaves now and then if somebody wants attention.</summary>
    private void EmitCountAndPoll(ref RegionInstruction r)
    {
        _w.State(0x83, 4, 5, CpuState.BudgetOffset);
        _w.Byte(r.RunLength);
        ref Exit exit = ref NewExit(NativeReason.Attention, _w.JumpIf(8), r);
        exit.Resume = _w.Position;
        _host = 0;
    }

    /// <summary>Writes one instruction, or a run of interpreted ones; gives how many they were.</summary>
    private int Emit(int k)
    {
        ref RegionInstruction r = ref _region.Instructions[k];
        switch (r.Kind)
        {
            case InstructionKind.Interpreted: return EmitInterpreted(k);
            case InstructionKind.Nothing: break;
            case InstructionKind.Move: EmitMove(ref r); break;
            case InstructionKind.MoveExtended: EmitMoveExtended(ref r); break;
            case InstructionKind.LoadAddress: EmitLoadAddress(ref r); break;
            case InstructionKind.Arithmetic: EmitArithmetic(ref r); break;
            case InstructionKind.IncrementDecrement: EmitIncrement(ref r); break;
            case InstructionKind.Invert: EmitInvert(ref r); break;
            case InstructionKind.Shift: EmitShift(ref r); break;
            case InstructionKind.ShiftByCl: EmitShiftByCl(ref r); break;
            case InstructionKind.Multiply: EmitMultiply(ref r); break;
            case InstructionKind.MultiplyWide: EmitMultiplyWide(ref r); break;
            case InstructionKind.Divide: EmitDivide(ref r); break;
            case InstructionKind.Push: EmitPush(ref r); break;
            case InstructionKind.Pop: EmitPop(ref r); break;
            case InstructionKind.Leave: EmitLeave(ref r); break;
            case InstructionKind.Call: EmitCall(ref r); break;
            case InstructionKind.CallIndirect: EmitCallIndirect(ref r); break;
            case InstructionKind.Jump: EmitJump(ref r, k); break;
            case InstructionKind.JumpIndirect: EmitJumpIndirect(ref r); break;
            case InstructionKind.JumpIf: EmitJumpIf(ref r, k); break;
            case InstructionKind.Return: EmitReturn(ref r); break;
            case InstructionKind.Set: EmitSet(ref r); break;
            case InstructionKind.MoveIf: EmitMoveIf(ref r); break;
            case InstructionKind.Verbatim: EmitVerbatim(ref r); break;
            case InstructionKind.SwapBytes: EmitSwapBytes(ref r); break;
            case InstructionKind.Exchange: EmitExchange(ref r); break;
            case InstructionKind.CompareExchange: EmitCompareExchange(ref r); break;
            case InstructionKind.ExchangeAdd: EmitExchangeAdd(ref r); break;
            case InstructionKind.BitTest: EmitBitTest(ref r); break;
            case InstructionKind.BitScan: EmitBitScan(ref r); break;
            case InstructionKind.General: EmitGeneral(ref r); break;
            case InstructionKind.PopulationCount: EmitPopulationCount(ref r); break;
            default: EmitVector(ref r); break;
        }

        return 1;
    }

    private byte* BytesOf(in RegionInstruction r) => _page + r.Offset;

    private EncodedInstruction Parse(in RegionInstruction r) => EncodedInstruction.Parse(BytesOf(r), r.Code.Length);

    private void EmitVerbatim(ref RegionInstruction r)
    {
        for (int i = 0; i < r.Code.Length; i++)
            _w.Byte(BytesOf(r)[i]);
    }

    private ref Exit NewExit(NativeReason reason, int* from)
    {
        ref Exit exit = ref _exits[_exitCount++];
        exit = default;
        exit.Reason = reason;
        exit.From = from;
        return ref exit;
    }

    /// <summary>A way out at an instruction, which hasn't been executed.</summary>
    private ref Exit NewExit(NativeReason reason, int* from, in RegionInstruction r)
    {
        ref Exit exit = ref NewExit(reason, from);
        exit.Site.Offset = r.Offset;
        exit.Site.Ahead = r.Ahead;
        DescribeFlags(ref exit);
        return ref exit;
    }

    /// <summary>Lets the site tell the flags as they are known here.</summary>
    private void DescribeFlags(ref Exit exit)
    {
        exit.Site.Flags = _flags;
        exit.Site.A = _a;
        exit.Site.B = _b;
        exit.Site.Immediate = _immediate;
    }

    private void EmitExit(ref Exit exit)
    {
        if (exit.From != null)
            _w.LandHere(exit.From);
        if (exit.FromToo != null)
            _w.LandHere(exit.FromToo);
        if (exit.StoresFlags)
        {
            StoreOperands(exit.Site.A, exit.Site.B, exit.Site.Immediate);
            if (exit.Site.Flags != NativeSite.Unknown)
                _w.StoreState32(CpuState.FlagKindOffset, exit.Site.Flags);
        }

        if (exit.Reason == NativeReason.Distant)
        {
            EmitDistant(exit.Distance);
            return;
        }

        byte* link = null;
        byte* split = null;
        int* renewal = null;
        switch (exit.Reason)
        {
            case NativeReason.Miss:
                EmitTlbCheck(ref exit, out int* miss, out renewal);
                _w.LandHere(miss);
                if (exit.Site.Number != 0)
                {
                    // Where it will go on once the operands have been seen to lie on two pages.
                    _w.AlignAhead(1, 4);
                    split = (byte*)_w.Jump();
                    _w.LandHere((int*)split);
                }

                _w.StateIndexed(0x03, 8, exit.Host, HostRegister.T1, 0, SlotLayout.Tlb + (exit.Site.Extra != NativeSite.Read ? TlbTag.Write : TlbTag.Read));
                _w.StoreState(CpuState.MissAddressOffset, exit.Host);
                break;
            case NativeReason.Lookup:
                _w.StoreState(CpuState.MissAddressOffset, HostRegister.T0);
                break;
            case NativeReason.Link when exit.LinksFrom:
                link = (byte*)exit.From;
                break;
            case NativeReason.Link:
                // The distance is changed while others execute it: it must not cross a cache line.
                _w.AlignAhead(1, 4);
                link = (byte*)_w.Jump();
                _w.LandHere((int*)link);
                break;
        }

        int* toSite = EmitLeave(exit.LoadsFlags ? _code.LoadFlags : exit.Reason == NativeReason.Attention ? _code.Refill : _code.Gate(exit.Reason));
        int* toSiteToo = null;
        if (renewal != null)
        {
            _w.LandHere(renewal);
            _w.StoreState(CpuState.TlbPlaceOffset, HostRegister.T1);
            if (exit.IsFixed)
            {
                _w.StoreState(CpuState.OffsetInPageOffset, exit.Host);
            }
            else
            {
                _w.StateIndexed(0x03, 8, exit.Host, HostRegister.T1, 0, SlotLayout.Tlb + (exit.Site.Extra != NativeSite.Read ? TlbTag.Write : TlbTag.Read));
                _w.StoreState(CpuState.MissAddressOffset, exit.Host);
            }

            toSiteToo = EmitLeave(exit.IsFixed ? _code.RenewFixed : _code.Renew(exit.Site.Extra != NativeSite.Read, exit.AsDistance));
        }

        while (((nuint)_w.Position & 3) != 0)
            _w.Byte(0xcc);
        byte* site = _w.Position;
        MachineCodeWriter.Land(toSite, site);
        if (toSiteToo != null)
            MachineCodeWriter.Land(toSiteToo, site);
        exit.Site.Resume = exit.Resume == null ? 0 : (int)(exit.Resume - site);
        _w.MoveTo(site + sizeof(NativeSite));
        if (exit.Reason == NativeReason.Interpret)
            exit.Site.Data = (int)(WriteOperations(exit.First, exit.Number) - site);
        else if (link != null)
            exit.Site.Data = (int)(link - site);
        if (split != null)
            exit.Site.Split = (int)(split - site);
        if (exit.LoadsFlags)
        {
            exit.Site.Data = (int)(exit.Behind - site);
            exit.Site.Resume = (int)(_w.Position - site);
            EmitFlagImage(exit.Behind);
        }

        *(NativeSite*)site = exit.Site;
    }

    /// <summary>LEA T1, [site], then a jump; gives where the site's distance is to be set.</summary>
    private int* EmitLeave(byte* to)
    {
        _w.Byte(0x4c);
        _w.Byte(0x8d);
        _w.Byte(0x3d);
        int* toSite = (int*)_w.Position;
        _w.Int32(0);
        _w.JumpTo(to);
        return toSite;
    }

    public void Dispose() => _builder.Dispose();
}
