using System.Runtime.InteropServices;
using Vitrine.Abi;

namespace Vitrine.Hardware.Host;

/// <summary>
/// The caller's own terminal. It is left alone until the guest really uses it; then it goes into raw mode, so that every
/// character reaches the guest, and it is put back at the machine's end, when the process is stopped or exits, and when
/// an exception ends it; then also what was done to the screen is undone. While this process is in the background nothing
/// is changed.
/// </summary>
[HostBoundary("owns the caller's terminal, with its signals")]
internal sealed unsafe class HostTerminal : TerminalChannel
{
    private const uint GetForegroundGroup = 0x540F;
    private const uint GetWindow = 0x5413;
    private const int TermiosSize = 60;
    private const int AccessMode = 3;
    private const int WriteOnly = 1;

    /// <summary>How long the end of the machine waits for a screen that takes nothing.</summary>
    private const int PatienceMilliseconds = 1000;

    private readonly int _fd;
    private readonly HostDescriptor? _input;
    private readonly HostDescriptor? _output;
    private readonly Lock _lock = new();
    private readonly byte[] _saved = new byte[TermiosSize];
    private readonly ScreenModes _screen = new();
    private PosixSignalRegistration[] _signals = [];
    private PosixSignalRegistration? _stop;
    private bool _isEngaged;
    private bool _isDisposed;

    private HostTerminal(int fd, HostDescriptor? input, HostDescriptor? output)
    {
        _fd = fd;
        _input = input;
        _output = output;
    }

    public override uint Mode => (_output ?? _input)!.Mode;

    public override uint Flags => _input is null ? (uint)WriteOnly : _output is null ? 0u : 2u;

    public override ulong RawDevice => (_output ?? _input)!.RawDevice;

    public override WindowSize Window
    {
        get
        {
            WindowSize window = default;
            return Libc.DeviceControl(_fd, GetWindow, &window) == 0 ? window : default;
        }
    }

    /// <summary>Whether a descriptor of this process is a terminal, and which.</summary>
    public static bool IsTerminal(int fd, out ulong device)
    {
        // Not st_rdev: a descriptor of /dev/tty is of the same terminal as the others.
        uint number = 0;
        byte* termios = stackalloc byte[TermiosSize];
        bool isTerminal = Libc.DeviceControl(fd, TerminalIoctl.GetAttributes, termios) == 0
            && Libc.DeviceControl(fd, TerminalIoctl.GetDevice, &number) == 0;
        device = number;
        return isTerminal;
    }

    /// <summary>The terminal behind one or more descriptors of this process, all of the same device.</summary>
    public static HostTerminal Open(ReadOnlySpan<int> descriptors, HostPoller poller)
    {
        HostDescriptor? input = null;
        HostDescriptor? output = null;
        foreach (int fd in descriptors)
        {
            HostDescriptor descriptor = HostDescriptor.Open(fd, poller)!;
            if (output is null && (descriptor.Flags & AccessMode) != 0)
                output = descriptor;
            if (input is null && (descriptor.Flags & AccessMode) != WriteOnly)
                input = descriptor;
        }

        return new HostTerminal(descriptors[0], input, output);
    }

    public override int Read(Span<byte> buffer) => _input is null ? -(int)Errno.EAGAIN : _input.Read(buffer);

    /// <summary>Told, on some host thread, that this process goes on after a stop.</summary>
    public Action? Continued { get; set; }

    public override int Write(ReadOnlySpan<byte> bytes)
    {
        if (_output is null)
            return bytes.Length;
        int written = _output.Write(bytes);
        if (written > 0)
        {
            lock (_lock)
                _screen.Follow(bytes[..written]);
        }

        return written;
    }

    public override HostReadiness Poll() => (_input?.Poll() ?? default) | (_output?.Poll() ?? default);

    public override void Arm(HostReadiness wanted, Action ready)
    {
        HostReadiness reading = wanted & HostReadiness.Readable;
        HostReadiness writing = wanted & HostReadiness.Writable;
        if (_input is not null && _input == _output)
        {
            _input.Arm(wanted, ready);
            return;
        }

        if (reading != 0)
            _input?.Arm(reading, ready);
        if (writing != 0)
            _output?.Arm(writing, ready);
    }

    public override bool Engage(TerminalUse use)
    {
        lock (_lock)
        {
            if (_isEngaged || _isDisposed)
                return _isEngaged;
            ListenToSignals();
            if (!IsInForeground())
            {
                if (use != TerminalUse.Poll)
                    HostJob.Stop(use == TerminalUse.Read ? HostJob.TerminalInput : HostJob.TerminalOutput);
                return false;
            }

            if (Control(TerminalIoctl.GetAttributes, _saved) != 0)
                return false;
            AppDomain.CurrentDomain.ProcessExit += OnEnd;
            AppDomain.CurrentDomain.UnhandledException += OnEnd;
            _isEngaged = true;
            SetRaw();
            return true;
        }
    }

