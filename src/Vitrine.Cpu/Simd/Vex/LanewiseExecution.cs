using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>
/// Runs a <see cref="VexOperation"/> whose destination is a vector register: Imm is its function, D the destination, V the
/// first source, Aux the byte operand. <c>o[1]</c> holds how often the function is called (Length), the source's stride (D), the
/// immediate's shift (Shift), the memory size (S) and <see cref="VexTraits"/> (Before).
/// </summary>
internal readonly unsafe struct LanewiseExecution : IVexExecution
{
    // SAFETY: D and V are offsets of slots of 32 bytes in CpuState; the source has as many bytes as the table declares.

    /// <summary>False: the function asks for an exception, and nothing but MXCSR has changed.</summary>
    [MethodImpl(Never)]
    public static bool TryRun(CpuState* c, Op* o, byte* source)
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
