using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using Vitrine.Cpu.X87;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>System calls, traps, identification, time, flags, segment registers and what user mode may not do.</summary>
internal static unsafe class SystemHandlers
{
    [MethodImpl(Handler)]
    public static Op* Syscall(CpuState* c, Op* o)
    {
        ulong next = Op.NextRip(c, o);
        c->Gpr[1] = next;
        c->Gpr[11] = CpuState.ReadFlags(c) & ~0x10000UL;
        c->Rip = next;
        c->Retired += o->Before + 1u;
        c->ExitKind = (int)CpuExitKind.Syscall;
        c->Internal = (int)LeaveReason.Exit;
        return o;
    }

    /// <summary>A fault whatever the state: the vector is Aux.</summary>
    [MethodImpl(Handler)]
    public static Op* Fault(CpuState* c, Op* o) => Leave.Fault(c, o, (ExceptionVector)o->Aux);

    /// <summary>INT3, INT1: the vector is Aux.</summary>
    [MethodImpl(Handler)]
    public static Op* Trap(CpuState* c, Op* o) => Leave.Trap(c, o, (ExceptionVector)o->Aux);

    /// <summary>An instruction that isn't known: reported, then #UD.</summary>
    [MethodImpl(Handler)]
    public static Op* Unknown(CpuState* c, Op* o) => Leave.Before(c, o, LeaveReason.Unknown);

