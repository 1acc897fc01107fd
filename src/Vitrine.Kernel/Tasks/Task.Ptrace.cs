using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tasks;

/// <content>Tracers and tracees: who traces whom, how that begins and ends (kernel/ptrace.c's part that changes relations).</content>
internal sealed partial class Task
{
    /// <summary>What being traced means to the task; null if it never was.</summary>
    public Tracee? Tracee { get; private set; }

    /// <summary>The thread that traces this one.</summary>
    public Task? Tracer => Tracee?.Tracer;

    public bool IsTraced => Tracee is { Tracer: not null };

    /// <summary>Threads that this thread traces, oldest first.</summary>
    public LinkedList<Task> Tracees { get; } = new();

    /// <summary>Breakpoints of the debug registers; null: none was ever set.</summary>
    public Cpu.DebugRegisters? Breakpoints { get; set; }

    /// <summary>DR6 as the tracer sees it: what the last debug exception was for.</summary>
    public ulong BreakpointStatus { get; set; }

    /// <summary>The parent of the process: of a thread too.</summary>
    public Task? RealParent => ThreadGroup.Leader.Parent;

    /// <summary>The tracer is another process than the parent: what is for the one is not for the other (ptrace_reparented).</summary>
    public bool IsTracedByStranger => Tracer is { } tracer && tracer.ThreadGroup != RealParent?.ThreadGroup;

    /// <summary>The tracer that attached had a capability over the namespace (ptracer_capable); true without a tracer.</summary>
    public bool TracerIsCapable(UserNamespace over) =>
        Tracee is not { Tracer: not null, TracerCredentials: { } credentials } || credentials.IsCapable(over, Capability.SysPtrace);

    /// <summary>Makes a thread the tracer of this one.</summary>
    internal void LinkTracer(Task tracer, Credentials credentials, bool seized, PtraceOptions options)
    {
        Tracee tracee = Tracee ??= new Tracee();
        tracee.Tracer = tracer;
        tracee.TracerCredentials = credentials;
        tracee.IsSeized = seized;
        tracee.Options = options;
        tracee.Node ??= new LinkedListNode<Task>(this);
        tracer.Tracees.AddLast(tracee.Node);
    }

    /// <summary>The child of a traced task is traced from its start, and stops first of all (ptrace_init_task).</summary>
    internal void InheritTracer(Task from)
    {
        if (from.Tracee is not { Tracer: { } tracer } parent)
            return;
        LinkTracer(tracer, parent.TracerCredentials!, parent.IsSeized, parent.Options);
        if (parent.IsSeized)
            Tracee!.TrapPending = true;
        else
            Pending.Mark(SignalNumber.Stop);
        Work |= TaskWork.Signal;
    }

    /// <summary>Ends tracing: the task runs on from its stop, or joins a stop of its process (__ptrace_unlink).</summary>
    internal void UnlinkTracer()
    {
        if (Tracee is not { Tracer: { } tracer } tracee)
            return;
        tracer.Tracees.Remove(tracee.Node!);
        tracee.Tracer = null;
        tracee.TracerCredentials = null;
        tracee.Options = PtraceOptions.None;
        tracee.IsSeized = false;
        tracee.StopsAtSyscalls = tracee.EmulatesSyscalls = false;
        tracee.TrapPending = tracee.NotifyPending = false;
        if (!IsExiting && (ThreadGroup.IsStopped || ThreadGroup.GroupStopCount > 0))
            StopPending = true;
        if (StopPending || State == TaskState.Traced)
            WakeForTracer(resume: true);
    }

    /// <summary>Gets the task to look at what its tracer or its group wants; out of a stop too if asked (ptrace_signal_wake_up).</summary>
    internal void WakeForTracer(bool resume)
    {
        if (State is TaskState.Zombie or TaskState.Dead)
            return;
        SignalSender.WakeUp(this, fatal: false);
        if (resume && State == TaskState.Traced)
            MakeRunnable();
    }

    /// <summary>A seized task is to tell its tracer that the stop of its group has changed (ptrace_trap_notify).</summary>
    internal void NotifyOfGroupStop()
    {
        if (IsExiting || IsFatalSignalPending)
            return;
        Tracee!.NotifyPending = true;
        WakeForTracer(resume: Tracee.IsListening);
    }

    /// <summary>
    /// Takes a tracee from its tracer (__ptrace_detach). One that has ended meanwhile goes to its real parent, or away if
    /// nobody waits for it.
    /// </summary>
    internal static void Detach(Task tracer, Task tracee)
    {
        tracee.UnlinkTracer();
        if (tracee.State != TaskState.Zombie)
            return;
        bool dead = !tracee.IsLeader;
        if (!dead && tracee.ThreadGroup.Threads.Count == 1)
        {
            if (tracee.RealParent?.ThreadGroup != tracer.ThreadGroup)
            {
                dead = tracee.TellParent(tracee.ExitSignal);
            }
            else if (IgnoresChildren(tracer.ThreadGroup))
            {
                tracer.ThreadGroup.ChildWait.WakeAll();
                dead = true;
            }
        }

        if (dead)
            tracee.ReapZombie();
    }

    /// <summary>A tracer ends: its tracees go on alone, or die if it asked for that (exit_ptrace).</summary>
    private void LetTraceesGo()
    {
        while (Tracees.First is { } node)
        {
            Task tracee = node.Value;
            if ((tracee.Tracee!.Options & PtraceOptions.ExitKill) != 0)
                SignalSender.SendKernel(tracee, SignalNumber.Kill);
            Detach(this, tracee);
        }
    }

    internal void ReapZombie()
    {
        Park(TaskState.Dead);
        Reap();
    }

    private static bool IgnoresChildren(ThreadGroup group)
    {
        ref SignalAction action = ref group.Handlers[SignalNumber.Chld];
        return action.Handler == SignalAction.Ignore || action.Has(SignalActionFlags.NoChildWait);
    }
}
