using System.Runtime.CompilerServices;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.X87;

/// <summary>Bits of the x87 status word.</summary>
internal static class X87Status
{
    public const ushort StackFault = 0x40, ErrorSummary = 0x80, C0 = 0x100, C1 = 0x200, C2 = 0x400, C3 = 0x4000, Busy = 0x8000;
    public const ushort Conditions = C0 | C1 | C2 | C3;

    /// <summary>The exception flags, with the stack fault.</summary>
    public const ushort Exceptions = 0x7f;
}

/// <summary>
/// The register stack, and how an operation's exceptions reach the status word. An unmasked exception is only
/// recorded (ES); the next waiting instruction raises #MF.
/// </summary>
internal static unsafe class X87Stack
{
    // SAFETY: CpuState's x87 slots are 16 bytes each and stack numbers are reduced modulo 8.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsEmpty(CpuState* state, int i) => ((state->FpuTag >> ((state->FpuTop + i) & 7)) & 1) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 Get(CpuState* state, int i)
    {
        byte* slot = CpuState.X87Stack(state, i);
        return new(*(ushort*)(slot + 8), *(ulong*)slot);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(CpuState* state, int i, Float80 value)
    {
        byte* slot = CpuState.X87Stack(state, i);
        *(ulong*)slot = value.Significand;
        *(ushort*)(slot + 8) = value.SignExponent;
        state->FpuTag |= (byte)(1 << ((state->FpuTop + i) & 7));
    }

    public static X87Operand Operand(CpuState* state, int i) => X87Operand.From(Get(state, i));

    public static void Free(CpuState* state, int i) => state->FpuTag &= (byte)~(1 << ((state->FpuTop + i) & 7));

    public static void Pop(CpuState* state)
    {
        Free(state, 0);
        state->FpuTop = (state->FpuTop + 1) & 7;
    }

    public static void Push(CpuState* state, Float80 value)
    {
        state->FpuTop = (state->FpuTop - 1) & 7;
        Set(state, 0, value);
    }

    /// <summary>Pushes, or records a stack overflow (and pushes the default NaN if that is masked).</summary>
    public static void PushChecked(CpuState* state, Float80 value)
    {
        if (HasRoom(state))
            Push(state, value);
    }

    /// <summary>False after recording a stack overflow, the default NaN pushed if that is masked.</summary>
    public static bool HasRoom(CpuState* state)
    {
        if (IsEmpty(state, 7))
        {
            ClearC1(state);
            return true;
        }

        if (RecordStackFault(state, overflow: true))
            Push(state, Float80.DefaultNaN);
        return false;
    }

    /// <summary>Records a stack fault. True if it is masked.</summary>
    public static bool RecordStackFault(CpuState* state, bool overflow)
    {
        ClearC1(state);
        state->FpuStatus |= (ushort)((uint)FloatExceptions.Invalid | X87Status.StackFault);
        if (overflow)
            state->FpuStatus |= X87Status.C1;
        if ((state->FpuControl & (uint)FloatExceptions.Invalid) != 0)
            return true;
        state->FpuStatus |= X87Status.ErrorSummary | X87Status.Busy;
        return false;
    }

    /// <summary>
    /// True if ST(0) is there. Else a stack underflow is recorded and, if masked, the default NaN put there.
    /// </summary>
    public static bool RequireTop(CpuState* state)
    {
        ClearC1(state);
        if (!IsEmpty(state, 0))
            return true;
        if (RecordStackFault(state, overflow: false))
            Set(state, 0, Float80.DefaultNaN);
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ClearC1(CpuState* state) => state->FpuStatus &= unchecked((ushort)~X87Status.C1);

    /// <summary>The control word taken apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatEnvironment Environment(CpuState* state) => new()
    {
        Rounding = (RoundingMode)((state->FpuControl >> 10) & 3),
        Masked = (FloatExceptions)(state->FpuControl & 63),
    };

    /// <summary>Bits of precision that the control word asks for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Precision(CpuState* state) => ((state->FpuControl >> 8) & 3) switch
    {
        0 => 24,
        2 => 53,
        _ => 64,
    };

    /// <summary>
    /// Records exceptions and C1. True if the result may be written: no unmasked exception on the operands.
    /// (Unmasked overflow and underflow deliver a result whose exponent is wrapped.)
    /// </summary>
    public static bool Commit(CpuState* state, in FloatEnvironment environment)
    {
        FloatExceptions raised = environment.Raised;
        bool deliver = !environment.Traps(raised & FloatExceptions.PreComputation);
        if (!deliver)
            raised &= FloatExceptions.PreComputation;
        uint status = state->FpuStatus & ~(uint)X87Status.C1;
        status |= (uint)raised;
        if ((raised & FloatExceptions.Precision) != 0 && environment.RoundedUp)
            status |= X87Status.C1;
        if (environment.Traps(raised))
            status |= X87Status.ErrorSummary | X87Status.Busy;
        state->FpuStatus = (ushort)status;
        return deliver;
    }

    /// <summary>Sets C3, C2 and C0 from a comparison and clears C1.</summary>
    public static void SetConditions(CpuState* state, uint conditions) =>
        state->FpuStatus = (ushort)((state->FpuStatus & ~(uint)X87Status.Conditions) | conditions);
}
