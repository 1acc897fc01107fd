using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>
/// Runs a <see cref="VexOperation"/> whose destination is a vector register: Imm is its function, D the destination, V the
/// first source, S the second if that is a register, Aux the byte operand. <c>o[1]</c> is no instruction but holds how often the
/// function is called (Length), the source's stride (D), the immediate's shift (Shift), the memory size (S) and
/// <see cref="VexTraits"/> (Before). Memory needs no alignment.
/// </summary>
internal static unsafe class VexHandlers
{
    // SAFETY: D, V and S are offsets of slots of 32 bytes in CpuState (a general register as source has at least the 8
    // bytes that are read); memory is probed for the size that the table declares.

    [MethodImpl(Handler)]
    public static Op* Registers(CpuState* c, Op* o) => TryRun(c, o, (byte*)c + o->S) ? o[2].Fn(c, o + 2) : Leave.Requested(c, o);

    [MethodImpl(Handler)]
    public static Op* Reads(CpuState* c, Op* o)
    {
        if (!MemoryAccess.TryReadable(c, o, Op.Address(c, o), o[1].S, out byte* p))
            return o;
        return TryRun(c, o, p) ? o[2].Fn(c, o + 2) : Leave.Requested(c, o);
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

    /// <summary>False: the function asks for an exception, and nothing but MXCSR has changed.</summary>
    [MethodImpl(Never)]
    private static bool TryRun(CpuState* c, Op* o, byte* source)
    {
        Op* how = o + 1;
        var traits = (VexTraits)how->Before;
        Vector128<byte>* first = (Vector128<byte>*)((byte*)c + o->V);
        Vector128<byte>* result = stackalloc Vector128<byte>[2];
        result[0] = first[0];
        result[1] = first[1];
        uint control = c->Mxcsr;
        Call(c, o, result, source);
        if (how->Length == 2)
            CallUpper(c, o, result + 1, source);
        if (c->Internal != 0)
        {
            if (how->Length == 2)
                JoinExceptions(c, o, result, source, control);
            return false;
        }

        if ((traits & VexTraits.Narrows) != 0 && how->Length == 2)
            result[0] = Vector128.Create(*(ulong*)result, *(ulong*)(result + 1)).AsByte();
        Vector128<byte>* d = (Vector128<byte>*)((byte*)c + o->D);
        d[0] = result[0];
        d[1] = (traits & VexTraits.Wide) != 0 ? result[1] : default;
        return true;
    }

    [MethodImpl(Always)]
    private static void Call(CpuState* c, Op* o, Vector128<byte>* result, byte* source) =>
        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, result, source, o->Aux);

    [MethodImpl(Always)]
    private static void CallUpper(CpuState* c, Op* o, Vector128<byte>* result, byte* source)
    {
        Op* how = o + 1;
        int immediate = (how->Before & (int)VexTraits.CountsHalves) != 0 ? o->Aux + 1 : o->Aux >> how->Shift;
        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, result, source + how->D, (byte)immediate);
    }

    /// <summary>
    /// Each half recorded its own exceptions; but one that is found on the operands of either half keeps both from being
    /// computed. So what each half raises is found out again, alone, and put together.
    /// </summary>
    private static void JoinExceptions(CpuState* c, Op* o, Vector128<byte>* result, byte* source, uint control)
    {
        const uint Sticky = (uint)FloatExceptions.All;
        Vector128<byte>* first = (Vector128<byte>*)((byte*)c + o->V);
        result[0] = first[0];
        result[1] = first[1];
        c->Mxcsr = control & ~Sticky;
        Call(c, o, result, source);
        CallUpper(c, o, result + 1, source);
        var raised = (FloatExceptions)(c->Mxcsr & Sticky);
        FloatExceptions masked = (FloatExceptions)(control >> 7) & FloatExceptions.All;
        if ((raised & ~masked & FloatExceptions.PreComputation) != 0)
            raised &= FloatExceptions.PreComputation;
        c->Mxcsr = control | (uint)raised;
    }
}
