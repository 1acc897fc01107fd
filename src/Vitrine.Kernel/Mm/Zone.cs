using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// A range of frames with its free lists: a binary buddy allocator of orders 0 to 10 (Knuth, The Art of Computer
/// Programming 1, 2.5) behind a stack of single frames that were freed last. Blocks that have never been used are
/// not on a list but beyond <see cref="_nextUnseeded"/>, so that boot touches no descriptor.
/// </summary>
internal sealed unsafe class Zone
{
    /// <summary>Orders 0 to 10: blocks of 4 KiB to 4 MiB (MAX_PAGE_ORDER).</summary>
    public const int Orders = 11;

    private const int HotCapacity = 1024;
    private const int HotBatch = 64;

    private readonly PageDescriptor* _pages;
    private readonly uint[] _hot = new uint[HotCapacity];
    private FreeLists _heads;
    private FreeLists _tails;
    private FreeCounts _counts;
    private int _hotCount;
    private uint _nextUnseeded;

    /// <param name="name">DMA, DMA32 or Normal.</param>
    /// <param name="pages">The machine's page descriptors.</param>
    /// <param name="start">The first frame.</param>
    /// <param name="end">One past the last frame.</param>
    /// <param name="reserved">Frames at the start that are never given out.</param>
    public Zone(string name, PageDescriptor* pages, uint start, uint end, uint reserved)
    {
        Name = name;
        Start = start;
        End = end;
        _pages = pages;
        Managed = end - start - reserved;
        Free = Managed;
        for (uint pfn = start; pfn < start + reserved; pfn++)
        {
            pages[pfn].Flags = PageFlags.Reserved;
            pages[pfn].RefCount = 1;
        }

        _nextUnseeded = start + reserved;
    }

    public string Name { get; }

    public uint Start { get; }

    public uint End { get; }

    /// <summary>Frames that the allocator gives out.</summary>
    public uint Managed { get; }

    public uint Spanned => End - Start;

    /// <summary>Free frames, wherever they are.</summary>
    public long Free { get; private set; }

    public long WatermarkMin { get; set; }

    public long WatermarkLow { get; set; }

    public long WatermarkHigh { get; set; }

    /// <summary>Frames that requests which could use a higher zone must leave here (lowmem_reserve).</summary>
    public long LowReserve { get; set; }

    /// <summary>Free blocks of an order, as /proc/buddyinfo shows them.</summary>
    public long FreeBlocks(int order)
    {
        long count = _counts[order];
        if (order == 0)
            count += _hotCount;
        uint pfn = _nextUnseeded;
        while (pfn < End)
        {
            int next = UnseededOrder(pfn);
            if (next == Orders - 1)
                return order == next ? count + ((End - pfn) >> next) : count + TailBlocks(pfn + ((End - pfn) & ~((1u << next) - 1)), order);
            if (next == order)
                count++;
            pfn += 1u << next;
        }

        return count;
    }

    /// <summary>Takes a block off the lists; 0 when there is none large enough.</summary>
    public uint Take(int order)
    {
        if (order == 0)
        {
            if (_hotCount == 0 && !FillHot())
                return 0;
            uint hot = _hot[--_hotCount];
            _pages[hot].Flags &= PageFlags.Touched;
            Free--;
            return hot;
        }

        uint pfn = TakeBlock(order);
        if (pfn == 0 && _hotCount > 0)
        {
            DrainHot(0);
            pfn = TakeBlock(order);
        }

        if (pfn != 0)
            Free -= 1L << order;
        return pfn;
    }

    /// <summary>Gives a block back; whether each frame is <see cref="PageFlags.Touched"/> is kept.</summary>
    public void Give(uint pfn, int order)
    {
        Free += 1L << order;
        if (order == 0)
        {
            if (_hotCount == HotCapacity)
                DrainHot(HotCapacity - HotBatch);
            _pages[pfn].Flags = (_pages[pfn].Flags & PageFlags.Touched) | PageFlags.Hot;
            _hot[_hotCount++] = pfn;
            return;
        }

        GiveBlock(pfn, order, touched: true);
    }

    /// <summary>Puts all single frames back on the buddy lists, so that they can merge.</summary>
    public void DrainHot() => DrainHot(0);

    /// <summary>
    /// Takes a free block of at least an order that holds frames the host has not got back, without counting it as
    /// used; 0 if there is none. Give it back with <see cref="PutReturned"/>.
    /// </summary>
    public uint TakeTouched(int atLeast, out int order)
    {
        for (order = Orders - 1; order >= atLeast; order--)
        {
            uint pfn = _heads[order];
            if (pfn == 0 || (_pages[pfn].Flags & PageFlags.BlockTouched) == 0)
                continue;
            _ = Unlink(pfn, order);
            for (uint i = 0; i < 1u << order; i++)
                _pages[pfn + i].Flags |= PageFlags.Returning;
            return pfn;
        }

        return 0;
    }

