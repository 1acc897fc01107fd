using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>si_code values (sigaction(2)); a code of at most 0 comes from a user process.</summary>
internal static class SignalCode
{
    public const int User = 0;
    public const int Kernel = 0x80;
    public const int Queue = -1;
    public const int Timer = -2;
    public const int MessageQueue = -3;
    public const int AsyncIo = -4;
    public const int SigIo = -5;
    public const int Tkill = -6;

    public const int IllegalOpcode = 1;
    public const int IllegalOperand = 2;

    public const int IntegerDivide = 1;
    public const int IntegerOverflow = 2;
    public const int FloatDivide = 3;
    public const int FloatOverflow = 4;
    public const int FloatUnderflow = 5;
    public const int FloatInexact = 6;
    public const int FloatInvalid = 7;

    public const int NotMapped = 1;
    public const int AccessDenied = 2;

    public const int BusAlignment = 1;
    public const int BusNoSuchAddress = 2;

    public const int TrapBreakpoint = 1;
    public const int TrapTrace = 2;
    public const int TrapHardwareBreakpoint = 4;

    public const int UserDispatch = 2;

    public const int ChildExited = 1;
    public const int ChildKilled = 2;
    public const int ChildDumped = 3;
    public const int ChildTrapped = 4;
    public const int ChildStopped = 5;
    public const int ChildContinued = 6;
}

/// <summary>siginfo_t of x86-64: 128 bytes, the union's members at their places.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct SignalInfo
{
    [FieldOffset(0)] public SignalNumber Signal;
    [FieldOffset(4)] public int Errno;
    [FieldOffset(8)] public int Code;

    /// <summary>Sender of kill, queued and child signals; the timer's id for SI_TIMER.</summary>
    [FieldOffset(16)] public int Pid;

    /// <summary>Sender's real uid; the overrun count for SI_TIMER.</summary>
    [FieldOffset(20)] public uint Uid;

    /// <summary>sigval of queued and timer signals.</summary>
    [FieldOffset(24)] public ulong Value;

    /// <summary>Exit code or signal of a child.</summary>
    [FieldOffset(24)] public int Status;

    /// <summary>CPU time of a child in clock ticks.</summary>
    [FieldOffset(32)] public long UserTicks;
    [FieldOffset(40)] public long SystemTicks;

    /// <summary>Where a fault happened.</summary>
    [FieldOffset(16)] public ulong Address;

    /// <summary>Band and descriptor of SIGIO.</summary>
    [FieldOffset(16)] public long Band;
    [FieldOffset(24)] public int Fd;

    /// <summary>SIGSYS: address, number and architecture of the call.</summary>
    [FieldOffset(16)] public ulong CallAddress;
    [FieldOffset(24)] public int Syscall;
    [FieldOffset(28)] public uint Architecture;

    /// <summary>AUDIT_ARCH_X86_64: what SIGSYS says of the calls' kind.</summary>
    public const uint AuditArchitecture = 0xc000003e;

    /// <summary>A signal that the kernel itself raises, with no sender (SI_KERNEL).</summary>
    public static SignalInfo FromKernel(SignalNumber signal) => new() { Signal = signal, Code = SignalCode.Kernel };

    public static SignalInfo Fault(SignalNumber signal, int code, ulong address) =>
        new() { Signal = signal, Code = code, Address = address };
}
