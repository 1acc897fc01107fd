using System.Runtime.CompilerServices;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// Accesses that the translation cache can't answer: first touches, faults, operands on two pages, stores to
/// frames that hold code. Never waits for anything, so host addresses got before stay good until the block's end.
/// </summary>
internal static unsafe class SlowMemory
{
    /// <summary>False: #GP, or #SS for an operand in the stack segment, is prepared. Comes before any page fault.</summary>
    private static bool IsCanonical(CpuState* c, Op* o, ulong address)
    {
        if ((ulong)((long)(address << 16) >> 16) == address)
            return true;
        _ = Leave.Fault(c, o, (o->Flags & OpFlags.StackSegment) != 0 ? ExceptionVector.StackFault : ExceptionVector.GeneralProtection);
        return false;
    }

    [MethodImpl(Never)]
    public static byte* Read(CpuState* c, Op* o, ulong address, int size)
    {
        if (c->WatchActive != 0 && !WatchedMemory.Check(c, o, address, size, write: false))
            return null;
        int inPage = (int)(address & 4095);
        if (inPage + size <= 4096)
            return Translate(c, o, address, false);

        // SAFETY: size is at most SplitCapacity; both halves stay inside their pages.
        int first = 4096 - inPage;
        if (!IsCanonical(c, o, address) || !IsCanonical(c, o, address + (ulong)first))
            return null;
        byte* low = Translate(c, o, address, false);
        if (low == null)
            return null;
        byte* high = Translate(c, o, address + (ulong)first, false);
        if (high == null)
            return null;
        byte* buffer = (byte*)c + CpuState.SplitReadOffset;
        Unsafe.CopyBlockUnaligned(buffer, low, (uint)first);
        Unsafe.CopyBlockUnaligned(buffer + first, high, (uint)(size - first));
        return buffer;
    }

    [MethodImpl(Never)]
    public static byte* Write(CpuState* c, Op* o, ulong address, int size)
    {
        if (c->WatchActive != 0 && !WatchedMemory.Check(c, o, address, size, write: true))
            return null;
        int inPage = (int)(address & 4095);
        if (inPage + size <= 4096)
            return Translate(c, o, address, true);

        int first = 4096 - inPage;
        if (!IsCanonical(c, o, address) || !IsCanonical(c, o, address + (ulong)first))
            return null;
        byte* low = Translate(c, o, address, true);
        if (low == null)
            return null;
        byte* high = Translate(c, o, address + (ulong)first, true);
        if (high == null)
            return null;
        c->SplitFirst = low;
        c->SplitSecond = high;
        c->SplitFirstLength = first;
        c->SplitSecondLength = size - first;

        // SAFETY: as in Read.
        byte* buffer = (byte*)c + CpuState.SplitWriteOffset;
        Unsafe.CopyBlockUnaligned(buffer, low, (uint)first);
        Unsafe.CopyBlockUnaligned(buffer + first, high, (uint)(size - first));
        return buffer;
    }

    [MethodImpl(Never)]
    public static bool Store(CpuState* c, Op* o, ulong address, ulong value, int size)
    {
        byte* p = Write(c, o, address, size);
        if (p == null)
            return false;
        switch (size)
        {
            case 1: *p = (byte)value; break;
            case 2: Unsafe.WriteUnaligned(p, (ushort)value); break;
            case 4: Unsafe.WriteUnaligned(p, (uint)value); break;
            default: Unsafe.WriteUnaligned(p, value); break;
        }

        MemoryAccess.Commit(c, p);
        return true;
    }

    /// <summary>Writes the split buffer back to the two pages that it came from.</summary>
    [MethodImpl(Never)]
    public static void CommitSplit(CpuState* c)
    {
        // SAFETY: the addresses were probed by Write within the same instruction.
        byte* buffer = (byte*)c + CpuState.SplitWriteOffset;
        Unsafe.CopyBlockUnaligned(c->SplitFirst, buffer, (uint)c->SplitFirstLength);
        Unsafe.CopyBlockUnaligned(c->SplitSecond, buffer + c->SplitFirstLength, (uint)c->SplitSecondLength);
    }

    /// <summary>Host address of one byte's page position, filling the cache; null if leaving is prepared.</summary>
    [MethodImpl(Inline.Hot)]
    private static byte* Translate(CpuState* c, Op* o, ulong address, bool write)
    {
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong off = address ^ (write ? e->Write : e->Read);
        if (off < 4096)
            return e->Host + off;

        if (!IsCanonical(c, o, address))
            return null;

        PageFaultError error = PageWalk.Walk(c, address, write ? PageFaultError.Write : PageFaultError.None, out ulong frame, out bool dirty, out bool _);
        if (error != PageFaultError.None)
        {
            Leave.PageFault(c, o, address, error);
            return null;
        }

        byte* host = c->Ram + frame;
        if (write && IsCodeAfterMarkingWritten(c, (uint)(frame >> 12)))
        {
            if ((c->Stepping & (int)StepFlags.MayWriteCode) == 0)
            {
                _ = Leave.Before(c, o, LeaveReason.CodeWrite);
                return null;
            }

            RecordCodeWrite(c, (uint)(frame >> 12));
            return host + (address & 4095);
        }

        if (c->WatchActive != 0 && WatchedMemory.IsOnPage(c, address))
            return host + (address & 4095);
        Fill(c, e, address, host);
        if (write && dirty)
            e->Write = address & ~4095UL;
        return host + (address & 4095);
    }

