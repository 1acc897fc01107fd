using Vitrine.Cpu;
using Vitrine.Kernel.Syscalls;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <content>One task's turn on the processor: kernel path, exit work, user code.</content>
internal sealed partial class Processor
{
    private bool _holdsExtended;
    private Ktime _nextTimer;

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
                StoreExtended(task);
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
            if (exit.Kind == CpuExitKind.Syscall && !task.ThreadGroup.WatchesCpuTime && !RunQuickCalls(task, ref exit))
                continue;
            Charge(task, _kernel.Time.Now, inKernel: false);
            if (task.ThreadGroup.WatchesCpuTime)
                task.ThreadGroup.CheckCpuTime();
            task.Enter(exit);
            _measures = exit.Kind == CpuExitKind.Syscall && task.Path == KernelPath.None;
            if (task.Path != KernelPath.None)
                StoreExtended(task);
        }
    }

    /// <summary>
    /// System calls that end at once and leave nothing to do go back to user code from here, without a look at the clock: what
    /// is due kicks the processor. True: the next exit is to be handled; false: the task is in the kernel, its call begun.
    /// </summary>
    private bool RunQuickCalls(Task task, ref CpuExit exit)
    {
        while (exit.Kind == CpuExitKind.Syscall && _quickCalls < MaxQuickCalls)
        {
            _quickCalls++;
            task.Enter(exit);
            if (task.Path != KernelPath.None)
            {
                StoreExtended(task);
                return false;
            }

            if (task.State != TaskState.Running || task.HasExitWork || task.WantsToYield || _reschedule || Cpu.IsKicked || _kernel.IsHalted
                || _kernel.Timers.NextExpiry < _nextTimer || task.ThreadGroup.WatchesCpuTime || _kernel.Scheduler.ShouldPreempt(this, task, _chargedUntil))
                return false;
            exit = RunUser(task);
        }

        return true;
    }

    /// <summary>Runs the suspended kernel path on, and takes its result if that was its end.</summary>
    private static void Continue(Task task)
    {
        Action continuation = task.TakeContinuation()
            ?? throw new InvalidOperationException($"{task} is runnable inside the kernel with nothing to go on with");
        continuation();
        task.FinishPath();
    }

    private CpuExit RunUser(Task task, Ktime now)
    {
        if (task.ThreadGroup.WatchesCpuTime)
            _kernel.Tick.Lower(now.Nanoseconds + Timekeeper.TickNanoseconds);
        _nextTimer = _kernel.Timers.NextExpiry;
        if (_kernel.VirtualClock is not null)
            _kernel.Tick.PassDeadline();
        _kernel.Tick.Arm(now, _kernel.Scheduler.TimeToPreempt(this, task, now), _nextTimer);
        return RunUser(task);
    }

    private unsafe CpuExit RunUser(Task task)
    {
        Cpu.LoadGeneral(task.Registers);
        if (!_holdsExtended)
            Cpu.LoadExtended(task.Registers);
        Cpu.Debug = task.Breakpoints;
        PhysAddr root = task.Mm!.PageTableRoot;
        if (_kernel.VirtualClock is not null)
            return RunCounted(task, root);
        _kernel.Lock.Exit();
        CpuExit exit = Cpu.Run(root);
        _kernel.Lock.Enter();
        Cpu.SaveGeneral(task.Registers);
        _holdsExtended = true;
        if (exit.Kind != CpuExitKind.Syscall)
            StoreExtended(task);
        return exit;
    }

    /// <summary>
    /// Brings the task's extended registers up to date, which a system call leaves on the processor; afterwards the task's are
    /// the ones that count. Whoever reads or writes them inside a system call of the task calls this first.
    /// </summary>
    internal unsafe void StoreExtended(Task task)
    {
        if (!_holdsExtended)
            return;
        _holdsExtended = false;
        if (task.Registers is not null)
            Cpu.SaveExtended(task.Registers);
    }
}
