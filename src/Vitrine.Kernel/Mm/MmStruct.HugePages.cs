namespace Vitrine.Kernel.Mm;

/// <content>What prctl(PR_SET_THP_DISABLE) says.</content>
internal sealed partial class MmStruct
{
    /// <summary>No huge pages for this address space.</summary>
    public bool IsHugePageDisabled { get; set; }
}
