using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// The first operation of a block that has machine code: runs that, and does what it comes back for. To the driver it is
/// a handler like the others.
/// </summary>
internal static unsafe class NativeEntry
{
    /// <summary>All exceptions masked: only then may the host execute vector instructions for the guest. (Nor is code in the lowest page for it: <see cref="SiteCache.Fixed"/>.)</summary>
    private const uint Masks = 0x1f80;

    /// <summary>Instructions between two looks for attention: some microseconds.</summary>
    public const int Budget = 8192;

    /// <summary>More instructions than are counted at once.</summary>
    public const int LongestRun = 256;

    /// <summary>More instructions than machine code executes between two looks at its budget.</summary>
    public const int Stretch = 512;

    public static Op* Run(CpuState* c, Op* o)
    {
        BlockHeader* header = (BlockHeader*)o - 1;
        if ((c->Mxcsr & Masks) != Masks || c->PageBase == 0)
            return header->First(c, o);
        byte* code = header->Native;
        while (true)
        {
            // SAFETY: code is an executable address inside a region, with the state in the form that it expects there.
            ((delegate* unmanaged<CpuState*, byte*, void>)c->NativeGate)(c, code);
            NativeSite* site = c->NativeSite;
            c->Retired += (ulong)(c->BudgetStart - c->Budget);

            // Whoever goes on looks soon: if somebody wants attention, and for a limit that others count towards as well.
            if (c->External != 0 || c->NearLimit != ulong.MaxValue)
                c->Budget = 0;
            c->BudgetStart = c->Budget;

            switch ((NativeReason)c->NativeReason)
            {
                case NativeReason.Miss when NativeSite.IsMisaligned(site, c->MissAddress):
                    return LeaveAlone(c, o, site);
                case NativeReason.Miss:
                    if (site->Split != 0 && (c->MissAddress & 4095) + site->Size > 4096)
                    {
                        if (!SiteCache.TryWiden(c, site))
                            return LeaveToSplit(c, o, site);
                    }
                    else if (!SlowMemory.TryFill(c, c->MissAddress, site->Size, site->Extra))
                    {
                        return LeaveAlone(c, o, site);
                    }

                    code = NativeSite.ResumeOf(site);
                    break;
                case NativeReason.Renew:
                    SiteCache.Renew(c, site);
                    code = NativeSite.ResumeOf(site);
                    break;
                case NativeReason.Slow:
                    return LeaveAlone(c, o, site);
                case NativeReason.Interpret:
                    Settle(c, site);
                    Op* end = Interpret(c, (Op*)NativeSite.DataOf(site));
                    if (c->Internal != 0)
                        return end;
                    c->Retired += site->Ahead;
                    if ((c->Mxcsr & Masks) != Masks)
                    {
                        c->Retired -= (uint)(site->Ahead - site->Extra);
                        return LeaveTo(c, o, c->PageBase + site->Size);
                    }

                    code = NativeSite.ResumeOf(site);
                    break;
                case NativeReason.Flags:
                    FlagRecord.Materialise(c);
                    c->FlagImage = FlagRecord.Image(c);
                    code = NativeSite.ResumeOf(site);
                    break;
                case NativeReason.Attention:
                    Settle(c, site);
                    return LeaveTo(c, o, c->PageBase + site->Offset);
                case NativeReason.Link:
                    FlagRecord.Materialise(c);
                    c->Rip = c->PageBase + site->Offset;
                    c->Internal = (int)LeaveReason.NativeLink;
                    return o;
                case NativeReason.Lookup:
                    BlockHeader* next = Lookup(c, site);
                    if (next == null)
                        return o;
                    if ((nint)BlockHeader.Ops(next)->Fn == (nint)next->First || c->PageBase == 0)
                    {
                        FlagRecord.Materialise(c);
                        Warm(next);
                        return BlockHeader.Ops(next);
                    }

                    code = next->Native;
                    NativeJumps.Set(c, c->MissAddress, code);
                    break;
                default:
                    throw new InvalidOperationException($"Machine code left for reason {c->NativeReason}.");
            }
        }
    }

    /// <summary>Flags and count as they are at the site.</summary>
    private static void Settle(CpuState* c, NativeSite* site)
    {
        if (site->Flags != NativeSite.Unknown)
        {
            c->FlagKind = site->Flags;
            if (site->A != FlagOperand.Stored)
                c->FlagA = c->Gpr[(int)site->A];
            if (site->B == FlagOperand.Immediate)
                c->FlagB = (ulong)site->Immediate;
            else if (site->B != FlagOperand.Stored)
                c->FlagB = c->Gpr[(int)site->B];
        }

        FlagRecord.Materialise(c);
        c->Retired -= site->Ahead;
    }

    private static Op* Interpret(CpuState* c, Op* o)
    {
        while (true)
        {
            Op* next = o->Fn(c, o);
            if (c->Internal != 0 || (next->Flags & OpFlags.Stop) != 0)
                return next;
            o = next;
        }
    }

    /// <summary>The instruction at the site is interpreted by the driver.</summary>
    private static Op* LeaveAlone(CpuState* c, Op* o, NativeSite* site)
    {
        Settle(c, site);
        c->Rip = c->PageBase + site->Offset;
        c->Internal = (int)LeaveReason.Alone;
        return o;
    }

    /// <summary>Operands that are checked together lie on two pages.</summary>
    private static Op* LeaveToSplit(CpuState* c, Op* o, NativeSite* site)
    {
        _ = LeaveAlone(c, o, site);
        c->Internal = (int)LeaveReason.NativeSplit;
        return o;
    }

    private static Op* LeaveTo(CpuState* c, Op* o, ulong rip)
    {
        c->Rip = rip;
        c->Internal = (int)LeaveReason.Lookup;
        return o;
    }

    /// <summary>
    /// A jump to an address that the jump cache doesn't have, or that isn't one at all. Gives the block to go on with, or
    /// null: leaving is prepared.
    /// </summary>
    private static BlockHeader* Lookup(CpuState* c, NativeSite* site)
    {
        ulong target = c->MissAddress;
        if (site->Ahead != 0 && (ulong)((long)(target << 16) >> 16) != target)
        {
            _ = LeaveAlone(c, null, site);
            return null;
        }

        // RET has not moved the stack pointer yet.
        if (site->Size != 0)
            c->Gpr[4] += 8u + site->Extra;
        BlockHeader* block = JumpCache.Refill(c, target);
        if (block != null)
            return block;
        FlagRecord.Materialise(c);
        _ = LeaveTo(c, null, target);
        return null;
    }

    /// <summary>A block that machine code leads to is asked to be translated sooner: going to and fro costs more than either.</summary>
    public static void Warm(BlockHeader* block)
    {
        const int Step = 16;
        if (block->Heat > Step)
            block->Heat -= Step;
    }
}
