using Vitrine.Cpu;
using Vitrine.Hardware;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Syscalls;

namespace Vitrine.Kernel.Tasks;

/// <summary>Whether a task has a suspended way through the kernel.</summary>
internal enum KernelPath
{
    /// <summary>In user code or about to be: nothing of the task is on the heap but its fields.</summary>
    None = 0,

    /// <summary>Somewhere below a root <see cref="KTask"/>.</summary>
    Suspended = 1,
}

/// <summary>Why a task must not go straight back to user code (the TIF_* flags' twin). Zero on the fast path.</summary>
[Flags]
internal enum TaskWork
{
    None = 0,

    /// <summary>A signal may be deliverable, or a syscall must be restarted.</summary>
    Signal = 1 << 0,

    /// <summary>A syscall waits to be restarted or answered with EINTR, or a temporary signal mask ends.</summary>
    Restart = 1 << 1,

    /// <summary>The machine is being brought to rest.</summary>
    Freeze = 1 << 2,

    /// <summary>The rseq area must be updated: the task may have moved or been preempted.</summary>
    Rseq = 1 << 3,

    /// <summary>A stop for the tracer is planned or under way.</summary>
    Trace = 1 << 4,

    /// <summary>Deferred work of the task itself (task_work): delayed file releases and the like.</summary>
    Deferred = 1 << 5,

    /// <summary>The parent of a vfork waits until the child has let go of its address space.</summary>
    Vfork = 1 << 6,

    /// <summary>The task has taken part in a group stop and parks.</summary>
    Stop = 1 << 7,
}

/// <content>
/// The one way in and the one way out for every syscall, fault and exception, driven by one work word.
/// </content>
internal sealed partial class Task
{
    private bool _rootDone;
    private RootKind _rootKind;
    private KTaskAwaiter<SyscallResult> _syscallRoot;
    private KTaskAwaiter _root;

    private enum RootKind
    {
        None = 0,
        Syscall = 1,
        Other = 2,
    }

    public KernelPath Path { get; private set; }

    public TaskWork Work { get; set; }

    /// <summary>The number of the syscall the task is in or has just left; −1: none, and nothing to restart.</summary>
    public int SyscallNumber
    {
        get => (int)OriginalRax;
        set => OriginalRax = (ulong)value;
    }

    /// <summary>RAX as it was on entry by a system call, −1 otherwise (orig_rax). A tracer may change it.</summary>
    public ulong OriginalRax { get; set; } = ulong.MaxValue;

    /// <summary>The arguments as they were on entry, for restart, strace and /proc/PID/syscall.</summary>
    public SyscallArguments SyscallArguments { get; private set; }

    /// <summary>Body of a kernel thread: run again from its start whenever it returns, until it sets <see cref="State"/> to dead.</summary>
    public Func<Task, KTask>? KernelThreadBody { get; init; }

    public bool IsKernelThread => KernelThreadBody is not null;

    public bool HasExitWork => Work != TaskWork.None;

    private Action RootPathDone { get; }

    /// <summary>Takes the task into the kernel for what its user code did.</summary>
    internal unsafe void Enter(CpuExit exit)
    {
        if (exit.Kind != CpuExitKind.Syscall)
            SyscallNumber = -1;
        if (Kernel.VirtualClock is { } clock && exit.Kind != CpuExitKind.Kicked)
            clock.Skip(VirtualClock.EntryNanoseconds);
        switch (exit.Kind)
        {
            case CpuExitKind.Kicked:
                break;
            case CpuExitKind.Syscall:
                EnterSyscall();
                break;
            case CpuExitKind.PageFault:
                BeginOther(HandlePageFaultAsync(exit.Address, exit.ErrorCode));
                break;
            default:
                HandleException(exit);
                break;
        }
    }

    internal void BeginKernelThread() => BeginOther(KernelThreadBody!(this));

