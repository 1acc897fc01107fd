using Vitrine.Abi;

namespace Vitrine.Cpu;

/// <summary>Why an engine came back.</summary>
internal enum CpuExitKind
{
    /// <summary>A kick was pending; RIP is at an instruction boundary (or on an interrupted <c>rep</c>).</summary>
    Kicked = 0,

    /// <summary>SYSCALL was executed: RIP is behind it, RCX and R11 are set as the instruction sets them.</summary>
    Syscall = 1,

    /// <summary>#PF: <see cref="CpuExit.Address"/> is CR2, <see cref="CpuExit.ErrorCode"/> the error code; RIP is on the instruction.</summary>
    PageFault = 2,

    /// <summary>Another exception: <see cref="CpuExit.Vector"/>; for #DB the address is what DR6 says (<see cref="DebugStatus"/>), 0 for INT1. Faults leave RIP on the instruction; traps (INT3, INTO, INT n, single step) behind it.</summary>
    Exception = 3,

    /// <summary><see cref="VirtualProcessor.Limit"/> was reached; RIP is at an instruction boundary.</summary>
    LimitReached = 4,
}

/// <summary>The bits of a page fault's error code (Intel SDM 3A, 4.7).</summary>
[Flags]
internal enum PageFaultError : uint
{
    None = 0,
    Present = 1,
    Write = 2,
    User = 4,
    ReservedBit = 8,
    InstructionFetch = 16,
}

/// <summary>Exception vectors (Intel SDM 3A, 6.3.1).</summary>
internal enum ExceptionVector : byte
{
    DivideError = 0,
    Debug = 1,
    Breakpoint = 3,
    Overflow = 4,
    BoundRange = 5,
    InvalidOpcode = 6,
    DeviceNotAvailable = 7,
    StackFault = 12,
    GeneralProtection = 13,
    PageFault = 14,
    X87FloatingPoint = 16,
    AlignmentCheck = 17,
    SimdFloatingPoint = 19,
}

/// <summary>What a run ended with.</summary>
internal readonly record struct CpuExit(
    CpuExitKind Kind,
    VirtAddr Address = default,
    PageFaultError ErrorCode = PageFaultError.None,
    ExceptionVector Vector = 0);
