using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// The timer interrupt: one host thread that kicks processors out of user code when a slice or a timer is due. It takes
/// no kernel lock. While no processor has asked for a tick it sleeps. In deterministic mode there is no thread: the
/// processor itself runs to <see cref="Deadline"/>, counted in instructions.
/// </summary>
[HostBoundary("the timer interrupt is a host thread")]
internal sealed class TickDevice(KernelInstance kernel) : IDisposable
{
    private readonly object _gate = new();
    private Thread? _thread;
    private long _deadline = long.MaxValue;
    private bool _stopping;

    /// <summary>Asks for a kick of all processors no later than when the running task's turn ends, or at the next timer.</summary>
    /// <param name="now">The time.</param>
    /// <param name="turn">Nanoseconds until the turn's end; <see cref="long.MaxValue"/>: none.</param>
    /// <param name="nextTimer">The next timer.</param>
    public void Arm(Ktime now, long turn, Ktime nextTimer)
    {
        long deadline = nextTimer.Nanoseconds;
        if (turn != long.MaxValue)
            deadline = Math.Min(deadline, now.Nanoseconds + turn);
        if (deadline < Volatile.Read(ref _deadline))
            Lower(deadline);
    }

    /// <summary>A timer was started that is due earlier than all others.</summary>
    public void Lower(long deadline)
    {
        lock (_gate)
        {
            if (_stopping || deadline >= _deadline)
                return;
            Volatile.Write(ref _deadline, deadline);
            if (kernel.VirtualClock is not null)
                return;
            if (_thread is null)
            {
                _thread = new Thread(ThreadMain) { IsBackground = true, Name = "tick" };
                _thread.Start();
            }

            Monitor.Pulse(_gate);
        }
    }

    /// <summary>When the next interrupt is due, in nanoseconds of the monotonic clock; <see cref="long.MaxValue"/>: none was asked for.</summary>
    public long Deadline => Volatile.Read(ref _deadline);

    /// <summary>Interrupts given so far.</summary>
    public long Ticks { get; private set; }

    /// <summary>Deterministic mode: gives the interrupt if it is due.</summary>
    public void PassDeadline()
    {
        if (_deadline > kernel.Time.Now.Nanoseconds)
            return;
        _deadline = long.MaxValue;
        Ticks++;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
        }

        _thread?.Join();
    }

    private void ThreadMain()
    {
        lock (_gate)
        {
            while (!_stopping)
            {
                if (_deadline == long.MaxValue)
                {
                    Monitor.Wait(_gate);
                    continue;
                }

                long remaining = _deadline - kernel.Time.Now.Nanoseconds;
                if (remaining > 0)
                {
                    Monitor.Wait(_gate, (int)Math.Min((remaining + 999_999) / 1_000_000, 1_000_000));
                    continue;
                }

                Volatile.Write(ref _deadline, long.MaxValue);
                Ticks++;
                foreach (Processor processor in kernel.Processors)
                    processor.Cpu.Kick();
            }
        }
    }
}
