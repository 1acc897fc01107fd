using System.Runtime.CompilerServices;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// What handlers with one memory operand jump to when the translation cache doesn't answer: it fills the cache
/// and runs the handler again. So such handlers contain no call and need no frame. An operand on two pages is run on
/// a copy: for that one instruction the entry of its address leads to a buffer.
/// </summary>
internal static unsafe class MissedMemory
{
    [MethodImpl(Never)]
    public static Op* Read(CpuState* c, Op* o, ulong address, int size)
    {
        byte* p = SlowMemory.Read(c, o, address, size);
        if (p == null)
            return o;
        TlbEntry* e = MemoryAccess.Entry(c, address);
        if ((address & 4095) + (ulong)size <= 4096 && (address ^ e->Read) < 4096)
            return o->Fn(c, o);

        // Two pages, or a page that is watched.
        TlbEntry kept = *e;
        e->Read = address;
        e->Host = p;
        Op* next = RunAlone(c, o, e, kept);
        return next == null ? o[1].Fn(c, o + 1) : next;
    }

    [MethodImpl(Never)]
    public static Op* Write(CpuState* c, Op* o, ulong address, int size)
    {
        byte* p = SlowMemory.Write(c, o, address, size);
        if (p == null)
            return o;
        TlbEntry* e = MemoryAccess.Entry(c, address);
        bool split = (address & 4095) + (ulong)size > 4096;
        if (!split && (address ^ e->Write) < 4096)
            return o->Fn(c, o);

        // Two pages, a store to code that is let through once, or a page that is watched.
        TlbEntry kept = *e;
        e->Write = address;
        e->Host = p;
        Op* next = RunAlone(c, o, e, kept);
        if (split && c->Internal is (int)LeaveReason.None or (int)LeaveReason.Lookup or (int)LeaveReason.StepDone)
            SlowMemory.CommitSplit(c);
        return next == null ? o[1].Fn(c, o + 1) : next;
    }

    /// <summary>
    /// Runs one operation while an entry is borrowed, then gives it back. Null: the operation is complete and the next
    /// one's turn; else what its handler returned.
    /// </summary>
    private static Op* RunAlone(CpuState* c, Op* o, TlbEntry* borrowed, in TlbEntry kept)
    {
        // SAFETY: a block's end is followed by up to two links in the same block, so there is as much to copy.
        Op* alone = stackalloc Op[3];
        alone[0] = o[0];

        // The first of a block may meanwhile have become the entry to machine code, which needs the block around it.
        if ((o->Flags & OpFlags.BlockStart) != 0)
            alone[0].Fn = ((BlockHeader*)o - 1)->First;
        if ((o->Flags & OpFlags.EndsBlock) != 0)
        {
            alone[1] = o[1];
            alone[2] = o[2];
        }
        else
        {
            alone[1] = default;
            alone[1].Fn = &Stop;
        }

        Op* next = alone->Fn(c, alone);
        *borrowed = kept;
        if (next == alone + 1)
            return null;

        // A handler that leaves gives back its own operation.
        return next == alone ? o : next;
    }

    private static Op* Stop(CpuState* c, Op* o) => o;
}
