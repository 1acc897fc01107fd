using Iced.Intel;
using Vitrine.Cpu.Decoding;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;

namespace Vitrine.Cpu.Translator;

/// <summary>The stack, jumps, and what the interpreter does in the middle of a region.</summary>
internal sealed unsafe partial class RegionTranslator
{
    private const int Stack = HostRegister.GuestStack;

    private void EmitPush(ref RegionInstruction r)
    {
        ref Instruction i = ref r.Code;
        if (IsMemory(i, 0))
        {
            EmitOperand(ref r, 8, false);
            AtOperand(0x8b, 8, T1);
            _w.StoreState(CpuState.ScratchOffset, T1);
        }

        EmitPointer(ref r, PlaceOfStack, -8, 8, true);
        if (IsRegister(i, 0))
        {
            AtOperand(0x89, 8, Read(InstructionRules.Number(i.Op0Register), T1));
        }
        else if (IsMemory(i, 0))
        {
            _w.LoadState(T1, CpuState.ScratchOffset);
            AtOperand(0x89, 8, T1);
        }
        else
        {
            AtOperand(0xc7, 8, 0);
            _w.Int32((int)(long)i.GetImmediate(0));
        }

        _w.Lea(8, Stack, Stack, -1, 0, -8);
    }

    private void EmitPop(ref RegionInstruction r)
    {
        int guest = InstructionRules.Number(r.Code.Op0Register);
        int to = HostRegister.Of(guest);
        EmitPointer(ref r, PlaceOfStack, 0, 8, false);
        AtOperand(0x8b, 8, to < 0 ? T1 : to);
        if (to != Stack)
            _w.Lea(8, Stack, Stack, -1, 0, 8);
        if (to < 0)
            _w.StoreState(guest * 8, T1);
    }

    private void EmitLeave(ref RegionInstruction r)
    {
        EmitPointer(ref r, PlaceOfFrame, 0, 8, false);
        _w.Lea(8, Stack, HostRegister.Rbp, -1, 0, 8);
        AtOperand(0x8b, 8, HostRegister.Rbp);
    }

    /// <summary>Pushes the address behind the instruction.</summary>
    private void EmitPushNext(ref RegionInstruction r)
    {
        EmitPointer(ref r, PlaceOfStack, -8, 8, true);
        _w.LoadState(T1, CpuState.PageBaseOffset);
        _w.Lea(8, T1, T1, -1, 0, r.Offset + r.Code.Length);
        AtOperand(0x89, 8, T1);
        _w.Lea(8, Stack, Stack, -1, 0, -8);
    }

    private void EmitCall(ref RegionInstruction r)
    {
        EmitPushNext(ref r);
        EmitGoto(r.Code.NearBranchTarget);
    }

    private void EmitCallIndirect(ref RegionInstruction r)
    {
        EmitTarget(ref r);
        _w.Move(T1, T0);
        _w.Registers(0xc1, 8, 7, T1);                                         // sar t1, 47
        _w.Byte(47);
        _w.Immediate(0, 4, T1, 1);
        _w.Immediate(7, 4, T1, 1);
        _ = NewExit(NativeReason.Slow, _w.JumpIf(7), r);
        _w.StoreState(CpuState.ScratchOffset, T0);
        EmitPushNext(ref r);
        _w.LoadState(T0, CpuState.ScratchOffset);
        StoreFlags();
        EmitLookup(ref NewLookup(r), 0);
    }

    private void EmitJumpIndirect(ref RegionInstruction r)
    {
        // An address that isn't canonical is never found, and then it's the interpreter's.
        EmitTarget(ref r);
        StoreFlags();
        EmitLookup(ref NewLookup(r), 0);
    }

    /// <summary>Loads where an indirect jump leads into T0.</summary>
    private void EmitTarget(ref RegionInstruction r)
    {
        if (IsMemory(r.Code, 0))
        {
            EmitOperand(ref r, 8, false);
            AtOperand(0x8b, 8, T0);
        }
        else
        {
            int host = Read(InstructionRules.Number(r.Code.Op0Register), T0);
            if (host != T0)
                _w.Move(T0, host);
        }
    }

