using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// The three load averages of /proc/loadavg: runnable and uninterruptible tasks, sampled every five seconds, decaying
/// exponentially over 1, 5 and 15 minutes; fixed point with 11 bits, as Linux keeps them.
/// </summary>
internal sealed class LoadAverage(KernelInstance kernel)
{
    /// <summary>1.0.</summary>
    public const ulong One1 = 1 << 11;

    private const long Period = 5 * Ktime.NanosecondsPerSecond;
    private static ReadOnlySpan<ulong> Decay => [1884, 2014, 2037];

    private readonly ulong[] _values = new ulong[3];
    private long _sampled;

    public ulong One => Get(0);

    public ulong Five => Get(1);

    public ulong Fifteen => Get(2);

    /// <summary>
    /// Catches up with the periods that have passed. Sampling happens when somebody looks or a processor has work to do, so an
    /// idle machine needs no timer for it.
    /// </summary>
    public void Update() => Update(kernel.Time.Now);

    /// <inheritdoc cref="Update()"/>
    public void Update(Ktime at)
    {
        long now = at.Nanoseconds;
        if (now - _sampled < Period)
            return;
        ulong active = (ulong)kernel.Scheduler.CountActive() * One1;
        while (now - _sampled >= Period)
        {
            _sampled += Period;
            for (int i = 0; i < 3; i++)
            {
                ulong next = (_values[i] * Decay[i]) + (active * (One1 - Decay[i]));
                if (active >= _values[i])
                    next += One1 - 1;
                _values[i] = next / One1;
            }
        }
    }

    private ulong Get(int index)
    {
        Update();
        return _values[index];
    }
}
