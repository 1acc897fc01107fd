namespace Vitrine.Kernel.Tasks;

/// <summary>What fork, vfork, clone and clone3 come down to (struct kernel_clone_args' twin).</summary>
internal readonly record struct CloneRequest
{
    public CloneFlags Flags { get; init; }

    public SignalNumber ExitSignal { get; init; }

    /// <summary>The child's stack pointer; 0: the parent's.</summary>
    public ulong StackPointer { get; init; }

    public ulong Tls { get; init; }

    public UserPtr<int> ParentTid { get; init; }

    public UserPtr<int> ChildTid { get; init; }

    public UserPtr<int> PidFd { get; init; }

    /// <summary>Numbers wished for, innermost namespace first; null: any.</summary>
    public int[]? SetTid { get; init; }

    public bool Has(CloneFlags flag) => (Flags & flag) != 0;
}
