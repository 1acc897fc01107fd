namespace Vitrine.Kernel.Syscalls.Tracing;

/// <summary>
/// The traced task's memory. Reading faults nothing in: what isn't present is printed as an address, or looked at
/// again when the call has returned.
/// </summary>
internal interface ITraceMemory
{
    /// <summary>Copies what is present from <paramref name="from"/> on; returns how much that is.</summary>
    int Read(VirtAddr from, Span<byte> to);
}

/// <summary>One system call under way or finished, as the tracer sees it.</summary>
internal sealed class TraceCall(int number, SyscallInfo? info, in SyscallArguments arguments)
{
    public int Number { get; } = number;

    /// <summary>The declaration; null for a number that no handler declares.</summary>
    public SyscallInfo? Info { get; } = info;

    public SyscallArguments Arguments { get; } = arguments;

    public bool Returned { get; private set; }

    /// <summary>RAX once <see cref="Returned"/>.</summary>
    public long Result { get; private set; }

    public bool Failed => Returned && Result is < 0 and >= -4095;

    public void Return(long result)
    {
        Returned = true;
        Result = result;
    }
}
