using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>Waiting for memory when reclaim finds nothing: the OOM killer makes some.</content>
internal sealed partial class PhysicalMemory
{
    private const long OomPatience = 100_000_000;

    private readonly WaitQueue _freed = new();
    private OomKiller? _oom;

    public OomKiller Oom => _oom ??= new OomKiller(Kernel);

    /// <summary>
    /// Called after an allocation has failed: waits until frames were freed, having a process killed if nothing is on
    /// its way. Success: try again. ENOMEM: the caller is to die, or nothing can be killed.
    /// </summary>
    internal async KTask<Errno> WaitForMemoryAsync(Task current, int order)
    {
        if (current.IsFatalSignalPending)
            return Errno.ENOMEM;
        ReclaimForAllocation(order);
        if (HasFrames(order))
            return Errno.Success;
        if (FramesReturning == 0 && !Oom.Run(current, order))
        {
            Kernel.Panic(new KernelPanicException("System is deadlocked on memory"));
            return Errno.ENOMEM;
        }

        if (current.IsFatalSignalPending)
            return Errno.ENOMEM;
        WakeReason reason = await _freed.WaitAsync(current, WaitMode.Killable, Kernel.Time.Now + OomPatience);
        return reason == WakeReason.Interrupted ? Errno.ENOMEM : Errno.Success;
    }

    /// <summary>Has a process killed if the machine does nothing but read back what it has just reclaimed.</summary>
    internal void RelieveThrashing(Task current)
    {
        if (Workingset.IsThrashing(Kernel.Time.Now.Nanoseconds))
            _ = Oom.Run(current, 0);
    }

    private bool HasFrames(int order)
    {
        for (int i = 0; i < Zones.Length; i++)
        {
            Zone zone = Zones[i];
            long mark = zone.WatermarkMin + (i < Zones.Length - 1 ? zone.LowReserve : 0);
            if (zone.Free - FramesReturning - (1L << order) >= mark)
                return true;
        }

        return false;
    }

    private void MemoryFreed()
    {
        if (!_freed.IsEmpty)
            _freed.WakeAll();
    }
}
