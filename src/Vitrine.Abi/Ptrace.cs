using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>Requests of ptrace(2) as x86-64 numbers them (linux/ptrace.h, asm/ptrace-abi.h).</summary>
internal enum PtraceRequest : long
{
    TraceMe = 0,
    PeekText = 1,
    PeekData = 2,
    PeekUser = 3,
    PokeText = 4,
    PokeData = 5,
    PokeUser = 6,
    Continue = 7,
    Kill = 8,
    SingleStep = 9,
    GetRegisters = 12,
    SetRegisters = 13,
    GetFloatRegisters = 14,
    SetFloatRegisters = 15,
    Attach = 16,
    Detach = 17,
    OldSetOptions = 21,
    Syscall = 24,
    ArchPrctl = 30,
    SysEmu = 31,
    SysEmuSingleStep = 32,
    SingleBlock = 33,
    SetOptions = 0x4200,
    GetEventMessage = 0x4201,
    GetSignalInfo = 0x4202,
    SetSignalInfo = 0x4203,
    GetRegisterSet = 0x4204,
    SetRegisterSet = 0x4205,
    Seize = 0x4206,
    Interrupt = 0x4207,
    Listen = 0x4208,
    PeekSignalInfo = 0x4209,
    GetSignalMask = 0x420a,
    SetSignalMask = 0x420b,
    GetSyscallInfo = 0x420e,
    GetRseqConfiguration = 0x420f,
    SetUserDispatch = 0x4210,
    GetUserDispatch = 0x4211,
}

/// <summary>PTRACE_O_*.</summary>
[Flags]
internal enum PtraceOptions : ulong
{
    None = 0,
    TraceSysGood = 1,
    TraceFork = 1 << 1,
    TraceVfork = 1 << 2,
    TraceClone = 1 << 3,
    TraceExec = 1 << 4,
    TraceVforkDone = 1 << 5,
    TraceExit = 1 << 6,
    TraceSeccomp = 1 << 7,
    ExitKill = 1 << 20,
    SuspendSeccomp = 1 << 21,
    Known = 0xff | ExitKill | SuspendSeccomp,
}

/// <summary>PTRACE_EVENT_*: an event's option is 1 shifted by its number, but for STOP.</summary>
internal enum PtraceEvent
{
    None = 0,
    Fork = 1,
    Vfork = 2,
    Clone = 3,
    Exec = 4,
    VforkDone = 5,
    Exit = 6,
    Seccomp = 7,
    Stop = 128,
}

/// <summary>struct user_regs_struct: what PTRACE_GETREGS and NT_PRSTATUS show.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UserRegisters
{
    public const int Size = 27 * sizeof(ulong);

    public ulong R15, R14, R13, R12, Rbp, Rbx, R11, R10, R9, R8, Rax, Rcx, Rdx, Rsi, Rdi, OriginalRax, Rip, Cs, Flags, Rsp, Ss;
    public ulong FsBase, GsBase, Ds, Es, Fs, Gs;
}

/// <summary>struct ptrace_peeksiginfo_args.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PeekSignalInfoArguments
{
    /// <summary>PTRACE_PEEKSIGINFO_SHARED: the queue of the process, not of the thread.</summary>
    public const uint Shared = 1;

    public ulong Offset;
    public uint Flags;
    public int Count;
}

/// <summary>struct ptrace_rseq_configuration.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PtraceRseqConfiguration
{
    public ulong Area;
    public uint Length;
    public uint Signature;
    public uint Flags;
    public uint Padding;
}

/// <summary>struct ptrace_sud_config.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PtraceUserDispatch
{
    public const ulong Size = 32;

    public ulong Mode;
    public ulong Selector;
    public ulong Offset;
    public ulong Length;
}

/// <summary>struct ptrace_syscall_info: its longest form, of an entry.</summary>
[StructLayout(LayoutKind.Explicit, Size = EntrySize)]
internal struct PtraceSyscallInfo
{
    public const byte OpNone = 0;
    public const byte OpEntry = 1;
    public const byte OpExit = 2;

    /// <summary>AUDIT_ARCH_X86_64.</summary>
    public const uint ArchX64 = 0xc000003e;

    /// <summary>Bytes that hold a value, by kind.</summary>
    public const int NoneSize = 24;
    public const int EntrySize = 80;
    public const int ExitSize = 33;

    [FieldOffset(0)] public byte Op;
    [FieldOffset(4)] public uint Arch;
    [FieldOffset(8)] public ulong InstructionPointer;
    [FieldOffset(16)] public ulong StackPointer;
    [FieldOffset(24)] public ulong Number;
    [FieldOffset(32)] public ulong Argument0;
    [FieldOffset(40)] public ulong Argument1;
    [FieldOffset(48)] public ulong Argument2;
    [FieldOffset(56)] public ulong Argument3;
    [FieldOffset(64)] public ulong Argument4;
    [FieldOffset(72)] public ulong Argument5;
    [FieldOffset(24)] public long ReturnValue;
    [FieldOffset(32)] public byte IsError;
}
