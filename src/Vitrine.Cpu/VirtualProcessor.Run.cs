using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vitrine.Abi;
using Vitrine.Cpu.Decoding;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;

namespace Vitrine.Cpu;

/// <summary>The driver loop: runs blocks, and does between them what handlers leave to it.</summary>
internal sealed unsafe partial class VirtualProcessor
{
    private const ulong TrapFlag = 0x100;

    private readonly ProcessorComplex _complex;
    private readonly StateMemory _stateMemory;

    /// <summary>The state, at the address that goes with the current address space's tables.</summary>
    private CpuState* _state;
    private BlockBuilder? _stepBuilder;
    private bool _trapHeld;
    private byte* _fetched;
    private CpuExit _exit;

    public VirtualProcessor(ProcessorComplex complex, uint index)
    {
        _complex = complex;

        _stateMemory = new StateMemory(complex.Code.NativeGate != null);
        _state = _stateMemory.State;
        _state->Index = index;
        _state->Level = complex.Level;
        _state->ExtendedControl = CpuModel.ExtendedControl(complex.Level);
        _state->Ram = complex.Memory.Base;
        _state->RamLength = complex.Memory.Length;
        _state->FrameCode = (void**)complex.Code.Frames;
        _state->WrittenFrames = complex.Code.WrittenFrames;
        _state->NearLimit = ulong.MaxValue;
        _state->NativeGate = complex.Code.NativeGate;
        RegisterFile initial = default;
        initial.Reset();
        LoadRegisters(&initial);
    }

    internal CpuState* State => _state;

    /// <summary>The processor's number.</summary>
    public uint Index => _state->Index;

    public partial ulong InstructionsRetired => Volatile.Read(ref _state->Retired);

    public partial void Kick() => Attract(AttentionBits.Kick);

    /// <summary>A kick has come that no <see cref="Run"/> has answered yet.</summary>
    public bool IsKicked => (Volatile.Read(ref _state->External) & (int)AttentionBits.Kick) != 0;

    /// <summary>Answers a kick without running: for the host thread that is the processor.</summary>
    public void TakeKick() => Interlocked.And(ref _state->External, ~(int)AttentionBits.Kick);

    public partial void Dispose()
    {
        if (_fetched != null)
        {
            NativeMemory.Free(_fetched);
            _fetched = null;
            _stepBuilder?.Dispose();
        }

        foreach (AddressSpaceSlot? slot in _slots)
            slot?.Dispose();
        if (!_disposed)
        {
            _disposed = true;
            _stateMemory.Dispose();
        }
    }

    private bool _disposed;

    public partial CpuExit Run(PhysAddr cr3)
    {
        EnterGuest();
        if (_current is not { InUse: true } current || current.Cr3 != cr3.Value)
            Select(cr3.Value);
        if (Debug is not null || _state->WatchActive != 0 || _stepsPages)
            ArmBreakpoints();
        bool done = false;
        while (!done)
        {
            if (_state->External != 0 && Attend())
            {
                Interlocked.And(ref _state->External, ~(int)AttentionBits.Kick);
                _exit = new CpuExit(CpuExitKind.Kicked);
                break;
            }

            if (_state->Retired >= _limit)
            {
                _exit = new CpuExit(CpuExitKind.LimitReached);
                break;
            }

            if ((_state->SystemFlags & TrapFlag) != 0 || (_stepsPages && IsSteppedPage(_state->Rip)))
            {
                done = TraceStep();
                continue;
            }

            if (_state->Retired > LastBlock)
            {
                done = Step(_state->WatchActive == 0 ? StepFlags.WholeRepeat : StepFlags.None);
                continue;
            }

            Op* o = Find();
            if (o == null)
            {
                done = Resolve();
                continue;
            }

            BlockHeader* block = (BlockHeader*)o - 1;
            if (--block->Heat == 0)
            {
                Translate(block);
                continue;
            }

            if (_limit == ulong.MaxValue)
                Execute(_state, o);
            else
                ExecuteCounted(_state, o, LastBlock);
            done = Resolve();
        }

        LeaveGuest();
        return _exit;
    }

