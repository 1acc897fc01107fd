using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Drivers.Tty;

/// <content>Whose controlling terminal it is, its foreground group, and the hang-up (tty_jobctrl.c's and __tty_hangup's twin).</content>
internal abstract partial class TtyDevice
{
    /// <summary>The session that it controls, or null.</summary>
    public PidNumber? Session { get; private set; }

    /// <summary>The process group in the foreground, or null.</summary>
    public PidNumber? Foreground { get; private set; }

    /// <summary>Becomes the controlling terminal of a session leader, whose group is then in the foreground.</summary>
    public void SetControlling(ThreadGroup leader)
    {
        Session = leader.Session;
        Foreground = leader.ProcessGroup;
        leader.Terminal = this;
        leader.OldForeground = null;
    }

    public void SetForeground(PidNumber group) => Foreground = group;

    /// <summary>All processes of a session lose this terminal as their controlling one.</summary>
    public void ForgetTerminal(PidNumber session)
    {
        foreach (ThreadGroup process in session.Session)
        {
            if (process.Terminal == this)
                process.Terminal = null;
        }
    }

    /// <summary>
    /// A session leader gives its terminal up (disassociate_ctty): the foreground group gets SIGHUP, and SIGCONT unless
    /// the leader is exiting; the whole session loses the terminal.
    /// </summary>
    public static void GiveUp(ThreadGroup leader, bool exits)
    {
        if (!leader.IsSessionLeader)
            return;
        if (leader.Terminal is { } terminal)
        {
            if (exits && terminal.Link is null)
            {
                terminal.HangUp(exitSession: true);
            }
            else if (terminal.Foreground is { } foreground)
            {
                SignalSender.SendKernelToProcessGroup(foreground, SignalNumber.Hup);
                if (!exits)
                    SignalSender.SendKernelToProcessGroup(foreground, SignalNumber.Cont);
            }
        }
        else if (exits)
        {
            // The terminal was hung up before: who was in the foreground then is told now.
            if (leader.OldForeground is { } old)
            {
                leader.OldForeground = null;
                SignalSender.SendKernelToProcessGroup(old, SignalNumber.Hup);
                SignalSender.SendKernelToProcessGroup(old, SignalNumber.Cont);
            }

            return;
        }

        if (leader.Terminal is { } given)
        {
            given.Session = null;
            given.Foreground = null;
            given.ForgetTerminal(leader.Session);
        }

        leader.OldForeground = null;
    }

    /// <summary>
    /// Hangs up: all open files on it are dead from now on (but count until they are closed), the session leader gets SIGHUP
    /// and SIGCONT, the session loses the terminal.
    /// </summary>
    public void HangUp(bool exitSession = false)
    {
        foreach (TtyFile file in _files)
            file.HangUp();
        Subscribers.Clear();
        Discipline.HangUp();
        FlushOutput();
        SignalSession(exitSession);
        ResetAttributes(InitialAttributes);
        Session = null;
        Foreground = null;
        PendingStatus = PacketStatus.Data;
        IsStoppedByRequest = false;
        IsStopped = false;
        ReadWait.WakeAll();
        WriteWait.WakeAll();
    }

    /// <summary>How the terminal was when it was new.</summary>
    protected virtual KernelTermios InitialAttributes => StandardAttributes.Cooked;

    private void SignalSession(bool exitSession)
    {
        if (Session is not { } session)
            return;
        foreach (ThreadGroup process in session.Session.ToArray())
        {
            if (process.Terminal == this)
                process.Terminal = null;
            if (!process.IsSessionLeader)
                continue;
            SignalSender.SendKernelToGroup(process, SignalNumber.Hup);
            SignalSender.SendKernelToGroup(process, SignalNumber.Cont);
            process.OldForeground = Foreground;
        }

        if (exitSession && Foreground is { } foreground)
            SignalSender.SendKernelToProcessGroup(foreground, SignalNumber.Hup);
    }
}
