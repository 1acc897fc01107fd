using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Time;

/// <summary>
/// CPU-time clocks by number: the caller's own two, and the negative ids that clock_getcpuclockid(3) and
/// pthread_getcpuclockid(3) make of a pid or tid: ~id in the upper bits, per-thread flag and kind in the lower three.
/// </summary>
internal static class CpuClock
{
    private const int PerThread = 4;
    private const int KindMask = 3;

    /// <summary>The clock, or EINVAL when there is none of this number.</summary>
    public static Result<ClockSource> Find(Task current, ClockId id)
    {
        switch (id)
        {
            case ClockId.ProcessCpuTime:
                return new ClockSource(id, null, current.ThreadGroup);
            case ClockId.ThreadCpuTime:
                return new ClockSource(id, current, null);
            case >= 0:
                return Errno.EINVAL;
        }

        int number = ~((int)id >> 3);
        int kind = (int)id & KindMask;
        // 0 profiling, 1 virtual, 2 scheduler time; 3 is a clock device's descriptor, of which there are none.
        if (kind == 3)
            return Errno.EINVAL;
        bool thread = ((int)id & PerThread) != 0;
        Task? task = number == 0 ? current : current.Namespaces.Pid.Find(number)?.Task;
        if (task is null)
            return Errno.EINVAL;
        if (thread)
            return task.ThreadGroup == current.ThreadGroup ? new ClockSource(id, task, null) : Errno.EINVAL;
        return number == 0 || task.IsLeader ? new ClockSource(id, null, task.ThreadGroup) : Errno.EINVAL;
    }

    /// <summary>What the caller has used since its time was last charged, if the clock counts it.</summary>
    public static long InFlight(Task current, ClockSource source) =>
        source.Thread == current || source.Process == current.ThreadGroup ? current.OnProcessor?.Uncounted ?? 0 : 0;
}
