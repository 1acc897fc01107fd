using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tasks;

/// <summary>POSIX's rules about process groups: orphaned ones can't be stopped, and are told when they become so.</summary>
internal static class ProcessGroups
{
    /// <summary>No member has a parent in another group of the same session, in the machine or outside.</summary>
    /// <param name="processGroup">The group asked about.</param>
    /// <param name="ignored">A process that is going away and no longer counts.</param>
    public static bool IsOrphaned(PidNumber processGroup, ThreadGroup? ignored = null)
    {
        foreach (ThreadGroup member in processGroup.ProcessGroup)
        {
            if (member == ignored || (member.LiveThreads == 0 && member.Leader.State == TaskState.Zombie))
                continue;
            if (member.IsJobOfCaller)
                return false;
            ThreadGroup? parent = member.Leader.Parent?.ThreadGroup;
            if (parent is null || parent.Leader.IsKernelThread)
                continue;
            if (parent.ProcessGroup != processGroup && parent.Session == member.Session)
                return false;
        }

        return true;
    }

    public static bool HasStoppedMember(PidNumber processGroup)
    {
        foreach (ThreadGroup member in processGroup.ProcessGroup)
        {
            if (member.IsStopped)
                return true;
        }

        return false;
    }

    /// <summary>
    /// A process exits or moves to another parent: if that orphans its (or its child's) group and a member is stopped, the
    /// group gets SIGHUP and SIGCONT.
    /// </summary>
    public static void KillIfNewlyOrphaned(ThreadGroup member, ThreadGroup? parent, bool memberExits)
    {
        PidNumber group = member.ProcessGroup;
        if (parent is null || parent.ProcessGroup == group || parent.Session != member.Session)
            return;
        if (!IsOrphaned(group, memberExits ? member : null) || !HasStoppedMember(group))
            return;
        SignalSender.SendKernelToProcessGroup(group, SignalNumber.Hup);
        SignalSender.SendKernelToProcessGroup(group, SignalNumber.Cont);
    }

    public static void Join(ThreadGroup process, PidNumber group)
    {
        if (process.ProcessGroup == group)
            return;
        PidNumber? old = process.ProcessGroup;
        process.ProcessGroup = group;
        group.ProcessGroup.Add(process);
        old?.ProcessGroup.Remove(process);
        old?.ReleaseIfUnused();
    }

    public static void JoinSession(ThreadGroup process, PidNumber session)
    {
        if (process.Session == session)
            return;
        PidNumber? old = process.Session;
        process.Session = session;
        session.Session.Add(process);
        old?.Session.Remove(process);
        old?.ReleaseIfUnused();
    }

    /// <summary>The process has been waited for: it is in no group and session any more.</summary>
    public static void Leave(ThreadGroup process)
    {
        process.ProcessGroup.ProcessGroup.Remove(process);
        process.Session.Session.Remove(process);
        process.ProcessGroup.ReleaseIfUnused();
        process.Session.ReleaseIfUnused();
    }
}
