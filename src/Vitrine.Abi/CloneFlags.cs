using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>clone(2) and unshare(2) flags; the low byte of clone's word is the exit signal.</summary>
[Flags]
internal enum CloneFlags : ulong
{
    None = 0,
    SignalMask = 0xff,
    NewTime = 0x80,
    Vm = 0x100,
    Fs = 0x200,
    Files = 0x400,
    SignalHandlers = 0x800,
    PidFd = 0x1000,
    Ptrace = 0x2000,
    Vfork = 0x4000,
    Parent = 0x8000,
    Thread = 0x10000,
    NewNs = 0x20000,
    SysVSem = 0x40000,
    SetTls = 0x80000,
    ParentSetTid = 0x100000,
    ChildClearTid = 0x200000,
    Detached = 0x400000,
    Untraced = 0x800000,
    ChildSetTid = 0x1000000,
    NewCgroup = 0x2000000,
    NewUts = 0x4000000,
    NewIpc = 0x8000000,
    NewUser = 0x10000000,
    NewPid = 0x20000000,
    NewNet = 0x40000000,
    Io = 0x80000000,
    ClearSignalHandlers = 0x100000000,
    IntoCgroup = 0x200000000,
}

/// <summary>struct clone_args of clone3(2), version 2 (88 bytes).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CloneArguments
{
    public const ulong SizeVersion0 = 64;

    public CloneFlags Flags;
    public ulong PidFd;
    public ulong ChildTid;
    public ulong ParentTid;
    public ulong ExitSignal;
    public ulong Stack;
    public ulong StackSize;
    public ulong Tls;
    public ulong SetTid;
    public ulong SetTidSize;
    public ulong Cgroup;
}

/// <summary>wait4(2) and waitid(2) options.</summary>
[Flags]
internal enum WaitOptions : uint
{
    None = 0,
    NoHang = 1,

    /// <summary>WSTOPPED is the same bit.</summary>
    Untraced = 2,
    Exited = 4,
    Continued = 8,
    NoWait = 0x01000000,
    NoThread = 0x20000000,
    All = 0x40000000,
    Clone = 0x80000000,
}

/// <summary>waitid(2) idtype.</summary>
internal enum WaitIdType
{
    All = 0,
    Pid = 1,
    ProcessGroup = 2,
    PidFd = 3,
}
