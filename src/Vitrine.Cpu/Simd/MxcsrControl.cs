using System.Runtime.CompilerServices;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>MXCSR: what its bits are, and how an operation's exceptions reach it.</summary>
internal static unsafe class MxcsrControl
{
    public const uint Reset = 0x1f80;

    /// <summary>Setting any other bit is #GP; what FXSAVE reports as MXCSR_MASK.</summary>
    public const uint Writable = 0xffff;

    private const uint StickyWithoutPrecision = 0x1f;

    /// <summary>
    /// Round to nearest, everything masked, no DAZ, no FTZ, and the precision flag already set: an
    /// operation on ordinary numbers with an ordinary result has nothing left to record.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsSettled(CpuState* state) => (state->Mxcsr & ~StickyWithoutPrecision) == (Reset | (uint)FloatExceptions.Precision);

    /// <summary>
    /// Records what an operation raised and returns whether its result is to be written; if not, #XM is requested.
    /// An unmasked exception on the operands of any lane keeps all lanes from being computed.
    /// </summary>
    public static bool Commit(CpuState* state, in FloatEnvironment environment)
    {
        FloatExceptions raised = environment.Raised;
        if (environment.Traps(raised & FloatExceptions.PreComputation))
            raised &= FloatExceptions.PreComputation;
        state->Mxcsr |= (uint)raised;
        if (!environment.Traps(raised))
            return true;
        CpuState.RequestException(state, ExceptionVector.SimdFloatingPoint);
        return false;
    }
}
