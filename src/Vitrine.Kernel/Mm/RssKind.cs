namespace Vitrine.Kernel.Mm;

/// <summary>What resident pages are counted as (MM_FILEPAGES and so on).</summary>
internal enum RssKind
{
    File = 0,
    Anonymous = 1,
    Swap = 2,
    Shmem = 3,
}
