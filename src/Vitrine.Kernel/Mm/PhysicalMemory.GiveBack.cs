using Vitrine.Hardware;

namespace Vitrine.Kernel.Mm;

/// <content>
/// Returning freed frames to the host in batches. A page costs the host microseconds to take and to give, so a stock of
/// free frames that it has committed is kept; what is above it is taken off the lists in large blocks, punched out by a
/// pool thread without the kernel lock (in deterministic mode at once), and put back as zeroed frames.
/// </content>
internal sealed partial class PhysicalMemory
{
    /// <summary>Most frames on their way at once: 64 MiB.</summary>
    private const int GiveBackBatch = 16384;

    /// <summary>Blocks of at least 256 KiB are worth the host's time.</summary>
    private const int GiveBackOrder = 6;

    private readonly IRamDevice? _device;
    private readonly List<(uint Pfn, int Order)> _returning = [];
    private long _giveBackThreshold;
    private bool _giveBackRuns;

    /// <summary>Frames that the host is just getting back; they count as free.</summary>
    public int FramesReturning { get; private set; }

    /// <summary>Frames that the host has had to commit.</summary>
    public long CommittedFrames { get; private set; }

    /// <summary>Committed frames that are free: what is kept in stock is an eighth of RAM, 64 MiB at least.</summary>
    private long IdleFrames => CommittedFrames - (TotalFrames - FreeFrames);

    private long StockFrames => Math.Max(TotalFrames / 8, GiveBackBatch);

    private void FramesFreed()
    {
        MemoryFreed();
        if (IdleFrames > _giveBackThreshold && !_giveBackRuns && _device is not null)
            StartGiveBack();
    }

    [HostBoundary("hands a slow host call to the host's pool")]
    private void StartGiveBack()
    {
        if (_giveBackThreshold == 0)
        {
            // The first time: nothing is known yet but the stock's size.
            _giveBackThreshold = StockFrames;
            if (IdleFrames <= _giveBackThreshold)
                return;
        }

        long surplus = IdleFrames - StockFrames;
        foreach (Zone zone in Zones)
        {
            zone.DrainHot();
            while (FramesReturning < Math.Min(surplus, GiveBackBatch))
            {
                uint pfn = zone.TakeTouched(GiveBackOrder, out int order);
                if (pfn == 0)
                    break;
                _returning.Add((pfn, order));
                FramesReturning += 1 << order;
            }
        }

        // Where free memory is too scattered to return any, look again when there is more of it.
        _giveBackThreshold = _returning.Count == 0 ? IdleFrames + GiveBackBatch : StockFrames;
        if (_returning.Count == 0)
            return;
        _giveBackRuns = true;
        Kernel.HostJobBegins();
        var job = new ReturnJob(this, [.. _returning]);
        if (Kernel.VirtualClock is not null)
            job.Execute();
        else
            ThreadPool.UnsafeQueueUserWorkItem(job, preferLocal: false);
    }

    private void FinishGiveBack()
    {
        foreach ((uint pfn, int order) in _returning)
            CommittedFrames -= ZoneOf(pfn).PutReturned(pfn, order);
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
            memory.Kernel.HostJobEnds();
        }
    }
}
