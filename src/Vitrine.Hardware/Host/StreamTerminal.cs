using Vitrine.Abi;

namespace Vitrine.Hardware.Host;

/// <summary>A terminal whose screen and keyboard are streams of the embedding program.</summary>
internal sealed class StreamTerminal(WindowSize window) : TerminalChannel
{
    private readonly StreamChannel _keyboard = new(guestReads: true);
    private readonly StreamChannel _screen = new(guestReads: false);
    private readonly Lock _lock = new();
    private WindowSize _window = window;

    public override uint Mode => 0x2000 | 0x190;

    public override uint Flags => 2;

    public override WindowSize Window
    {
        get
        {
            lock (_lock)
                return _window;
        }
    }

    /// <summary>Where the program types; disposing it hangs the terminal up.</summary>
    public Stream CreateKeyboard() => _keyboard.CreateHostStream();

    /// <summary>Where the program reads what is shown; ends when the machine does.</summary>
    public Stream CreateScreen() => _screen.CreateHostStream();

    public void Resize(WindowSize window)
    {
        lock (_lock)
            _window = window;
        Changed?.Invoke();
    }

    public override int Read(Span<byte> buffer) => _keyboard.Read(buffer);

    public override int Write(ReadOnlySpan<byte> bytes) => _screen.Write(bytes);

    public override HostReadiness Poll() =>
        (_keyboard.Poll() & HostReadiness.Readable) | (_screen.Poll() & (HostReadiness.Writable | HostReadiness.Error));

    public override void Arm(HostReadiness wanted, Action ready)
    {
        if ((wanted & HostReadiness.Readable) != 0)
            _keyboard.Arm(HostReadiness.Readable, ready);
        if ((wanted & HostReadiness.Writable) != 0)
            _screen.Arm(HostReadiness.Writable, ready);
    }

    public override bool Engage(TerminalUse use) => true;

    public override void Disengage(bool screenToo)
    {
    }

    public override void WriteOut(ReadOnlySpan<byte> bytes)
    {
        // A program that does not read has its 64 KiB; the rest would be lost on a real screen too.
        while (!bytes.IsEmpty && _screen.Write(bytes) is > 0 and var written)
            bytes = bytes[written..];
    }

    public override void Dispose()
    {
        _keyboard.Dispose();
        _screen.Dispose();
    }
}
