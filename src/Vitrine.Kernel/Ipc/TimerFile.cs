using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <summary>struct itimerspec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct TimerSpec(Timespec Interval, Timespec Value);

/// <summary>A timer that is read (timerfd_create(2)): a read gives the number of expiries since the last.</summary>
internal sealed class TimerFile : AnonymousFile, IRealtimeListener
{
    /// <summary>Kernel memory charged for one.</summary>
    public const long DeclaredSize = 512;

    private readonly Cgroup _cgroup;
    private readonly Expiry _timer;
    private readonly WaitQueue _wait = new();
    private ulong _expirations;
    private long _interval;
    private bool _isArmed;
    private bool _isListening;
    private bool _isCancelable;
    private bool _isCanceled;

    /// <summary>The next expiry as the realtime clock will show it, for timers that were set so.</summary>
    private long? _realtimeExpiry;

    public TimerFile(KernelInstance kernel, Cgroup cgroup, ClockId clock, OpenFlags flags)
        : base(kernel, "[timerfd]", flags)
    {
        _cgroup = cgroup;
        Clock = clock;
        _timer = new Expiry(this);
    }

    public ClockId Clock { get; }

    /// <summary>Interval, and the time left until the next expiry (0: disarmed).</summary>
    public TimerSpec Current
    {
        get
        {
            CatchUp();
            long left = _isArmed && _timer.IsQueued ? Math.Max(_timer.Expires - Kernel.Time.Now, 1) : 0;
            return new TimerSpec(Timespec.FromNanoseconds(_interval), Timespec.FromNanoseconds(left));
        }
    }

    /// <summary>An alarm clock: only for who may wake the machine.</summary>
    public bool IsAlarm => Clock is ClockId.RealtimeAlarm or ClockId.BoottimeAlarm;

    /// <summary>Arms at a monotonic time, or disarms; earlier expiries are forgotten. ECANCELED (and armed) if the clock was set since a reader heard of it.</summary>
    /// <param name="realtime">The same as the realtime clock shows it, where the timer follows that clock.</param>
    /// <param name="cancelOnSet">Setting the clock ends waiting reads with ECANCELED.</param>
    public Errno Set(Ktime? expires, long interval, long? realtime, bool cancelOnSet)
    {
        _realtimeExpiry = realtime;
        _isCancelable = cancelOnSet;
        Listen(cancelOnSet || realtime is not null);
        Rearm(expires, interval);
        return expires is not null && TakeCancellation() ? Errno.ECANCELED : Errno.Success;
    }

    public void RealtimeWasSet()
    {
        if (_realtimeExpiry is { } at && _isArmed && _timer.IsQueued)
        {
            Kernel.Timers.Cancel(_timer);
            Kernel.Timers.Start(_timer, Kernel.Time.ToMonotonic(Clock, at));
        }

        if (!_isCancelable)
            return;
        _isCanceled = true;
        _expirations++;
        _wait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));
    }

    private bool TakeCancellation()
    {
        bool canceled = _isCancelable && _isCanceled;
        _isCanceled = false;
        return canceled;
    }

    private void Listen(bool on)
    {
        if (on == _isListening)
            return;
        _isListening = on;
        if (on)
            Kernel.Time.AddListener(this);
        else
            Kernel.Time.RemoveListener(this);
    }

    private void Rearm(Ktime? expires, long interval)
    {
        Kernel.Timers.Cancel(_timer);
        _expirations = 0;
        _interval = interval;
        _isArmed = expires is not null;
        if (expires is { } at)
            Kernel.Timers.Start(_timer, at);
    }

    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        if (to.Remaining < sizeof(ulong))
            return Errno.EINVAL;
        for (; ; )
        {
            CatchUp();
            if (TakeCancellation())
            {
                // What the timer did until then says nothing any more.
                _expirations = 0;
                return Errno.ECANCELED;
            }

            if (_expirations == 0)
            {
                if (IsNonBlocking || to.IsNoWait)
                    return Errno.EAGAIN;
                if (await _wait.WaitAsync(current, WaitMode.Interruptible) == WakeReason.Interrupted)
                    return Errno.ERESTARTSYS;
                continue;
            }

            ulong count = _expirations;
            int copied = Copy(to, count);
            if (copied == sizeof(ulong))
            {
                _expirations = 0;
                return sizeof(ulong);
            }

            to.Revert(copied);
            Errno error = await to.FaultInAsync(current, write: true);
            if (error != Errno.Success)
                return error;
        }
    }

    public override PollEvents Poll(PollTable? table)
    {
        table?.Add(_wait);
        return _expirations > 0 ? PollEvents.In | PollEvents.ReadNormal : PollEvents.None;
    }

    public override void Release()
    {
        Listen(false);
        Kernel.Timers.Cancel(_timer);
        _cgroup.UnchargeKernelMemory(DeclaredSize);
        base.Release();
    }

    private static int Copy(IovIter to, ulong value) => to.CopyTo(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value)));

    /// <summary>
    /// A periodic timer fires once; the expiries that would have followed are counted, and it is started again, when
    /// somebody looks: nobody is woken for a timer that nobody reads.
    /// </summary>
    private void CatchUp()
    {
        if (!_isArmed || _timer.IsQueued || _interval == 0)
            return;
        long late = Kernel.Time.Now - _timer.Expires;
        long more = Math.Max(late, 0) / _interval;
        _expirations += (ulong)more;
        Kernel.Timers.Start(_timer, _timer.Expires + ((more + 1) * _interval));
        if (_realtimeExpiry is { } at)
            _realtimeExpiry = at + ((more + 1) * _interval);
    }

    private void Fired()
    {
        _expirations++;
        if (_interval == 0)
            _isArmed = false;
        _wait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));
    }

    private sealed class Expiry(TimerFile file) : KernelTimer
    {
        public override void Fire(Ktime now) => file.Fired();
    }
}
