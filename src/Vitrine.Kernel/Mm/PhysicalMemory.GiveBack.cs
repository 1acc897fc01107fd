using Vitrine.Hardware;

namespace Vitrine.Kernel.Mm;

/// <content>
/// Returning freed frames to the host in batches: when enough has been freed since the last time, large free blocks
/// are taken off the lists, punched out by a pool thread without the kernel lock, and put back as zeroed ones.
/// </content>
internal sealed partial class PhysicalMemory
{
    /// <summary>Frames freed before the host gets some back: 32 MiB.</summary>
    private const int GiveBackAfter = 8192;

    /// <summary>Most frames on their way at once: 64 MiB.</summary>
    private const int GiveBackBatch = 16384;

    /// <summary>Blocks of at least 256 KiB are worth the host's time.</summary>
    private const int GiveBackOrder = 6;

    private readonly IRamDevice? _device;
    private readonly List<(uint Pfn, int Order)> _returning = [];
    private int _freedSince;
    private bool _giveBackRuns;

    /// <summary>Frames that the host is just getting back; they count as free.</summary>
    public int FramesReturning { get; private set; }

    private void FramesFreed(int count)
    {
        MemoryFreed();
        _freedSince += count;
        if (_freedSince >= GiveBackAfter && !_giveBackRuns && _device is not null)
            StartGiveBack();
    }

    [HostBoundary("hands a slow host call to the host's pool")]
    private void StartGiveBack()
    {
        _freedSince = 0;
        foreach (Zone zone in Zones)
        {
            zone.DrainHot();
            // Near the watermark the frames are wanted again at once.
            while (FramesReturning < GiveBackBatch && zone.Free > zone.WatermarkHigh + GiveBackBatch)
            {
                uint pfn = zone.TakeTouched(GiveBackOrder, out int order);
                if (pfn == 0)
                    break;
                _returning.Add((pfn, order));
                FramesReturning += 1 << order;
            }
        }

        if (_returning.Count == 0)
            return;
        _giveBackRuns = true;
        ThreadPool.UnsafeQueueUserWorkItem(new ReturnJob(this, [.. _returning]), preferLocal: false);
    }

    private void FinishGiveBack()
    {
        foreach ((uint pfn, int order) in _returning)
            ZoneOf(pfn).PutReturned(pfn, order);
        _returning.Clear();
        FramesReturning = 0;
        _giveBackRuns = false;
        MemoryFreed();
    }

    private sealed class ReturnJob(PhysicalMemory memory, (uint Pfn, int Order)[] blocks) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            // Neighbours are punched out in one call.
            Array.Sort(blocks);
            for (int i = 0; i < blocks.Length;)
            {
                uint start = blocks[i].Pfn;
                uint end = start + (1u << blocks[i].Order);
                for (i++; i < blocks.Length && blocks[i].Pfn == end; i++)
                    end += 1u << blocks[i].Order;
                memory._device!.Discard((ulong)start << Page.Shift, (ulong)(end - start) << Page.Shift);
            }

            memory.Kernel.Interrupts.Post(memory.FinishGiveBack);
        }
    }
}
