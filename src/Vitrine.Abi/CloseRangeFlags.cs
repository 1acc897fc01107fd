namespace Vitrine.Abi;

/// <summary>Flags of close_range(2).</summary>
[Flags]
internal enum CloseRangeFlags : uint
{
    None = 0,
    Unshare = 2,
    CloseOnExec = 4,
}
