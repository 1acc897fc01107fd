using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>What a VEX instruction does once its last source is known, as a type parameter of handlers.</summary>
internal unsafe interface IVexExecution
{
    /// <summary>False: an exception is asked for, and nothing but MXCSR has changed.</summary>
    static abstract bool TryRun(CpuState* c, Op* o, byte* source);
}

/// <summary>
/// VEX instructions without handlers of their own: S is the last source if that is a register. <c>o[1]</c> is no instruction
/// but holds what the execution needs, and the size of a source in memory (S). Memory needs no alignment.
/// </summary>
internal static unsafe class VexHandlers
{
    // SAFETY: S is the offset of a slot of 32 bytes in CpuState (a general register as source has at least the 8
    // bytes that are read); memory is probed for the size that the table declares.

    [MethodImpl(Handler)]
    public static Op* Registers<TExecution>(CpuState* c, Op* o)
        where TExecution : struct, IVexExecution =>
        TExecution.TryRun(c, o, (byte*)c + o->S) ? o[2].Fn(c, o + 2) : Leave.Requested(c, o);

    [MethodImpl(Handler)]
    public static Op* Reads<TExecution>(CpuState* c, Op* o)
        where TExecution : struct, IVexExecution
    {
        if (!MemoryAccess.TryReadable(c, o, Op.Address(c, o), o[1].S, out byte* p))
            return o;
        return TExecution.TryRun(c, o, p) ? o[2].Fn(c, o + 2) : Leave.Requested(c, o);
    }

    /// <summary>VZEROUPPER.</summary>
    [MethodImpl(Handler)]
    public static Op* ZeroUpper(CpuState* c, Op* o)
    {
        byte* register = CpuState.Half(c, 1);
        for (int i = 0; i < 16; i++)
            *(Vector128<byte>*)(register + i * CpuState.YmmStride) = default;
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* ZeroAll(CpuState* c, Op* o)
    {
        for (int i = 0; i < 32; i++)
            *(Vector128<byte>*)CpuState.Half(c, i) = default;
        return o[1].Fn(c, o + 1);
    }
}
