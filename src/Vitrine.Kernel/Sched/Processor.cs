using Vitrine.Cpu;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// A processor of the machine and the host thread that is it. The loop: take the kernel lock, run what is due, pick
/// a task, go on with its kernel path or run its user code with the lock dropped, and so on until shutdown. The
/// thread sleeps while nothing is runnable.
/// </summary>
[HostBoundary("a processor is a host thread")]
internal sealed partial class Processor : IYieldTarget
{
    private readonly KernelInstance _kernel;
    private readonly ManualResetEventSlim _wakeIdle = new(false);
    private Thread? _thread;
    private Ktime _sliceStart;
    private Ktime _idleSince;
    private volatile bool _reschedule;

    public Processor(KernelInstance kernel, VirtualProcessor cpu, int id)
    {
        _kernel = kernel;
        Cpu = cpu;
        Id = id;
    }

    public int Id { get; }

    public VirtualProcessor Cpu { get; }

    /// <summary>The task it runs, in user or kernel mode; null while it looks for one.</summary>
    public Task? Current { get; private set; }

    public bool IsIdle { get; private set; }

    /// <summary>The calling host thread is this processor.</summary>
    public bool IsThisThread => Thread.CurrentThread == _thread;

    /// <summary>Nanoseconds in user code, in the kernel, and idle, for /proc/stat.</summary>
    public long UserTime { get; private set; }

    public long SystemTime { get; private set; }

    public long IdleTime { get; private set; }

    /// <summary>Of <see cref="UserTime"/>: in tasks with a positive nice value.</summary>
    public long NiceTime { get; private set; }

    /// <summary><see cref="IdleTime"/> with the idle spell that is under way.</summary>
    public long IdleTimeNow => IsIdle ? IdleTime + (_kernel.Time.Now - _idleSince) : IdleTime;

    /// <summary>Starts the host thread.</summary>
    public void Start()
    {
        _thread = new Thread(ThreadMain, maxStackSize: 16 << 20) { IsBackground = true, Name = $"vcpu{Id}" };
        _thread.Start();
    }

    /// <summary>Waits for the host thread to end; false if it did not in time. The kernel lock must not be held.</summary>
    public bool Join(TimeSpan patience) => _thread?.Join(patience) ?? true;

    public void WakeIdle()
    {
        IsIdle = false;
        _wakeIdle.Set();
    }

    /// <summary>Makes the processor pick again at the next exit to user mode; kicks it out of guest code. Any thread.</summary>
    public void RequestReschedule()
    {
        _reschedule = true;
        Cpu.Kick();
    }

    /// <summary>Makes the processor look at the time, the queues and the stop flag soon. Any thread, no lock.</summary>
    public void Interrupt()
    {
        Cpu.Kick();
        _wakeIdle.Set();
    }

    /// <summary>Ends a wait for the host. Any thread, no lock.</summary>
    internal void WakeFromHost() => _wakeIdle.Set();

    bool IYieldTarget.DrawYield() => Current is not null && _kernel.Yielding!.Draw();

    void IYieldTarget.RequeueCurrent(Action continuation) => Current!.Requeue(continuation);

    private void ThreadMain()
    {
        KTaskRuntime.YieldTarget = _kernel.Yielding is null ? null : this;
        StartStealClock();
        _kernel.Lock.Enter();
        try
        {
            while (!_kernel.IsHalted)
            {
                RunDue(_kernel.Time.Now);
                Current = _kernel.Scheduler.PickNext(this);
                if (Current is null)
                    Idle();
                else
                    RunCurrent();
            }
        }
#pragma warning disable CA1031 // Whatever escapes the kernel is a bug of this machine and must not reach the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _kernel.Panic(exception);
        }
        finally
        {
            Current = null;
            if (_kernel.Lock.IsHeld)
                _kernel.Lock.Exit();
            KTaskRuntime.YieldTarget = null;
        }
    }

    /// <summary>The softirq moment: expired timers and completed host work.</summary>
    private void RunDue(Ktime now)
    {
        if (_kernel.Interrupts.HasPending)
            _kernel.Interrupts.Drain();
        if (_kernel.Timers.NextExpiry <= now)
            _kernel.Timers.RunExpired(now);
    }

    private void Idle()
    {
        if (_kernel.VirtualClock is { } clock)
        {
            IdleInVirtualTime(clock);
            return;
        }

        Ktime start = _kernel.Time.Now;
        Ktime next = _kernel.Timers.NextExpiry;
        _idleSince = start;
        IsIdle = true;
        _wakeIdle.Reset();
        if (_kernel.Interrupts.HasPending || _kernel.IsHalted)
        {
            IsIdle = false;
            return;
        }

        _kernel.Lock.Exit();
        if (next.IsNever)
        {
            _wakeIdle.Wait();
        }
        else
        {
            long milliseconds = Math.Min((next - start + 999_999) / 1_000_000, int.MaxValue - 1);
            if (next > start)
                _wakeIdle.Wait((int)Math.Max(milliseconds, 0));
        }

        _kernel.Lock.Enter();
        IsIdle = false;
        IdleTime += _kernel.Time.Now - start;
    }

    private void RunCurrent()
    {
        Task task = Current!;
        task.OnProcessor = this;
        _sliceStart = _kernel.Time.Now;
        _reschedule = false;
        _kernel.Scheduler.Load.Update(_sliceStart);
        task.SwitchedIn(Id);
        if (task.Path is KernelPath.Suspended)
            _kernel.Tick.Arm(_sliceStart, _kernel.Scheduler.TimeToPreempt(this, task, _sliceStart), _kernel.Timers.NextExpiry);
        bool runnable = RunTask(task);
        StoreExtended(task);
        LookForSteal(task, _chargedUntil);
        task.OnProcessor = null;
        Current = null;
        if (runnable)
        {
            task.Sched.InvoluntarySwitches++;
            _kernel.Scheduler.PutBack(this, task);
        }
        else if (task.State == TaskState.Running)
        {
            // Woken while it was on its way to sleep on this processor (or the machine halts).
            _kernel.Scheduler.PutBack(this, task);
        }
        else
        {
            task.Sched.VoluntarySwitches++;
            _kernel.Scheduler.Left(this, task);
            if (task.State is TaskState.Dead or TaskState.Zombie)
            {
                task.ForgetPath();
                task.ReleaseRegisters();
            }
        }

        if (_kernel.Freezer.IsFreezing)
            _kernel.Freezer.Look();
    }
}
