using System.Runtime.CompilerServices;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// Which entries of a TLB are in use: a count (32 bits) and their indices (32 bits each), some of them perhaps twice. The TLB is
/// large and flushes are frequent, so that whoever clears it goes by this. A log that is full says nothing: all entries may be in use.
/// </summary>
internal static unsafe class TlbLog
{
    private const int Capacity = 2046;

    public const int Bytes = 8 + (Capacity * 4);

    /// <summary>From a TLB to its log.</summary>
    private const int FromTlb = SlotLayout.TlbLog - SlotLayout.Tlb;

    /// <summary>Notes that an entry is about to be used that isn't.</summary>
    [MethodImpl(Inline.Always)]
    public static void Add(TlbEntry* tlb, TlbEntry* entry)
    {
        var log = (uint*)((byte*)tlb + FromTlb);
        uint count = *log;
        if (count >= Capacity)
            return;
        log[2 + count] = (uint)(entry - tlb);
        *log = count + 1;
    }

    /// <summary>The indices of the entries in use. False: any may be.</summary>
    public static bool TryGet(TlbEntry* tlb, out ReadOnlySpan<uint> indices)
    {
        var log = (uint*)((byte*)tlb + FromTlb);
        indices = new ReadOnlySpan<uint>(log + 2, (int)*log);
        return *log < Capacity;
    }

    /// <summary>No entry is in use any more.</summary>
    public static void Clear(TlbEntry* tlb) => *(uint*)((byte*)tlb + FromTlb) = 0;
}
