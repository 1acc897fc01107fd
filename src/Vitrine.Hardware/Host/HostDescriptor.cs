using System.Globalization;
using System.Text;
using Vitrine.Abi;

namespace Vitrine.Hardware.Host;

/// <summary>
/// One of the process' own descriptors as a channel. Its description is shared with other processes, so nothing of it
/// is changed: no O_NONBLOCK is set on it. A pipe or terminal is opened again, where the host allows, for a
/// description of our own that doesn't block; otherwise readiness is asked before each transfer, and writes to a pipe
/// stay within PIPE_BUF. A regular file is used through the description itself: offset and O_APPEND are the host's.
/// Who opens the file again gets a description that nobody shares.
/// </summary>
internal sealed unsafe class HostDescriptor : HostChannel
{
    private const int ControlGetFlags = 3;
    private const int PipeBuffer = 4096;
    private const int OpenNonBlock = 0x800;
    private const int OpenNoControllingTerminal = 0x100;
    private const int OpenCloseOnExec = 0x80000;
    private const int MessageDontWait = 0x40;
    private const int MessageNoSignal = 0x4000;
    private const uint TypeMask = 0xf000;
    private const uint TcGets = 0x5401;
    private const int TermiosSize = 60;

    private readonly int _fd;
    private readonly HostPoller _poller;
    private readonly bool _isShared;
    private int _own = -1;
    private bool _ownTried;

    private HostDescriptor(int fd, bool isShared, HostPoller poller, HostChannelKind kind, uint mode, ulong rawDevice, uint flags)
    {
        _isShared = isShared;
        _fd = fd;
        _poller = poller;
        Kind = kind;
        Mode = mode;
        RawDevice = rawDevice;
        Flags = flags;
    }

    public override HostChannelKind Kind { get; }

    public override uint Mode { get; }

    public override uint Flags { get; }

    public override ulong RawDevice { get; }

    public override long Size
    {
        get
        {
            ulong* stat = stackalloc ulong[18];
            return Libc.Stat(_fd, stat) == 0 ? (long)stat[6] : 0;
        }
    }

    private int Transfer => _own >= 0 ? _own : _fd;

    /// <summary>The channel of a descriptor, or null if it isn't open.</summary>
    public static HostDescriptor? Open(int fd, HostPoller poller)
    {
        // struct stat of x86-64: st_mode at 24, st_rdev at 40, st_size at 48, 144 bytes.
        ulong* stat = stackalloc ulong[18];
        int flags = Libc.Control(fd, ControlGetFlags, 0);
        if (flags < 0 || Libc.Stat(fd, stat) != 0)
            return null;
        uint mode = (uint)stat[3];
        byte* termios = stackalloc byte[TermiosSize];
        HostChannelKind kind = (mode & TypeMask) switch
        {
            0x1000 => HostChannelKind.Pipe,
            0xc000 => HostChannelKind.Socket,
            0x2000 => Libc.DeviceControl(fd, TcGets, termios) == 0 ? HostChannelKind.Terminal : HostChannelKind.CharacterDevice,
            _ => HostChannelKind.File,
        };
        return new HostDescriptor(fd, isShared: true, poller, kind, mode, stat[5], (uint)flags);
    }

    public override int Read(Span<byte> buffer)
    {
        int refused = Prepare(HostReadiness.Readable);
        if (refused != 0)
            return refused;
        // SAFETY: the host fills at most the pinned buffer's length.
        fixed (byte* at = buffer)
        {
            nint got = Kind == HostChannelKind.Socket
                ? Libc.Receive(_fd, at, (nuint)buffer.Length, MessageDontWait)
                : Libc.Read(Transfer, at, (nuint)buffer.Length);
            return Result(got);
        }
    }

    public override int Write(ReadOnlySpan<byte> bytes)
    {
        int refused = Prepare(HostReadiness.Writable);
        if (refused != 0)
            return refused;
        if (_own < 0 && Kind is HostChannelKind.Pipe or HostChannelKind.Terminal && bytes.Length > PipeBuffer)
            bytes = bytes[..PipeBuffer];
        // SAFETY: the host reads at most the pinned span's length.
        fixed (byte* at = bytes)
        {
            nint put = Kind == HostChannelKind.Socket
                ? Libc.Send(_fd, at, (nuint)bytes.Length, MessageDontWait | MessageNoSignal)
                : Libc.Write(Transfer, at, (nuint)bytes.Length);
            return Result(put);
        }
    }