    private ulong _limit = ulong.MaxValue;

    /// <summary>
    /// Makes runs end with <see cref="CpuExitKind.LimitReached"/> as soon as so many instructions are retired, exactly
    /// there in every engine; the greatest number: no limit. For the host thread that is the processor, between runs.
    /// </summary>
    public ulong Limit
    {
        get => _limit;
        set
        {
            _limit = value;
            _state->NearLimit = value == ulong.MaxValue ? value : value - Math.Min(value, Translator.NativeEntry.Stretch);
            _state->BudgetStart = _state->Budget = 0;
        }
    }

    /// <summary>With no more than this retired a whole block fits below the limit.</summary>
    private ulong LastBlock => _limit == ulong.MaxValue ? _limit : _limit - Math.Min(_limit, BlockBuilder.MaxInstructions);

    /// <summary>Runs blocks until something wants attention; then RIP is in the state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Execute(CpuState* c, Op* o)
    {
        while (true)
        {
            bool quiet;
            do
            {
                o = o->Fn(c, o);
                quiet = Volatile.Read(ref c->Attention) == 0;
            }
            while (quiet && ((o->Flags & OpFlags.BlockStart) == 0 || --((BlockHeader*)o - 1)->Heat != 0));

            if (Volatile.Read(ref c->Internal) != 0 || TryStopAtBlock(c, o, quiet))
                return;
        }
    }

    /// <summary>Leaves ahead of a block (a link leads to a block's start or leaves): to have it translated, or to look for attention.</summary>
    private static bool TryStopAtBlock(CpuState* c, Op* o, bool hot)
    {
        if ((o->Flags & OpFlags.BlockStart) == 0)
            return false;
        c->Rip = c->PageBase + ((BlockHeader*)o - 1)->Offset;
        c->PendingLink = o;
        c->Internal = (int)(hot ? LeaveReason.Hot : LeaveReason.Lookup);
        return true;
    }

    /// <summary>
    /// As <see cref="Execute"/>, but no block begins with more than <paramref name="last"/> instructions retired, and
    /// machine code is left aside where it couldn't stop in time.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ExecuteCounted(CpuState* c, Op* o, ulong last)
    {
        ulong lastNative = c->NearLimit - Math.Min(c->NearLimit, Translator.NativeEntry.LongestRun);
        while (true)
        {
            bool quiet;
            do
            {
                o = (o->Flags & OpFlags.BlockStart) != 0 && c->Retired >= lastNative ? ((BlockHeader*)o - 1)->First(c, o) : o->Fn(c, o);
                quiet = Volatile.Read(ref c->Attention) == 0 && c->Retired <= last;
            }
            while (quiet && ((o->Flags & OpFlags.BlockStart) == 0 || --((BlockHeader*)o - 1)->Heat != 0));

            if (Volatile.Read(ref c->Internal) != 0 || TryStopAtBlock(c, o, quiet))
                return;
        }
    }

    /// <summary>Does what a handler left for. True: the run is over, and <c>_exit</c> says why.</summary>
    [MethodImpl(Inline.Hot)]
    private bool Resolve()
    {
        CpuState* c = _state;
        var reason = (LeaveReason)c->Internal;
        c->Internal = 0;
        switch (reason)
        {
            case LeaveReason.None or LeaveReason.Lookup or LeaveReason.StepDone:
                return false;
            case LeaveReason.Exit:
                _exit = new CpuExit((CpuExitKind)c->ExitKind, new VirtAddr(c->ExitAddress), (PageFaultError)c->ExitError, (ExceptionVector)c->ExitVector);
                if (_exit.Kind == CpuExitKind.Syscall)
                    _exit = new CpuExit(CpuExitKind.Syscall);
                return true;
            case LeaveReason.Link:
                return Connect();
            case LeaveReason.NativeLink:
                return ConnectNative();
            case LeaveReason.NativeSplit:
                SplitNative();
                return Step(StepFlags.None);
            case LeaveReason.Hot:
                Translate((BlockHeader*)c->PendingLink - 1);
                return false;
            case LeaveReason.Alone:
                return Step(StepFlags.None);
            case LeaveReason.CodeWrite:
                return Step(StepFlags.MayWriteCode);
            case LeaveReason.Exclusive:
                return Step(StepFlags.Exclusive);
            case LeaveReason.ReadTsc or LeaveReason.ReadRandom:
                c->ServiceValue = Serve(reason);
                return Step(StepFlags.HasService);
            default:
                return ReportUnknown();
        }
    }