    private void EmitReturn(ref RegionInstruction r)
    {
        EmitPointer(ref r, PlaceOfStack, 0, 8, false);
        AtOperand(0x8b, 8, T0);
        EmitReturnTo(ref r);
    }

    /// <summary>RET, given the address in T0.</summary>
    private void EmitReturnTo(ref RegionInstruction r)
    {
        StoreFlags();
        int drop = 8 + (r.Code.OpCount == 0 ? 0 : r.Code.Immediate16);
        ref Exit exit = ref NewLookup(r);
        exit.Site.Size = 1;
        exit.Site.Extra = (ushort)(drop - 8);
        EmitLookup(ref exit, drop);
    }

    private ref Exit NewLookup(in RegionInstruction r)
    {
        ref Exit exit = ref NewExit(NativeReason.Lookup, null, r);
        exit.Site.Ahead = r.Ahead;
        exit.Site.Flags = NativeSite.Unknown;
        return ref exit;
    }

    private void EmitJump(ref RegionInstruction r, int k)
    {
        if (r.IsFollowed)
            return;
        if (r.Target >= 0)
            EmitJumpTo(r.Target, k);
        else
            EmitGoto(r.Code.NearBranchTarget);
    }

    /// <summary>A jump from an instruction of the region to another one.</summary>
    private void EmitJumpTo(short target, int k)
    {
        StoreFlags();
        LandOn(_w.Jump(), target, k);
    }

    private void LandOn(int* from, short target, int k)
    {
        if (target <= k)
            MachineCodeWriter.Land(from, _labels[target]);
        else
            _forward[_forwardCount++] = ((nint)from, target);
    }

    private void EmitJumpIf(ref RegionInstruction r, int k)
    {
        int condition = InstructionRules.NumberOf(r.Code.ConditionCode);
        NeedFlags(r.Reads, r);
        if (r.Target >= 0)
        {
            if (r.Target <= k && TryBeginCopy(ref r, k, condition))
                return;
            if (_region.Instructions[r.Target].Inherits)
            {
                _inherited[r.Target] = Known();
                DropTouched();
                _pointers.CopyTo(_inheritedPointers, r.Target * 2);
            }
            else
            {
                StoreFlags();
            }

            LandOn(_w.JumpIf(condition), r.Target, k);
            return;
        }

        if (IsNear(r.Code.NearBranchTarget) && _flagsStored && _a == FlagOperand.Stored && _b == FlagOperand.Stored)
        {
            EmitLink(condition, r.Code.NearBranchTarget);
            return;
        }

        // Out of the region: what is still to be done for that lies behind the code.
        EmitExitTo(_w.JumpIf(condition), r.Code.NearBranchTarget);
    }

    /// <summary>Control goes on at an address relative to the page's base.</summary>
    private void EmitGoto(ulong target)
    {
        StoreFlags();
        if (IsNear(target))
            EmitLink(-1, target);
        else
            EmitDistant((int)(long)target);
    }

    /// <summary>
    /// What lies at an address relative to the page's base depends on the page alone. An instruction that goes on in the next page depends on
    /// that, too, so it is looked up by its address as those of other pages are.
    /// </summary>
    private bool IsNear(ulong target) => target < 4096 && (_length != 4096 || !_region.IsCrossing(_page, (uint)target));

    /// <summary>
    /// A jump, conditional or (-1) not, that will lead straight to another region of the page; the flags are stored. Others execute
    /// it while its distance is set, which therefore must not cross a cache line.
    /// </summary>
    private void EmitLink(int condition, ulong target)
    {
        _w.AlignAhead(condition < 0 ? 1 : 2, 4);
        ref Exit exit = ref NewExit(NativeReason.Link, condition < 0 ? _w.Jump() : _w.JumpIf(condition));
        exit.LinksFrom = true;
        exit.Site.Flags = NativeSite.Unknown;
        exit.Site.Offset = (ushort)target;
        exit.Site.Size = (ushort)_frame;
        exit.Site.Extra = (ushort)(_frame >> 16);
    }

