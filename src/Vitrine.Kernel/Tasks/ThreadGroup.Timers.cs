using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Tasks;

/// <content>Timers of a process: the interval timers, those of timer_create, and the CPU-time limit.</content>
internal sealed partial class ThreadGroup
{
    private RealIntervalTimer? _realTimer;
    private SortedDictionary<int, PosixTimer>? _timers;
    private List<PosixTimer>? _cpuTimers;
    private List<CpuSleeper>? _cpuSleepers;
    private CpuIntervalTimer _virtual;
    private CpuIntervalTimer _profiling;

    public RealIntervalTimer RealTimer => _realTimer ??= new RealIntervalTimer(this);

    /// <summary>By number.</summary>
    public SortedDictionary<int, PosixTimer> Timers => _timers ??= [];

    public int NextTimerId { get; set; }

    /// <summary>The timers on CPU clocks that are set.</summary>
    public List<PosixTimer> CpuTimers => _cpuTimers ??= [];

    /// <summary>Those who sleep until the process, or a thread of it, has used some time.</summary>
    public List<CpuSleeper> CpuSleepers => _cpuSleepers ??= [];

    /// <summary>Something must be checked when CPU time passes.</summary>
    public bool WatchesCpuTime =>
        _cpuTimers is { Count: > 0 } || _cpuSleepers is { Count: > 0 } || _virtual.Expires != 0 || _profiling.Expires != 0 || Limits[(int)ResourceLimit.Cpu].Soft != RLimit.Infinity;

    public CpuIntervalTimer GetCpuInterval(IntervalTimerKind kind) => kind == IntervalTimerKind.Virtual ? _virtual : _profiling;

    public void SetCpuInterval(IntervalTimerKind kind, CpuIntervalTimer timer)
    {
        if (kind == IntervalTimerKind.Virtual)
            _virtual = timer;
        else
            _profiling = timer;
    }

    /// <summary>What the interval timer counts, in nanoseconds.</summary>
    public long CpuIntervalClock(IntervalTimerKind kind) => kind == IntervalTimerKind.Virtual ? UserTime : UserTime + SystemTime;

    /// <summary>Looks at all that depends on CPU time; called when a thread of the process has used some.</summary>
    public void CheckCpuTime()
    {
        if (LiveThreads == 0)
            return;
        Check(ref _virtual, UserTime, SignalNumber.VtAlrm);
        Check(ref _profiling, UserTime + SystemTime, SignalNumber.Prof);
        if (_cpuTimers is { Count: > 0 } timers)
        {
            for (int i = timers.Count - 1; i >= 0; i--)
            {
                long now = timers[i].Clock.ReadCpu();
                if (timers[i].CpuExpires <= now)
                    timers[i].FireCpu(now);
            }
        }

        if (_cpuSleepers is { Count: > 0 } sleepers)
        {
            foreach (CpuSleeper sleeper in sleepers)
            {
                if (sleeper.Expires <= sleeper.Clock.ReadCpu())
                    _ = sleeper.Task.Wake();
            }
        }

        RLimit limit = Limits[(int)ResourceLimit.Cpu];
        if (limit.Soft == RLimit.Infinity)
            return;
        ulong seconds = (ulong)((UserTime + SystemTime) / Ktime.NanosecondsPerSecond);
        if (limit.Hard != RLimit.Infinity && seconds >= limit.Hard)
        {
            SignalSender.SendKernelToGroup(this, SignalNumber.Kill);
        }
        else if (seconds >= limit.Soft)
        {
            // One more second each time, as Linux does, until the hard limit kills.
            SignalSender.SendKernelToGroup(this, SignalNumber.Xcpu);
            Limits[(int)ResourceLimit.Cpu] = limit with { Soft = seconds + 1 };
        }
    }

    /// <summary>The process ends or executes a program: timers of timer_create go; interval timers go at exit only.</summary>
    public void DeletePosixTimers()
    {
        if (_timers is null)
            return;
        var timers = new PosixTimer[_timers.Count];
        _timers.Values.CopyTo(timers, 0);
        foreach (PosixTimer timer in timers)
            timer.Delete();
    }

    internal void DeleteTimers()
    {
        DeletePosixTimers();
        if (_realTimer is not null)
            Kernel.Timers.Cancel(_realTimer);
        _virtual = default;
        _profiling = default;
    }

    internal void NoteResidentSet(MmStruct? mm)
    {
        if (mm is not null)
            Dead.MaxResidentSet = Math.Max(Dead.MaxResidentSet, mm.Statistics.HighestRss);
    }

    private void Check(ref CpuIntervalTimer timer, long now, SignalNumber signal)
    {
        if (timer.Expires == 0 || now < timer.Expires)
            return;
        timer = timer with { Expires = timer.Interval == 0 ? 0 : timer.Expires + timer.Interval };
        SignalSender.SendKernelToGroup(this, signal);
    }
}

/// <summary>ITIMER_VIRTUAL or ITIMER_PROF: CPU nanoseconds of the next expiry (0: not set) and between expiries.</summary>
internal readonly record struct CpuIntervalTimer(long Expires, long Interval);
