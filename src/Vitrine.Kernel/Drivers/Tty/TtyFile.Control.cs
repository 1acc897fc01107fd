using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Tty;

/// <content>ioctl_tty(2), but for attributes.</content>
internal sealed partial class TtyFile
{
    private const int TtyDiscipline = 0;

    public override async KTask<SyscallResult> IoctlAsync(Task current, uint command, ulong argument)
    {
        if (IsHungUp)
            return command == TerminalIoctl.SetForeground ? Errno.ENOTTY : Errno.EIO;
        TtyDevice real = Tty.Real;
        var number = new UserPtr<int>(new VirtAddr(argument));
        switch (command)
        {
            // Requests that change the terminal: those in the background ask first.
            case TerminalIoctl.SetDiscipline:
            case TerminalIoctl.BreakOn:
            case TerminalIoctl.BreakOff:
            case TerminalIoctl.SendBreak:
            case TerminalIoctl.SendBreakPosix:
                Errno refused = JobControl.Check(current, Tty, SignalNumber.TtOu);
                if (refused == Errno.Success && command != TerminalIoctl.BreakOff)
                    refused = await DrainAsync(current);
                return refused != Errno.Success ? refused : await ChangeLineAsync(current, command, number);
            case TerminalIoctl.Insert:
                return await InsertAsync(current, new UserPtr<byte>(new VirtAddr(argument)));
            case TerminalIoctl.GetWindow:
                return await current.WriteUserAsync(new UserPtr<WindowSize>(new VirtAddr(argument)), real.Window);
            case TerminalIoctl.SetWindow:
                {
                    Result<WindowSize> window = await current.ReadUserAsync(new UserPtr<WindowSize>(new VirtAddr(argument)));
                    if (!window.Ok)
                        return window.Error;
                    real.Resize(window.Value);
                    return SyscallResult.Success;
                }

            case TerminalIoctl.RedirectConsole:
                return RedirectConsole(current);
            case TerminalIoctl.Exclusive:
            case TerminalIoctl.NotExclusive:
                Tty.IsExclusive = command == TerminalIoctl.Exclusive;
                return SyscallResult.Success;
            case TerminalIoctl.GetExclusive:
                return await current.WriteUserAsync(number, Tty.IsExclusive ? 1 : 0);
            case TerminalIoctl.GetDiscipline:
                return await current.WriteUserAsync(number, TtyDiscipline);
            case TerminalIoctl.HangUp:
                if (!current.IsCapable(Capability.SysAdmin))
                    return Errno.EPERM;
                Tty.HangUp();
                return SyscallResult.Success;
            case TerminalIoctl.GetDevice:
                return await current.WriteUserAsync(number, (int)(uint)real.Number.Encode());
            case TerminalIoctl.Flush:
                return FlushQueues(current, argument);
            case TerminalIoctl.FlowControl:
                return ControlFlow(current, argument);
            case TerminalIoctl.OutputQueued:
                return await current.WriteUserAsync(number, Tty.OutputQueued);
            case TerminalIoctl.InputQueued:
                Tty.PumpInput();
                return await current.WriteUserAsync(number, Tty.Discipline.InputQueued);
            case TerminalIoctl.SetControlling:
                return SetControlling(current, real, argument);
            case TerminalIoctl.GiveUpControlling:
                if (current.ThreadGroup.Terminal != Tty)
                    return Errno.ENOTTY;
                TtyDevice.GiveUp(current.ThreadGroup, exits: false);
                current.ThreadGroup.Terminal = null;
                return SyscallResult.Success;
            case TerminalIoctl.GetForeground:
                if (Tty == real && current.ThreadGroup.Terminal != real)
                    return Errno.ENOTTY;
                return await current.WriteUserAsync(number, real.Foreground?.In(current.Namespaces.Pid) ?? 0);
            case TerminalIoctl.SetForeground:
                return await SetForegroundAsync(current, real, number);
            case TerminalIoctl.GetSession:
                if ((Tty == real && current.ThreadGroup.Terminal != real) || real.Session is not { } session)
                    return Errno.ENOTTY;
                return await current.WriteUserAsync(number, session.In(current.Namespaces.Pid));
        }

        SyscallResult result = await Tty.DriverControlAsync(current, this, command, argument);
        return result.Error == Errno.ENOIOCTLCMD ? await AttributeIoctlAsync(current, real, command, argument) : result;
    }

    /// <summary>Waits until all output has left the driver.</summary>
    private async KTask<Errno> DrainAsync(Task current)
    {
        while (Tty.Real.OutputQueued > 0 && !IsHungUp)
        {
            if (await Tty.Real.WriteWait.WaitAsync(current, Sched.WaitMode.Interruptible) == Sched.WakeReason.Interrupted)
                return Errno.ERESTARTSYS;
        }

        return Errno.Success;
    }

