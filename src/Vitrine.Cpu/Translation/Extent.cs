using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// Pages in a row whose frames are in a row, too, so that one distance leads from guest to host addresses in all of them. Only pages that have
/// been accessed, or written if they are to be, belong to it: whoever uses it sets no bits in page tables.
/// </summary>
/// <param name="Start">Guest address of the first byte.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Host">Host address of the first byte.</param>
internal readonly unsafe record struct Extent(ulong Start, ulong Length, nuint Host)
{
    private const ulong Present = 1;
    private const ulong Writable = 2;
    private const ulong User = 4;
    private const ulong Accessed = 32;
    private const ulong Dirty = 64;
    private const ulong Large = 128;
    private const ulong FrameMask = (1UL << PageWalk.PhysicalBits) - 4096;
    private const ulong Reserved = ((1UL << 52) - 1) & ~((1UL << PageWalk.PhysicalBits) - 1);

    /// <summary>
    /// The extent around an address that the TLB has with the same right, as far as one page table reaches. No more than the page where
    /// single pages are watched, or mapped in some other way than by a page table.
    /// </summary>
    public static Extent Around(CpuState* c, ulong address, bool write) =>
        TryFind(c, address, write, out Extent found) ? found : new Extent(address & ~4095UL, 4096, (nuint)MemoryAccess.Entry(c, address)->Host);

    /// <summary>
    /// The extent around any address. False: it isn't canonical, or its page hasn't been accessed, or written, yet, mayn't be, holds code, is watched, or isn't in a
    /// page table.
    /// </summary>
    public static bool TryFind(CpuState* c, ulong address, bool write, out Extent extent)
    {
        extent = default;
        if ((ulong)((long)(address << 16) >> 16) != address)
            return false;
        ulong rights = Present | User | (write ? Writable : 0);
        ulong* table = c->WatchActive != 0 ? null : LeafTable(c, address, rights);
        if (table == null)
            return false;
        ulong required = rights | Accessed | (write ? Dirty : 0);
        int own = (int)(address >> 12) & 511;
        ulong frame = Volatile.Read(ref table[own]) & FrameMask;
        if (frame + 4096 > c->RamLength || !Continues(table, own, frame, required))
            return false;
        int first = own;
        while (first > 0 && Continues(table, first - 1, frame - ((ulong)(own - first + 1) << 12), required))
            first--;
        int last = own;
        while (last < 511 && Continues(table, last + 1, frame + ((ulong)(last + 1 - own) << 12), required))
            last++;
        while (frame + ((ulong)(last + 1 - own) << 12) > c->RamLength)
            last--;
        int below = own - first;
        int above = last - own;
        uint number = (uint)(frame >> 12);
        if (write && !SlowMemory.KeepFromCode(c, number, number - (uint)below, number + (uint)above, out below, out above))
            return false;
        extent = new Extent((address & ~4095UL) - ((ulong)below << 12), (ulong)(below + above + 1) << 12, (nuint)c->Ram + (nuint)frame - ((nuint)below << 12));
        return true;
    }

    public bool Contains(ulong address) => address - Start < Length;

    /// <summary>The page table's entry stands for the frame, with the required bits.</summary>
    private static bool Continues(ulong* table, int index, ulong frame, ulong required)
    {
        ulong entry = Volatile.Read(ref table[index]);
        return (entry & required) == required && (entry & (Reserved | FrameMask)) == frame;
    }

    /// <summary>The page table that an address's entry is in; null if there is none, it lies outside of RAM, or a right is missing on the way.</summary>
    private static ulong* LeafTable(CpuState* c, ulong address, ulong rights)
    {
        ulong table = c->Cr3 & FrameMask;
        for (int shift = 39; shift > 12; shift -= 9)
        {
            if (table + 4096 > c->RamLength)
                return null;
            ulong entry = Volatile.Read(ref *(ulong*)(c->Ram + table + (((address >> shift) & 511) << 3)));
            if ((entry & rights) != rights || (entry & (Large | Reserved)) != 0)
                return null;
            table = entry & FrameMask;
        }

        return table + 4096 > c->RamLength ? null : (ulong*)(c->Ram + table);
    }
}
