using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Execution;

/// <summary>How an SSE, MMX or x87 instruction uses memory and what its handler must do around it.</summary>
[Flags]
internal enum VectorTraits : ushort
{
    None = 0,

    /// <summary>A memory operand is read: it becomes the source, the register operand (if any) the destination.</summary>
    Reads = 1,

    /// <summary>A memory operand is written: it becomes the destination, the register operand (if any) the source.
    /// Its old contents are there too (partial and masked stores).</summary>
    Writes = 2,

    /// <summary>A memory operand that isn't aligned to its size (16 at most) is #GP.</summary>
    Aligned = 4,

    /// <summary>
    /// MMX: a pending x87 exception is raised first; afterwards TOP is 0, all tags are in use, and a written
    /// MMX register has exponent bits of all ones. (EMMS has only <see cref="WaitsForX87"/>.)
    /// </summary>
    Mmx = 8,

    /// <summary>A pending unmasked x87 exception (FSW.ES) is raised before the instruction runs.</summary>
    WaitsForX87 = 16,

    /// <summary>The function may call <see cref="CpuState.RequestException"/>.</summary>
    MayFault = 32,

    /// <summary>Records FIP and FDP as a non-control x87 instruction does.</summary>
    RecordsX87Pointers = 64,
}

/// <summary>
/// One instruction of the vector and floating-point sets: a function over host addresses of its operands.
/// The handler has computed, checked and probed the memory operand, so the function can't fault on it.
/// </summary>
/// <remarks>
/// <c>destination</c> is the first operand's address, <c>source</c> the second's; a register operand is the
/// address of its slot in <see cref="CpuState"/> (XMM: 16 bytes used, GPR: 8, MMX: 8), a GPR destination must be
/// written as all 8 bytes (zero-extended for 32-bit forms). An operand of the stack ST(i) is not passed by address:
/// <c>immediate</c> is i. A third register operand (MASKMOVDQU's mask) is passed as its number in
/// <c>immediate</c>. Implicit operands are the function's own business.
/// </remarks>
internal readonly unsafe struct VectorOperation(
    delegate*<CpuState*, void*, void*, byte, void> execute, VectorTraits traits, ushort memorySize)
{
    public readonly delegate*<CpuState*, void*, void*, byte, void> Execute = execute;
    public readonly VectorTraits Traits = traits;

    /// <summary>Bytes of the memory operand, 0 if the instruction form has none.</summary>
    public readonly ushort MemorySize = memorySize;

    public bool IsKnown => Execute != null;
}
