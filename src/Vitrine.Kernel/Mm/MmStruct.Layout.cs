using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>Where mappings go: the search for a gap, top down from the mmap base, and its limits.</content>
internal sealed partial class MmStruct
{
    // MAP_32BIT searches the second gigabyte upwards.
    private const ulong Low32Start = 0x4000_0000;
    private const ulong Low32End = 0x8000_0000;
    private const ulong BottomUpStart = TaskSize / 3 & ~(Page.Size - 1);

    /// <summary>Powers of two of pages that a gap can have.</summary>
    private const int GapKinds = 36;

    /// <summary>
    /// By power of two: no gap of 2^k pages or more is above the address, so that a search need not begin at the top
    /// again. A gap that opens raises it.
    /// </summary>
    private GapTops _gapTops;

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

        Result<VirtAddr> found = FindGapDownwards(length);
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

    private Result<VirtAddr> FindGapDownwards(ulong length)
    {
        int kind = BitOperations.Log2(length >> Page.Shift);
        ulong unit = Page.Size << kind;
        ulong ceiling = MmapBase.Value - _gapTops[kind];
        bool lowering = true;
        for (int i = Areas.FirstEndingAfter(new VirtAddr(ceiling)); i >= 0; i--)
        {
            if (i < Areas.Count)
                ceiling = Math.Min(ceiling, Areas[i].StartWithGap);
            ulong floor = Math.Max(i > 0 ? Areas[i - 1].End.Value : 0, MinimumAddress);
            ulong gap = ceiling > floor ? ceiling - floor : 0;
            if (lowering && gap >= unit)
            {
                lowering = false;
                _gapTops[kind] = MmapBase.Value - Math.Min(ceiling, MmapBase.Value);
            }

            if (gap >= length)
                return new VirtAddr(ceiling - length);
        }

        return Errno.ENOMEM;
    }

    /// <summary>Mappings were removed at an address: searches have to look there again.</summary>
    private void GapOpened(VirtAddr address)
    {
        int next = Areas.FirstEndingAfter(address);
        ulong top = next < Areas.Count ? Math.Min(Areas[next].StartWithGap, MmapBase.Value) : MmapBase.Value;
        ulong floor = next > 0 ? Areas[next - 1].End.Value : 0;
        if (top <= floor)
            return;
        int largest = Math.Min(BitOperations.Log2((top - floor) >> Page.Shift), GapKinds - 1);
        ulong below = MmapBase.Value - top;
        for (int kind = 0; kind <= largest; kind++)
            _gapTops[kind] = Math.Min(_gapTops[kind], below);
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

    /// <summary>Distances below the mmap base, so that zero is the start of all searches.</summary>
    [InlineArray(GapKinds)]
    private struct GapTops
    {
        private ulong _first;
    }
}
