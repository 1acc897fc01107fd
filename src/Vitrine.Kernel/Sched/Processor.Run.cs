using Vitrine.Cpu;
using Vitrine.Kernel.Syscalls;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <content>One task's turn on the processor: kernel path, exit work, user code.</content>
internal sealed partial class Processor
{
    private Ktime _chargedUntil;

    /// <summary>Nanoseconds of its current task's time that have not been charged yet.</summary>
    public long Uncharged => _kernel.Time.Now - _chargedUntil;

    /// <summary>As much of that as its clocks will count.</summary>
    public long Uncounted => Math.Max(Uncharged - (Current?.Sched.Refund ?? 0), 0);

    /// <summary>
    /// Runs the task until it sleeps, ends, or should make room. True if it is still runnable and must be queued again.
    /// </summary>
    private bool RunTask(Task task)
    {
        _chargedUntil = _kernel.Time.Now;
        for (; ; )
        {
            if (task.State != TaskState.Running || _kernel.IsHalted)
            {
                ChargeSystem(task);
                return false;
            }

            if (task.WantsToYield)
            {
                task.WantsToYield = false;
                ChargeSystem(task);
                return true;
            }

            if (task.Path is KernelPath.Suspended)
            {
                Continue(task);
                continue;
            }

            // In the kernel with nothing suspended: on the way out.
            if (task.HasExitWork)
            {
                task.BeginExitWork();
                continue;
            }

            if (task.IsKernelThread)
            {
                task.BeginKernelThread();
                continue;
            }

            Ktime now = ChargeSystem(task);
            RunDue(now);
            if (task.HasExitWork)
                continue;
            if (_reschedule || _kernel.Scheduler.ShouldPreempt(this, task, now))
                return true;

            CpuExit exit = RunUser(task, now);
            Ktime entered = _kernel.Time.Now;
            long used = entered - now;
            _chargedUntil = entered;
            _kernel.Scheduler.Charge(this, task, used, entered);
            _chargedSince += used;
            LookForSteal(task, entered);
            used = Counted(task, used);
            task.Sched.UserTime += used;
            task.ThreadGroup.UserTime += used;
            UserTime += used;
            if (task.Sched.Nice > 0)
                NiceTime += used;
            if (task.ThreadGroup.WatchesCpuTime)
                task.ThreadGroup.CheckCpuTime();
            task.Enter(exit);
        }
    }

    /// <summary>Runs the suspended kernel path on, and takes its result if that was its end.</summary>
    private static void Continue(Task task)
    {
        Action continuation = task.TakeContinuation()
            ?? throw new InvalidOperationException($"{task} is runnable inside the kernel with nothing to go on with");
        continuation();
        task.FinishPath();
    }

    private unsafe CpuExit RunUser(Task task, Ktime now)
    {
        if (task.ThreadGroup.WatchesCpuTime)
            _kernel.Tick.Lower(now.Nanoseconds + Timekeeper.TickNanoseconds);
        _kernel.Tick.Arm(now, _kernel.Scheduler.TimeToPreempt(this, task, now), _kernel.Timers.NextExpiry);
        Cpu.LoadRegisters(task.Registers);
        Cpu.Debug = task.Breakpoints;
        PhysAddr root = task.Mm!.PageTableRoot;
        if (_kernel.VirtualClock is { } clock)
            return RunCounted(task, root, clock);
        _kernel.Lock.Exit();
        CpuExit exit = Cpu.Run(root);
        _kernel.Lock.Enter();
        Cpu.SaveRegisters(task.Registers);
        return exit;
    }

    private Ktime ChargeSystem(Task task)
    {
        Ktime now = _kernel.Time.Now;
        long used = now - _chargedUntil;
        _chargedUntil = now;
        _kernel.Scheduler.Charge(this, task, used, now);
        _chargedSince += used;
        used = Counted(task, used);
        task.Sched.SystemTime += used;
        task.ThreadGroup.SystemTime += used;
        SystemTime += used;
        return now;
    }
}