    public override void Disengage(bool screenToo)
    {
        byte[] undo = [];
        lock (_lock)
        {
            if (!screenToo)
                _screen.Accept();
            else if (_screen.IsChanged && IsInForeground())
                undo = _screen.Undo();
            if (_isEngaged)
            {
                _isEngaged = false;
                PutBack();
                AppDomain.CurrentDomain.ProcessExit -= OnEnd;
                AppDomain.CurrentDomain.UnhandledException -= OnEnd;
            }
        }

        WriteOut(undo);
    }

    /// <summary>The caller's shell gets the terminal for a while, as it was: this process is about to be stopped.</summary>
    public void PutBackForStop()
    {
        lock (_lock)
        {
            if (_isEngaged)
                PutBack();
        }
    }

    public override void WriteOut(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && _output is not null)
        {
            int written = Write(bytes);
            if (written > 0)
            {
                bytes = bytes[written..];
                continue;
            }

            var descriptor = new HostPollFd { Fd = _fd, Events = 4 };
            if (written != -(int)Errno.EAGAIN || Libc.Poll(&descriptor, 1, PatienceMilliseconds) <= 0)
                return;
        }
    }

    public override void Dispose()
    {
        Disengage(screenToo: true);
        PosixSignalRegistration[] signals;
        lock (_lock)
        {
            _isDisposed = true;
            signals = _stop is { } stop ? [.. _signals, stop] : _signals;
            _signals = [];
            _stop = null;
        }

        foreach (PosixSignalRegistration signal in signals)
            signal.Dispose();
        _input?.Dispose();
        if (_output != _input)
            _output?.Dispose();
    }

    /// <summary>Starts to hear of new sizes, and of stops and continuations from outside.</summary>
    public void ListenToSignals()
    {
        lock (_lock)
        {
            if (_signals.Length > 0 || _isDisposed || OperatingSystem.IsWindows())
                return;
            _signals =
            [
                PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Changed?.Invoke()),
                PosixSignalRegistration.Create(PosixSignal.SIGCONT, OnContinue),
            ];
            _stop = PosixSignalRegistration.Create(PosixSignal.SIGTSTP, OnStop);
        }
    }

    /// <summary>Somebody stops this process: the terminal is the shell's meanwhile.</summary>
    private void OnStop(PosixSignalContext context)
    {
        PutBackForStop();
        context.Cancel = true;
        if (OperatingSystem.IsWindows() || !HostJob.MayStop(HostJob.KeyboardStop))
            return;

        // With a handler there is no stop, whatever it says: so without, once more, for this process alone.
        lock (_lock)
        {
            _stop?.Dispose();
            _stop = null;
        }

        _ = Libc.Kill(Environment.ProcessId, HostJob.KeyboardStop);
        lock (_lock)
        {
            if (!_isDisposed)
                _stop = PosixSignalRegistration.Create(PosixSignal.SIGTSTP, OnStop);
        }
    }

    private void OnContinue(PosixSignalContext context)
    {
        // Else the runtime sets the terminal as it believes it to be.
        context.Cancel = true;
        lock (_lock)
        {
            // Whoever had the terminal meanwhile may have left it in another state: that is what is put back at the end.
            if (_isEngaged && IsInForeground() && Control(TerminalIoctl.GetAttributes, _saved) == 0)
                SetRaw();
        }

        Changed?.Invoke();
        Continued?.Invoke();
    }

    private void OnEnd(object? sender, EventArgs e) => Disengage(screenToo: true);

    /// <summary>True also where the terminal is not this session's: nobody else is stopped by its changes then.</summary>
    private bool IsInForeground()
    {
        int group = 0;
        return Libc.DeviceControl(_fd, GetForegroundGroup, &group) != 0 || group == Libc.GetProcessGroup(0);
    }

    private void SetRaw()
    {
        Span<byte> raw = stackalloc byte[TermiosSize];
        _saved.CopyTo(raw);
        ref KernelTermios modes = ref MemoryMarshal.AsRef<KernelTermios>(raw[..KernelTermios.Size]);
        modes.Input &= InputModes.Utf8;
        modes.Output &= ~OutputModes.Process;
        modes.Local = 0;
        modes.Control = (modes.Control & ~(ControlModes.SizeMask | ControlModes.ParityEnable)) | ControlModes.Size8;
        modes.Characters[ControlCharacter.Minimum] = 1;
        modes.Characters[ControlCharacter.Time] = 0;
        _ = Control(TerminalIoctl.SetAttributesDrain, raw);
    }

    private void PutBack()
    {
        if (IsInForeground())
            _ = Control(TerminalIoctl.SetAttributesDrain, _saved);
    }

    private int Control(uint request, Span<byte> argument)
    {
        // SAFETY: struct termios of the host's kernel is shorter than the buffer.
        fixed (byte* at = argument)
            return Libc.DeviceControl(_fd, request, at);
    }
}