    /// <summary>What an instruction wants to know that isn't the processor's own: the time, or a random number.</summary>
    private ulong Serve(LeaveReason reason) => reason == LeaveReason.ReadTsc
        ? _complex.TimeStamp is { } clock ? clock() : HostTime()
        : _complex.Entropy is { } entropy ? entropy() : BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    private static ulong HostTime() => (ulong)Stopwatch.GetTimestamp() * (CpuModel.TscFrequency / (ulong)Stopwatch.Frequency);

    /// <summary>Patches the link that control came from, if it may lead straight to its target.</summary>
    [MethodImpl(Inline.Hot)]
    private bool Connect()
    {
        var link = (Op*)_state->PendingLink;
        int epoch = _epoch;
        Op* target = Find();
        if (target == null)
            return Resolve();

        // While waiting the processor may have acknowledged, and then the link is gone.
        if (epoch != _epoch)
            return false;
        BlockHeader* header = (BlockHeader*)target - 1;
        if (header->SecondFrame != 0)
        {
            // What it leads to depends on the next page's mapping: always through the jump cache.
            link->Aux = 1;
        }
        else if (header->Frame == (link->D | (uint)link->S << 16))
        {
            // (The page may lead to another frame by now, which other mappings of the link's frame don't.)
            Volatile.Write(ref link->Imm, (ulong)target);
        }

        return false;
    }

    /// <summary>As <see cref="Connect"/>, for a jump in machine code.</summary>
    private bool ConnectNative()
    {
        Translator.NativeSite* site = _state->NativeSite;
        int epoch = _epoch;
        Op* target = Find();
        if (target == null)
            return Resolve();
        if (epoch != _epoch)
            return false;
        BlockHeader* header = (BlockHeader*)target - 1;
        Translator.NativeEntry.Warm(header);
        if (--header->Heat == 0)
        {
            Translate(header);
            if (epoch != _epoch)
                return false;
        }

        _complex.Code.ConnectNative(site, header);
        return false;
    }

    private void SplitNative()
    {
        if (!TryFetchFrame(_state->Rip, out uint frame))
        {
            // The step will find the same.
            _state->Internal = 0;
            return;
        }

        if (!_complex.Code.SplitNative(_state->NativeSite, frame))
            DropMachineCode();
    }

    private void Translate(BlockHeader* block)
    {
        if (_complex.Code.Translate(block) || !_complex.Code.IsNativeFull)
            return;
        DropMachineCode();
    }

    private void DropMachineCode()
    {
        LeaveGuest();
        _complex.DropMachineCode();
        EnterAgain();
    }

    /// <summary>Changes whenever the processor has left guest code or answered a request within a run.</summary>
    private int _epoch;

    /// <summary>The block at RIP, with the page's base set. Null: leaving is prepared.</summary>
    [MethodImpl(Inline.Hot)]
    private Op* Find()
    {
        CpuState* c = _state;
        ulong rip = c->Rip;
        JumpEntry* e = c->JumpCache + ((rip ^ (rip >> 12)) & (JumpCache.Entries - 1));
        if (e->Key == rip + c->JumpKey)
        {
            c->PageBase = rip & ~4095UL;
            return (Op*)e->Block;
        }

        BlockHeader* block = FindBlock(rip);
        if (block == null)
            return null;
        c->PageBase = rip & ~4095UL;
        if (_stepsPages && IsSteppedPage(rip))
            return BlockHeader.Ops(block);
        e = c->JumpCache + ((rip ^ (rip >> 12)) & (JumpCache.Entries - 1));
        e->Key = rip + c->JumpKey;
        e->Block = BlockHeader.Ops(block);
        NoteExecuted(rip >> 12);
        if (block->SecondFrame != 0)
            NoteExecuted((rip >> 12) + 1);
        return BlockHeader.Ops(block);
    }

