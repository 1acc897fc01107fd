namespace Vitrine.Kernel.Mm;

/// <summary>What is resident of a mapping, in bytes: the numbers of /proc/PID/smaps. Plain data, summed for smaps_rollup.</summary>
internal struct SmapsMeasure
{
    public long Rss;

    /// <summary>Shares of pages that several map, in 1/4096 of a byte.</summary>
    public long PssFraction;
    public long PssDirtyFraction;
    public long PssAnonFraction;
    public long PssFileFraction;
    public long PssShmemFraction;
    public long SharedClean;
    public long SharedDirty;
    public long PrivateClean;
    public long PrivateDirty;
    public long Referenced;
    public long Anonymous;
    public long Locked;

    public readonly long Pss => PssFraction >> 12;

    /// <summary>Adds another measure.</summary>
    public void Add(in SmapsMeasure other)
    {
        Rss += other.Rss;
        PssFraction += other.PssFraction;
        PssDirtyFraction += other.PssDirtyFraction;
        PssAnonFraction += other.PssAnonFraction;
        PssFileFraction += other.PssFileFraction;
        PssShmemFraction += other.PssShmemFraction;
        SharedClean += other.SharedClean;
        SharedDirty += other.SharedDirty;
        PrivateClean += other.PrivateClean;
        PrivateDirty += other.PrivateDirty;
        Referenced += other.Referenced;
        Anonymous += other.Anonymous;
        Locked += other.Locked;
    }

    /// <summary>Counts one mapped page.</summary>
    public void Add(PageFlags flags, int mapCount, ulong entry, bool locked)
    {
        const long Size = (long)Page.Size;
        bool dirty = (entry & Pte.Dirty) != 0 || (flags & PageFlags.Dirty) != 0;
        long share = (Size << 12) / Math.Max(mapCount, 1);
        Rss += Size;
        PssFraction += share;
        if (dirty)
            PssDirtyFraction += share;
        if ((entry & Pte.Accessed) != 0 || (flags & PageFlags.Referenced) != 0)
            Referenced += Size;
        if ((flags & PageFlags.Anonymous) != 0)
        {
            Anonymous += Size;
            PssAnonFraction += share;
        }
        else if ((flags & PageFlags.SwapBacked) != 0)
        {
            PssShmemFraction += share;
        }
        else
        {
            PssFileFraction += share;
        }

        if (locked)
            Locked += share >> 12;
        if (mapCount > 1)
        {
            if (dirty)
                SharedDirty += Size;
            else
                SharedClean += Size;
        }
        else if (dirty)
        {
            PrivateDirty += Size;
        }
        else
        {
            PrivateClean += Size;
        }
    }
}
