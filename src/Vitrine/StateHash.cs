using Vitrine.Kernel.Digests;

namespace Vitrine;

/// <summary>
/// SHA-256 hashes (64 lower-case hexadecimal digits) of a deterministic machine's state at a moment. Two runs that have the same one
/// are in the same state; of two that differ, the parts say where.
/// </summary>
public sealed class StateHash
{
    internal StateHash(StateDigest digest)
    {
        Instructions = digest.Instructions;
        Value = Convert.ToHexStringLower(digest.Whole);
        Memory = Convert.ToHexStringLower(digest.Memory);
        Tasks = Convert.ToHexStringLower(digest.Tasks);
        Machine = Convert.ToHexStringLower(digest.Machine);
    }

    /// <summary>Instructions that the machine had retired.</summary>
    public ulong Instructions { get; }

    /// <summary>The hash of the whole state.</summary>
    public string Value { get; }

    /// <summary>Of all memory in use: page tables with their accessed and dirty bits, page cache, programs' memory, and who owns it.</summary>
    public string Memory { get; }

    /// <summary>Of all tasks: registers, signals, mappings, descriptors, scheduling.</summary>
    public string Tasks { get; }

    /// <summary>Of clocks, timers, run queues and counters.</summary>
    public string Machine { get; }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
