using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Time;

/// <summary>
/// A timer of timer_create(2) (struct k_itimer's twin). While its signal waits for delivery it does not run; delivery
/// counts the periods that passed meanwhile as overruns and starts it again, so a slow receiver is not flooded.
/// </summary>
internal sealed class PosixTimer : KernelTimer, IRealtimeListener
{
    private readonly ThreadGroup _group;
    private readonly QueuedSignal? _entry;
    private long _cpuExpires;
    private bool _followsClock;

    /// <param name="group">The process that owns it.</param>
    /// <param name="id">Its number in the process.</param>
    /// <param name="clock">What it counts.</param>
    /// <param name="notify">SIGEV_* and what comes with it.</param>
    /// <param name="target">The thread that SIGEV_THREAD_ID names, or that a thread CPU clock belongs to; else the leader.</param>
    public PosixTimer(ThreadGroup group, int id, ClockSource clock, in SignalEvent notify, Task target)
    {
        _group = group;
        Id = id;
        Clock = clock;
        Notify = notify.Notify;
        Target = target;
        if ((notify.Notify & ~SignalNotify.ThreadId) == SignalNotify.Signal)
        {
            _entry = new QueuedSignal
            {
                Timer = this,
                Info = new SignalInfo { Signal = notify.Signal, Code = SignalCode.Timer, Pid = id, Value = notify.Value },
            };
        }
    }

    public int Id { get; }

    public ClockSource Clock { get; }

    public SignalNotify Notify { get; }

    public Task Target { get; }

    public SignalNumber Signal => _entry?.Info.Signal ?? SignalNumber.None;

    public ulong Value => _entry?.Info.Value ?? 0;

    /// <summary>Nanoseconds; 0: fires once.</summary>
    public long Interval { get; private set; }

    /// <summary>Periods missed before the last delivered signal.</summary>
    public int OverrunOfLast { get; private set; }

    /// <summary>The CPU time at which a timer on a CPU clock is due; <see cref="long.MaxValue"/> when it is not set.</summary>
    public long CpuExpires => _cpuExpires == 0 ? long.MaxValue : _cpuExpires;

    /// <summary>Nanoseconds to the next expiry; 0 if the timer is not set.</summary>
    public long Remaining(Ktime now)
    {
        if (Clock.IsCpu)
        {
            if (_cpuExpires == 0)
                return 0;
            return Math.Max(1, NextOf(_cpuExpires, Clock.ReadCpu()) - Clock.ReadCpu());
        }

        if (IsQueued)
            return Math.Max(1, Expires - now);
        // Its signal waits: the next expiry is the first period's end that is still to come.
        if (_entry is { IsQueued: true } && Interval > 0)
            return Math.Max(1, NextOf(Expires.Nanoseconds, now.Nanoseconds) - now.Nanoseconds);
        return 0;
    }

    /// <summary>Sets the timer, or disarms it with a value of 0.</summary>
    /// <param name="due">Monotonic time or CPU time of the first expiry; 0 disarms.</param>
    /// <param name="interval">Nanoseconds between later ones.</param>
    /// <param name="absolute">It is a moment of the timer's clock, and moves if that is set.</param>
    public void Set(long due, long interval, bool absolute)
    {
        Disarm();
        Interval = interval;
        if (due == 0)
            return;
        if (absolute && Timekeeper.IsWallClock(Clock.Id))
        {
            _followsClock = true;
            _group.Kernel.Time.AddListener(this);
        }

        if (Clock.IsCpu)
        {
            _cpuExpires = due;
            _group.CpuTimers.Add(this);
        }
        else
        {
            _group.Kernel.Timers.Start(this, new Ktime(due));
        }
    }

    public void Delete()
    {
        Disarm();
        _group.Timers.Remove(Id);
    }

    public override void Fire(Ktime now) => Expire(now.Nanoseconds);

    public void RealtimeWasSet()
    {
        if (IsQueued)
            _group.Kernel.Timers.Start(this, new Ktime(Math.Max(Expires.Nanoseconds - _group.Kernel.Time.LastStep, 1)));
    }

    /// <summary>A CPU timer is due.</summary>
    public void FireCpu(long cpuNow)
    {
        _group.CpuTimers.Remove(this);
        Expire(cpuNow);
    }

    /// <summary>The signal is being delivered: tells the overruns and runs on.</summary>
    public void Delivered(ref SignalInfo info)
    {
        OverrunOfLast = 0;
        if (Interval > 0)
        {
            long now = Clock.IsCpu ? Clock.ReadCpu() : _group.Kernel.Time.Now.Nanoseconds;
            OverrunOfLast = (int)Math.Min(int.MaxValue, Forward(now) - 1);
        }

        info.Uid = (uint)OverrunOfLast;
    }

    private void Expire(long now)
    {
        if (_entry is null)
        {
            if (Interval > 0)
                _ = Forward(now);
            else
                _cpuExpires = 0;
            return;
        }

        bool shared = (Notify & SignalNotify.ThreadId) == 0;
        Task target = shared ? _group.Leader : Target;
        if (target.State is TaskState.Dead or TaskState.Zombie && !shared)
            return;
        if (!SignalSender.SendTimer(target, _entry, shared) || (!_entry.IsQueued && Interval > 0))
            _ = Interval > 0 ? Forward(now) : 0;
        else if (Interval == 0)
            _cpuExpires = 0;
    }

    /// <summary>Moves to the first expiry after <paramref name="now"/> and starts. How many periods that was.</summary>
    private long Forward(long now)
    {
        long last = Clock.IsCpu ? _cpuExpires : Expires.Nanoseconds;
        long next = NextOf(last, now);
        if (next == last)
            next += Interval;
        if (Clock.IsCpu)
        {
            _cpuExpires = next;
            if (!_group.CpuTimers.Contains(this))
                _group.CpuTimers.Add(this);
        }
        else
        {
            _group.Kernel.Timers.Start(this, new Ktime(next));
        }

        return (next - last) / Interval;
    }

    private long NextOf(long due, long now) =>
        due > now || Interval == 0 ? due : due + (((now - due) / Interval) + 1) * Interval;

    private void Disarm()
    {
        if (IsQueued)
            _group.Kernel.Timers.Cancel(this);
        if (_followsClock)
            _group.Kernel.Time.RemoveListener(this);
        _followsClock = false;
        _group.CpuTimers.Remove(this);
        _cpuExpires = 0;
        if (_entry is { IsQueued: true })
        {
            _group.SharedPending.Remove(_entry);
            Target.Pending.Remove(_entry);
        }
    }
}

/// <summary>A task that sleeps until a CPU clock shows a time.</summary>
internal sealed record CpuSleeper(Task Task, ClockSource Clock, long Expires);

/// <summary>What a timer or sleep counts: a wall clock, or the CPU time of a thread or process.</summary>
internal readonly record struct ClockSource(ClockId Id, Task? Thread, ThreadGroup? Process)
{
    public bool IsCpu => Thread is not null || Process is not null;

    public long ReadCpu()
    {
        if (Thread is { } thread)
        {
            thread.OnProcessor?.Settle();
            return thread.Sched.UserTime + thread.Sched.SystemTime;
        }

        foreach (Task other in Process!.Threads)
            other.OnProcessor?.Settle();
        return Process.UserTime + Process.SystemTime;
    }
}
