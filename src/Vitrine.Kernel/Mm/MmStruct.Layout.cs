using System.Buffers.Binary;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>Where mappings go: the search for a gap, top down from the mmap base, and its limits.</content>
internal sealed partial class MmStruct
{
    // MAP_32BIT searches the second gigabyte upwards.
    private const ulong Low32Start = 0x4000_0000;
    private const ulong Low32End = 0x8000_0000;
    private const ulong BottomUpStart = TaskSize / 3 & ~(Page.Size - 1);

    /// <summary>
    /// A place for a mapping of a length: the hint if it is free, else the highest gap below the mmap base
    /// (arch_get_unmapped_area_topdown).
    /// </summary>
    internal Result<VirtAddr> FindGap(Task current, VirtAddr hint, ulong length, MapFlags flags)
    {
        if (length > TaskSize)
            return Errno.ENOMEM;
        if ((flags & (MapFlags.Fixed | MapFlags.FixedNoReplace)) != 0)
            return hint.Value > TaskSize - length ? Errno.ENOMEM : hint;
        if ((flags & MapFlags.Only32Bit) != 0)
        {
            // The start is randomised by up to 32 MiB, as on Linux.
            ulong start = Low32Start + (RandomPages(13) << Page.Shift);
            return FindGapUpwards(start, Low32End, length);
        }

        if (hint.Value != 0)
        {
            ulong address = Page.AlignUp(hint.Value);
            if (address >= MinimumAddress && address <= TaskSize - length && IsGap(address, length))
                return new VirtAddr(address);
        }

        Result<VirtAddr> found = FindGapDownwards(MmapBase.Value, length);
        return found.Ok ? found : FindGapUpwards(BottomUpStart, TaskSize, length);
    }

    /// <summary>A random number of pages below 2^bits, from the machine's entropy.</summary>
    internal ulong RandomPages(int bits)
    {
        Span<byte> random = stackalloc byte[8];
        Kernel.Entropy.Fill(random);
        return BinaryPrimitives.ReadUInt64LittleEndian(random) & ((1UL << bits) - 1);
    }

    /// <summary>Whether a mapping may be at [address, address + length): free, and clear of the gap of a stack above.</summary>
    private bool IsGap(ulong address, ulong length)
    {
        int index = Areas.FirstEndingAfter(new VirtAddr(address));
        return index == Areas.Count || address + length <= Areas[index].StartWithGap;
    }

    private Result<VirtAddr> FindGapDownwards(ulong top, ulong length)
    {
        ulong ceiling = top;
        for (int i = Areas.FirstEndingAfter(new VirtAddr(top)); i >= 0; i--)
        {
            if (i < Areas.Count)
                ceiling = Math.Min(ceiling, Areas[i].StartWithGap);
            ulong floor = i > 0 ? Areas[i - 1].End.Value : MinimumAddress;
            floor = Math.Max(floor, MinimumAddress);
            if (ceiling >= floor && ceiling - floor >= length)
                return new VirtAddr(ceiling - length);
        }

        return Errno.ENOMEM;
    }

    private Result<VirtAddr> FindGapUpwards(ulong start, ulong end, ulong length)
    {
        ulong floor = Math.Max(start, MinimumAddress);
        for (int i = Areas.FirstEndingAfter(new VirtAddr(floor)); ; i++)
        {
            ulong ceiling = i < Areas.Count ? Math.Min(Areas[i].StartWithGap, end) : end;
            if (ceiling >= floor && ceiling - floor >= length)
                return new VirtAddr(floor);
            if (i >= Areas.Count || Areas[i].Start.Value >= end)
                return Errno.ENOMEM;
            floor = Math.Max(floor, Areas[i].End.Value);
        }
    }

    /// <summary>Whether limits allow so many more pages of a kind (may_expand_vm).</summary>
    private bool MayExpand(Task current, VmFlags flags, ulong pages)
    {
        if ((ulong)Statistics.TotalVm + pages > current.LimitOf(ResourceLimit.AddressSpace) >> Page.Shift)
            return false;
        return !MmStatistics.IsData(flags)
            || (ulong)Statistics.DataVm + pages <= current.LimitOf(ResourceLimit.Data) >> Page.Shift;
    }
}
