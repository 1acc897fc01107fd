using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Execution;

/// <summary>
/// Ways for a handler to end a block early. Each prepares the state and gives back the operation to return; the
/// driver loop looks only at <see cref="CpuState.Internal"/> then.
/// </summary>
internal static unsafe class Leave
{
    /// <summary>RIP stays on the instruction, which has not been counted.</summary>
    [MethodImpl(Inline.Never)]
    private static void At(CpuState* c, Op* o, LeaveReason reason)
    {
        c->Rip = c->PageBase + o->Offset;
        c->Retired += o->Before;
        c->Internal = (int)reason;
    }

    /// <summary>A fault: the instruction has changed nothing and RIP is on it.</summary>
    [MethodImpl(Inline.Never)]
    public static Op* Fault(CpuState* c, Op* o, ExceptionVector vector)
    {
        c->ExitKind = (int)CpuExitKind.Exception;
        c->ExitVector = (int)vector;
        c->ExitAddress = 0;
        c->ExitError = 0;
        At(c, o, LeaveReason.Exit);
        return o;
    }

    /// <summary>A trap: the instruction is complete and RIP is behind it.</summary>
    [MethodImpl(Inline.Never)]
    public static Op* Trap(CpuState* c, Op* o, ExceptionVector vector)
    {
        c->ExitKind = (int)CpuExitKind.Exception;
        c->ExitVector = (int)vector;
        c->ExitAddress = 0;
        c->ExitError = 0;
        At(c, o, LeaveReason.Exit);
        c->Rip += o->Length;
        c->Retired++;
        return o;
    }

    [MethodImpl(Inline.Never)]
    public static void PageFault(CpuState* c, Op* o, ulong address, PageFaultError error)
    {
        c->ExitKind = (int)CpuExitKind.PageFault;
        c->ExitVector = 0;
        c->ExitAddress = address;
        c->ExitError = (uint)error;
        At(c, o, LeaveReason.Exit);
    }

    /// <summary>The stack access of an instruction that has another memory operand failed: #GP for it is #SS.</summary>
    [MethodImpl(Inline.Never)]
    public static Op* Stack(CpuState* c, Op* o)
    {
        if (c->Internal == (int)LeaveReason.Exit && c->ExitKind == (int)CpuExitKind.Exception && c->ExitVector == (int)ExceptionVector.GeneralProtection)
            c->ExitVector = (int)ExceptionVector.StackFault;
        return o;
    }

    /// <summary>A function asked for an exception by <see cref="CpuState.RequestException"/>.</summary>
    [MethodImpl(Inline.Never)]
    public static Op* Requested(CpuState* c, Op* o)
    {
        At(c, o, LeaveReason.Exit);
        return o;
    }

    /// <summary>The driver has to do something before the instruction can run.</summary>
    [MethodImpl(Inline.Never)]
    public static Op* Before(CpuState* c, Op* o, LeaveReason reason)
    {
        At(c, o, reason);
        return o;
    }

    /// <summary>The instruction is complete; decode or look up afresh behind it.</summary>
    [MethodImpl(Inline.Never)]
    public static Op* After(CpuState* c, Op* o)
    {
        At(c, o, LeaveReason.Lookup);
        c->Rip += o->Length;
        c->Retired++;
        return o;
    }

    /// <summary>Control goes to an address for which the jump cache has nothing.</summary>
    [MethodImpl(Inline.Never)]
    public static Op* To(CpuState* c, Op* o, ulong rip)
    {
        c->Rip = rip;
        c->Internal = (int)LeaveReason.Lookup;
        return o;
    }
}
