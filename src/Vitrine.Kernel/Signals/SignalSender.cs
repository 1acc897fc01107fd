using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Signals;

/// <summary>
/// Sending signals: whether one is ignored at once, where it is queued, which thread is told, and what a fatal one does
/// to its group. Under the kernel lock; wakes, never waits. Analogous to kernel/signal.c's sending half.
/// </summary>
internal static class SignalSender
{
    /// <summary>The siginfo of kill, tgkill and their kin, with the sender as the target sees it.</summary>
    public static SignalInfo FromUser(Task sender, Task target, SignalNumber signal, int code = SignalCode.User) => new()
    {
        Signal = signal,
        Code = code,
        Pid = sender.ThreadGroup.Leader.Pid.In(target.Namespaces.Pid),
        Uid = sender.Credentials.Uid.Value,
    };

    /// <summary>To one thread. EAGAIN when a queued signal's quota is used up.</summary>
    public static Errno Send(Task target, in SignalInfo info) => Queue(target, in info, shared: false, force: info.Code > 0);

    /// <summary>To a process: any thread that does not block it takes it.</summary>
    public static Errno SendToGroup(ThreadGroup group, in SignalInfo info) => Queue(group.Leader, in info, shared: true, force: info.Code > 0);

    /// <summary>A kernel-made signal for a thread (SIGPIPE, SIGXFSZ and the like); it can't fail.</summary>
    public static void SendKernel(Task target, SignalNumber signal) => _ = Queue(target, SignalInfo.FromKernel(signal), shared: false, force: true);

    /// <summary>A kernel-made signal for a process.</summary>
    public static void SendKernelToGroup(ThreadGroup group, SignalNumber signal) =>
        _ = Queue(group.Leader, SignalInfo.FromKernel(signal), shared: true, force: true);

    /// <summary>A kernel-made signal for every process of a process group (the terminal's ^C, SIGHUP of an orphaned group).</summary>
    public static void SendKernelToProcessGroup(PidNumber processGroup, SignalNumber signal)
    {
        foreach (ThreadGroup group in processGroup.ProcessGroup.ToArray())
            SendKernelToGroup(group, signal);
    }

    /// <summary>A POSIX timer's expiry: its own entry goes to the thread or process. False if it is queued already.</summary>
    public static bool SendTimer(Task target, QueuedSignal entry, bool shared)
    {
        if (entry.IsQueued)
            return false;
        SignalNumber signal = entry.Info.Signal;
        if (!Prepare(target, signal, force: false))
            return true;
        PendingSignals pending = shared ? target.ThreadGroup.SharedPending : target.Pending;
        pending.Add(entry);
        target.ThreadGroup.Handlers.SignalWait.WakeAll();
        Complete(signal, target, shared);
        return true;
    }

    /// <summary>
    /// The signal of an exception in the current task (force_sig_info): if it is blocked or ignored, the default action
    /// is put back, so that it can't be lost; process 1 is not spared.
    /// </summary>
    public static void Force(Task current, in SignalInfo info) => Force(current, in info, toDefault: false);

    /// <summary>A forced signal that a handler must not see (a frame that can't be built).</summary>
    public static void ForceFatal(Task current, SignalNumber signal) => Force(current, SignalInfo.FromKernel(signal), toDefault: true);

    /// <summary>Whether <paramref name="sender"/> may signal the target (kill(2), PERMISSIONS).</summary>
    public static Errno CheckPermission(Task sender, Task target, SignalNumber signal)
    {
        if (sender.ThreadGroup == target.ThreadGroup)
            return Errno.Success;
        Credentials from = sender.Credentials;
        Credentials to = target.Credentials;
        if (from.Euid == to.Suid || from.Euid == to.Uid || from.Uid == to.Suid || from.Uid == to.Uid
            || from.IsCapable(to.UserNamespace, Capability.Kill))
        {
            return Errno.Success;
        }

        return signal == SignalNumber.Cont && sender.ThreadGroup.Session == target.ThreadGroup.Session ? Errno.Success : Errno.EPERM;
    }

