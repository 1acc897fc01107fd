using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// The load averages of 1, 5 and 15 minutes: every 5 seconds the number of runnable and uninterruptible tasks enters
/// exponentially decayed averages in fixed point of 11 bits, as in Linux's loadavg.
/// </summary>
internal sealed class LoadAverageMeter(KernelInstance kernel)
{
    public const int Shift = 11;
    public const ulong One = 1UL << Shift;

    /// <summary>Nanoseconds between samples: LOAD_FREQ, 5 s and a tick of 1/250 s.</summary>
    private const long Period = 5_004_000_000;

    // 1/exp(5 s / 1, 5, 15 min) in fixed point.
    private static ReadOnlySpan<ulong> Decay => [1884, 2014, 2037];

    private readonly ulong[] _averages = new ulong[3];

    /// <summary>Average <paramref name="index"/> (0: 1 minute, 1: 5, 2: 15) times <see cref="One"/>.</summary>
    public ulong this[int index]
    {
        get
        {
            CatchUp(kernel.Time.Now, kernel.Scheduler.Running);
            return _averages[index];
        }
    }

    private Ktime _next = Ktime.Zero + Period;

    /// <summary>
    /// Samples that fell into a time when the machine did nothing are made up for here rather than by waking an idle
    /// machine every five seconds: the number of active tasks changes only when kernel code runs, which calls this.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="running">Tasks that were runnable since the last sample.</param>
    public void CatchUp(Ktime now, int running)
    {
        while (_next <= now)
        {
            Sample((ulong)(running + kernel.Scheduler.Blocked));
            _next += Period;
        }
    }



    private void Sample(ulong active)
    {
        active *= One;
        for (int i = 0; i < 3; i++)
        {
            ulong load = (_averages[i] * Decay[i]) + (active * (One - Decay[i]));
            if (active >= _averages[i])
                load += One - 1;
            _averages[i] = load >> Shift;
        }
    }
}
