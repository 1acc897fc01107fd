using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Tasks;

/// <content>
/// Masks, pending signals, and the choice of what to deliver (get_signal's twin). Stops are plain state: a stopped task
/// has no suspended path, its state says all.
/// </content>
internal sealed partial class Task
{
    private SignalSet _savedMask;

    public PendingSignals Pending { get; } = new();

    public SignalSet Blocked { get; private set; }

    /// <summary>The mask of before sigtimedwait while it lets its signals through.</summary>
    public SignalSet RealBlocked { get; set; }

    /// <summary>A group stop wants this thread to stop.</summary>
    public bool StopPending { get; set; }

    /// <summary>The group's stop counts on this thread (JOBCTL_STOP_CONSUME); a tracee let go joins a stop that no longer does.</summary>
    public bool StopIsCounted { get; set; }

    /// <summary>The signal of the last group stop that this thread was asked to join.</summary>
    public int StopSignal { get; set; }

    /// <summary>A temporary mask is in force; the saved one comes back at exit to user mode.</summary>
    public bool HasSavedMask { get; private set; }

    public SignalSet SavedMask => _savedMask;

    public SignalStack AlternateStack { get; set; } = new() { Flags = SignalStackFlags.Disable };

    /// <summary>A signal is pending that is not blocked, or the machine is coming to rest: interruptible waits end.</summary>
    public bool HasInterruptingWork => (Work & (TaskWork.Signal | TaskWork.Freeze)) != 0;

    /// <summary>The task is going to die: killable waits end.</summary>
    public bool IsFatalSignalPending => Pending.Has(SignalNumber.Kill);

    /// <summary>Sets the mask; signals that become deliverable are noticed at once.</summary>
    public void SetBlocked(SignalSet blocked)
    {
        SignalSet newly = blocked & ~Blocked;
        Blocked = blocked;
        // What was meant for the process may have chosen this thread: let another one take it.
        if (!(newly & ThreadGroup.SharedPending.Set).IsEmpty && ThreadGroup.Threads.Count > 1)
            RetargetShared(newly);
        RecalculatePending();
    }

    /// <summary>
    /// Puts a mask in force until the exit to user mode (sigsuspend, ppoll, pselect, epoll_pwait). If a handler runs, its
    /// frame returns to the old mask.
    /// </summary>
    public void SetTemporaryMask(SignalSet mask)
    {
        _savedMask = Blocked;
        HasSavedMask = true;
        Work |= TaskWork.Restart;
        SetBlocked(mask & ~SignalSet.Unblockable);
    }

    /// <summary>Ends a temporary mask: at once, or at the exit to user mode when a signal interrupted the call.</summary>
    public void RestoreSavedMask(bool interrupted)
    {
        if (interrupted || !HasSavedMask)
            return;
        HasSavedMask = false;
        SetBlocked(_savedMask);
    }

    /// <summary>Sets the mask for good, also where a temporary one is in force (a tracer's PTRACE_SETSIGMASK).</summary>
    public void ReplaceMask(SignalSet mask)
    {
        HasSavedMask = false;
        Blocked = mask;
        RecalculatePending();
    }

    /// <summary>Whether the work word must say that a signal waits (recalc_sigpending).</summary>
    public void RecalculatePending()
    {
        bool pending = StopPending || ThreadGroup.PendingChildReport != 0 || Tracee is { HasWork: true }
            || !((Pending.Set | ThreadGroup.SharedPending.Set) & ~Blocked).IsEmpty
            || (ThreadGroup.ExecTask is { } exec && exec != this && IsFatalSignalPending);
        if (pending)
            Work |= TaskWork.Signal;
        else
            Work &= ~TaskWork.Signal;
    }

    /// <summary>Takes the next deliverable signal outside <paramref name="blocked"/>; none if there is none.</summary>
    public SignalInfo DequeueSignal(SignalSet blocked)
    {
        SignalSet allowed = ~blocked;
        PendingSignals from = Pending;
        SignalNumber signal = from.NextOf(allowed);
        if (signal == SignalNumber.None)
        {
            from = ThreadGroup.SharedPending;
            signal = from.NextOf(allowed);
        }

        SignalInfo info = default;
        if (signal != SignalNumber.None)
        {
            info = from.Take(signal, out PosixTimer? timer);
            timer?.Delivered(ref info);
            if (from == ThreadGroup.SharedPending && signal == SignalNumber.Alrm)
                ThreadGroup.RealTimer.RestartAfterDelivery();
        }

        RecalculatePending();
        return info;
    }

