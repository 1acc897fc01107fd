namespace Vitrine.Abi;

/// <summary>Where memory comes from on a machine of several nodes (set_mempolicy(2)).</summary>
internal enum MemoryPolicyMode
{
    Default = 0,
    Preferred = 1,
    Bind = 2,
    Interleave = 3,
    Local = 4,
    PreferredMany = 5,
    WeightedInterleave = 6,
}

/// <summary>What set_mempolicy(2) and mbind(2) take in the same word as the mode.</summary>
[Flags]
internal enum MemoryPolicyFlags
{
    None = 0,
    NumaBalancing = 1 << 13,
    RelativeNodes = 1 << 14,
    StaticNodes = 1 << 15,

    All = NumaBalancing | RelativeNodes | StaticNodes,

    /// <summary>The caller's node numbers are kept as they are, and told to whoever asks.</summary>
    KeepsNodes = RelativeNodes | StaticNodes,
}

/// <summary>What get_mempolicy(2) is asked.</summary>
[Flags]
internal enum MemoryPolicyQuery : ulong
{
    None = 0,
    Node = 1,
    Address = 2,
    MemoriesAllowed = 4,
}

/// <summary>What mbind(2), move_pages(2) do with pages that are there already.</summary>
[Flags]
internal enum PageMoveFlags : uint
{
    None = 0,
    Strict = 1,
    Move = 2,
    MoveAll = 4,
}
