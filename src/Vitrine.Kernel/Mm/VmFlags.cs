namespace Vitrine.Kernel.Mm;

/// <summary>Properties of a mapping; the values are Linux's VM_*, which /proc/PID/smaps abbreviates.</summary>
[Flags]
internal enum VmFlags : ulong
{
    None = 0,
    Read = 1,
    Write = 2,
    Execute = 4,
    Shared = 8,
    MayRead = 0x10,
    MayWrite = 0x20,
    MayExecute = 0x40,
    MayShare = 0x80,
    GrowsDown = 0x100,

    /// <summary>Frames without descriptors or not to be counted: device memory, vDSO, vvar.</summary>
    PfnMap = 0x400,
    Locked = 0x2000,
    Io = 0x4000,
    SequentialRead = 0x8000,
    RandomRead = 0x10000,
    DontCopy = 0x20000,
    DontExpand = 0x40000,
    LockOnFault = 0x80000,

    /// <summary>Counts against the commit limit.</summary>
    Account = 0x100000,
    NoReserve = 0x200000,
    HugeTlb = 0x400000,
    Synchronous = 0x800000,
    WipeOnFork = 0x2000000,
    DontDump = 0x4000000,
    MixedMap = 0x10000000,
    HugePage = 0x20000000,
    NoHugePage = 0x40000000,
    Mergeable = 0x80000000,

    /// <summary>Stays as it is for good (mseal(2)).</summary>
    Sealed = 1UL << 63,

    Access = Read | Write | Execute,
    LockedMask = Locked | LockOnFault,

    /// <summary>Mappings that other code handles itself: never merged or locked.</summary>
    SpecialMask = Io | DontExpand | PfnMap | MixedMap,
}
