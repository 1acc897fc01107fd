namespace Vitrine.Kernel.Syscalls;

/// <summary>How far a syscall is implemented.</summary>
internal enum SyscallSupport
{
    /// <summary>Declared so that strace can decode it; answers ENOSYS.</summary>
    Missing = 0,

    /// <summary>Works for what programs commonly ask; the note says what is missing and which errno it gives.</summary>
    Partial = 1,

    /// <summary>Complete, and a guest test shows it: success, each documented flag, at least two errors.</summary>
    Real = 2,
}

/// <summary>
/// Declares a system call on a static method whose first parameter is the calling <c>Task</c> and whose other
/// parameters are the arguments (integers, enums, <c>Fd</c>, <c>Pid</c>, <c>Uid</c>, <c>VirtAddr</c>,
/// <c>UserPtr&lt;T&gt;</c>, <c>UserString</c>); it returns <c>SyscallResult</c> or <c>KTask&lt;SyscallResult&gt;</c>. The
/// generator makes the dispatch table, strace's decoder and docs/syscalls.md from it.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SyscallAttribute(int number, string name, SyscallSupport support) : Attribute
{
    public int Number { get; } = number;

    public string Name { get; } = name;

    public SyscallSupport Support { get; } = support;

    /// <summary>What is missing or peculiar, for the coverage page.</summary>
    public string? Note { get; set; }
}

/// <summary>How strace prints an argument: the name of a flag set or constant set, or a special form.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class StraceAttribute(string format) : Attribute
{
    /// <summary>The name of an enum of <c>Vitrine.Abi</c> whose members are printed, or one of
    /// <c>hex octal path buffer:N (length in argument N) out-buffer argv stat timespec …</c>.</summary>
    public string Format { get; } = format;
}
