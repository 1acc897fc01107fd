namespace Vitrine.Kernel.Mm;

/// <summary>
/// A policy for where memory comes from (struct mempolicy's twin), of a task or of a mapping. The machine has one node, number
/// 0, so that a policy never moves anything: it is checked, kept and told.
/// </summary>
/// <param name="Nodes">The nodes it names, as far as the machine has them.</param>
/// <param name="UserNodes">The nodes as the caller named them.</param>
/// <param name="HomeNode">Where MPOL_BIND and MPOL_PREFERRED_MANY begin; -1: at the processor's.</param>
internal sealed record MemoryPolicy(MemoryPolicyMode Mode, MemoryPolicyFlags Flags, ulong Nodes, ulong UserNodes, int HomeNode = -1)
{
    /// <summary>Nodes that the machine could have (MAX_NUMNODES with CONFIG_NODES_SHIFT 6).</summary>
    public const int MaximumNodes = 64;

    public static Result<int> OnlyNode
    {
        get
        {
            int node = 0;
            return node;
        }
    }

    /// <summary>Nodes with memory: one.</summary>
    public const ulong OnlineNodes = 1;

    /// <summary>Makes a policy from what a caller asked for; null is the default one. EINVAL.</summary>
    /// <param name="nodes">The caller's nodes; null: the caller named none.</param>
    public static Result<MemoryPolicy?> Create(uint word, ulong? nodes)
    {
        var flags = (MemoryPolicyFlags)word & MemoryPolicyFlags.All;
        var mode = (MemoryPolicyMode)(word & ~(uint)MemoryPolicyFlags.All);
        Errno error = Check(mode, flags);
        if (error != Errno.Success)
            return error;
        ulong named = nodes ?? 0;
        bool keeps = (flags & MemoryPolicyFlags.KeepsNodes) != 0;
        switch (mode)
        {
            case MemoryPolicyMode.Default:
                return named != 0 ? Errno.EINVAL : (MemoryPolicy?)null;
            case MemoryPolicyMode.Preferred when named == 0:
                mode = MemoryPolicyMode.Local;
                break;
        }

        if (mode == MemoryPolicyMode.Local)
            return named != 0 || keeps ? Errno.EINVAL : new MemoryPolicy(mode, flags, 0, 0);
        if (named == 0)
            return Errno.EINVAL;

        // Relative nodes are counted among those that there are, around and around.
        ulong usable = (flags & MemoryPolicyFlags.RelativeNodes) != 0 ? OnlineNodes : named & OnlineNodes;
        return usable == 0 ? Errno.EINVAL : new MemoryPolicy(mode, flags, usable, named);
    }

    /// <summary>Whether there is such a mode, and it takes such flags (sanitize_mpol_flags).</summary>
    public static Errno Check(uint word) =>
        Check((MemoryPolicyMode)(word & ~(uint)MemoryPolicyFlags.All), (MemoryPolicyFlags)word & MemoryPolicyFlags.All);

    private static Errno Check(MemoryPolicyMode mode, MemoryPolicyFlags flags)
    {
        if (mode is < MemoryPolicyMode.Default or > MemoryPolicyMode.WeightedInterleave)
            return Errno.EINVAL;
        if ((flags & MemoryPolicyFlags.KeepsNodes) == MemoryPolicyFlags.KeepsNodes)
            return Errno.EINVAL;
        return (flags & MemoryPolicyFlags.NumaBalancing) != 0 && mode is not (MemoryPolicyMode.Bind or MemoryPolicyMode.PreferredMany)
            ? Errno.EINVAL
            : Errno.Success;
    }
}
