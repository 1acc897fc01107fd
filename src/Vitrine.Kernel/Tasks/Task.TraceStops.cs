using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tasks;

/// <content>
/// The stops of a traced task (ptrace_stop). A stop is planned where its cause is, and taken on the way out of the kernel,
/// as plain state: what the task goes on with afterwards is said by the kind of stop, not by a suspended path.
/// </content>
internal sealed partial class Task
{
    private const int StopSignalMask = 0x7f;

    /// <summary>What PTRACE_GETEVENTMSG gives in the stops of a system call.</summary>
    private const ulong EntryMessage = 1;
    private const ulong ExitMessage = 2;

    /// <summary>The stop will be taken before anything else happens on the way to user code.</summary>
    private void PlanStop(TraceStop stop, int code, ulong message = 0)
    {
        Tracee tracee = Tracee!;
        tracee.Stop = stop;
        tracee.IsInStop = false;
        tracee.Code = code;
        tracee.Message = message;
        tracee.HasInfo = true;
        tracee.Info = new SignalInfo
        {
            Signal = (SignalNumber)(code & StopSignalMask),
            Code = code,
            Pid = Pid.In(Namespaces.Pid),
            Uid = Credentials.Uid.Value,
        };
        Work |= TaskWork.Trace;
    }

    /// <summary>A stop for an event, if the tracer wants to know of it.</summary>
    internal void PlanEvent(PtraceEvent what, ulong message) =>
        PlanStop(TraceStop.Event, (int)SignalNumber.Trap | (int)what << 8, message);

    /// <summary>A number as the tracer sees it.</summary>
    private ulong ForTracer(PidNumber number) => (ulong)number.In(Tracer!.Namespaces.Pid);

    private void PlanSyscallStop(TraceStop stop)
    {
        int code = (int)SignalNumber.Trap | ((Tracee!.Options & PtraceOptions.TraceSysGood) != 0 ? 0x80 : 0);
        PlanStop(stop, code, stop == TraceStop.SyscallEntry ? EntryMessage : ExitMessage);
        // However the tracer lets it go on from here.
        Tracee.SkipsSyscall = Tracee.EmulatesSyscalls;
    }

    /// <summary>A stop of job control: of the group, or one that the tracer asked for (do_jobctl_trap).</summary>
    private void PlanJobControlStop()
    {
        int signal = StopSignal;
        if (Tracee!.IsSeized)
        {
            if (ThreadGroup.GroupStopCount == 0 && !ThreadGroup.IsStopped)
                signal = (int)SignalNumber.Trap;
            PlanStop(TraceStop.JobControl, signal | (int)PtraceEvent.Stop << 8);
            Tracee.Info.Signal = (SignalNumber)signal;
        }
        else
        {
            PlanStop(TraceStop.JobControl, signal);
            Tracee.HasInfo = false;
        }
    }

    private void PlanSignalStop(in SignalInfo info)
    {
        PlanStop(TraceStop.Signal, (int)info.Signal);
        Tracee!.Info = info;
        Tracee.StopDequeued = true;
    }

    /// <summary>The planned stop, or what comes after it. True if the task parks.</summary>
    private void TakeTraceStop()
    {
        Tracee tracee = Tracee!;
        if (!tracee.IsInStop)
        {
            if (EnterStop(tracee))
                return;

            // Nobody is there to be told, or there is no time: as if let go at once.
            tracee.Code = tracee.Stop == TraceStop.Signal ? (int)tracee.Info.Signal : 0;
        }

        TraceStop stop = tracee.Stop;
        var signal = (SignalNumber)tracee.Code;
        tracee.Stop = TraceStop.None;
        tracee.IsInStop = tracee.IsListening = false;
        tracee.Code = 0;
        tracee.Message = 0;
        tracee.HasInfo = false;
        Work &= ~TaskWork.Trace;
        RecalculatePending();
        GoOnFrom(stop, signal, tracee);
    }

    private bool EnterStop(Tracee tracee)
    {
        if (tracee.Tracer is not { } tracer || IsFatalSignalPending)
            return false;
        int why = tracee.Stop == TraceStop.JobControl ? SignalCode.ChildStopped : SignalCode.ChildTrapped;
        bool groupStopped = tracee.Stop == TraceStop.JobControl && StopPending && ParticipateInGroupStop();
        tracee.TrapPending = false;
        if (tracee.HasInfo && tracee.Info.Code >> 8 == (int)PtraceEvent.Stop)
            tracee.NotifyPending = false;
        tracee.IsInStop = true;
        Park(TaskState.Traced);
        NotifyTracer(tracer, why);
        if (groupStopped && IsTracedByStranger)
            NotifyParentOfStop(ThreadGroup, SignalCode.ChildStopped);
        return true;
    }