    private void NoteExecuted(ulong page)
    {
        uint hash = JumpCache.PageHash(page);
        _state->ExecutedPages[hash >> 6] |= 1UL << (int)(hash & 63);
    }

    [MethodImpl(Inline.Hot)]
    private BlockHeader* FindBlock(ulong rip)
    {
        uint offset = (uint)rip & 4095;
        while (true)
        {
            if (!TryFetchFrame(rip, out uint frame) || !TryMark(frame, out FrameCode* code, out bool waited))
                return null;
            if (waited)
                continue;
            BlockHeader* block = FrameCode.Find(code, offset, 0);
            if (block != null)
                return block;
            if (_complex.Code.IsFull)
            {
                LeaveGuest();
                _complex.DropAllCode();
                EnterAgain();
                continue;
            }

            block = _complex.Code.Add(code, frame, offset, out bool crosses);
            if (block != null)
                return block;
            if (!crosses)
                continue;
            if (!TryFetchFrame((rip & ~4095UL) + 4096, out uint second) || !TryMark(second, out FrameCode* secondCode, out waited))
                return null;
            if (waited)
                continue;
            block = FrameCode.Find(code, offset, second);
            if (block != null)
                return block;
            block = _complex.Code.AddCrossing(code, frame, offset, secondCode, second);
            if (block != null)
                return block;
        }
    }

    /// <summary>Marks a frame as code before anything of it is read. After waiting, translations may have changed.</summary>
    private bool TryMark(uint frame, out FrameCode* code, out bool waited)
    {
        code = _complex.Code.GetOrMark(frame, out bool wasWritten);
        waited = wasWritten;
        if (wasWritten)
        {
            ulong stamp = code->Stamp;
            LeaveGuest();
            _complex.ProtectCode(frame, stamp);
            EnterAgain();
        }

        return true;
    }

    private void EnterAgain()
    {
        EnterGuest();
        _epoch++;
    }

    /// <summary>Translates for fetching. False: a fault is prepared, with RIP where it is.</summary>
    [MethodImpl(Inline.Hot)]
    private bool TryFetchFrame(ulong address, out uint frame)
    {
        CpuState* c = _state;
        TlbEntry* e = MemoryAccess.Entry(c, address);
        if ((address ^ e->Execute) < 4096)
        {
            frame = (uint)((ulong)(e->Host - c->Ram) >> 12);
            return true;
        }

        frame = 0;
        if ((ulong)((long)(address << 16) >> 16) != address)
        {
            CpuState.RequestException(c, ExceptionVector.GeneralProtection);
            return false;
        }

        PageFaultError error = PageWalk.Walk(c, address, PageFaultError.InstructionFetch, out ulong physical, out _, out _);
        if (error != PageFaultError.None)
        {
            c->ExitKind = (int)CpuExitKind.PageFault;
            c->ExitVector = 0;
            c->ExitAddress = address;
            c->ExitError = (uint)error;
            c->Internal = (int)LeaveReason.Exit;
            return false;
        }

        SlowMemory.Fill(c, e, address, c->Ram + physical);
        e->Execute = address & ~4095UL;
        if (c->WatchActive != 0 && WatchedMemory.IsOnPage(c, address))
            e->Read = SlowMemory.NeverTag(address);
        frame = (uint)(physical >> 12);
        return true;
    }