    /// <summary>A block of <see cref="TakeTouched"/> comes back, zeroed by the host. How many of its frames the host had committed.</summary>
    public int PutReturned(uint pfn, int order)
    {
        int committed = 0;
        for (uint i = 0; i < 1u << order; i++)
        {
            if ((_pages[pfn + i].Flags & PageFlags.Touched) != 0)
                committed++;
            _pages[pfn + i].Flags = PageFlags.None;
        }

        GiveBlock(pfn, order, touched: false);
        return committed;
    }

    private long TailBlocks(uint pfn, int order)
    {
        long count = 0;
        while (pfn < End)
        {
            int next = UnseededOrder(pfn);
            if (next == order)
                count++;
            pfn += 1u << next;
        }

        return count;
    }

    private bool FillHot()
    {
        for (int i = 0; i < HotBatch; i++)
        {
            uint pfn = TakeBlock(0);
            if (pfn == 0)
                break;
            _pages[pfn].Flags |= PageFlags.Hot;
            _hot[_hotCount++] = pfn;
        }

        // Blocks are split from their low end: hand the frames out in ascending order.
        Array.Reverse(_hot, 0, _hotCount);
        return _hotCount > 0;
    }

    private void DrainHot(int keep)
    {
        int drained = _hotCount - keep;
        if (drained <= 0)
            return;

        // The oldest are at the bottom; what stays are the last freed, warm in the host's caches.
        for (int i = 0; i < drained; i++)
            GiveBlock(_hot[i], 0, (_pages[_hot[i]].Flags & PageFlags.Touched) != 0);
        Array.Copy(_hot, drained, _hot, 0, keep);
        _hotCount = keep;
    }

    private uint TakeBlock(int order)
    {
        int from = order;
        uint pfn;
        for (; ; )
        {
            if (from == Orders)
            {
                if (!Seed())
                    return 0;
                from = order;
            }

            pfn = _heads[from];
            if (pfn != 0)
                break;
            from++;
        }

        bool touched = Unlink(pfn, from);
        while (from > order)
        {
            from--;
            Link(pfn + (1u << from), from, touched);
        }

        _pages[pfn].Order = (byte)order;
        return pfn;
    }

    private void GiveBlock(uint pfn, int order, bool touched)
    {
        _pages[pfn].Flags &= PageFlags.Touched;
        while (order < Orders - 1)
        {
            uint buddy = pfn ^ (1u << order);
            if (buddy < Start || buddy + (1u << order) > End)
                break;
            PageDescriptor* other = _pages + buddy;
            if ((other->Flags & PageFlags.Buddy) == 0 || other->Order != order)
                break;
            touched |= Unlink(buddy, order);
            pfn &= buddy;
            order++;
        }

        Link(pfn, order, touched);
    }

    /// <summary>Puts the next never-used block on its list.</summary>
    private bool Seed()
    {
        if (_nextUnseeded >= End)
            return false;
        int order = UnseededOrder(_nextUnseeded);
        Link(_nextUnseeded, order, touched: false);
        _nextUnseeded += 1u << order;
        return true;
    }

    private int UnseededOrder(uint pfn) =>
        Math.Min(Math.Min(BitOperations.TrailingZeroCount(pfn), BitOperations.Log2(End - pfn)), Orders - 1);

    /// <summary>Touched blocks go to the head: used again first, so that the host has to commit less.</summary>
    private void Link(uint pfn, int order, bool touched)
    {
        PageDescriptor* page = _pages + pfn;
        page->Flags |= touched ? PageFlags.Buddy | PageFlags.BlockTouched : PageFlags.Buddy;
        page->Order = (byte)order;
        _counts[order]++;
        if (touched)
        {
            page->Previous = 0;
            page->Next = _heads[order];
            if (page->Next != 0)
                _pages[page->Next].Previous = pfn;
            else
                _tails[order] = pfn;
            _heads[order] = pfn;
        }
        else
        {
            page->Next = 0;
            page->Previous = _tails[order];
            if (page->Previous != 0)
                _pages[page->Previous].Next = pfn;
            else
                _heads[order] = pfn;
            _tails[order] = pfn;
        }
    }

    private bool Unlink(uint pfn, int order)
    {
        PageDescriptor* page = _pages + pfn;
        bool touched = (page->Flags & PageFlags.BlockTouched) != 0;
        page->Flags &= ~(PageFlags.Buddy | PageFlags.BlockTouched);
        _counts[order]--;
        if (page->Previous != 0)
            _pages[page->Previous].Next = page->Next;
        else
            _heads[order] = page->Next;
        if (page->Next != 0)
            _pages[page->Next].Previous = page->Previous;
        else
            _tails[order] = page->Previous;
        page->Next = page->Previous = 0;
        return touched;
    }

    [InlineArray(Orders)]
    private struct FreeLists
    {
        private uint _first;
    }

    [InlineArray(Orders)]
    private struct FreeCounts
    {
        private long _first;
    }
}
