using Vitrine.Kernel.Async;
using Vitrine.Kernel.Futexes;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tasks;

/// <content>The end of a task (do_exit, exit_notify, release_task).</content>
internal sealed partial class Task
{
    /// <summary>Ends the whole process with a wait status (do_group_exit).</summary>
    public KTask ExitGroupAsync(int waitStatus)
    {
        ThreadGroup group = ThreadGroup;
        if (group.IsExiting)
        {
            waitStatus = group.GroupExitCode;
        }
        else if (group.ExecTask is not null && group.ExecTask != this)
        {
            waitStatus = 0;
        }
        else
        {
            group.IsExiting = true;
            group.GroupExitCode = waitStatus;
            SignalSender.KillThreads(group, except: this);
        }

        return ExitAsync(waitStatus);
    }

    /// <summary>
    /// Ends this thread. When it returns, the task is a zombie or dead and must not touch user memory again; or it will end
    /// after a stop for its tracer, and the caller must return all the same.
    /// </summary>
    public async KTask ExitAsync(int waitStatus)
    {
        if (IsExiting)
            throw new InvalidOperationException($"{this} exits twice");
        if (ThreadGroup.CoreDump is { } dump && dump.Dumper != this)
            await dump.JoinAsync(this);
        if (PlanExitStop(waitStatus))
            return;
        IsExiting = true;
        ExitCode = waitStatus;
        SyscallNumber = -1;
        ThreadGroup group = ThreadGroup;
        // Signals for the process that chose this thread go to another one; a stop no longer waits for it.
        SetBlockedAtExit();
        if (StopPending && ParticipateInGroupStop())
            NotifyParentOfStop(group, SignalCode.ChildStopped);
        Work = TaskWork.None;

        bool groupDead = --group.LiveThreads == 0;
        if (groupDead)
        {
            // A process whose threads ended one by one has the status of the last one.
            if (!group.IsExiting)
            {
                group.IsExiting = true;
                group.GroupExitCode = waitStatus;
            }

            Kernel.ProcessEnding?.Invoke(group);
            group.DeleteTimers();
            group.NoteResidentSet(Mm);
        }

        await LeaveMemoryAsync();
        LeaveSemaphores();
        if (Files is { } files)
        {
            Files = null;
            await files.PutAsync(this);
        }

        if (Fs is { } fs)
        {
            Fs = null;
            fs.Put();
        }

        if (groupDead)
            Drivers.Tty.TtyDevice.GiveUp(group, exits: true);
        Kernel.ProcessListeners?.Exited(this);
        Kernel.Observer?.TaskExited(this, groupDead && group.IsExiting ? group.GroupExitCode : waitStatus);
        Work = TaskWork.None;
        NotifyOfExit(groupDead);
    }

    /// <summary>Lets go of the address space, at exit and at exec: robust futexes, the word that joiners wait on, the vfork parent.</summary>
    internal async KTask LeaveMemoryAsync()
    {
        if (Mm is not { } mm)
        {
            ReleaseVforkParent();
            return;
        }

        await RobustList.ExitAsync(this);
        await FutexPi.ExitAsync(this);
        if (!ClearChildTid.IsNull)
        {
            UserPtr<int> word = ClearChildTid;
            ClearChildTid = default;
            // Only if somebody else can see it: exec's and exit's last user needs no wake-up.
            if (mm.Users > 1)
            {
                _ = await WriteUserAsync(word, 0);
                _ = await FutexCore.WakeAsync(this, new UserPtr<uint>(word.Address), shared: true, 1, uint.MaxValue);
            }
        }

        ReleaseVforkParent();
        if (IsExiting)
        {
            Mm = null;
            mm.Put();
        }
    }

    /// <summary>Tells the parent of a stop or continuation of the process, unless it does not want to hear (do_notify_parent_cldstop).</summary>
    internal static void NotifyParentOfStop(ThreadGroup group, int why)
    {
        Task leader = group.Leader;
        if (leader.Parent is not { } parent)
            return;
        // (A stranger who traces the leader is told apart.)
        SignalInfo info = leader.ChildInfo(parent, why, why == SignalCode.ChildContinued ? (int)SignalNumber.Cont : group.GroupExitCode & 0x7f);
        ref SignalAction action = ref parent.ThreadGroup.Handlers[SignalNumber.Chld];
        if (action.Handler != SignalAction.Ignore && !action.Has(SignalActionFlags.NoChildStop))
            _ = SignalSender.SendToGroup(parent.ThreadGroup, in info);
        parent.ThreadGroup.ChildWait.WakeAll();
    }

    /// <summary>Takes an exited task out of all tables; its leader may become reapable by that (release_task).</summary>
    internal void Reap()
    {
        for (Task? task = this; task is not null;)
        {
            Task? next = null;
            ThreadGroup group = task.ThreadGroup;
            Task leader = group.Leader;
            task.Kernel.Tasks.Remove(task);
            if (group.ExecTask is { } exec && exec != task)
                exec.Wake();
            if (task != leader && group.Threads.Count == 1 && leader.State == TaskState.Zombie && leader.TellParent(leader.ExitSignal))
            {
                leader.State = TaskState.Dead;
                next = leader;
            }

            task = next;
        }
    }

