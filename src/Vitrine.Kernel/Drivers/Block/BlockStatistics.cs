using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Drivers.Block;

/// <summary>What a disk has done since boot: the fields of /proc/diskstats (Documentation/admin-guide/iostats.rst). Times in nanoseconds.</summary>
internal sealed class BlockStatistics
{
    private Ktime _changed;

    /// <summary>Requests under way.</summary>
    public int InFlight { get; private set; }

    /// <summary>Time with at least one request under way.</summary>
    public long BusyTime { get; private set; }

    /// <summary>Time of all requests added up.</summary>
    public long WeightedTime { get; private set; }

    public Kind Reads { get; } = new();

    public Kind Writes { get; } = new();

    public Kind Flushes { get; } = new();

    public void Begin(Ktime now)
    {
        Advance(now);
        InFlight++;
    }

    public void End(Kind kind, long bytes, Ktime begun, Ktime now)
    {
        Advance(now);
        InFlight--;
        kind.Requests++;
        kind.Sectors += bytes >> 9;
        kind.Time += now - begun;
    }

    private void Advance(Ktime now)
    {
        long passed = now - _changed;
        if (InFlight > 0)
            BusyTime += passed;
        WeightedTime += passed * InFlight;
        _changed = now;
    }

    /// <summary>Requests of one kind.</summary>
    internal sealed class Kind
    {
        public long Requests { get; set; }

        /// <summary>Of 512 bytes.</summary>
        public long Sectors { get; set; }

        public long Time { get; set; }
    }
}
