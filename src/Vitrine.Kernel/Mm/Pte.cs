namespace Vitrine.Kernel.Mm;

/// <summary>
/// Page-table entries of x86-64 (Intel SDM 3A, 4.5) and what the kernel keeps in the bits that the processor ignores.
/// </summary>
internal static class Pte
{
    public const ulong Present = 1;
    public const ulong Writable = 2;
    public const ulong User = 4;
    public const ulong Accessed = 0x20;
    public const ulong Dirty = 0x40;

    /// <summary>In a directory entry: maps 2 MiB (or 1 GiB) itself.</summary>
    public const ulong Large = 0x80;

    /// <summary>Not present for the processor, but a mapped frame all the same: PROT_NONE (the G bit's place).</summary>
    public const ulong Inaccessible = 0x100;

    /// <summary>The frame is not counted: the page of zeros and special mappings.</summary>
    public const ulong Special = 0x200;

    /// <summary>Lazily freed: its content may go while the entry is not dirty (MADV_FREE).</summary>
    public const ulong Lazy = 0x400;
    public const ulong NoExecute = 1UL << 63;
    public const ulong FrameMask = 0x000F_FFFF_FFFF_F000;

    /// <summary>What a table's entry for the next lower table looks like.</summary>
    public const ulong Table = Present | Writable | User | Accessed | Dirty;

    /// <summary>The part of a user address space that has tables: 47 bits, less the guard page at the top.</summary>
    public const ulong UserEnd = 0x7FFF_FFFF_F000;

    /// <summary>True for entries that hold a frame, accessible or not.</summary>
    public static bool Maps(ulong entry) => (entry & (Present | Inaccessible)) != 0;

    public static PageFrameNumber Frame(ulong entry) => new((uint)((entry & FrameMask) >> Page.Shift));

    public static ulong Of(PageFrameNumber frame, ulong bits) => ((ulong)frame.Value << Page.Shift) | bits;

    /// <summary>The index into the table of a level: 3 is the PML4, 0 the page table.</summary>
    public static int Index(ulong address, int level) => (int)(address >> (Page.Shift + (9 * level))) & 511;
}