    /// <summary>Kills a whole group: every thread gets SIGKILL (zap_process's twin).</summary>
    public static void KillThreads(ThreadGroup group, Task? except)
    {
        group.GroupStopCount = 0;

        // Who waits is told of the end, no longer of a stop before it.
        group.IsStopped = false;
        group.IsContinued = false;
        foreach (Task thread in group.Threads)
        {
            thread.StopPending = false;
            if (thread.Tracee is { } tracee)
                tracee.TrapPending = tracee.NotifyPending = false;
            if (thread == except || thread.IsExiting)
                continue;
            thread.Pending.Mark(SignalNumber.Kill);
            WakeUp(thread, fatal: true);
        }
    }

    /// <summary>Sets the task's pending mark and gets it to look: out of its sleep, or out of user code.</summary>
    public static void WakeUp(Task task, bool fatal)
    {
        task.Work |= TaskWork.Signal;
        if (!task.WakeForSignal(fatal))
            task.OnProcessor?.Cpu.Kick();
    }

    private static void Force(Task current, in SignalInfo info, bool toDefault)
    {
        SignalNumber signal = info.Signal;
        SignalHandlers handlers = current.ThreadGroup.Handlers;
        ref SignalAction action = ref handlers[signal];
        bool blocked = current.Blocked.Has(signal);
        if (blocked || action.Handler == SignalAction.Ignore || toDefault)
        {
            action.Handler = SignalAction.Default;
            if (toDefault)
                action.Flags |= SignalActionFlags.Restorer;
            if (blocked)
                current.SetBlocked(current.Blocked.Without(signal));
        }

        // A fault of process 1 must not loop for ever; only a tracer would want it spared.
        if (action.Handler == SignalAction.Default && (!current.IsTraced || toDefault))
            current.ThreadGroup.IsUnkillable = false;
        _ = Queue(current, in info, shared: false, force: true);
        current.Work |= TaskWork.Signal;
    }

    private static Errno Queue(Task target, in SignalInfo info, bool shared, bool force)
    {
        SignalNumber signal = info.Signal;
        ThreadGroup group = target.ThreadGroup;
        if (target.IsExiting && !shared && target.State is TaskState.Zombie or TaskState.Dead)
            return Errno.Success;
        if (!Prepare(target, signal, force))
            return Errno.Success;
        PendingSignals pending = shared ? group.SharedPending : target.Pending;
        if (signal < SignalNumber.RealTimeMin && pending.Has(signal))
            return Errno.Success;
        bool overrideLimit = signal < SignalNumber.RealTimeMin ? info.Code >= 0 : info.Code == SignalCode.Kernel;
        UserAccount account = target.Kernel.Users[target.Credentials.Uid];
        ulong limit = overrideLimit ? RLimit.Infinity : group.Limits[(int)ResourceLimit.SignalsPending].Soft;
        if (signal != SignalNumber.Kill && account.TryChargeSignal(limit))
            pending.Add(new QueuedSignal { Info = info, Account = account });
        else if (signal >= SignalNumber.RealTimeMin && info.Code != SignalCode.User && signal != SignalNumber.Kill)
            return Errno.EAGAIN;
        else
            pending.Mark(signal);
        group.Handlers.SignalWait.WakeAll();
        Complete(signal, target, shared);
        return Errno.Success;
    }

    /// <summary>
    /// The effects of sending as such: stop signals and SIGCONT cancel each other. False if the signal is dropped now.
    /// </summary>
    private static bool Prepare(Task target, SignalNumber signal, bool force)
    {
        ThreadGroup group = target.ThreadGroup;
        if (group.IsExiting)
        {
            // Only a kill of a dying group has any point, and it is dying already.
            return false;
        }

        if (SignalSet.Stopping.Has(signal))
        {
            var cont = SignalSet.Of(SignalNumber.Cont);
            group.SharedPending.Flush(cont);
            foreach (Task thread in group.Threads)
                thread.Pending.Flush(cont);
        }
        else if (signal == SignalNumber.Cont)
        {
            Continue(group);
        }

        return !IsIgnored(target, signal, force);
    }

