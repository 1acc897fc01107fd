namespace Vitrine.Abi;

/// <summary>mmap(2) and mprotect(2) protections.</summary>
[Flags]
internal enum ProtectionFlags : uint
{
    None = 0,
    Read = 1,
    Write = 2,
    Execute = 4,

    /// <summary>PROT_SEM: accepted and ignored, as on Linux.</summary>
    Semaphore = 8,
    GrowsDown = 0x0100_0000,
    GrowsUp = 0x0200_0000,
}

/// <summary>mmap(2) flags of x86-64.</summary>
[Flags]
internal enum MapFlags : uint
{
    None = 0,
    Shared = 1,
    Private = 2,
    SharedValidate = 3,
    TypeMask = 0xf,
    Fixed = 0x10,
    Anonymous = 0x20,
    Only32Bit = 0x40,
    Above4G = 0x80,
    GrowsDown = 0x100,
    DenyWrite = 0x800,
    Executable = 0x1000,
    Locked = 0x2000,
    NoReserve = 0x4000,
    Populate = 0x8000,
    NonBlock = 0x1_0000,
    Stack = 0x2_0000,
    HugeTlb = 0x4_0000,
    Sync = 0x8_0000,
    FixedNoReplace = 0x10_0000,
    Uninitialized = 0x400_0000,
    Huge2M = 21 << 26,
    Huge1G = 30 << 26,
}

/// <summary>mremap(2) flags.</summary>
[Flags]
internal enum MremapFlags : uint
{
    None = 0,
    MayMove = 1,
    Fixed = 2,
    DontUnmap = 4,
}

/// <summary>msync(2) flags.</summary>
[Flags]
internal enum MsyncFlags : uint
{
    None = 0,
    Async = 1,
    Invalidate = 2,
    Sync = 4,
}

/// <summary>mlock2(2) flags.</summary>
[Flags]
internal enum MlockFlags : uint
{
    None = 0,
    OnFault = 1,
}

/// <summary>mlockall(2) flags.</summary>
[Flags]
internal enum MlockallFlags : uint
{
    None = 0,
    Current = 1,
    Future = 2,
    OnFault = 4,
}

/// <summary>madvise(2) advice.</summary>
internal enum MemoryAdvice
{
    Normal = 0,
    Random = 1,
    Sequential = 2,
    WillNeed = 3,
    DontNeed = 4,
    Free = 8,
    Remove = 9,
    DontFork = 10,
    DoFork = 11,
    Mergeable = 12,
    Unmergeable = 13,
    HugePage = 14,
    NoHugePage = 15,
    DontDump = 16,
    DoDump = 17,
    WipeOnFork = 18,
    KeepOnFork = 19,
    Cold = 20,
    PageOut = 21,
    PopulateRead = 22,
    PopulateWrite = 23,
    DontNeedLocked = 24,
    Collapse = 25,
    HardwarePoison = 100,
    SoftOffline = 101,
    GuardInstall = 102,
    GuardRemove = 103,
}
