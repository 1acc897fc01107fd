using Vitrine.Abi;
using Vitrine.Hardware.Host;

namespace Vitrine;

/// <summary>
/// A terminal for programs of a machine, with its screen and keyboard in this process: what a terminal emulator, a test or
/// an agent that drives an interactive program holds. Inside it is an ordinary terminal (<c>/dev/pts/N</c>): line editing,
/// echo, job control and signals are the guest's. Use it as <see cref="ProcessStream.FromTerminal"/> for one to three
/// descriptors of programs of one machine; the first of them that has no controlling terminal gets it as that.
/// Thread-safe.
/// </summary>
public sealed class GuestTerminal : IDisposable
{
    private readonly StreamTerminal _terminal;
    private readonly Stream _keyboard;

    /// <summary>A terminal of so many columns and rows, 1 to 65,535 each.</summary>
    public GuestTerminal(int columns = 80, int rows = 24)
    {
        _terminal = new StreamTerminal(SizeOf(columns, rows));
        _keyboard = _terminal.CreateKeyboard();
        Output = _terminal.CreateScreen();
    }

    /// <summary>
    /// Where to write what is typed: <c>"ls\r"</c> is a line, <c>"\x03"</c> is ^C. A write waits while the guest takes nothing.
    /// Disposing it hangs the terminal up.
    /// </summary>
    public Stream Input => _keyboard;

    /// <summary>
    /// What programs write, with the echo of what is typed; UTF-8 text with control sequences, as programs make it for the
    /// TERM of their environment. The guest waits when 64 KiB are unread. Ends when the machine stops.
    /// </summary>
    public Stream Output { get; }

    internal TerminalChannel Channel => _terminal;

    /// <summary>Changes the size; the programs in the foreground get SIGWINCH.</summary>
    public void Resize(int columns, int rows) => _terminal.Resize(SizeOf(columns, rows));

    /// <summary>Hangs the terminal up: its session gets SIGHUP.</summary>
    public void Dispose()
    {
        _keyboard.Dispose();
        Output.Dispose();
    }

    private static WindowSize SizeOf(int columns, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(columns, ushort.MaxValue);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, ushort.MaxValue);
        return new WindowSize((ushort)rows, (ushort)columns);
    }
}