    /// <summary>
    /// Chooses what happens next: a signal for a handler, a stop (the state is set), or a fatal signal. Ignored ones are
    /// eaten on the way.
    /// </summary>
    private SignalVerdict NextSignal(out SignalInfo info, out SignalAction action)
    {
        info = default;
        action = default;
        ThreadGroup group = ThreadGroup;
        if (group.PendingChildReport != 0)
        {
            int why = group.PendingChildReport;
            group.PendingChildReport = 0;
            NotifyParentOfStop(group, why);
            if (group.Leader.IsTracedByStranger)
                group.Leader.NotifyTracer(group.Leader.Tracer!, why);
        }

        for (; ; )
        {
            bool mayStop = true;
            if (Tracee is { HasDelivery: true } delivered)
            {
                if (!TakeDelivery(delivered, out info))
                    continue;
                mayStop = delivered.StopDequeued;
                goto Take;
            }

            if (group.IsExiting || (group.ExecTask is { } exec && exec != this && IsFatalSignalPending))
            {
                info = SignalInfo.FromKernel(SignalNumber.Kill);
                // Its work is done; one that comes later ends the stop that the tracer may want before the exit.
                if (IsTraced)
                    Pending.Flush(SignalSet.Of(SignalNumber.Kill));
                return SignalVerdict.Exit;
            }

            if (StopPending && !IsTraced)
            {
                Stop();
                return SignalVerdict.Stop;
            }

            if (StopPending || Tracee is { TrapPending: true } or { NotifyPending: true })
            {
                PlanJobControlStop();
                return SignalVerdict.Trace;
            }

            info = DequeueSignal(Blocked);
            if (info.Signal == SignalNumber.None)
                return SignalVerdict.None;
            if (IsTraced && info.Signal != SignalNumber.Kill)
            {
                PlanSignalStop(in info);
                return SignalVerdict.Trace;
            }

        Take:
            SignalNumber signal = info.Signal;
            ref SignalAction registered = ref group.Handlers[signal];
            action = registered;
            if (action.Handler == SignalAction.Ignore)
                continue;
            if (action.Handler != SignalAction.Default)
            {
                if (action.Has(SignalActionFlags.ResetHandler))
                    registered.Handler = SignalAction.Default;
                return SignalVerdict.Handler;
            }

            if (SignalSet.IgnoredByDefault.Has(signal))
                continue;
            if (group.IsUnkillable && signal is not (SignalNumber.Kill or SignalNumber.Stop))
                continue;
            if (SignalSet.Stopping.Has(signal))
            {
                // Job-control stops of an orphaned process group would never be ended by anyone (POSIX).
                if (signal != SignalNumber.Stop && ProcessGroups.IsOrphaned(group.ProcessGroup))
                    continue;
                if (mayStop)
                    BeginGroupStop(signal);
                if (!mayStop || IsTraced)
                    continue;
                Stop();
                return SignalVerdict.Stop;
            }

            return SignalVerdict.Fatal;
        }
    }

    /// <summary>What the tracer has made of a signal (the end of ptrace_signal). False: nothing is left of it.</summary>
    private bool TakeDelivery(Tracee tracee, out SignalInfo info)
    {
        tracee.HasDelivery = false;
        info = tracee.DeliveryInfo;
        SignalNumber signal = tracee.Delivery;
        if (signal == SignalNumber.None)
        {
            RecalculatePending();
            return false;
        }

        if (signal != info.Signal)
        {
            Task? parent = Tracer ?? RealParent;
            info = new SignalInfo
            {
                Signal = signal,
                Code = SignalCode.User,
                Pid = parent?.ThreadGroup.Leader.Pid.In(Namespaces.Pid) ?? 0,
                Uid = parent?.Credentials.Uid.Value ?? 0,
            };
        }

        if (!Blocked.Has(signal) && !IsFatalSignalPending)
            return true;
        _ = SignalSender.Send(this, in info);
        RecalculatePending();
        return false;
    }

    private void BeginGroupStop(SignalNumber signal)
    {
        ThreadGroup group = ThreadGroup;
        if (StopPending)
            return;
        if (!group.IsStopped)
            group.GroupExitCode = (int)signal;
        group.GroupStopCount = 0;
        foreach (Task thread in group.Threads)
        {
            if (thread.IsExiting || (thread != this && thread.State == TaskState.Stopped))
                continue;
            thread.JoinGroupStop((int)signal);
            if (thread == this)
                continue;
            if (thread.Tracee is { Tracer: not null, IsSeized: true })
                thread.NotifyOfGroupStop();
            else
                SignalSender.WakeUp(thread, fatal: false);
        }
    }

    /// <summary>The group's stop wants this thread and waits for it.</summary>
    internal void JoinGroupStop(int signal)
    {
        StopPending = StopIsCounted = true;
        StopSignal = signal;
        ThreadGroup.GroupStopCount++;
    }

    private void Stop()
    {
        Work |= TaskWork.Stop;
        if (ParticipateInGroupStop())
            NotifyParentOfStop(ThreadGroup, SignalCode.ChildStopped);
    }

    /// <summary>Counts this thread as stopped (or gone). True if that completes the group's stop.</summary>
    private bool ParticipateInGroupStop()
    {
        if (!StopPending)
            return false;
        StopPending = false;
        bool counted = StopIsCounted;
        StopIsCounted = false;
        if (!counted)
            return false;
        if (--ThreadGroup.GroupStopCount > 0)
            return false;
        ThreadGroup.GroupStopCount = 0;
        if (ThreadGroup.IsStopped)
            return false;
        ThreadGroup.IsStopped = true;
        ThreadGroup.IsContinued = false;
        return true;
    }

    private void RetargetShared(SignalSet newlyBlocked)
    {
        SignalSet wanted = newlyBlocked & ThreadGroup.SharedPending.Set;
        foreach (Task thread in ThreadGroup.Threads)
        {
            if (thread == this || thread.IsExiting)
                continue;
            SignalSet takes = wanted & ~thread.Blocked;
            if (takes.IsEmpty)
                continue;
            wanted &= ~takes;
            if ((thread.Work & TaskWork.Signal) == 0)
                SignalSender.WakeUp(thread, fatal: false);
            if (wanted.IsEmpty)
                return;
        }
    }

    /// <summary>What <see cref="NextSignal"/> decided.</summary>
    private enum SignalVerdict
    {
        None = 0,
        Handler = 1,
        Stop = 2,

        /// <summary>The signal kills the group.</summary>
        Fatal = 3,

        /// <summary>The group is dying already (or another thread executes a program): only this thread goes.</summary>
        Exit = 4,

        /// <summary>The tracer is asked first: a stop is planned.</summary>
        Trace = 5,
    }
}
