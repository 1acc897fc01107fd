using System.Runtime.InteropServices;

namespace Vitrine.Kernel.Mm;

/// <summary>What is known of a frame (PG_* of page-flags.h).</summary>
[Flags]
internal enum PageFlags : uint
{
    None = 0,

    /// <summary>The folio lock.</summary>
    Locked = 1 << 0,

    /// <summary>Somebody sleeps on the folio's wait queue.</summary>
    Waiters = 1 << 1,
    Uptodate = 1 << 2,
    Dirty = 1 << 3,
    Writeback = 1 << 4,
    Lru = 1 << 5,
    Active = 1 << 6,
    Referenced = 1 << 7,

    /// <summary>Its home is memory or swap: anonymous and shmem frames.</summary>
    SwapBacked = 1 << 8,
    Anonymous = 1 << 9,
    PageTable = 1 << 10,

    /// <summary>Not the allocator's to give out.</summary>
    Reserved = 1 << 11,

    /// <summary>The first frame of a block on a free list.</summary>
    Buddy = 1 << 12,

    /// <summary>May hold something else than zeros. A frame that the host has never seen, or has got back, lacks it.</summary>
    Touched = 1 << 13,

    /// <summary>A sequential reader that comes here should find the next window being read.</summary>
    Readahead = 1 << 14,
    Mlocked = 1 << 15,
    Unevictable = 1 << 16,

    /// <summary>Not the first frame of a larger folio; <see cref="PageDescriptor.Index"/> is its head.</summary>
    Tail = 1 << 17,

    /// <summary>Free, in a zone's stack of single frames.</summary>
    Hot = 1 << 18,

    /// <summary>Reading or writing it failed.</summary>
    Error = 1 << 19,

    /// <summary>Free, on its way back to the host.</summary>
    Returning = 1 << 20,

    /// <summary>Some frame of the free block may be <see cref="Touched"/>.</summary>
    BlockTouched = 1 << 21,
}

/// <summary>
/// What the kernel keeps about one frame (struct page's twin), in native memory indexed by frame number. All zero is a
/// valid free frame that has never been used, so the array is committed as frames come into use.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct PageDescriptor
{
    [FieldOffset(0)]
    public PageFlags Flags;

    /// <summary>Owners of the frame: mappings, the page cache, calls in progress. Zero: free.</summary>
    [FieldOffset(4)]
    public int RefCount;

    /// <summary>Page-table entries that map the frame; of a page table: its entries in use.</summary>
    [FieldOffset(8)]
    public int MapCount;

    /// <summary>The number of the <see cref="AddressSpace"/> whose content it is, 0 for none.</summary>
    [FieldOffset(12)]
    public int Owner;

    /// <summary>Where in its owner: a page index. Anonymous: the virtual page number. Tail: the head's frame.</summary>
    [FieldOffset(16)]
    public ulong Index;

    /// <summary>Neighbours on the LRU or a free list, by frame number; 0 is the end.</summary>
    [FieldOffset(24)]
    public uint Next;

    [FieldOffset(28)]
    public uint Previous;

    [FieldOffset(32)]
    public byte Order;

    /// <summary>The number of the cgroup it is charged to, 0 for none.</summary>
    [FieldOffset(34)]
    public ushort Cgroup;

    /// <summary>The user's own: a swap entry, a file system's state.</summary>
    [FieldOffset(40)]
    public ulong Private;
}
