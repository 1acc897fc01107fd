using System.Runtime.CompilerServices;
using Vitrine.Cpu.Execution;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// Translations remembered by the places in machine code that access memory, one for each, ahead of the TLB: most places
/// keep to a page for long, and what is found without computing an index is there sooner. An entry is a page's address and its host
/// address. A place whose entry doesn't fit looks into the TLB, and gets a new entry only after some misfits. Where new entries
/// hardly fit longer than that takes, the jump over the TLB can't be predicted, and costs more than it saves: such a place
/// is left without. Entries in use are logged, so that forgetting them all is quick.
/// </summary>
internal static unsafe class SiteCache
{
    /// <summary>
    /// Those of places that read and of places that write, which share entries where there are too few; and those of fixed places: there
    /// an operand lies at a fixed distance from the code, so that the entry is the code's page and the operand's own host address, of that place alone.
    /// </summary>
    public const int Readers = 16384;
    public const int Writers = 8192;
    public const int Fixed = 8192;
    public const int Entries = Readers + Writers + Fixed;
    public const int EntrySize = 16;

    /// <summary>
    /// Of each entry, behind all of them, 32 bits each: how often its place may still look into the TLB before something is done about it;
    /// when it got its entry and when that first didn't fit (instructions retired, the low half); how many entries in a row were of
    /// little use, twice, plus 1 from the first misfit to the next entry.
    /// </summary>
    public const int Counters = Entries * EntrySize;
    public const int Countdown = Counters;
    public const int EntryTime = Counters + 4;
    public const int MisfitTime = Counters + 8;
    public const int Useless = Counters + 12;

    /// <summary>Misfits in a row, after the first, that a new entry takes.</summary>
    public const int Patience = 15;

    /// <summary>An entry was useful if it fitted at least 2^this times as long as it took to see these misfits.</summary>
    public const int UsefulShift = 2;

    /// <summary>Entries of little use in a row after which a place goes without.</summary>
    public const int MostUseless = 8;

    /// <summary>Looks into the TLB before a place that goes without is tried again.</summary>
    public const int LongPatience = 1 << 16;

    /// <summary>Where the log lies: the number of logged entries (32 bits), then from <see cref="LogStart"/> their offsets (32 bits each).</summary>
    public const int LogCount = Counters + (Entries * EntrySize);
    public const int LogStart = LogCount + 8;
    public const int LogCapacity = 8190;

    /// <summary>Some bytes that nothing else uses.</summary>
    public const int Sink = LogStart + (LogCapacity * 4);
    public const int Bytes = Sink + 4096;

    /// <summary>
    /// The page of an entry that isn't in use: it isn't canonical, and odd as no page's is. Whoever accesses just that address
    /// reaches the sink.
    /// </summary>
    public const ulong Unused = 0x5ac3_96b7_4e1d_8001;

    /// <summary>Empties all entries.</summary>
    public static void Clear(byte* sites)
    {
        for (int i = 0; i < Entries; i++)
            Empty(sites, i * EntrySize);
        *(uint*)(sites + LogCount) = 0;
    }

    /// <summary>Empties the entries in use.</summary>
    [MethodImpl(Execution.Inline.Hot)]
    public static void Forget(byte* sites)
    {
        uint count = *(uint*)(sites + LogCount);
        if (count == 0)
            return;
        if (count >= LogCapacity)
        {
            Clear(sites);
            return;
        }

        var log = (int*)(sites + LogStart);
        for (uint i = 0; i < count; i++)
            Empty(sites, log[i]);
        *(uint*)(sites + LogCount) = 0;
    }

    private static void Empty(byte* sites, int offset)
    {
        var entry = (ulong*)(sites + offset);
        entry[0] = Unused;
        entry[1] = (ulong)(sites + Sink);
    }
}
