using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translator;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// Translations remembered by the places in machine code that access memory, one for each, ahead of the TLB: what is found without computing an
/// index is there sooner. An entry is an <see cref="Extent"/>, at first the one page that the place accesses: its start, its length less what is
/// accessed at once, plus 1, and its host address, or instead of that the distance from guest to host addresses. An address whose distance from
/// the start is below the second word fits; zeros are an entry that isn't in use. A place whose entry doesn't fit looks into the TLB, and gets a
/// greater extent if that has both pages, else a new entry only after some misfits. Where new entries hardly fit longer than that takes, the jump over
/// the TLB can't be predicted, and costs more than it saves: such a place is left without. Entries in use are logged, so that forgetting them all is quick.
/// </summary>
internal static unsafe class SiteCache
{
    /// <summary>
    /// Those of places that read and of places that write, which share entries where there are too few; and those of fixed places: there
    /// an operand lies at a fixed distance from the code, so that the entry is the code's page (never zero) and the operand's own host address,
    /// of that place alone.
    /// </summary>
    public const int Readers = 16384;
    public const int Writers = 8192;
    public const int Fixed = 8192;
    public const int Entries = Readers + Writers + Fixed;
    public const int EntrySize = 24;

    /// <summary>Of each two entries for places that aren't fixed, the second one has the distance from guest to host addresses in place of the host address.</summary>
    public const int Distances = 1;

    /// <summary>An entry's words.</summary>
    public const int Start = 0;
    public const int Limit = 8;
    public const int Host = 16;

    /// <summary>In an entry of a fixed place.</summary>
    public const int FixedHost = 8;

    /// <summary>
    /// Of each entry, behind all of them, 32 bits each: how often its place may still look into the TLB before something is done about it;
    /// when it got its entry and when that first didn't fit (instructions retired, the low half); how many entries in a row were of
    /// little use, twice, plus 1 from the first misfit to the next entry.
    /// </summary>
    public const int Counters = Entries * EntrySize;
    public const int Countdown = Counters;
    private const int EntryTime = 1;
    private const int MisfitTime = 2;
    private const int Useless = 3;

    /// <summary>Misfits in a row, after the first, that a new entry takes.</summary>
    private const int Patience = 15;

    /// <summary>An entry was useful if it fitted at least 2^this times as long as it took to see these misfits.</summary>
    private const int UsefulShift = 2;

    /// <summary>Entries of little use in a row after which a place goes without.</summary>
    private const int MostUseless = 8;

    /// <summary>Looks into the TLB before a place that goes without is tried again.</summary>
    private const int LongPatience = 1 << 16;

    /// <summary>Where the log lies: the number of logged entries (32 bits), then from <see cref="LogStart"/> their offsets (32 bits each).</summary>
    public const int LogCount = Counters + (Entries * EntrySize);
    public const int LogStart = LogCount + 8;
    public const int LogCapacity = 8190;
    public const int Bytes = LogStart + (LogCapacity * 4);

    /// <summary>
    /// A place has looked into the TLB as often as it may, for the address in <c>MissAddress</c>: gives it another entry, more time, or none.
    /// </summary>
    public static void Renew(CpuState* c, NativeSite* site)
    {
        byte* sites = (byte*)c + SlotLayout.Sites;
        ulong* entry = (ulong*)(sites + site->Data);
        int* counters = (int*)(sites + Counters + site->Data);
        uint now = (uint)c->Retired;
        ulong address = c->MissAddress;
        Extent extent = Extent.Around(c, address, site->Extra != NativeSite.Read);
        bool isUsed = entry[Limit / 8] != 0;
        if (isUsed && extent.Contains(entry[Start / 8]))
        {
            // It has grown, or the place had only a page of it.
            Set(sites, entry, site, extent);
            counters[0] = 0;
            counters[Useless] &= ~1;
            return;
        }

        if ((counters[Useless] & 1) == 0 && isUsed)
        {
            counters[Useless] |= 1;
            counters[MisfitTime] = (int)now;
            counters[0] = Patience;
            return;
        }

        // How long the entry fitted, and how long it didn't.
        uint fitted = (uint)(counters[MisfitTime] - counters[EntryTime]);
        uint misfitted = now - (uint)counters[MisfitTime];
        int useless = fitted >= misfitted << UsefulShift ? 0 : counters[Useless] + 1;
        counters[EntryTime] = (int)now;
        if (useless >= 2 * MostUseless && isUsed)
        {
            counters[Useless] = 0;
            counters[0] = LongPatience;
            entry[Limit / 8] = 0;
            return;
        }

        counters[Useless] = useless & ~1;
        counters[0] = 0;
        Set(sites, entry, site, extent);
    }

    /// <summary>For operands that lie on two pages together. True: one extent has them all, and the place has it.</summary>
    public static bool TryWiden(CpuState* c, NativeSite* site)
    {
        if (!Extent.TryFind(c, c->MissAddress, site->Extra != NativeSite.Read, out Extent extent) || !extent.Contains(c->MissAddress + site->Size - 1))
            return false;
        byte* sites = (byte*)c + SlotLayout.Sites;
        Set(sites, (ulong*)(sites + site->Data), site, extent);
        return true;
    }

    private static void Set(byte* sites, ulong* entry, NativeSite* site, in Extent extent)
    {
        if (entry[Limit / 8] == 0)
        {
            uint count = *(uint*)(sites + LogCount);
            if (count < LogCapacity)
            {
                ((int*)(sites + LogStart))[count] = site->Data;
                *(uint*)(sites + LogCount) = count + 1;
            }
        }

        bool asDistance = (site->Data / EntrySize & Distances) != 0;
        entry[Start / 8] = extent.Start;
        entry[Limit / 8] = extent.Length - site->Size + 1;
        entry[Host / 8] = extent.Host - (asDistance ? extent.Start : 0);
    }

    /// <summary>Empties the entries in use.</summary>
    [MethodImpl(Execution.Inline.Hot)]
    public static void Forget(byte* sites)
    {
        uint count = *(uint*)(sites + LogCount);
        if (count == 0)
            return;
        *(uint*)(sites + LogCount) = 0;
        if (count >= LogCapacity)
        {
            new Span<byte>(sites, Entries * EntrySize).Clear();
            return;
        }

        var log = (int*)(sites + LogStart);
        for (uint i = 0; i < count; i++)
        {
            var entry = (ulong*)(sites + log[i]);
            entry[0] = 0;
            entry[1] = 0;
        }
    }
}
