namespace Vitrine.Cpu;

/// <summary>
/// A task's breakpoint addresses and their control word (DR0–DR3 and DR7; Intel SDM 3B, 17.2). Plain data of the task:
/// the processor looks at it when a run begins. Local and global enable bits mean the same to user code.
/// </summary>
internal sealed class DebugRegisters
{
    public const int Count = 4;

    private readonly ulong[] _addresses = new ulong[Count];

    /// <summary>DR7.</summary>
    public ulong Control { get; set; }

    /// <summary>A single step goes on to the next branch that is taken (BTF of IA32_DEBUGCTL).</summary>
    public bool StepsBranches { get; set; }

    public ref ulong this[int index] => ref _addresses[index];

    /// <summary>Some breakpoint is enabled.</summary>
    public bool IsArmed => (Control & 0xff) != 0;

    public bool IsEnabled(int index) => (Control >> (2 * index) & 3) != 0;

    public DebugCondition Condition(int index) => (DebugCondition)(Control >> (16 + (4 * index)) & 3);

    /// <summary>Bytes that are watched, from the address rounded down to a multiple of it.</summary>
    public int Length(int index) => (int)(Control >> (18 + (4 * index)) & 3) switch
    {
        0 => 1,
        1 => 2,
        2 => 8,
        _ => 4,
    };
}

/// <summary>What a breakpoint waits for (the R/W field of DR7).</summary>
internal enum DebugCondition
{
    Execute = 0,
    Write = 1,

    /// <summary>Input and output: user code has none.</summary>
    Port = 2,
    Access = 3,
}

/// <summary>Bits of DR6: what a debug exception is for.</summary>
internal static class DebugStatus
{
    /// <summary>The breakpoints that were met.</summary>
    public const ulong Breakpoints = 0xf;

    /// <summary>A single step.</summary>
    public const ulong Step = 1 << 14;
}