    /// <summary>
    /// For machine code that missed: fills the cache for an access that lies in one page. False, with nothing prepared: the
    /// interpreter must execute it, for it faults, lies in two pages, or writes to code; or the page isn't dirty yet, and isn't written now.
    /// </summary>
    /// <param name="access">A kind of <see cref="Translator.NativeSite"/>.</param>
    [MethodImpl(Inline.Hot)]
    public static bool TryFill(CpuState* c, ulong address, int size, int access)
    {
        if ((address & 4095) + (ulong)size > 4096 || (ulong)((long)(address << 16) >> 16) != address)
            return false;
        if (c->WatchActive != 0 && WatchedMemory.IsOnPage(c, address))
            return false;
        bool write = access != Translator.NativeSite.Read;
        PageFaultError rights = access == Translator.NativeSite.Write ? PageFaultError.Write : PageFaultError.None;
        PageFaultError error = PageWalk.Walk(c, address, rights, out ulong frame, out bool dirty, out bool _);
        if (error != PageFaultError.None || (write && (!dirty || IsCodeAfterMarkingWritten(c, (uint)(frame >> 12)))))
            return false;
        TlbEntry* e = MemoryAccess.Entry(c, address);
        Fill(c, e, address, c->Ram + frame);
        if (write)
            e->Write = address & ~4095UL;
        return true;
    }

    /// <summary>Makes the entry stand for the address's page, readable.</summary>
    [MethodImpl(Always)]
    public static void Fill(CpuState* c, TlbEntry* e, ulong address, byte* host)
    {
        ulong page = address & ~4095UL;
        if (e->Read != page || e->Host != host)
        {
            // A tag of no page differs in this bit from those that the entry can have; what has never been used is zeros.
            if (((e->Read ^ address) & 4096) != 0 || e->Host == null)
                TlbLog.Add(c->Tlb, e);
            ulong never = NeverTag(address);
            e->Write = never;
            e->Execute = never;
            e->Host = host;
            e->Read = page;
        }
    }

    /// <summary>A tag that no address of the same entry matches: its page number's lowest bit differs.</summary>
    [MethodImpl(Always)]
    public static ulong NeverTag(ulong address) => (address & ~4095UL) ^ 4096;

    /// <summary>
    /// Notes that the frame may be cached as writable, then looks whether it holds code. Who decodes does the
    /// opposite in the opposite order, so one of the two sees the other.
    /// </summary>
    private static bool IsCodeAfterMarkingWritten(CpuState* c, uint frame)
    {
        ref uint word = ref c->WrittenFrames[frame >> 5];
        uint bit = 1u << (int)(frame & 31);
        while (true)
        {
            if ((Volatile.Read(ref word) & bit) == 0)
                Interlocked.Or(ref word, bit);
            else
                Interlocked.MemoryBarrier();
            if (Volatile.Read(ref *(nint*)&c->FrameCode[frame]) != 0)
                return true;

            // Who made the frame ready for decoding may have cleared the note just before its code was taken out.
            if ((Volatile.Read(ref word) & bit) != 0)
                return false;
        }
    }

    /// <summary>
    /// As <see cref="IsCodeAfterMarkingWritten"/>, for frames in a row: tells how many below and above one hold no code, in a row with it. False: that
    /// one does.
    /// </summary>
    public static bool KeepFromCode(CpuState* c, uint frame, uint first, uint last, out int below, out int above)
    {
        for (uint f = first; f <= last; f++)
        {
            ref uint word = ref c->WrittenFrames[f >> 5];
            uint bit = 1u << (int)(f & 31);
            if ((Volatile.Read(ref word) & bit) == 0)
                Interlocked.Or(ref word, bit);
        }

        Interlocked.MemoryBarrier();
        uint low = frame;
        while (low > first && IsNoCode(c, low - 1))
            low--;
        uint high = frame;
        while (high < last && IsNoCode(c, high + 1))
            high++;
        below = (int)(frame - low);
        above = (int)(high - frame);
        return IsNoCode(c, frame);
    }

    private static bool IsNoCode(CpuState* c, uint frame) =>
        Volatile.Read(ref *(nint*)&c->FrameCode[frame]) == 0 && (Volatile.Read(ref c->WrittenFrames[frame >> 5]) >> (int)(frame & 31) & 1) != 0;

    private static void RecordCodeWrite(CpuState* c, uint frame)
    {
        if (c->CodeWrite0 == frame || c->CodeWrite1 == frame)
            return;
        if (c->CodeWrite0 == 0)
            c->CodeWrite0 = frame;
        else
            c->CodeWrite1 = frame;
    }
}
