using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>sa_flags (sigaction(2)).</summary>
[Flags]
internal enum SignalActionFlags : ulong
{
    None = 0,
    NoChildStop = 1,
    NoChildWait = 2,
    SigInfo = 4,
    Unsupported = 0x400,
    ExposeTagBits = 0x800,
    Restorer = 0x04000000,
    OnStack = 0x08000000,
    Restart = 0x10000000,
    NoDefer = 0x40000000,
    ResetHandler = 0x80000000,
}

/// <summary>struct sigaction as the kernel takes it on x86-64.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SignalAction
{
    /// <summary>SIG_DFL and SIG_IGN as handler addresses.</summary>
    public const ulong Default = 0;
    public const ulong Ignore = 1;

    public ulong Handler;
    public SignalActionFlags Flags;
    public ulong Restorer;
    public SignalSet Mask;

    public readonly bool Has(SignalActionFlags flag) => (Flags & flag) != 0;
}

/// <summary>ss_flags of sigaltstack(2).</summary>
[Flags]
internal enum SignalStackFlags : uint
{
    None = 0,
    OnStack = 1,
    Disable = 2,
    AutoDisarm = 1u << 31,
}

/// <summary>stack_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SignalStack
{
    /// <summary>AT_MINSIGSTKSZ without AVX: what a frame takes at most, and MINSIGSTKSZ of sigaltstack.</summary>
    public const ulong MinimumSize = 2048;

    public ulong Pointer;
    public SignalStackFlags Flags;
    public uint Padding;
    public ulong Size;
}

/// <summary>sigprocmask(2) how.</summary>
internal enum SignalMaskHow
{
    Block = 0,
    Unblock = 1,
    SetMask = 2,
}

/// <summary>struct sigevent's head, as timer_create takes it; 64 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct SignalEvent
{
    [FieldOffset(0)] public ulong Value;
    [FieldOffset(8)] public SignalNumber Signal;
    [FieldOffset(12)] public SignalNotify Notify;
    [FieldOffset(16)] public int ThreadId;
}

/// <summary>sigev_notify.</summary>
internal enum SignalNotify
{
    Signal = 0,
    None = 1,
    Thread = 2,
    ThreadId = 4,
}
