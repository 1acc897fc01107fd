namespace Vitrine.Kernel.Tasks;

/// <content>What memory management asks of a task.</content>
internal sealed partial class Task
{
    public long MinorFaults { get; set; }

    public long MajorFaults { get; set; }

    /// <summary>PROT_READ implies PROT_EXEC (personality READ_IMPLIES_EXEC).</summary>
    internal bool ReadImpliesExec => (Personality & 0x0400000) != 0;

    /// <summary>The soft value of a resource limit.</summary>
    internal ulong LimitOf(ResourceLimit limit) => ThreadGroup.Limits[(int)limit].Soft;
}
