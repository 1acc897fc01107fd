namespace Vitrine.Abi;

/// <summary>memfd_create(2) flags.</summary>
[Flags]
internal enum MemfdFlags : uint
{
    None = 0,
    CloseOnExec = 1,
    AllowSealing = 2,
    HugeTlb = 4,
    NoExecSeal = 8,
    Exec = 0x10,

    /// <summary>The logarithm of the size of huge pages stands here.</summary>
    HugeSize = 0x3fu << 26,
    Huge2M = 21u << 26,
    Huge1G = 30u << 26,
}

/// <summary>File seals (F_ADD_SEALS of fcntl(2)).</summary>
[Flags]
internal enum FileSeals : uint
{
    None = 0,
    Seal = 1,
    Shrink = 2,
    Grow = 4,
    Write = 8,
    FutureWrite = 0x10,
    Exec = 0x20,
    AnyWrite = Write | FutureWrite,
    All = 0x3f,
}
