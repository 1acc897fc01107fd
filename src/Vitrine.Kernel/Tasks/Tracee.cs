using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;

namespace Vitrine.Kernel.Tasks;

/// <summary>Where a traced task stops, and so what it goes on with when its tracer lets it.</summary>
internal enum TraceStop
{
    None = 0,

    /// <summary>Before a system call: it is made afterwards, with the registers as they are then.</summary>
    SyscallEntry = 1,

    /// <summary>After a system call.</summary>
    SyscallExit = 2,

    /// <summary>Inside a system call that has done its work (clone, exec): its result is put off.</summary>
    Event = 3,

    /// <summary>On its way out, with its memory and files still there.</summary>
    Exit = 4,

    /// <summary>A signal is about to be delivered; the tracer may change it.</summary>
    Signal = 5,

    /// <summary>A group stop, or a stop that the tracer asked for.</summary>
    JobControl = 6,

    /// <summary>A single step led into a signal handler.</summary>
    Handler = 7,
}

/// <summary>
/// What being traced means to a task (the ptrace and jobctl fields of task_struct): who traces it, what it is asked for, and
/// the stop that is planned or under way. Plain data; a task that was never traced has none. It outlives the tracer, because
/// a stop may be left by a detach.
/// </summary>
internal sealed class Tracee
{
    /// <summary>Null: not traced (any more).</summary>
    public Task? Tracer { get; set; }

    /// <summary>The tracer's credentials when it attached (ptracer_cred).</summary>
    public Credentials? TracerCredentials { get; set; }

    /// <summary>PTRACE_SEIZE was used: stops of job control are told apart, and can be listened in.</summary>
    public bool IsSeized { get; set; }

    public PtraceOptions Options { get; set; }

    /// <summary>Its place in the tracer's list.</summary>
    public LinkedListNode<Task>? Node { get; set; }

    /// <summary>PTRACE_SYSCALL: the next system call stops at entry or exit.</summary>
    public bool StopsAtSyscalls { get; set; }

    /// <summary>PTRACE_SYSEMU: the next system call stops at entry and is not made.</summary>
    public bool EmulatesSyscalls { get; set; }

    /// <summary>The system call at whose entry the task stops was to be emulated: it is not made.</summary>
    public bool SkipsSyscall { get; set; }

    /// <summary>PTRACE_SINGLESTEP (TIF_SINGLESTEP).</summary>
    public bool IsStepping { get; set; }

    /// <summary>The trap flag was set by the tracer, not by the program (TIF_FORCED_TF): the program must not see it.</summary>
    public bool OwnsTrapFlag { get; set; }

    /// <summary>A stop of job control is due (JOBCTL_TRAP_STOP).</summary>
    public bool TrapPending { get; set; }

    /// <summary>A seized task must tell of a change of its group's stop (JOBCTL_TRAP_NOTIFY).</summary>
    public bool NotifyPending { get; set; }

    /// <summary>PTRACE_LISTEN: stopped, but to its tracer as if it ran (JOBCTL_LISTENING).</summary>
    public bool IsListening { get; set; }

    /// <summary>A stop signal was taken and no SIGCONT has come since (JOBCTL_STOP_DEQUEUED).</summary>
    public bool StopDequeued { get; set; }

    /// <summary>The stop that is planned, or in which the task is.</summary>
    public TraceStop Stop { get; set; }

    /// <summary>The task has stopped; false while the stop is only planned, and when it has ended.</summary>
    public bool IsInStop { get; set; }

    /// <summary>What wait reports of the stop, 0 once reported; on leaving it the signal that the tracer gave along (exit_code).</summary>
    public int Code { get; set; }

    /// <summary>PTRACE_GETEVENTMSG.</summary>
    public ulong Message { get; set; }

    /// <summary>The siginfo of the stop; meaningful if <see cref="HasInfo"/> (last_siginfo).</summary>
    public SignalInfo Info;

    public bool HasInfo { get; set; }

    /// <summary>A stop of <see cref="TraceStop.Signal"/> has ended: <see cref="Delivery"/> is to be delivered, 0 for none.</summary>
    public bool HasDelivery { get; set; }

    public SignalNumber Delivery { get; set; }

    public SignalInfo DeliveryInfo;

    /// <summary>The result of a system call that waits for an event stop or a vfork child.</summary>
    public bool HoldsResult { get; set; }

    public long HeldResult { get; set; }

    /// <summary>The child of a vfork, for the event that follows its end.</summary>
    public PidNumber? VforkPid { get; set; }

    /// <summary>The exit stop has been planned: the next exit is one.</summary>
    public bool HasPlannedExit { get; set; }

    public int ExitStatus { get; set; }

    public bool Wants(PtraceEvent what) => Tracer is not null && ((ulong)Options >> (int)what & 1) != 0;

    /// <summary>Signals must be looked at for the tracer's sake.</summary>
    public bool HasWork => TrapPending || NotifyPending || HasDelivery;
}
