using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>
/// What lies between a terminal and the programs that use it (N_TTY): editing of lines, echo, the characters that
/// send signals or stop output, and the treatment of output. Input is kept in a ring of 4096 bytes; in canonical mode
/// only what is in front of <see cref="_lineHead"/> can be read. Guarded by the kernel lock. See termios(3).
/// </summary>
internal sealed partial class LineDiscipline(TtyDevice tty) : ITtyConsumer
{
    /// <summary>Bytes of unread input; a line of canonical input has at most one less before its end.</summary>
    public const int Capacity = 4096;

    /// <summary>_POSIX_VDISABLE: no character; in the ring with a mark, the end of a line made by EOF.</summary>
    private const byte Disabled = 0;

    private readonly byte[] _ring = new byte[Capacity];

    // One bit for a byte of the ring that ends a line.
    private readonly ulong[] _lineEnds = new ulong[Capacity / 64];

    // Positions count up for ever; the ring's index is the low bits.
    private uint _head;
    private uint _tail;
    private uint _lineHead;
    private bool _literalNext;
    private bool _isErasing;

    private bool IsCanonical => tty.Attributes.Has(LocalModes.Canonical);

    private bool IsExternal => tty.Attributes.Has(LocalModes.ExternalProcessing);

    /// <summary>Whole lines are what can be read.</summary>
    private bool ReadsLines => IsCanonical && !IsExternal;

    private int Count => (int)(_head - _tail);

    /// <summary>FIONREAD: bytes that reads would give, the marks of EOF not counted.</summary>
    public int InputQueued
    {
        get
        {
            if (!ReadsLines)
                return Count;
            int count = (int)(_lineHead - _tail);
            for (uint at = _tail; at != _lineHead; at++)
            {
                if (EndsLine(at) && At(at) == Disabled)
                    count--;
            }

            return count;
        }
    }

    /// <summary>Whether a read would find something; poll asks for MIN bytes where there is no timer.</summary>
    public bool HasInput(bool forPoll)
    {
        if (ReadsLines)
            return _lineHead != _tail;
        int wanted = 1;
        if (forPoll && Character(ControlCharacter.Time) == 0 && Character(ControlCharacter.Minimum) != 0)
            wanted = Character(ControlCharacter.Minimum);
        return Count >= wanted;
    }

    /// <summary>The attributes were changed: what the ring holds is seen in the new way.</summary>
    public void AttributesChanged(in KernelTermios old)
    {
        const LocalModes lines = LocalModes.Canonical | LocalModes.ExternalProcessing;
        if (((old.Local ^ tty.Attributes.Local) & lines) != 0)
        {
            Array.Clear(_lineEnds);
            if (!IsCanonical || Count == 0)
            {
                _lineHead = _tail;
            }
            else
            {
                // What came in raw mode is one line now.
                MarkLineEnd(_head - 1);
                _lineHead = _head;
            }

            _isErasing = false;
            _literalNext = false;
        }

        if (old.Has(InputModes.FlowControlOutput) && !tty.Attributes.Has(InputModes.FlowControlOutput))
        {
            tty.Start();
            FlushEchoes();
        }

        tty.PumpInput();
        tty.ReadWait.WakeAll();
        tty.WriteWait.WakeAll();
    }

    /// <summary>Drops unread input.</summary>
    public void FlushInput()
    {
        ResetInput();
        TellMasterOfFlush();
        tty.PumpInput();
    }

    /// <summary>The terminal is hung up: everything is as new.</summary>
    public void HangUp()
    {
        ResetInput();
        _literalNext = false;
        _isErasing = false;
        _column = _lineColumn = 0;
        ResetEchoes();
    }

    public void OutputRoom()
    {
        FlushEchoes();
        tty.WakeWriters();
    }

    private static bool IsControl(byte c) => c is < 0x20 or 0x7f;

    /// <summary>Letters and digits as the kernel's ctype has them: Latin-1.</summary>
    private static bool IsWord(byte c) =>
        char.IsAsciiLetterOrDigit((char)c) || c == '_' || (c >= 0xc0 && c is not (0xd7 or 0xf7));

    private static byte ToLower(byte c) => c is >= (byte)'A' and <= (byte)'Z' or >= 0xc0 and <= 0xde and not 0xd7 ? (byte)(c + 32) : c;

    private static byte ToUpper(byte c) => c is >= (byte)'a' and <= (byte)'z' or >= 0xe0 and <= 0xfe and not 0xf7 ? (byte)(c - 32) : c;

    private byte Character(ControlCharacter which) => tty.Attributes.Character(which);

    private bool Has(InputModes modes) => tty.Attributes.Has(modes);

    private bool Has(LocalModes modes) => tty.Attributes.Has(modes);

    private bool Has(OutputModes modes) => tty.Attributes.Has(modes);

    /// <summary>A byte of a UTF-8 character behind its first one.</summary>
    private bool IsContinuation(byte c) => Has(InputModes.Utf8) && (c & 0xc0) == 0x80;

    private ref byte At(uint position) => ref _ring[position & (Capacity - 1)];

    private bool EndsLine(uint position) => (_lineEnds[(position & (Capacity - 1)) >> 6] & (1UL << (int)position)) != 0;

    private void MarkLineEnd(uint position) => _lineEnds[(position & (Capacity - 1)) >> 6] |= 1UL << (int)position;

    private void ClearLineEnd(uint position) => _lineEnds[(position & (Capacity - 1)) >> 6] &= ~(1UL << (int)position);

    private void ResetInput()
    {
        _head = _tail = _lineHead = 0;
        Array.Clear(_lineEnds);
    }

    private void TellMasterOfFlush()
    {
        if (!tty.TellsMaster)
            return;
        tty.PendingStatus |= PacketStatus.FlushRead;
        tty.Link!.ReadWait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal | PollEvents.Priority));
    }

    /// <summary>A character that sends a signal: the foreground group gets it, and unless NOFLSH all that is on its way is dropped.</summary>
    private void SendSignal(SignalNumber signal)
    {
        if (!Has(LocalModes.NoFlush))
        {
            ResetEchoes();
            tty.FlushOutput();
            ResetInput();
            TellMasterOfFlush();
        }

        if (tty.Foreground is { } group)
            SignalSender.SendKernelToProcessGroup(group, signal);
    }
}
