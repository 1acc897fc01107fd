namespace Vitrine.Cpu.Translation;

/// <summary>Sizes of the per-processor, per-address-space tables that lead from a virtual address to its block.</summary>
internal static class JumpCache
{
    public const int Entries = 8192;

    /// <summary>Bits of the filter that remembers from which pages entries were made.</summary>
    public const int PageFilterBits = 2048;

    public static uint PageHash(ulong page) => (uint)((page ^ (page >> 11)) & (PageFilterBits - 1));
}
