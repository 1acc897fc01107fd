namespace Vitrine.Abi;

/// <summary>What of a process's memory goes into a core file (/proc/PID/coredump_filter, core(5)).</summary>
[Flags]
internal enum CoreFilter : uint
{
    None = 0,
    AnonymousPrivate = 1 << 0,
    AnonymousShared = 1 << 1,
    FilePrivate = 1 << 2,
    FileShared = 1 << 3,

    /// <summary>The first page of mapped ELF files.</summary>
    ElfHeaders = 1 << 4,
    HugePrivate = 1 << 5,
    HugeShared = 1 << 6,
    DaxPrivate = 1 << 7,
    DaxShared = 1 << 8,

    Default = AnonymousPrivate | AnonymousShared | ElfHeaders | HugePrivate,
    All = (1 << 9) - 1,
}
