namespace Vitrine.Abi;

/// <summary>Flags of preadv2(2) and pwritev2(2).</summary>
[Flags]
internal enum RwFlags : uint
{
    None = 0,
    HighPriority = 1,
    DataSync = 2,
    Sync = 4,
    NoWait = 8,
    Append = 0x10,
    NoAppend = 0x20,
}
