using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>getrlimit(2) resources, numbered as on x86-64.</summary>
internal enum ResourceLimit
{
    Cpu = 0,
    FileSize = 1,
    Data = 2,
    Stack = 3,
    Core = 4,
    ResidentSet = 5,
    ProcessCount = 6,
    NoFile = 7,
    MemoryLock = 8,
    AddressSpace = 9,
    Locks = 10,
    SignalsPending = 11,
    MessageQueue = 12,
    Nice = 13,
    RealTimePriority = 14,
    RealTimeTime = 15,
}

/// <summary>struct rlimit64: soft and hard limit.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct RLimit(ulong Soft, ulong Hard)
{
    public const ulong Infinity = ulong.MaxValue;

    /// <summary>RLIM_NLIMITS.</summary>
    public const int Count = 16;

    public static RLimit Unlimited => new(Infinity, Infinity);
}

/// <summary>struct rusage: times, then 14 counters.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ResourceUsage
{
    public Timeval UserTime;
    public Timeval SystemTime;

    /// <summary>Kilobytes.</summary>
    public long MaxResidentSet;
    public long SharedMemory;
    public long UnsharedData;
    public long UnsharedStack;
    public long MinorFaults;
    public long MajorFaults;
    public long Swaps;
    public long BlocksIn;
    public long BlocksOut;
    public long MessagesSent;
    public long MessagesReceived;
    public long Signals;
    public long VoluntarySwitches;
    public long InvoluntarySwitches;
}