    private async KTask<SyscallResult> ChangeLineAsync(Task current, uint command, UserPtr<int> number)
    {
        switch (command)
        {
            case TerminalIoctl.SetDiscipline:
                Result<int> wanted = await current.ReadUserAsync(number);
                if (!wanted.Ok)
                    return wanted.Error;
                // N_TTY is the only one there is.
                return wanted.Value == TtyDiscipline ? SyscallResult.Success : Errno.EINVAL;
            default:
                // A terminal without a line has no break to send, which is no error.
                return SyscallResult.Success;
        }
    }

    private async KTask<SyscallResult> InsertAsync(Task current, UserPtr<byte> source)
    {
        bool may = current.IsCapable(Capability.SysAdmin);
        if (!Kernel.Terminals.AllowsInsertion && !may)
            return Errno.EIO;
        if (current.ThreadGroup.Terminal != Tty && !may)
            return Errno.EPERM;
        Result<byte> character = await current.ReadUserAsync(source);
        if (!character.Ok)
            return character.Error;
        _ = Tty.Discipline.Receive([character.Value]);
        return SyscallResult.Success;
    }

    /// <summary>TIOCCONS: what is written to /dev/console comes here, until this is closed or the console asks for it back.</summary>
    private SyscallResult RedirectConsole(Task current)
    {
        if (!current.IsCapable(Capability.SysAdmin))
            return Errno.EPERM;
        TtyRegistry terminals = Kernel.Terminals;
        if (IsConsole)
        {
            terminals.ConsoleRedirection = null;
            return SyscallResult.Success;
        }

        if (!CanWrite)
            return Errno.EBADF;
        if (terminals.ConsoleRedirection is not null)
            return Errno.EBUSY;
        terminals.ConsoleRedirection = this;
        return SyscallResult.Success;
    }

    private SyscallResult FlushQueues(Task current, ulong which)
    {
        const ulong input = 0;
        const ulong output = 1;
        const ulong both = 2;
        Errno error = JobControl.Check(current, Tty, SignalNumber.TtOu);
        if (error != Errno.Success)
            return error;
        if (which > both)
            return Errno.EINVAL;
        if (which is input or both)
        {
            Tty.DropInput();
            Tty.Discipline.FlushInput();
        }

        if (which is output or both)
            Tty.FlushOutput();
        return SyscallResult.Success;
    }

    /// <summary>TCXONC: stops and starts output here, or sends the other side the character that stops or starts it.</summary>
    private SyscallResult ControlFlow(Task current, ulong action)
    {
        Errno error = JobControl.Check(current, Tty, SignalNumber.TtOu);
        if (error != Errno.Success)
            return error;
        switch (action)
        {
            case 0:
            case 1:
                Tty.StopByRequest(action == 0);
                return SyscallResult.Success;
            case 2:
            case 3:
                byte character = Tty.Attributes.Character(action == 2 ? ControlCharacter.Stop : ControlCharacter.Start);
                if (character != 0)
                    Tty.SendUrgent(character);
                return SyscallResult.Success;
            default:
                return Errno.EINVAL;
        }
    }

    private SyscallResult SetControlling(Task current, TtyDevice real, ulong steal)
    {
        ThreadGroup process = current.ThreadGroup;
        if (process.IsSessionLeader && process.Session == real.Session)
            return SyscallResult.Success;
        if (!process.IsSessionLeader || process.Terminal is not null)
            return Errno.EPERM;
        if (real.Session is { } owner)
        {
            if (steal != 1 || !current.IsCapable(Capability.SysAdmin))
                return Errno.EPERM;
            real.ForgetTerminal(owner);
        }

        if (!CanRead && !current.IsCapable(Capability.SysAdmin))
            return Errno.EPERM;
        real.SetControlling(process);
        return SyscallResult.Success;
    }

    private static async KTask<SyscallResult> SetForegroundAsync(Task current, TtyDevice real, UserPtr<int> number)
    {
        Errno error = JobControl.Check(current, real, SignalNumber.TtOu);
        if (error != Errno.Success)
            return error == Errno.EIO ? Errno.ENOTTY : error;
        Result<int> wanted = await current.ReadUserAsync(number);
        if (!wanted.Ok)
            return wanted.Error;
        if (wanted.Value < 0)
            return Errno.EINVAL;
        ThreadGroup process = current.ThreadGroup;
        if (process.Terminal != real || real.Session != process.Session)
            return Errno.ENOTTY;
        if (current.Namespaces.Pid.Find(wanted.Value) is not { } group)
            return Errno.ESRCH;
        PidNumber? session = group.ProcessGroup.Count > 0 ? group.ProcessGroup[0].Session : null;
        if (session != process.Session)
            return Errno.EPERM;
        real.SetForeground(group);
        return SyscallResult.Success;
    }
}
