using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>The rule for processes in the background that use their controlling terminal (POSIX, General Terminal Interface).</summary>
internal static class JobControl
{
    /// <summary>
    /// Whether the task may go on (tty_check_change): a background group gets the signal, and the call is tried again
    /// after it. EIO if that could never help: for reads when SIGTTIN is ignored or blocked, for all in an orphaned group.
    /// </summary>
    /// <param name="current">Who reads, writes or changes the terminal.</param>
    /// <param name="tty">The terminal as such, not a master.</param>
    /// <param name="signal">SIGTTIN for reads, SIGTTOU for writes and changes.</param>
    public static Errno Check(Task current, TtyDevice tty, SignalNumber signal)
    {
        ThreadGroup process = current.ThreadGroup;
        if (process.Terminal != tty || tty.Foreground is not { } foreground || process.ProcessGroup == foreground)
            return Errno.Success;
        if (current.Blocked.Has(signal) || process.Handlers[signal].Handler == SignalAction.Ignore)
            return signal == SignalNumber.TtIn ? Errno.EIO : Errno.Success;
        if (ProcessGroups.IsOrphaned(process.ProcessGroup))
            return Errno.EIO;
        SignalSender.SendKernelToProcessGroup(process.ProcessGroup, signal);
        current.Work |= TaskWork.Signal;
        return Errno.ERESTARTSYS;
    }
}
