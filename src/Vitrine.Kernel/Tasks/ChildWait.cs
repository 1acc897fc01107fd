using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Tasks;

/// <summary>Which children a wait is for.</summary>
internal readonly record struct WaitSelector(WaitIdType Type, PidNumber? Number, WaitOptions Options)
{
    public bool Has(WaitOptions option) => (Options & option) != 0;
}

/// <summary>What a wait found: a child that ended, stopped or went on.</summary>
/// <param name="Pid">Its number as the waiter sees it.</param>
/// <param name="Uid">Its real user.</param>
/// <param name="Code">CLD_*.</param>
/// <param name="Status">Exit code or signal, as si_status has it.</param>
/// <param name="WaitStatus">As wait4 stores it.</param>
/// <param name="Usage">The child's resources, its own waited-for children included.</param>
internal sealed record WaitedChild(int Pid, Uid Uid, int Code, int Status, int WaitStatus, UsageCounters Usage);

/// <summary>Waiting for children (do_wait): the core of wait4, waitid and of process 1.</summary>
internal static class ChildWait
{
    /// <summary>
    /// Waits for a child that the selector accepts. Null with WNOHANG when there is one but nothing to tell; ECHILD when
    /// there is none; ERESTARTSYS when a signal comes first.
    /// </summary>
    public static async KTask<Result<WaitedChild?>> WaitAsync(Task current, WaitSelector selector)
    {
        for (; ; )
        {
            WaitedChild? found = Look(current, in selector, out bool eligible);
            if (found is not null)
                return found;
            if (!eligible)
                return Errno.ECHILD;
            if (selector.Has(WaitOptions.NoHang))
                return (WaitedChild?)null;
            WakeReason reason = await current.ThreadGroup.ChildWait.WaitAsync(current, WaitMode.Interruptible);
            if (reason == WakeReason.Interrupted)
            {
                // What happened meanwhile still counts before the signal.
                found = Look(current, in selector, out _);
                return found is not null ? found : Errno.ERESTARTSYS;
            }
        }
    }

    private static WaitedChild? Look(Task current, in WaitSelector selector, out bool eligible)
    {
        eligible = false;
        if (selector.Has(WaitOptions.NoThread))
            return LookAt(current, current, in selector, ref eligible);
        foreach (Task thread in current.ThreadGroup.Threads)
        {
            if (LookAt(current, thread, in selector, ref eligible) is { } found)
                return found;
        }

        return null;
    }

    private static WaitedChild? LookAt(Task current, Task parent, in WaitSelector selector, ref bool eligible)
    {
        for (LinkedListNode<Task>? node = parent.Children.First; node is not null; node = node.Next)
        {
            if (Consider(current, node.Value, traced: false, in selector, ref eligible) is { } found)
                return found;
        }

        for (LinkedListNode<Task>? node = parent.Tracees.First; node is not null; node = node.Next)
        {
            if (Consider(current, node.Value, traced: true, in selector, ref eligible) is { } found)
                return found;
        }

        return null;
    }

    /// <summary>One child, or one tracee: a parent and a tracer see different things (wait_consider_task).</summary>
    private static WaitedChild? Consider(Task current, Task child, bool traced, in WaitSelector selector, ref bool eligible)
    {
        if (child.State == TaskState.Dead || !Matches(child, traced, in selector))
            return null;
        // A parent that traces its child waits for it as its tracer, so that no stop is seen twice.
        traced |= child.IsTraced && !child.IsTracedByStranger;
        if (child.State == TaskState.Zombie)
        {
            // A leader that ended before its threads is no zombie to the outside yet; a tracee first is its tracer's.
            bool isWhole = !child.IsLeader || child.ThreadGroup.Threads.Count <= 1;
            if (isWhole && (traced || !child.IsTraced))
            {
                if (!selector.Has(WaitOptions.Exited))
                    return null;
                eligible = true;
                return ReportEnd(current, child, in selector);
            }

            if (!traced || selector.Has(WaitOptions.Continued | WaitOptions.Exited))
                eligible = true;
        }
        else
        {
            eligible = true;
        }

        return traced ? ReportTraceStop(current, child, in selector) ?? ReportContinued(current, child, in selector)
            : ReportStop(current, child, in selector) ?? ReportContinued(current, child, in selector);
    }

    private static bool Matches(Task child, bool traced, in WaitSelector selector)
    {
        bool ours = selector.Type switch
        {
            WaitIdType.All => true,
            WaitIdType.ProcessGroup => child.ThreadGroup.ProcessGroup == selector.Number,
            _ => child.Pid == selector.Number,
        };
        if (!ours)
            return false;
        if (traced || selector.Has(WaitOptions.All))
            return true;
        // Children that tell with another signal than SIGCHLD are "clone" children.
        bool isClone = child.ExitSignal != SignalNumber.Chld;
        return isClone == selector.Has(WaitOptions.Clone);
    }

    private static WaitedChild ReportEnd(Task current, Task child, in WaitSelector selector)
    {
        int status = child.ThreadGroup.IsExiting ? child.ThreadGroup.GroupExitCode : child.ExitCode;
        int code = (status & 0x7f) == 0 ? SignalCode.ChildExited
            : (status & 0x80) != 0 ? SignalCode.ChildDumped : SignalCode.ChildKilled;
        WaitedChild result = Describe(current, child, code, code == SignalCode.ChildExited ? status >> 8 & 0xff : status & 0x7f, status);
        if (selector.Has(WaitOptions.NoWait))
            return result;
        if (child.IsTracedByStranger && child.IsLeader)
        {
            // The tracer has seen its end: now it is the parent's to wait for.
            child.UnlinkTracer();
            if (child.TellParent(child.ExitSignal))
                child.ReapZombie();
            return result;
        }

        if (child.IsLeader)
            current.ThreadGroup.Children.Add(result.Usage);
        child.ReapZombie();
        return result;
    }

    private static WaitedChild? ReportTraceStop(Task current, Task child, in WaitSelector selector)
    {
        if (child.State != TaskState.Traced || child.Tracee is not { IsListening: false, Code: not 0 } tracee)
            return null;
        int code = tracee.Code;
        if (!selector.Has(WaitOptions.NoWait))
            tracee.Code = 0;
        return Describe(current, child, SignalCode.ChildTrapped, code, (code << 8) | 0x7f);
    }

    private static WaitedChild? ReportStop(Task current, Task child, in WaitSelector selector)
    {
        ThreadGroup group = child.ThreadGroup;
        if (!selector.Has(WaitOptions.Untraced) || !group.IsStopped || group.GroupExitCode == 0)
            return null;
        int signal = group.GroupExitCode;
        if (!selector.Has(WaitOptions.NoWait))
            group.GroupExitCode = 0;
        return Describe(current, child, SignalCode.ChildStopped, signal, (signal << 8) | 0x7f);
    }

    private static WaitedChild? ReportContinued(Task current, Task child, in WaitSelector selector)
    {
        ThreadGroup group = child.ThreadGroup;
        if (!selector.Has(WaitOptions.Continued) || !group.IsContinued)
            return null;
        if (!selector.Has(WaitOptions.NoWait))
            group.IsContinued = false;
        return Describe(current, child, SignalCode.ChildContinued, (int)SignalNumber.Cont, 0xffff);
    }

    private static WaitedChild Describe(Task current, Task child, int code, int status, int waitStatus) => new(
        child.Pid.In(current.Namespaces.Pid),
        child.Credentials.Uid,
        code,
        status,
        waitStatus,
        child.ThreadGroup.TotalUsage());
}
