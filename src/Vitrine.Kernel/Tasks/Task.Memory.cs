namespace Vitrine.Kernel.Tasks;

/// <content>What memory management asks of a task.</content>
internal sealed partial class Task
{
    public long MinorFaults { get; set; }

    public long MajorFaults { get; set; }

    /// <summary>PROT_READ implies PROT_EXEC (personality READ_IMPLIES_EXEC).</summary>
    internal bool ReadImpliesExec => false;

    /// <summary>The soft value of a resource limit.</summary>
    internal ulong LimitOf(ResourceLimit limit) => limit is ResourceLimit.Stack or ResourceLimit.MemoryLock ? 8UL << 20 : RLimit.Infinity;
}