    public override HostReadiness Poll()
    {
        if (Kind == HostChannelKind.File)
            return HostReadiness.Readable | HostReadiness.Writable;
        var descriptor = new HostPollFd { Fd = _fd, Events = 1 | 4 };
        if (Libc.Poll(&descriptor, 1, 0) <= 0)
            return HostReadiness.None;
        HostReadiness ready = HostReadiness.None;
        if ((descriptor.Returned & 1) != 0)
            ready |= HostReadiness.Readable;
        if ((descriptor.Returned & 4) != 0)
            ready |= HostReadiness.Writable;
        if ((descriptor.Returned & 8) != 0)
            ready |= HostReadiness.Error;
        if ((descriptor.Returned & 0x10) != 0)
            ready |= HostReadiness.HangUp;
        return ready;
    }

    public override void Arm(HostReadiness wanted, Action ready)
    {
        // Character devices such as /dev/null can't be watched: they are always ready.
        if (!_poller.Watch(_fd, wanted, ready))
            ready();
    }

    public override long Seek(long offset, int whence)
    {
        long position = Libc.Seek(_fd, offset, whence);
        return position >= 0 ? position : -Libc.LastError;
    }

    public override int ReadAt(Span<byte> buffer, long offset)
    {
        // SAFETY: as in Read.
        fixed (byte* at = buffer)
            return Result(Libc.ReadAt(_fd, at, (nuint)buffer.Length, offset));
    }

    public override int WriteAt(ReadOnlySpan<byte> bytes, long offset)
    {
        // SAFETY: as in Write.
        fixed (byte* at = bytes)
            return Result(Libc.WriteAt(_fd, at, (nuint)bytes.Length, offset));
    }

    public override int Truncate(long length) => Libc.Truncate(_fd, length) == 0 ? 0 : -Libc.LastError;

    public override HostChannel? OpenAgain(uint flags, out int refused)
    {
        if (Kind != HostChannelKind.File)
            return base.OpenAgain(flags, out refused);
        int fd = OpenDescription((int)flags);
        refused = fd < 0 ? -Libc.LastError : 0;
        return fd < 0 ? null : new HostDescriptor(fd, isShared: false, _poller, Kind, Mode, RawDevice, flags);
    }

    public override int Sync() => Libc.Sync(_fd) == 0 ? 0 : -Libc.LastError;

    public override void Dispose()
    {
        _poller.Forget(_fd);
        if (_own >= 0)
            _ = Libc.Close(_own);
        _own = -1;
        if (!_isShared)
            _ = Libc.Close(_fd);
    }

    private static int Result(nint count) => count >= 0 ? (int)count : -Libc.LastError;

    /// <summary>0 if a transfer won't block now, else −EAGAIN.</summary>
    private int Prepare(HostReadiness wanted)
    {
        if (Kind is HostChannelKind.File or HostChannelKind.Socket)
            return 0;
        if (!_ownTried)
            OpenOwn();
        if (_own >= 0)
            return 0;
        HostReadiness ready = Poll();
        return (ready & (wanted | HostReadiness.HangUp | HostReadiness.Error)) != 0 ? 0 : -(int)Errno.EAGAIN;
    }

    private void OpenOwn()
    {
        _ownTried = true;
        if (Kind is not (HostChannelKind.Pipe or HostChannelKind.Terminal))
            return;
        _own = OpenDescription((int)(Flags & 3) | OpenNonBlock);
    }

    /// <summary>What the descriptor refers to by a description of our own; −1 if the host refuses.</summary>
    private int OpenDescription(int flags)
    {
        byte[] path = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{_fd}\0"));
        // SAFETY: the path is NUL-terminated and pinned.
        fixed (byte* text = path)
            return Libc.Open(text, flags | OpenNoControllingTerminal | OpenCloseOnExec, 0);
    }
}
