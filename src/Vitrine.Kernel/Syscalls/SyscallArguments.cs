namespace Vitrine.Kernel.Syscalls;

/// <summary>
/// The six argument registers of a system call in order (RDI RSI RDX R10 R8 R9), copied at entry. The generated
/// dispatch narrows each one to its handler's parameter type as Linux does: an <c>int</c> is the low 32 bits.
/// </summary>
internal readonly record struct SyscallArguments(ulong A0, ulong A1, ulong A2, ulong A3, ulong A4, ulong A5)
{
    /// <summary>The argument at <paramref name="index"/>, 0 to 5.</summary>
    public ulong this[int index] => index switch
    {
        0 => A0,
        1 => A1,
        2 => A2,
        3 => A3,
        4 => A4,
        5 => A5,
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };
}
