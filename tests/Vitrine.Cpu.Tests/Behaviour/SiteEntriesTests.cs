using Vitrine.Cpu.Translation;
using Vitrine.Cpu.Translator;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>Entries of places in machine code that remember an extent of memory.</summary>
public class SiteEntriesTests
{
    private const int Largest = 512;

    [Fact]
    public void PlacesThatShareAnEntry_AccessAsManyBytesInTheSameWay()
    {
        var entries = new SiteEntries(Largest);
        var random = new Random(20261121);
        var users = new Dictionary<int, (bool Write, bool AsDistance, int Size)>();
        int places = 5 * SiteCache.Readers;
        for (int i = 0; i < places; i++)
        {
            bool write = random.Next(2) == 0;
            bool asDistance = random.Next(2) == 0;

            // Some sizes are wanted only when there are no more fresh entries.
            int asked = random.Next(i < places / 2 ? 64 : Largest) + 1;
            int size = asked;
            int offset = entries.Next(write, asDistance, ref size);
            Assert.InRange(size, asked, Largest);
            Assert.Equal(0, offset % SiteCache.EntrySize);
            int entry = offset / SiteCache.EntrySize;
            Assert.Equal(write, entry >= SiteCache.Readers);
            Assert.InRange(entry, 0, SiteCache.Readers + SiteCache.Writers - 1);
            Assert.Equal(asDistance, (entry & SiteCache.Distances) != 0);
            Assert.True(users.TryAdd(entry, (write, asDistance, size)) || users[entry] == (write, asDistance, size));
        }

        Assert.InRange(users.Count, SiteCache.Readers + SiteCache.Writers - 4, SiteCache.Readers + SiteCache.Writers);
    }

    [Fact]
    public void Places_HaveEntriesOfTheirOwn_AsLongAsThereAreEnough()
    {
        var entries = new SiteEntries(Largest);
        var given = new HashSet<int>();
        for (int i = 0; i < (SiteCache.Writers / 2) - 1; i++)
        {
            int size = 1 + (i % Largest);
            Assert.True(given.Add(entries.Next(write: true, asDistance: false, ref size)));
            Assert.Equal(1 + (i % Largest), size);
        }
    }
}
