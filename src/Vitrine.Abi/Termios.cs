using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>c_iflag (termios(3)).</summary>
[Flags]
internal enum InputModes : uint
{
    IgnoreBreak = 0x1,
    BreakInterrupts = 0x2,
    IgnoreParity = 0x4,
    MarkParity = 0x8,
    CheckParity = 0x10,
    Strip = 0x20,
    NewLineToReturn = 0x40,
    IgnoreReturn = 0x80,
    ReturnToNewLine = 0x100,
    UpperToLower = 0x200,
    FlowControlOutput = 0x400,
    AnyRestarts = 0x800,
    FlowControlInput = 0x1000,
    BellAtMaximum = 0x2000,
    Utf8 = 0x4000,
}

/// <summary>c_oflag.</summary>
[Flags]
internal enum OutputModes : uint
{
    Process = 0x1,
    LowerToUpper = 0x2,
    NewLineToReturnNewLine = 0x4,
    ReturnToNewLine = 0x8,
    NoReturnAtColumnZero = 0x10,
    NewLineReturns = 0x20,
    TabDelay = 0x1800,
    ExpandTabs = 0x1800,
}

/// <summary>c_cflag, as far as a terminal without a line looks at it.</summary>
[Flags]
internal enum ControlModes : uint
{
    BaudMask = 0x100f,
    Baud38400 = 0xf,
    SizeMask = 0x30,
    Size8 = 0x30,
    Receiver = 0x80,
    ParityEnable = 0x100,
    HangUpOnClose = 0x400,
    Local = 0x800,
    BaudOther = 0x1000,
    InputBaudMask = 0x100f0000,
}

/// <summary>c_lflag.</summary>
[Flags]
internal enum LocalModes : uint
{
    Signals = 0x1,
    Canonical = 0x2,
    UpperCase = 0x4,
    Echo = 0x8,
    EchoErase = 0x10,
    EchoKill = 0x20,
    EchoNewLine = 0x40,
    NoFlush = 0x80,
    StopBackground = 0x100,
    EchoControl = 0x200,
    EchoPrinted = 0x400,
    EchoKillErases = 0x800,
    FlushOutput = 0x1000,
    PendingInput = 0x4000,
    Extended = 0x8000,
    ExternalProcessing = 0x10000,
}

/// <summary>Indices of c_cc.</summary>
internal enum ControlCharacter
{
    Interrupt = 0,
    Quit = 1,
    Erase = 2,
    Kill = 3,
    EndOfFile = 4,
    Time = 5,
    Minimum = 6,
    Switch = 7,
    Start = 8,
    Stop = 9,
    Suspend = 10,
    EndOfLine = 11,
    Reprint = 12,
    Discard = 13,
    WordErase = 14,
    LiteralNext = 15,
    EndOfLine2 = 16,
}

/// <summary>c_cc: a character that is 0 is switched off (_POSIX_VDISABLE).</summary>
[InlineArray(Length)]
internal struct ControlCharacters
{
    public const int Length = 19;

    private byte _first;

    [UnscopedRef]
    public ref byte this[ControlCharacter which] => ref this[(int)which];
}

/// <summary>struct termios2 as the kernel has it: TCGETS gives the first 36 bytes, TCGETS2 all 44.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct KernelTermios
{
    /// <summary>sizeof(struct termios) of the kernel.</summary>
    public const int ShortSize = 36;

    /// <summary>sizeof(struct termios2).</summary>
    public const int Size = 44;

    public InputModes Input;
    public OutputModes Output;
    public ControlModes Control;
    public LocalModes Local;
    public byte Discipline;
    public ControlCharacters Characters;
    public uint InputSpeed;
    public uint OutputSpeed;

    public readonly bool Has(InputModes modes) => (Input & modes) != 0;

    public readonly bool Has(OutputModes modes) => (Output & modes) != 0;

    public readonly bool Has(LocalModes modes) => (Local & modes) != 0;

    public readonly byte Character(ControlCharacter which) => Characters[(int)which];
}

/// <summary>struct termio of System V: 16-bit modes, eight characters.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 2)]
internal unsafe struct ShortTermio
{
    public ushort Input;
    public ushort Output;
    public ushort Control;
    public ushort Local;
    public byte Discipline;
    public fixed byte Characters[8];
}

/// <summary>struct winsize.</summary>
[StructLayout(LayoutKind.Sequential)]
internal record struct WindowSize(ushort Rows, ushort Columns, ushort PixelWidth = 0, ushort PixelHeight = 0);

/// <summary>The status byte that a pty master in packet mode reads (ioctl_tty(2), TIOCPKT).</summary>
[Flags]
internal enum PacketStatus : byte
{
    Data = 0,
    FlushRead = 1,
    FlushWrite = 2,
    Stop = 4,
    Start = 8,
    NoStop = 16,
    DoStop = 32,
    Ioctl = 64,
}