    [MethodImpl(Handler)]
    public static Op* CpuIdentification(CpuState* c, Op* o)
    {
        (c->Gpr[0], c->Gpr[3], c->Gpr[1], c->Gpr[2]) = CpuModel.Leaf(c->Level, (uint)c->Gpr[0], (uint)c->Gpr[1], c->Index);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>RDTSC, and RDTSCP with Aux 1. Ends its block, so that the driver can be asked for the time.</summary>
    [MethodImpl(Handler)]
    public static Op* ReadTimeStamp(CpuState* c, Op* o)
    {
        if ((c->Stepping & (int)StepFlags.HasService) == 0)
            return Leave.Before(c, o, LeaveReason.ReadTsc);
        c->Gpr[0] = (uint)c->ServiceValue;
        c->Gpr[2] = c->ServiceValue >> 32;
        if (o->Aux != 0)
            c->Gpr[1] = c->Index;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>XGETBV: XCR0, and with ECX = 1 those of its components that don't hold their initial values.</summary>
    [MethodImpl(Handler)]
    public static Op* ReadExtendedControl(CpuState* c, Op* o)
    {
        ulong which = (uint)c->Gpr[1];
        if (which != 0 && (which != 1 || c->Level < CpuLevel.Max))
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        c->Gpr[0] = which == 0 ? c->ExtendedControl : ExtendedState.InUse(c);
        c->Gpr[2] = 0;
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Fence(CpuState* c, Op* o)
    {
        Interlocked.MemoryBarrier();
        return o[1].Fn(c, o + 1);
    }

    /// <summary>CLFLUSH: a read of one byte that changes nothing.</summary>
    [MethodImpl(Handler)]
    public static Op* Touch(CpuState* c, Op* o)
    {
        if (!MemoryAccess.TryReadable(c, o, Op.Address(c, o), 1, out byte* _))
            return o;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>CLC (Aux 0), STC (1), CMC (2), CLD (3), STD (4).</summary>
    [MethodImpl(Handler)]
    public static Op* ChangeFlag(CpuState* c, Op* o)
    {
        switch (o->Aux)
        {
            case 0: CpuState.SetCarry(c, false); break;
            case 1: CpuState.SetCarry(c, true); break;
            case 2: CpuState.SetCarry(c, !CpuState.Carry(c)); break;
            case 3: c->SystemFlags &= ~0x400UL; break;
            default: c->SystemFlags |= 0x400; break;
        }

        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* LoadAh(CpuState* c, Op* o)
    {
        ((byte*)c)[1] = (byte)((CpuState.ReadArithmetic(c) & 0xd5) | 2);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* StoreAh(CpuState* c, Op* o)
    {
        ulong kept = CpuState.ReadArithmetic(c) & 0x800;
        CpuState.WriteArithmetic(c, kept | (((byte*)c)[1] & 0xd5u));
        return o[1].Fn(c, o + 1);
    }

    /// <summary>CBW CWDE CDQE: Aux is the source size.</summary>
    [MethodImpl(Handler)]
    public static Op* ExtendAccumulator(CpuState* c, Op* o)
    {
        switch (o->Aux)
        {
            case 1: *(ushort*)&c->Gpr[0] = (ushort)(sbyte)c->Gpr[0]; break;
            case 2: c->Gpr[0] = (uint)(short)c->Gpr[0]; break;
            default: c->Gpr[0] = (ulong)(int)c->Gpr[0]; break;
        }

        return o[1].Fn(c, o + 1);
    }

    /// <summary>CWD CDQ CQO: Aux is the operand size.</summary>
    [MethodImpl(Handler)]
    public static Op* SignIntoData(CpuState* c, Op* o)
    {
        switch (o->Aux)
        {
            case 2: *(ushort*)&c->Gpr[2] = (ushort)((short)c->Gpr[0] >> 15); break;
            case 4: c->Gpr[2] = (uint)((int)c->Gpr[0] >> 31); break;
            default: c->Gpr[2] = (ulong)((long)c->Gpr[0] >> 63); break;
        }

        return o[1].Fn(c, o + 1);
    }

    /// <summary>XLAT: base RBX in B, segment base as index with shift 0, AL added here.</summary>
    [MethodImpl(Handler)]
    public static Op* TableLookup(CpuState* c, Op* o)
    {
        ulong a = c->Gpr[3] + (byte)c->Gpr[0];
        if ((o->Flags & OpFlags.Address32) != 0)
            a = (uint)a;
        if (!MemoryAccess.TryLoad<Byte1>(c, o, a + *(ulong*)((byte*)c + o->S), out ulong v))
            return o;
        *(byte*)&c->Gpr[0] = (byte)v;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>MOV from a segment register at offset S, to a register of TSize (zero-extended).</summary>
    [MethodImpl(Handler)]
    public static Op* ReadSegment<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        TSize.StoreRegister((byte*)c + o->D, *(ushort*)((byte*)c + o->S));
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* ReadSegmentToMemory(CpuState* c, Op* o)
    {
        if (!MemoryAccess.TryStore<Byte2>(c, o, Op.Address(c, o), *(ushort*)((byte*)c + o->S)))
            return o;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>MOV to the segment register at offset D: the null and the user data selector can be loaded.</summary>
    [MethodImpl(Handler)]
    public static Op* WriteSegment<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte2>(c, o, out ulong v))
            return o;
        ushort* register = (ushort*)((byte*)c + o->D);
        if (!TryLoadSegment(c, o, v, register))
            return o;
        if (register == &c->Ss)
            c->Stepping |= c->Stepping == 0 ? 0 : (int)StepFlags.HoldsTrap;
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* PushSegment<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        ulong sp = c->Gpr[4] - (ulong)TSize.Bytes;
        if (!MemoryAccess.TryStore<TSize>(c, o, sp, *(ushort*)((byte*)c + o->S)))
            return o;
        c->Gpr[4] = sp;
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* PopSegment<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        if (!MemoryAccess.TryLoad<TSize>(c, o, c->Gpr[4], out ulong v) || !TryLoadSegment(c, o, (ushort)v, (ushort*)((byte*)c + o->D)))
            return o;
        c->Gpr[4] += (ulong)TSize.Bytes;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>False: #GP is prepared, the register is as it was.</summary>
    public static bool TryLoadSegment(CpuState* c, Op* o, ulong selector, ushort* register)
    {
        bool stack = register == &c->Ss;
        if (!(stack ? selector == Descriptors.UserData : selector < 4 || Descriptors.High(selector) != 0))
        {
            _ = Leave.Fault(c, o, ExceptionVector.GeneralProtection);
            return false;
        }

        *register = (ushort)selector;
        if (register == &c->Fs)
            c->FsBase = 0;
        else if (register == &c->Gs)
            c->GsBase = 0;
        return true;
    }

    /// <summary>LAR (Aux 0), LSL (1), VERR (2), VERW (3): only ZF and, if it is set, the destination change.</summary>
    [MethodImpl(Handler)]
    public static Op* InspectDescriptor<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte2>(c, o, out ulong selector))
            return o;
        uint high = Descriptors.High(selector);
        bool accessible = high != 0 && (o->Aux != 3 || Descriptors.IsWritable(high));
        if (accessible && o->Aux < 2)
        {
            ulong v = o->Aux == 0 ? high & 0xf0ff00 : Descriptors.Limit(selector, c->Index);
            byte* d = (byte*)c + o->D;
            if (o->Imm == 2)
                *(ushort*)d = (ushort)v;
            else
                *(ulong*)d = v;
        }

        CpuState.WriteArithmetic(c, (CpuState.ReadArithmetic(c) & ~0x40UL) | (accessible ? 0x40UL : 0));
        return o[1].Fn(c, o + 1);
    }
}
