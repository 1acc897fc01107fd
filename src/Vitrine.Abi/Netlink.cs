using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>Netlink protocols (netlink(7)) that this kernel has.</summary>
internal enum NetlinkProtocolNumber
{
    Route = 0,
    UserSocket = 2,
    Connector = 11,
    Generic = 16,
}

/// <summary>nlmsg_flags.</summary>
[Flags]
internal enum NetlinkFlags : ushort
{
    None = 0,
    Request = 1,
    Multi = 2,
    Acknowledge = 4,
    Capped = 0x100,
    Dump = 0x300,
}

/// <summary>struct nlmsghdr.</summary>
internal struct NetlinkHeader
{
    public const int Size = 16;

    /// <summary>Types below are the protocol's own: NLMSG_NOOP, ERROR, DONE, OVERRUN.</summary>
    public const ushort FirstType = 0x10;

    public const ushort ErrorType = 2;
    public const ushort DoneType = 3;

    /// <summary>Header included.</summary>
    public uint Length;
    public ushort Type;
    public NetlinkFlags Flags;
    public uint Sequence;
    public uint Port;
}

/// <summary>struct sockaddr_nl.</summary>
internal struct NetlinkAddress
{
    public const int Size = 12;

    public ushort Family;
    public ushort Padding;
    public uint Port;

    /// <summary>A mask of the first 32 multicast groups.</summary>
    public uint Groups;
}

/// <summary>What a process event tells of (PROC_EVENT_*).</summary>
internal enum ProcessEventKind : uint
{
    None = 0,
    Fork = 1,
    Exec = 2,
    Uid = 4,
    Gid = 0x40,
    Session = 0x80,
    Ptrace = 0x100,
    Name = 0x200,
    CoreDump = 0x40000000,
    Exit = 0x80000000,
}

/// <summary>struct proc_event of linux/cn_proc.h: 40 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal struct ProcessEvent
{
    [FieldOffset(0)] public ProcessEventKind Kind;
    [FieldOffset(4)] public uint Processor;

    /// <summary>Nanoseconds since boot.</summary>
    [FieldOffset(8)] public ulong Time;

    /// <summary>The errno of an acknowledgement.</summary>
    [FieldOffset(16)] public uint Error;

    /// <summary>The thread that the event is about, or for a fork the parent; then its process.</summary>
    [FieldOffset(16)] public int Pid;
    [FieldOffset(20)] public int Tgid;

    /// <summary>Of a fork the child; of ptrace the tracer; of a core dump the parent.</summary>
    [FieldOffset(24)] public int OtherPid;
    [FieldOffset(28)] public int OtherTgid;

    /// <summary>Real and effective id.</summary>
    [FieldOffset(24)] public uint RealId;
    [FieldOffset(28)] public uint EffectiveId;

    [FieldOffset(24)] public uint ExitCode;
    [FieldOffset(28)] public uint ExitSignal;
    [FieldOffset(32)] public int ParentPid;
    [FieldOffset(36)] public int ParentTgid;
}