    /// <summary>True when the suspended path has run to its end; takes its result.</summary>
    internal bool FinishPath()
    {
        if (!_rootDone)
            return false;
        _rootDone = false;
        Path = KernelPath.None;
        RootKind kind = _rootKind;
        _rootKind = RootKind.None;
        if (kind == RootKind.Syscall)
        {
            SyscallResult result = _syscallRoot.GetResult();
            _syscallRoot = default;
            LeaveSyscall(result);
        }
        else
        {
            _root.GetResult();
            _root = default;
        }

        return true;
    }

    private unsafe void EnterSyscall()
    {
        if (_userDispatch is not null && IsDispatchedToUser())
        {
            SyscallNumber = -1;
            return;
        }

        OriginalRax = Registers->Rax;
        // Until the syscall's exit RAX shows what Linux shows: -ENOSYS.
        Registers->Rax = unchecked((ulong)-(long)Errno.ENOSYS);
        if (Tracee is { Tracer: not null } tracee && (tracee.StopsAtSyscalls || tracee.EmulatesSyscalls))
            PlanSyscallStop(TraceStop.SyscallEntry);
        else
            DispatchSyscall();
    }

    [KernelTaskRuntime]
    private unsafe void DispatchSyscall()
    {
        SyscallArguments = new SyscallArguments(
            Registers->Rdi, Registers->Rsi, Registers->Rdx, Registers->R10, Registers->R8, Registers->R9);
        Kernel.Observer?.SyscallEntered(this);
        if (SyscallTable.Dispatch(this, SyscallNumber, SyscallArguments, out SyscallResult result, out KTask<SyscallResult> pending))
        {
            LeaveSyscall(result);
            return;
        }

        KTaskAwaiter<SyscallResult> awaiter = pending.GetAwaiter();
        if (awaiter.IsCompleted)
        {
            LeaveSyscall(awaiter.GetResult());
            return;
        }

        Path = KernelPath.Suspended;
        _rootKind = RootKind.Syscall;
        _syscallRoot = awaiter;
        awaiter.UnsafeOnCompleted(RootPathDone);
    }

    private unsafe void LeaveSyscall(SyscallResult result)
    {
        // A task that has exited has no registers to write to and nothing to go back to.
        if (State is TaskState.Zombie or TaskState.Dead || (Tracee is { } tracee && HoldsSyscall(tracee, result)))
            return;
        // A call that a freeze ended, and no signal, must not show it: calls that say EINTR begin again as well.
        if (result.Value == -(long)Errno.EINTR && (Work & (TaskWork.Freeze | TaskWork.Signal)) == TaskWork.Freeze)
            result = Errno.ERESTARTNOINTR;
        Kernel.Observer?.SyscallLeft(this, result);
        FinishSyscall(result);
    }

    private unsafe void FinishSyscall(SyscallResult result)
    {
        Registers->Rax = (ulong)result.Value;
        // rt_sigreturn has replaced the registers and left no syscall to restart.
        if (SyscallNumber >= 0 && result.Value is <= -(long)Errno.ERESTARTSYS and >= -(long)Errno.ERESTART_RESTARTBLOCK)
            Work |= TaskWork.Restart;
        if (Tracee is { } tracee)
            ReportSyscallExit(tracee);
    }

    [KernelTaskRuntime]
    private void BeginOther(KTask path)
    {
        KTaskAwaiter awaiter = path.GetAwaiter();
        if (awaiter.IsCompleted)
        {
            awaiter.GetResult();
            return;
        }

        Path = KernelPath.Suspended;
        _rootKind = RootKind.Other;
        _root = awaiter;
        awaiter.UnsafeOnCompleted(RootPathDone);
    }

    /// <summary>The task has ended inside its last path: what was left of it were returns.</summary>
    internal void ForgetPath()
    {
        _continuation = null;
        _syscallRoot = default;
        _root = default;
        _rootKind = RootKind.None;
        _rootDone = false;
        WantsToYield = false;
        Path = KernelPath.None;
    }

    private void OnRootPathDone() => _rootDone = true;
}
