using System.Runtime.CompilerServices;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// Translations remembered by the places in machine code that access memory, one for each, ahead of the TLB: most places
/// keep to a page for long, and what is found without computing an index is there sooner. An entry is a page's address and its host
/// address. Filled from the TLB by machine code, which logs the entries that weren't in use, so that forgetting them all is quick.
/// </summary>
internal static unsafe class SiteCache
{
    public const int Entries = 4096;
    public const int EntrySize = 16;

    /// <summary>Where the log lies: the number of logged entries (32 bits), then from <see cref="LogStart"/> their offsets (32 bits each).</summary>
    public const int LogCount = Entries * EntrySize;
    public const int LogStart = LogCount + 8;
    public const int LogCapacity = 1022;

    private const int SinkStart = LogStart + (LogCapacity * 4);
    public const int Bytes = SinkStart + 4096;

    /// <summary>
    /// The page of an entry that isn't in use: it isn't canonical, and odd as no page's is. Whoever accesses just that address
    /// reaches some bytes that nothing else uses.
    /// </summary>
    private const ulong Unused = 0x5ac3_96b7_4e1d_8001;

    /// <summary>Empties all entries.</summary>
    public static void Clear(byte* sites)
    {
        var sink = (ulong)(sites + SinkStart);
        for (int i = 0; i < Entries; i++)
        {
            var entry = (ulong*)(sites + (i * EntrySize));
            entry[0] = Unused;
            entry[1] = sink;
        }

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

        var log = (uint*)(sites + LogStart);
        var sink = (ulong)(sites + SinkStart);
        for (uint i = 0; i < count; i++)
        {
            var entry = (ulong*)(sites + log[i]);
            entry[0] = Unused;
            entry[1] = sink;
        }

        *(uint*)(sites + LogCount) = 0;
    }
}
