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
