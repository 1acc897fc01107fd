using Vitrine.Cpu.Translation;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// Gives places in machine code their entries of <see cref="SiteCache"/>. Each has one of its own as long as there are enough; then
/// places share them in turn. An entry fits addresses by what is accessed at once, so those that share one access the same number of bytes:
/// an entry's never changes. Used under the code cache's lock.
/// </summary>
internal sealed class SiteEntries
{
    /// <summary>Places that read or write, and want a host address or a distance in their entry.</summary>
    private const int Kinds = 4;

    private readonly int _largest;

    /// <summary>Entries given out, by kind.</summary>
    private readonly int[] _given = new int[Kinds];

    /// <summary>By kind and bytes: the entry given out last, plus 1; 0: there is none. From each the next one of its kind and bytes, in a ring.</summary>
    private readonly int[] _last;
    private readonly int[] _next = new int[SiteCache.Readers + SiteCache.Writers];

    /// <param name="largest">The most bytes that a place accesses.</param>
    public SiteEntries(int largest)
    {
        _largest = largest;
        _last = new int[Kinds * (largest + 1)];

        // Who finds none of its own size takes a larger one: there always is one.
        for (int kind = 0; kind < Kinds; kind++)
            Add(kind, largest);
    }

    /// <summary>An entry's offset for a place that accesses some bytes; they become more if it has to share one with places that access more.</summary>
    public int Next(bool write, bool asDistance, ref int size)
    {
        int kind = (write ? 2 : 0) + (asDistance ? 1 : 0);
        if (_given[kind] < (write ? SiteCache.Writers : SiteCache.Readers) / 2)
        {
            Add(kind, size);
        }
        else
        {
            while (_last[(kind * (_largest + 1)) + size] == 0)
                size++;
        }

        ref int last = ref _last[(kind * (_largest + 1)) + size];
        int entry = _next[last - 1];
        last = entry + 1;
        return entry * SiteCache.EntrySize;
    }

    /// <summary>Puts a fresh entry behind the last one of its ring.</summary>
    private void Add(int kind, int size)
    {
        int entry = ((kind & 2) != 0 ? SiteCache.Readers : 0) + (_given[kind]++ * 2) + ((kind & 1) != 0 ? SiteCache.Distances : 0);
        ref int last = ref _last[(kind * (_largest + 1)) + size];
        if (last == 0)
        {
            _next[entry] = entry;
            last = entry + 1;
            return;
        }

        _next[entry] = _next[last - 1];
        _next[last - 1] = entry;
    }
}
