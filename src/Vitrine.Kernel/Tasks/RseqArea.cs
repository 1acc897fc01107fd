namespace Vitrine.Kernel.Tasks;

/// <summary>A thread's registration of restartable sequences (struct rseq in user memory, rseq(2)).</summary>
internal readonly record struct RseqArea(VirtAddr Address, uint Length, uint Signature)
{
    /// <summary>AT_RSEQ_FEATURE_SIZE: the fields up to and with mm_cid.</summary>
    public const ulong FeatureSize = 28;

    public const ulong Alignment = 32;

    public const uint OriginalSize = 32;

    public bool IsRegistered => Address.Value != 0;
}
