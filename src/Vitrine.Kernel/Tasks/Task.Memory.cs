namespace Vitrine.Kernel.Tasks;

/// <content>What memory management asks of a task.</content>
internal sealed partial class Task
{
    public long MinorFaults { get; set; }

    public long MajorFaults { get; set; }

    /// <summary>Where its memory comes from unless a mapping says otherwise (set_mempolicy(2)); null: the default.</summary>
    public Mm.MemoryPolicy? MemoryPolicy { get; set; }

    /// <summary>PROT_READ implies PROT_EXEC (personality READ_IMPLIES_EXEC).</summary>
    internal bool ReadImpliesExec => (Personality & 0x0400000) != 0;

    /// <summary>The personality STICKY_TIMEOUTS: select and its kin leave the caller's timeout alone.</summary>
    internal bool HasStickyTimeouts => (Personality & 0x4000000) != 0;

    /// <summary>The soft value of a resource limit.</summary>
    internal ulong LimitOf(ResourceLimit limit) => ThreadGroup.Limits[(int)limit].Soft;
}