    /// <summary>Executes exactly one instruction at RIP, outside the cache. True: the run is over.</summary>
    private bool Step(StepFlags flags)
    {
        CpuState* c = _state;
        while (true)
        {
            Op* o = FetchStep();
            if (o == null)
                return Resolve();
            c->PageBase = c->Rip & ~4095UL;
            c->Stepping = (int)(flags | StepFlags.Single);
            c->WatchHits = 0;
            if ((flags & StepFlags.Exclusive) != 0)
            {
                LeaveGuest();
                _complex.RunExclusively(() => ExecuteStep(_state, _stepBuilder!.Ops));
                EnterAgain();
            }
            else
            {
                ExecuteStep(c, o);
            }

            _trapHeld = (c->Stepping & (int)StepFlags.HoldsTrap) != 0;
            c->Stepping = 0;
            if ((c->CodeWrite0 | c->CodeWrite1) != 0)
                DropWrittenCode();
            var reason = (LeaveReason)c->Internal;
            switch (reason)
            {
                case LeaveReason.CodeWrite:
                    flags |= StepFlags.MayWriteCode;
                    break;
                case LeaveReason.Exclusive:
                    flags |= StepFlags.Exclusive;
                    break;
                case LeaveReason.ReadTsc or LeaveReason.ReadRandom:
                    c->ServiceValue = Serve(reason);
                    flags |= StepFlags.HasService;
                    break;
                default:
                    return Resolve() || TrapOnHits();
            }

            c->Internal = 0;
        }
    }

    private static void ExecuteStep(CpuState* c, Op* o)
    {
        do
        {
            o = o->Fn(c, o);
        }
        while (c->Internal == 0 && (o->Flags & OpFlags.BlockStart) == 0);

        if (c->Internal == 0)
        {
            c->Rip = c->PageBase + ((BlockHeader*)o - 1)->Offset;
            c->Internal = (int)LeaveReason.StepDone;
        }
    }

    private void DropWrittenCode()
    {
        uint first = _state->CodeWrite0;
        uint second = _state->CodeWrite1;
        _state->CodeWrite0 = 0;
        _state->CodeWrite1 = 0;
        LeaveGuest();
        if (first != 0)
            _complex.InvalidateCode(new PageFrameNumber(first));
        if (second != 0)
            _complex.InvalidateCode(new PageFrameNumber(second));
        EnterAgain();
    }

    /// <summary>Decodes the instruction at RIP for stepping. Null: leaving is prepared.</summary>
    private Op* FetchStep()
    {
        CpuState* c = _state;
        _stepBuilder ??= new BlockBuilder(_state->Level);
        if (_fetched == null)
            _fetched = (byte*)NativeMemory.Alloc(16);
        ulong rip = c->Rip;
        uint offset = (uint)rip & 4095;
        if (!TryFetchFrame(rip, out uint frame))
            return null;
        int first = (int)Math.Min(4096 - offset, 15);

        // SAFETY: first bytes are inside the frame, and the buffer has 16.
        Unsafe.CopyBlockUnaligned(_fetched, _complex.Memory.Frame(new PageFrameNumber(frame)) + offset, (uint)first);
        if (_stepBuilder.Build(_fetched, first, offset, 1, true) == BuildResult.NeedsMoreBytes)
        {
            if (!TryFetchFrame((rip & ~4095UL) + 4096, out uint second))
                return null;
            Unsafe.CopyBlockUnaligned(_fetched + first, _complex.Memory.Frame(new PageFrameNumber(second)), (uint)(15 - first));
            _ = _stepBuilder.Build(_fetched, 15, offset, 1, true);
        }

        return _stepBuilder.Ops;
    }

    private bool ReportUnknown()
    {
        if (_complex.UnknownInstruction is { } report)
        {
            Span<byte> bytes = stackalloc byte[15];
            int length = 0;
            ulong rip = _state->Rip;
            while (length < bytes.Length)
            {
                if (!TryFetchFrame(rip + (uint)length, out uint frame))
                {
                    _state->Internal = 0;
                    break;
                }

                bytes[length] = _complex.Memory.Frame(new PageFrameNumber(frame))[(rip + (uint)length) & 4095];
                length++;
            }

            report(new VirtAddr(rip), bytes[..length]);
        }

        _exit = new CpuExit(CpuExitKind.Exception, Vector: ExceptionVector.InvalidOpcode);
        return true;
    }
}