    private void EmitExitTo(int* from, ulong target)
    {
        bool near = IsNear(target);
        ref Exit exit = ref NewExit(near ? NativeReason.Link : NativeReason.Distant, from);
        exit.StoresFlags = true;
        DescribeFlags(ref exit);
        if (_flagsStored)
            exit.Site.Flags = NativeSite.Unknown;
        exit.Site.Offset = (ushort)target;
        exit.Site.Size = (ushort)_frame;
        exit.Site.Extra = (ushort)(_frame >> 16);
        if (!near)
            exit.Distance = (int)(long)target;
    }

    /// <summary>A jump to another page.</summary>
    private void EmitDistant(int distance)
    {
        _w.LoadState(T0, CpuState.PageBaseOffset);
        _w.Lea(8, T0, T0, -1, 0, distance);
        ref Exit exit = ref NewExit(NativeReason.Lookup, null);
        exit.Site.Flags = NativeSite.Unknown;
        EmitLookup(ref exit, 0);
    }

    /// <summary>Goes to the address in T0 by the jump cache; RSP grows if that succeeds.</summary>
    private void EmitLookup(ref Exit exit, int drop)
    {
        _w.Registers(0x69, 4, T1, T0);                                        // imul t1d, t0d, multiplier
        _w.Int32(NativeJumps.Multiplier);
        _w.Registers(0xc1, 4, 5, T1);                                         // shr t1d
        _w.Byte(32 - NativeJumps.IndexBits);
        _w.StateIndexed(0x3b, 8, T0, T1, 3, SlotLayout.NativeKeys);           // cmp t0, [key]
        exit.From = _w.JumpIf(5);
        if (drop != 0)
            _w.Lea(8, Stack, Stack, -1, 0, drop);
        _w.Immediate(4, 8, T0, -4096);
        _w.StoreState(CpuState.PageBaseOffset, T0);
        _w.StateIndexed(0xff, 4, 4, T1, 3, SlotLayout.NativeCodes);           // jmp [code]
    }

    /// <summary>
    /// A run of instructions by the interpreter's operations; gives how many. Ends ahead of one that control may come to, or
    /// that ends blocks: such a one stands alone.
    /// </summary>
    private int EmitInterpreted(int k)
    {
        RegionInstruction[] all = _region.Instructions;
        int n = 1;
        if (!InstructionRules.EndsBlock(all[k].Code))
        {
            while (k + n < _region.Count && all[k + n].Kind == InstructionKind.Interpreted && !all[k + n].BeginsRun
                && !InstructionRules.EndsBlock(all[k + n].Code) && n < BlockBuilder.MaxInstructions / 2)
                n++;
        }

        EmitInterpretedRun(k, n);
        return n;
    }

    private void EmitInterpretedRun(int k, int n)
    {
        ref RegionInstruction r = ref _region.Instructions[k];
        ref RegionInstruction last = ref _region.Instructions[k + n - 1];
        ref Exit exit = ref NewExit(NativeReason.Interpret, _w.Jump(), r);
        exit.First = (short)k;
        exit.Number = (short)n;
        exit.Site.Size = (ushort)(last.Offset + last.Code.Length);
        exit.Site.Extra = (ushort)n;
        exit.Resume = _w.Position;
        ForgetFlags();
        ForgetPointers();
    }

    /// <summary>Writes the interpreter's operations behind the code; gives their writable address.</summary>
    private byte* WriteOperations(int k, int n)
    {
        ref RegionInstruction r = ref _region.Instructions[k];
        ref RegionInstruction last = ref _region.Instructions[k + n - 1];
        int length = last.Offset + last.Code.Length - r.Offset;
        bool ends = InstructionRules.EndsBlock(r.Code);
        _ = _builder.Build(BytesOf(r), length, r.Offset, n, ends);
        if (!ends)
            _builder.EndOpen();
        while (((nuint)_w.Position & 7) != 0)
            _w.Byte(0xcc);
        byte* operations = _w.Position;
        _builder.CopyTo((Op*)operations, _frame);

        // They are no block: there is no header ahead of them.
        ((Op*)operations)->Flags &= ~OpFlags.BlockStart;

        // Behind a block's last operation two more can be read (and are not used).
        _w.MoveTo(operations + (_builder.OpCount + 2) * sizeof(Op));
        return operations;
    }
}
