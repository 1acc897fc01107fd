using Vitrine.Abi;

namespace Vitrine.Hardware.Host;

/// <summary>
/// A screen and keyboard behind one of the machine's terminals: what the guest writes is shown, what is typed is read.
/// All treatment of lines and characters is the guest's; the other side passes bytes on as they are, once it is engaged.
/// </summary>
internal abstract class TerminalChannel : HostChannel
{
    public override HostChannelKind Kind => HostChannelKind.Terminal;

    /// <summary>The size of the screen now.</summary>
    public abstract WindowSize Window { get; }

    /// <summary>Told, on some host thread, that the size may have changed, or that it may be worth engaging again.</summary>
    public Action? Changed { get; set; }

    /// <summary>
    /// Takes the terminal over: from now on typed characters come as they are and at once. False if that is not possible
    /// now (the process is in the background); <see cref="Changed"/> comes when it may be.
    /// </summary>
    /// <param name="use">Why. What the host would stop a process in the background for, this process is stopped for.</param>
    public abstract bool Engage(TerminalUse use);

    /// <summary>Gives the terminal back as it was. It can still be written to. Any thread, idempotent.</summary>
    /// <param name="screenToo">What programs did to the screen is undone: they could not do it themselves. Else it is meant to stay.</param>
    public abstract void Disengage(bool screenToo);

    /// <summary>Writes everything, waiting while there is progress; for the machine's end.</summary>
    public abstract void WriteOut(ReadOnlySpan<byte> bytes);
}

/// <summary>What a program wants of a terminal when it takes it over.</summary>
internal enum TerminalUse
{
    /// <summary>To hear of input: a process in the background may.</summary>
    Poll = 0,

    /// <summary>To read: SIGTTIN in the background.</summary>
    Read = 1,

    /// <summary>To change attributes: SIGTTOU in the background.</summary>
    Change = 2,
}
