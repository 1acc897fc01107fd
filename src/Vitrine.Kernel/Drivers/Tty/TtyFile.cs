using Vitrine.Hardware.Host;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>
/// An open terminal: a slave or master of a pseudo-terminal, the machine's console, or /dev/tty. After a hang-up it reads
/// as at its end, and everything else fails.
/// </summary>
internal sealed partial class TtyFile : OpenFile
{
    public TtyFile(VfsPath path, Inode inode, OpenFlags flags, TtyDevice tty)
        : base(path, inode, flags)
    {
        Tty = tty;
        tty.Opened(this);
    }

    public TtyDevice Tty { get; }

    /// <summary>Opened as /dev/console: not subject to job control.</summary>
    public bool IsConsole { get; init; }

    public bool IsHungUp { get; private set; }

    public override bool IsStream => true;

    public override bool SupportsAsync => true;

    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        if (IsHungUp)
            return KTask<Result<long>>.FromResult(0L);
        return Tty.HasIoError ? Fail<long>(Errno.EIO) : Tty.Discipline.ReadAsync(current, this, to);
    }

    public override KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
    {
        if (IsConsole && Kernel.Terminals.ConsoleRedirection is { IsHungUp: false } redirection)
            return redirection.WriteAsync(current, from, offset);
        return IsHungUp || Tty.HasIoError ? Fail<long>(Errno.EIO) : Tty.Discipline.WriteAsync(current, this, from);
    }

    public override PollEvents Poll(PollTable? table)
    {
        if (IsHungUp)
            return PollEvents.In | PollEvents.Out | PollEvents.Error | PollEvents.HangUp | PollEvents.ReadNormal | PollEvents.WriteNormal;
        table?.Add(Tty.ReadWait);
        table?.Add(Tty.WriteWait);
        if (table is not null && (table.Interest & PollEvents.In) != 0)
            Tty.NoteInteractiveUse(TerminalUse.Poll);
        PollEvents events = default;
        if (!Tty.Discipline.HasInput(forPoll: true))
            Tty.PumpInput();
        if (Tty.Discipline.HasInput(forPoll: true))
            events |= PollEvents.In | PollEvents.ReadNormal;
        if (Tty.IsPacketMode && Tty.Link!.PendingStatus != PacketStatus.Data)
            events |= PollEvents.Priority | PollEvents.In | PollEvents.ReadNormal;
        if (Tty.IsOtherClosed)
            events |= PollEvents.HangUp;
        if (Tty.WriteRoom > 0)
            events |= PollEvents.Out | PollEvents.WriteNormal;
        return events;
    }

    public override void Release()
    {
        if (Kernel.Terminals.ConsoleRedirection == this)
            Kernel.Terminals.ConsoleRedirection = null;
        Tty.Closed(this);
    }

    public override void Subscribe(bool on)
    {
        if (!IsHungUp)
            Tty.Subscribers.Set(this, on);
    }

    /// <summary>Those in the foreground, if the terminal has any: input is for them.</summary>
    public override FileOwner? NaturalOwner(Task current) => Tty.Foreground is { } group
        ? FileOwner.Of(current) with { Kind = FileOwner.ProcessGroup, Id = group.Global }
        : FileOwner.Of(current);

    /// <summary>The terminal was hung up.</summary>
    public void HangUp() => IsHungUp = true;
}
