using Vitrine.Abi;

namespace Vitrine.Cpu;

/// <summary>
/// The processors of one machine and what they share: RAM, decoded code, shootdown. All methods may be
/// called from any thread; those that flush return only after every processor has acknowledged or is
/// known to flush before it enters guest code.
/// </summary>
internal sealed partial class ProcessorComplex
{
    /// <summary>Forgets translations of [start, start + pages) under <paramref name="cr3"/> on all processors.</summary>
    public partial void Flush(PhysAddr cr3, VirtAddr start, ulong pages);

    /// <summary>Forgets all translations under <paramref name="cr3"/>; also before its page-table root is freed.</summary>
    public partial void FlushAll(PhysAddr cr3);

    /// <summary>True if code has been decoded from the frame since it was last invalidated.</summary>
    public partial bool IsCode(PageFrameNumber pfn);

    /// <summary>Drops what was decoded from the frame: the kernel wrote to it, or frees it.</summary>
    public partial void InvalidateCode(PageFrameNumber pfn);
}
