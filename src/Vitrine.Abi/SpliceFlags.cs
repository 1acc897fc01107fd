namespace Vitrine.Abi;

/// <summary>Flags of splice(2), tee(2) and vmsplice(2).</summary>
[Flags]
internal enum SpliceFlags : uint
{
    None = 0,
    Move = 1,
    NonBlock = 2,
    More = 4,
    Gift = 8,
}
