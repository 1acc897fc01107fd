using System.Runtime.CompilerServices;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.Simd;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.X87;

/// <summary>
/// XSAVE, XSAVEOPT, XSAVEC and XRSTOR (Intel's SDM 1, 13.7 to 13.10). The area must be aligned to 64 bytes; only the parts
/// that an instruction needs are touched. Aux 1: with REX.W, x87's pointers have 64 bits.
/// </summary>
internal static unsafe class ExtendedStateHandlers
{
    // SAFETY: areas have been probed for as many bytes as the components need.

    private const ulong CompactBit = 1UL << 63;

    /// <summary>Every requested component, in use or not.</summary>
    [MethodImpl(Handler)]
    public static Op* Save(CpuState* c, Op* o)
    {
        ulong requested = ExtendedState.Requested(c);
        return TrySave(c, o, requested, requested) ? o[1].Fn(c, o + 1) : o;
    }

    /// <summary>XSAVEOPT: only components in use. (That they are as they were last restored is never remembered.)</summary>
    [MethodImpl(Handler)]
    public static Op* SaveUsed(CpuState* c, Op* o)
    {
        ulong requested = ExtendedState.Requested(c);
        return TrySave(c, o, requested, requested & ExtendedState.InUse(c)) ? o[1].Fn(c, o + 1) : o;
    }

    [MethodImpl(Hot)]
    private static bool TrySave(CpuState* c, Op* o, ulong requested, ulong saved)
    {
        ulong address = Op.Address(c, o);
        if (!IsAligned(c, o, address) || !MemoryAccess.TryWritable(c, o, address, ExtendedState.SizeOf(saved), out byte* area))
            return false;
        ExtendedState.SaveComponents(c, area, saved, NeedsControl(requested), o->Aux != 0);
        ulong* present = (ulong*)(area + ExtendedState.HeaderOffset);
        *present = (*present & ~requested) | (requested & ExtendedState.InUse(c));
        MemoryAccess.Commit(c, area);
        return true;
    }

    /// <summary>XSAVEC: the compacted form.</summary>
    [MethodImpl(Handler)]
    public static Op* SaveCompact(CpuState* c, Op* o) => TrySaveCompact(c, o) ? o[1].Fn(c, o + 1) : o;

    [MethodImpl(Hot)]
    private static bool TrySaveCompact(CpuState* c, Op* o)
    {
        ulong requested = ExtendedState.Requested(c);
        ulong saved = requested & ExtendedState.InUse(c);

        // Here MXCSR counts as part of the SSE state.
        if (c->Mxcsr != MxcsrControl.Reset)
            saved |= requested & (ulong)StateComponents.Sse;
        ulong address = Op.Address(c, o);
        if (!IsAligned(c, o, address) || !MemoryAccess.TryWritable(c, o, address, ExtendedState.SizeOf(saved), out byte* area))
            return false;
        ExtendedState.SaveComponents(c, area, saved, (saved & (ulong)StateComponents.Sse) != 0, o->Aux != 0);
        ulong* header = (ulong*)(area + ExtendedState.HeaderOffset);
        header[0] = saved;
        header[1] = requested | CompactBit;
        MemoryAccess.Commit(c, area);
        return true;
    }

    [MethodImpl(Handler)]
    public static Op* Restore(CpuState* c, Op* o) => TryRestore(c, o) ? o[1].Fn(c, o + 1) : o;

    [MethodImpl(Hot)]
    private static bool TryRestore(CpuState* c, Op* o)
    {
        ulong address = Op.Address(c, o);
        if (!IsAligned(c, o, address) || !MemoryAccess.TryReadable(c, o, address, ExtendedState.AvxOffset, out byte* area))
            return false;
        ulong* header = (ulong*)(area + ExtendedState.HeaderOffset);
        ulong present = header[0], format = header[1];
        bool compact = (format & CompactBit) != 0 && c->Level >= CpuLevel.Max;
        ulong requested = ExtendedState.Requested(c);
        ulong wrong = compact
            ? (format & ~CompactBit & ~c->ExtendedControl) | (present & ~format) | header[2] | header[3] | header[4] | header[5] | header[6] | header[7]
            : (present & ~c->ExtendedControl) | format | header[2];

        // In the standard form MXCSR is taken whatever XSTATE_BV says.
        bool loadsControl = compact ? (requested & present & (ulong)StateComponents.Sse) != 0 : NeedsControl(requested);
        uint control = loadsControl ? *(uint*)(area + ExtendedState.MxcsrOffset) : MxcsrControl.Reset;
        if (wrong != 0 || (control & ~MxcsrControl.Writable) != 0)
        {
            _ = Leave.Fault(c, o, ExceptionVector.GeneralProtection);
            return false;
        }

        if ((requested & present & (ulong)StateComponents.Avx) != 0 && !MemoryAccess.TryReadable(c, o, address, ExtendedState.SizeOf(present), out area))
            return false;
        ExtendedState.RestoreComponents(c, area, requested, present, o->Aux != 0);
        if (loadsControl || (compact && (requested & (ulong)StateComponents.Sse) != 0))
            c->Mxcsr = control;
        return true;
    }

    [MethodImpl(Always)]
    private static bool NeedsControl(ulong requested) => (requested & (ulong)(StateComponents.Sse | StateComponents.Avx)) != 0;

    [MethodImpl(Always)]
    private static bool IsAligned(CpuState* c, Op* o, ulong address)
    {
        if ((address & 63) == 0)
            return true;
        _ = Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        return false;
    }
}