    private void SetBlockedAtExit()
    {
        SignalSet unblocked = ~Blocked;
        Blocked = SignalSet.All;
        if (!(ThreadGroup.SharedPending.Set & unblocked).IsEmpty && !ThreadGroup.IsExiting)
            RetargetShared(unblocked);
    }

    private void NotifyOfExit(bool groupDead)
    {
        LetTraceesGo();
        ReparentChildren();
        ThreadGroup group = ThreadGroup;
        if (groupDead)
            ProcessGroups.KillIfNewlyOrphaned(group, group.Leader.Parent?.ThreadGroup, memberExits: true);
        bool reapNow = true;
        State = TaskState.Zombie;
        Pid.NotifyPidFd();
        if (IsTraced)
            reapNow = TellParent(IsLeader && group.Threads.Count == 1 && !IsTracedByStranger ? ExitSignal : SignalNumber.Chld);
        else if (IsLeader)
            reapNow = group.Threads.Count == 1 && TellParent(ExitSignal);
        if (group.ExecTask is { } exec && exec != this)
            exec.Wake();
        if (reapNow)
        {
            State = TaskState.Dead;
            Reap();
        }
    }

    /// <summary>
    /// SIGCHLD (or another exit signal) and the wake-up of waiters, for the tracer if there is one. True if nobody will wait:
    /// the task is reaped at once.
    /// </summary>
    internal bool TellParent(SignalNumber signal)
    {
        bool reap = false;
        if ((Tracer ?? Parent) is not { } parent)
            return true;
        int status = ThreadGroup.IsExiting ? ThreadGroup.GroupExitCode : ExitCode;
        ExitCode = status;
        int code = (status & 0x7f) == 0 ? SignalCode.ChildExited
            : (status & 0x80) != 0 ? SignalCode.ChildDumped : SignalCode.ChildKilled;
        bool send = signal != SignalNumber.None;
        if (signal == SignalNumber.Chld && !IsTraced)
        {
            ref SignalAction action = ref parent.ThreadGroup.Handlers[SignalNumber.Chld];
            if (action.Handler == SignalAction.Ignore || action.Has(SignalActionFlags.NoChildWait))
            {
                reap = true;
                send = action.Handler != SignalAction.Ignore;
            }
        }

        if (send)
        {
            SignalInfo info = ChildInfo(parent, code, code == SignalCode.ChildExited ? status >> 8 & 0xff : status & 0x7f);
            info.Signal = signal;
            _ = SignalSender.SendToGroup(parent.ThreadGroup, in info);
        }

        Pid.NotifyPidFd();
        parent.ThreadGroup.ChildWait.WakeAll();
        return reap;
    }

    private SignalInfo ChildInfo(Task parent, int code, int status) => new()
    {
        Signal = SignalNumber.Chld,
        Code = code,
        Pid = Pid.In(parent.Namespaces.Pid),
        Uid = Credentials.Uid.Value,
        Status = status,
        UserTicks = Ticks.FromNanoseconds(ThreadGroup.UserTime),
        SystemTicks = Ticks.FromNanoseconds(ThreadGroup.SystemTime),
    };

    /// <summary>Children go to another thread of the process, else to the nearest subreaper, else to process 1.</summary>
    private void ReparentChildren()
    {
        if (Children.First is null)
            return;
        Task? heir = FindHeir();
        while (Children.First is { } node)
        {
            Task child = node.Value;
            bool leavesGroup = heir is null || heir.ThreadGroup != ThreadGroup;
            child.SetParent(heir);
            if (child.ParentDeathSignal != SignalNumber.None)
                _ = SignalSender.SendToGroup(child.ThreadGroup, new SignalInfo { Signal = child.ParentDeathSignal, Code = SignalCode.User });
            if (!leavesGroup)
                continue;
            child.ExitSignal = SignalNumber.Chld;
            if (child.State == TaskState.Zombie && child.ThreadGroup.Threads.Count == 1 && !child.IsTraced)
            {
                if (child.TellParent(SignalNumber.Chld))
                {
                    child.State = TaskState.Dead;
                    child.Reap();
                }
            }

            ProcessGroups.KillIfNewlyOrphaned(child.ThreadGroup, ThreadGroup, memberExits: false);
        }
    }

    private Task? FindHeir()
    {
        foreach (Task thread in ThreadGroup.Threads)
        {
            if (thread != this && !thread.IsExiting)
                return thread;
        }

        if (ThreadGroup.HasChildSubreaper)
        {
            for (Task? ancestor = ThreadGroup.Leader.Parent; ancestor is not null; ancestor = ancestor.ThreadGroup.Leader.Parent)
            {
                if (!ancestor.ThreadGroup.IsChildSubreaper)
                    continue;
                foreach (Task thread in ancestor.ThreadGroup.Threads)
                {
                    if (!thread.IsExiting)
                        return thread;
                }
            }
        }

        return Namespaces.Pid.ChildReaper is { } reaper && reaper != ThreadGroup ? reaper.Leader : null;
    }
}