    /// <summary>A thread that job control has stopped already becomes one that its tracer has stopped, where it is.</summary>
    internal void TurnStopIntoTrace()
    {
        Work |= TaskWork.Signal;
        Work &= ~TaskWork.Stop;
        PlanJobControlStop();
        _ = EnterStop(Tracee!);
    }

    private void NotifyTracer(Task tracer, int why)
    {
        int status = why == SignalCode.ChildStopped ? ThreadGroup.GroupExitCode : Tracee!.Code;
        SignalInfo info = ChildInfo(tracer, why, status & StopSignalMask);
        ref SignalAction action = ref tracer.ThreadGroup.Handlers[SignalNumber.Chld];
        if (action.Handler != SignalAction.Ignore && !action.Has(SignalActionFlags.NoChildStop))
            _ = SignalSender.SendToGroup(tracer.ThreadGroup, in info);
        tracer.ThreadGroup.ChildWait.WakeAll();
    }

    private void GoOnFrom(TraceStop stop, SignalNumber signal, Tracee tracee)
    {
        switch (stop)
        {
            case TraceStop.SyscallEntry:
                SendGivenSignal(signal);
                if (IsFatalSignalPending || tracee.SkipsSyscall || SyscallNumber == -1)
                    SkipSyscall();
                else
                    DispatchSyscall();
                break;
            case TraceStop.SyscallExit:
                SendGivenSignal(signal);
                break;
            case TraceStop.Event:
                if ((Work & TaskWork.Vfork) == 0)
                    FinishHeldSyscall(tracee);
                break;
            case TraceStop.Exit:
                BeginOther(ExitAsync(tracee.ExitStatus));
                break;
            case TraceStop.Signal:
                tracee.HasDelivery = true;
                tracee.Delivery = signal;
                tracee.DeliveryInfo = tracee.Info;
                Work |= TaskWork.Signal;
                break;
        }
    }

    /// <summary>Not the delivery of a signal, but as good as one: what the tracer gives along out of a stop of a system call.</summary>
    private void SendGivenSignal(SignalNumber signal)
    {
        if (signal != SignalNumber.None)
            SignalSender.SendKernel(this, signal);
    }

    private unsafe void SkipSyscall() => FinishSyscall(new SyscallResult((long)Registers->Rax));

    /// <summary>True if a system call's result must wait: for an event stop, a vfork child, or because the task is to end.</summary>
    private bool HoldsSyscall(Tracee tracee, SyscallResult result)
    {
        if (tracee.Stop == TraceStop.Exit)
            return true;
        if (tracee.Stop != TraceStop.Event && (tracee.Tracer is null || (Work & TaskWork.Vfork) == 0))
            return false;
        tracee.HoldsResult = true;
        tracee.HeldResult = result.Value;
        return true;
    }

    /// <summary>The vfork child has let go: the tracer may want to know, and the call that waited returns.</summary>
    private void FinishVforkOf(Tracee tracee)
    {
        if (tracee.Wants(PtraceEvent.VforkDone) && !IsFatalSignalPending)
            PlanEvent(PtraceEvent.VforkDone, ForTracer(tracee.VforkPid!));
        else
            FinishHeldSyscall(tracee);
    }

    private void FinishHeldSyscall(Tracee tracee)
    {
        if (!tracee.HoldsResult)
            return;
        tracee.HoldsResult = false;
        LeaveSyscall(new SyscallResult(tracee.HeldResult));
    }

    /// <summary>What a traced system call stops for when it is over (syscall_exit_work).</summary>
    private unsafe void ReportSyscallExit(Tracee tracee)
    {
        if (tracee.Tracer is null)
            return;
        if (tracee.IsStepping && !tracee.EmulatesSyscalls)
            SignalSender.Force(this, SignalInfo.Fault(SignalNumber.Trap, SignalCode.TrapBreakpoint, Registers->Rip));
        else if (tracee.StopsAtSyscalls)
            PlanSyscallStop(TraceStop.SyscallExit);
    }

    /// <summary>The exit is put off for a stop in which the tracer may still look at all there is. False: no stop is wanted.</summary>
    private bool PlanExitStop(int waitStatus)
    {
        if (Tracee is not { HasPlannedExit: false } tracee || !tracee.Wants(PtraceEvent.Exit))
            return false;
        tracee.HasPlannedExit = true;
        tracee.ExitStatus = waitStatus;
        PlanStop(TraceStop.Exit, (int)SignalNumber.Trap | (int)PtraceEvent.Exit << 8, (ulong)waitStatus);
        return true;
    }
}
