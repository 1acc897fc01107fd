namespace Vitrine.Kernel.Mm;

/// <summary>What a frame is wanted for and how hard to try (gfp_t's twin).</summary>
[Flags]
internal enum FrameRequest
{
    /// <summary>Kernel data, content undefined.</summary>
    KernelNoZero = 0,

    /// <summary>Filled with zeros.</summary>
    Zero = 1,

    /// <summary>For user mappings: may be moved or reclaimed later.</summary>
    Movable = 2,

    /// <summary>May use the reserve below the min watermark (a caller that frees memory, or must not fail).</summary>
    Reserve = 4,

    /// <summary>Do not reclaim: fail when the free lists are short.</summary>
    NoReclaim = 8,

    /// <summary>Becomes a page table.</summary>
    Table = 16,

    Kernel = Zero,
    User = Zero | Movable,
    UserNoZero = Movable,
    PageCache = Movable,
    PageTable = Zero | Table,
    Readahead = Movable | NoReclaim,
}
