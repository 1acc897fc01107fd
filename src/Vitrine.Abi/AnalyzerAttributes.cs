namespace Vitrine.Abi;

/// <summary>
/// Marks a type or method that faces the host on purpose, so that analyzer VT0004 (host clocks, threads, file
/// paths) and VT0003 (the host's awaitables) let it be. The reason is for the reader.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Method | AttributeTargets.Constructor | AttributeTargets.Property)]
internal sealed class HostBoundaryAttribute(string reason) : Attribute
{
    public string Reason { get; } = reason;
}

/// <summary>
/// Marks a part of the kernel task's own runtime (the scheduler, the syscall entry), which may hold a task that is
/// under way and so vouches that it is awaited exactly once; analyzer VT0002 lets it be.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Method | AttributeTargets.Constructor)]
internal sealed class KernelTaskRuntimeAttribute : Attribute;