    private static void Continue(ThreadGroup group)
    {
        group.SharedPending.Flush(SignalSet.Stopping);
        foreach (Task thread in group.Threads)
        {
            thread.Pending.Flush(SignalSet.Stopping);
            thread.StopPending = false;
            thread.Work &= ~TaskWork.Stop;
            if (thread.Tracee is { } tracee)
            {
                tracee.StopDequeued = false;
                if (tracee is { Tracer: not null, IsSeized: true })
                {
                    thread.NotifyOfGroupStop();
                    continue;
                }
            }

            if (thread.State == TaskState.Stopped)
            {
                thread.Work |= TaskWork.Signal;
                thread.MakeRunnable();
            }
        }

        int why = group.IsStopped ? SignalCode.ChildContinued : group.GroupStopCount > 0 ? SignalCode.ChildStopped : 0;
        if (why != 0)
        {
            // The first thread that runs tells the parent; a stop that did not complete is told as a stop.
            group.PendingChildReport = why;
            group.IsStopped = false;
            group.IsContinued = true;
            group.GroupStopCount = 0;
            group.GroupExitCode = 0;
            // (One that a tracer made go on may sleep: marked, it would not be woken for the signal.)
            foreach (Task thread in group.Threads)
            {
                if (thread.State == TaskState.Running)
                    thread.Work |= TaskWork.Signal;
            }
        }
    }

    private static bool IsIgnored(Task target, SignalNumber signal, bool force)
    {
        // A blocked signal is kept: its action may have changed by the time it is unblocked.
        if (target.Blocked.Has(signal) || target.RealBlocked.Has(signal))
            return false;
        // A tracer may want to know even of what is ignored.
        if (target.IsTraced && signal != SignalNumber.Kill)
            return false;
        ThreadGroup group = target.ThreadGroup;
        bool kernelOnly = signal is SignalNumber.Kill or SignalNumber.Stop;
        if (group.IsUnkillable && group.Handlers[signal].Handler == SignalAction.Default && !(force && kernelOnly))
            return true;
        if (target.IsKernelThread && group.Handlers[signal].Handler == SignalAction.Default && !(force && kernelOnly))
            return true;
        return group.Handlers.Ignores(signal);
    }

    private static void Complete(SignalNumber signal, Task target, bool shared)
    {
        ThreadGroup group = target.ThreadGroup;
        Task? taker = null;
        if (Wants(target, signal))
        {
            taker = target;
        }
        else if (shared)
        {
            foreach (Task thread in group.Threads)
            {
                if (Wants(thread, signal))
                {
                    taker = thread;
                    break;
                }
            }
        }

        if (taker is null)
            return;
        bool fatal = group.Handlers[signal].Handler == SignalAction.Default
            && !SignalSet.IgnoredByDefault.Has(signal) && !SignalSet.Stopping.Has(signal);
        if (fatal && !taker.RealBlocked.Has(signal) && !group.IsUnkillable && (signal == SignalNumber.Kill || !target.IsTraced)
            && (signal == SignalNumber.Kill || !SignalSet.CoreDumping.Has(signal)))
        {
            group.IsExiting = true;
            group.GroupExitCode = (int)signal;
            KillThreads(group, except: null);
            return;
        }

        WakeUp(taker, signal == SignalNumber.Kill);
    }

    private static bool Wants(Task task, SignalNumber signal)
    {
        if (task.Blocked.Has(signal) || task.IsExiting)
            return false;
        if (signal == SignalNumber.Kill)
            return true;
        // One that has taken part in a stop is stopped, even if it hasn't come to rest yet.
        if (task.State is TaskState.Stopped or TaskState.Traced || (task.Work & TaskWork.Stop) != 0)
            return false;
        return task.OnProcessor is not null || (task.Work & TaskWork.Signal) == 0;
    }
}
