using Vitrine.Cpu;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// Collects what an unmapping takes out of page tables and lets go of it only after all processors have forgotten
/// the translations (struct mmu_gather's twin). Sequence: <see cref="Begin"/>, any number of adds, <see cref="Finish"/>;
/// no await in between. One per machine suffices, since such sections are atomic.
/// </summary>
internal sealed class MmuGather(PhysicalMemory memory)
{
    /// <summary>Above this many pages a whole flush is cheaper (tlb_single_page_flush_ceiling).</summary>
    private const ulong SinglePageCeiling = 33;
    private const int Capacity = 8192;

    private readonly PageFrameNumber[] _frames = new PageFrameNumber[Capacity];
    private MmStruct? _mm;
    private int _count;
    private bool _everything;
    private ulong _start;
    private ulong _end;

    /// <param name="mm">The address space that is changed.</param>
    /// <param name="flushed">Its translations are flushed already and it can't run: frames go at once.</param>
    public void Begin(MmStruct mm, bool flushed = false)
    {
        if (_mm is not null)
            throw new InvalidOperationException("an unmapping began inside another");
        _mm = mm;
        _everything = flushed;
        _start = ulong.MaxValue;
        _end = 0;
    }

    /// <summary>The entry of an address was narrowed or removed.</summary>
    public void AddRange(ulong address, ulong bytes)
    {
        _start = Math.Min(_start, address);
        _end = Math.Max(_end, address + bytes);
    }

    /// <summary>Hands over a reference on a frame (or a page table).</summary>
    public void AddFrame(PageFrameNumber frame)
    {
        if (_count == Capacity)
            Release();
        _frames[_count++] = frame;
    }

    /// <summary>Flushes and frees.</summary>
    public void Finish()
    {
        Release();
        _mm = null;
    }

    private void Release()
    {
        if (!_everything && _end > _start)
        {
            ProcessorComplex complex = memory.Kernel.Complex;
            ulong pages = (_end - _start) >> Page.Shift;
            if (pages > SinglePageCeiling)
                complex.FlushAll(_mm!.PageTableRoot);
            else
                complex.Flush(_mm!.PageTableRoot, new VirtAddr(_start), pages);
            _start = ulong.MaxValue;
            _end = 0;
        }

        for (int i = 0; i < _count; i++)
            memory.Put(_frames[i]);
        _count = 0;
    }
}
