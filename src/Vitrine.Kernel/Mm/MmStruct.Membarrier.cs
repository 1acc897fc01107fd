namespace Vitrine.Kernel.Mm;

/// <content>What membarrier(2) has been told.</content>
internal sealed partial class MmStruct
{
    /// <summary>MEMBARRIER_CMD_REGISTER_* bits in force.</summary>
    public int MembarrierRegistrations { get; set; }
}
