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

    /// <summary>Whether the work word must say that a signal waits (recalc_sigpending).</summary>
    public void RecalculatePending()
    {
        bool pending = StopPending || ThreadGroup.PendingChildReport != 0
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
        }

        for (; ; )
        {
            if (group.IsExiting || (group.ExecTask is { } exec && exec != this && IsFatalSignalPending))
            {
                info = SignalInfo.FromKernel(SignalNumber.Kill);
                return SignalVerdict.Exit;
            }

            if (StopPending)
            {
                Stop();
                return SignalVerdict.Stop;
            }

            info = DequeueSignal(Blocked);
            SignalNumber signal = info.Signal;
            if (signal == SignalNumber.None)
                return SignalVerdict.None;
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
                BeginGroupStop(signal);
                Stop();
                return SignalVerdict.Stop;
            }

            return SignalVerdict.Fatal;
        }
    }

    private void BeginGroupStop(SignalNumber signal)
    {
        ThreadGroup group = ThreadGroup;
        if (!group.IsStopped)
            group.GroupExitCode = (int)signal;
        group.GroupStopCount = 0;
        foreach (Task thread in group.Threads)
        {
            if (thread.IsExiting || (thread != this && thread.State == TaskState.Stopped))
                continue;
            thread.StopPending = true;
            group.GroupStopCount++;
            if (thread != this)
                SignalSender.WakeUp(thread, fatal: false);
        }
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
    }
}
