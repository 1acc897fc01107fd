namespace Vitrine.Abi;

/// <summary>sched(7) policies.</summary>
internal enum SchedPolicy
{
    Other = 0,
    Fifo = 1,
    RoundRobin = 2,
    Batch = 3,
    Idle = 5,
    Deadline = 6,
    Extended = 7,
}

/// <summary>struct sched_attr, version 1 (56 bytes).</summary>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Sequential)]
internal struct SchedAttributes
{
    public const uint SizeVersion0 = 48;

    public uint Size;
    public uint Policy;
    public ulong Flags;
    public int Nice;
    public uint Priority;
    public ulong Runtime;
    public ulong Deadline;
    public ulong Period;
    public uint UtilMin;
    public uint UtilMax;
}

/// <summary>getpriority(2) which.</summary>
internal enum PriorityTarget
{
    Process = 0,
    ProcessGroup = 1,
    User = 2,
}
