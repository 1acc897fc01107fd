using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>
/// Ends of blocks. A branch with a known target is followed by one or two links; it returns what its link leads
/// to, which is the link itself until the driver has patched it, and always so for another page.
/// </summary>
internal static unsafe class BranchHandlers
{
    private const int JumpMask = JumpCache.Entries - 1;

    /// <summary>Where control goes on at a virtual address, by the jump cache.</summary>
    [MethodImpl(Always)]
    private static Op* Transfer(CpuState* c, Op* o, ulong rip)
    {
        JumpEntry* e = c->JumpCache + ((rip ^ (rip >> 12)) & JumpMask);
        if (e->Key != rip + c->JumpKey)
            return Leave.To(c, o, rip);
        c->PageBase = rip & ~4095UL;
        return (Op*)e->Block;
    }

    /// <summary>An unpatched link, or one that can't be: to another page, or to an instruction that crosses pages (Aux 1).</summary>
    [MethodImpl(Handler)]
    public static Op* Link(CpuState* c, Op* o)
    {
        ulong rip = c->PageBase + (ulong)(long)o->Disp;
        if ((uint)o->Disp < 4096 && o->Aux == 0)
        {
            c->PendingLink = o;
            c->Rip = rip;
            c->Internal = (int)LeaveReason.Link;
            return o;
        }

        return Transfer(c, o, rip);
    }

    /// <summary>A link whose distance from the page's base has more bits than Disp; B and X hold the upper ones.</summary>
    [MethodImpl(Handler)]
    public static Op* DistantLink(CpuState* c, Op* o) => Transfer(c, o, DistantTarget(c, o));

    private static ulong DistantTarget(CpuState* c, Op* o) => c->PageBase + ((uint)o->Disp | ((ulong)o->B << 32) | ((ulong)o->X << 48));

    [MethodImpl(Handler)]
    public static Op* StepDistantLink(CpuState* c, Op* o)
    {
        c->Rip = DistantTarget(c, o);
        c->Internal = (int)LeaveReason.StepDone;
        return o;
    }

    /// <summary>Behind a stepped instruction: RIP is the link's target.</summary>
    [MethodImpl(Handler)]
    public static Op* StepLink(CpuState* c, Op* o)
    {
        c->Rip = c->PageBase + (ulong)(long)o->Disp;
        c->Internal = (int)LeaveReason.StepDone;
        return o;
    }

    /// <summary>The end of a block that runs on, and JMP with a known target. Before counts this instruction too.</summary>
    [MethodImpl(Handler)]
    public static Op* Jump(CpuState* c, Op* o)
    {
        c->Retired += o->Before;
        return (Op*)o[1].Imm;
    }

    /// <summary>Jcc: o[1] is the taken link, o[2] the other (swapped for negated conditions).</summary>
    [MethodImpl(Handler)]
    public static Op* Conditional<TCondition>(CpuState* c, Op* o)
        where TCondition : struct, ICondition
    {
        c->Retired += o->Before + 1u;
        return (Op*)(TCondition.Test(c) ? o[1].Imm : o[2].Imm);
    }

    /// <summary>CMP register, source and Jcc in one.</summary>
    [MethodImpl(Handler)]
    public static Op* CompareRegister<TCondition, TSize, TSource>(CpuState* c, Op* o)
        where TCondition : struct, ICondition
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        ulong b;
        if (TSource.IsMemory)
        {
            ulong address = Op.Address(c, o);
            TlbEntry* e = MemoryAccess.Entry(c, address);
            ulong off = address ^ e->Read;
            if (off > (ulong)(4096 - TSize.Bytes))
                return MissedMemory.Read(c, o, address, TSize.Bytes);
            b = TSize.Load(e->Host + off);
        }
        else
        {
            TSource.TryGet<TSize>(c, o, out b);
        }

        ulong a = TSize.Load((byte*)c + o->D);
        FlagRules.Difference<TSize>(c, a, b, a - b);
        c->Retired += o->Before + 2u;
        return (Op*)(TCondition.Compare<TSize>(a, b) ? o[1].Imm : o[2].Imm);
    }

    /// <summary>CMP memory, source and Jcc in one.</summary>
    [MethodImpl(Handler)]
    public static Op* CompareMemory<TCondition, TSize, TSource>(CpuState* c, Op* o)
        where TCondition : struct, ICondition
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong off = address ^ e->Read;
        if (off > (ulong)(4096 - TSize.Bytes))
            return MissedMemory.Read(c, o, address, TSize.Bytes);
        ulong a = TSize.Load(e->Host + off);
        TSource.TryGet<TSize>(c, o, out ulong b);
        FlagRules.Difference<TSize>(c, a, b, a - b);
        c->Retired += o->Before + 2u;
        return (Op*)(TCondition.Compare<TSize>(a, b) ? o[1].Imm : o[2].Imm);
    }

    /// <summary>TEST register, source and Jcc in one.</summary>
    [MethodImpl(Handler)]
    public static Op* TestRegister<TCondition, TSize, TSource>(CpuState* c, Op* o)
        where TCondition : struct, ICondition
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        TSource.TryGet<TSize>(c, o, out ulong b);
        long r = TSize.SignExtend(TSize.Load((byte*)c + o->D) & b);
        c->FlagResult = r;
        c->FlagAux = 0;
        c->Retired += o->Before + 2u;
        return (Op*)(TCondition.Logic(r) ? o[1].Imm : o[2].Imm);
    }

    /// <summary>LOOP (Aux 2), LOOPE (1), LOOPNE (0), JRCXZ (3); 32-bit counters with the address-size prefix.</summary>
    [MethodImpl(Handler)]
    public static Op* Loop(CpuState* c, Op* o)
    {
        bool narrow = (o->Flags & OpFlags.Address32) != 0;
        ulong count = c->Gpr[1];
        bool taken;
        if (o->Aux == 3)
        {
            taken = (narrow ? (uint)count : count) == 0;
        }
        else
        {
            count--;
            if (narrow)
                count = (uint)count;
            c->Gpr[1] = count;
            taken = count != 0 && (o->Aux == 2 || (c->FlagResult == 0) == (o->Aux == 1));
        }

        c->Retired += o->Before + 1u;
        return (Op*)(taken ? o[1].Imm : o[2].Imm);
    }

    [MethodImpl(Always)]
    private static bool IsCanonical(ulong address) => (ulong)((long)(address << 16) >> 16) == address;

    /// <summary>Ends operations that don't lead on: gives back itself.</summary>
    public static Op* Stop(CpuState* c, Op* o) => o;

    /// <summary>JMP to a register's or memory's contents.</summary>
    [MethodImpl(Handler)]
    public static Op* JumpIndirect<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        ulong target;
        if (TSource.IsMemory)
        {
            ulong address = Op.Address(c, o);
            TlbEntry* e = MemoryAccess.Entry(c, address);
            ulong off = address ^ e->Read;
            if (off > 4096 - 8)
                return MissedMemory.Read(c, o, address, 8);
            target = Byte8.Load(e->Host + off);
        }
        else
        {
            TSource.TryGet<Byte8>(c, o, out target);
        }

        if (!IsCanonical(target))
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        c->Retired += o->Before + 1u;
        return Transfer(c, o, target);
    }

    [MethodImpl(Handler)]
    public static Op* CallIndirect<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte8>(c, o, out ulong target))
            return o;
        if (!IsCanonical(target))
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        ulong sp = c->Gpr[4] - 8;
        if (!MemoryAccess.TryStore<Byte8>(c, o, sp, Op.NextRip(c, o)))
            return Leave.Stack(c, o);
        c->Gpr[4] = sp;
        c->Retired += o->Before + 1u;
        return Transfer(c, o, target);
    }

    /// <summary>CALL with a known target: o[1] is the link.</summary>
    [MethodImpl(Handler)]
    public static Op* Call(CpuState* c, Op* o)
    {
        ulong sp = c->Gpr[4] - 8;
        TlbEntry* e = MemoryAccess.Entry(c, sp);
        ulong off = sp ^ e->Write;
        if (off > 4096 - 8)
            return MissedMemory.Write(c, o, sp, 8);
        Byte8.Store(e->Host + off, Op.NextRip(c, o));
        c->Gpr[4] = sp;
        c->Retired += o->Before + 1u;
        return (Op*)o[1].Imm;
    }

    /// <summary>CALL with a known target in another page, as almost all are: Disp in o[1].</summary>
    [MethodImpl(Handler)]
    public static Op* CallFar(CpuState* c, Op* o)
    {
        ulong sp = c->Gpr[4] - 8;
        TlbEntry* e = MemoryAccess.Entry(c, sp);
        ulong off = sp ^ e->Write;
        if (off > 4096 - 8)
            return MissedMemory.Write(c, o, sp, 8);
        Byte8.Store(e->Host + off, Op.NextRip(c, o));
        c->Gpr[4] = sp;
        c->Retired += o->Before + 1u;
        return Transfer(c, o, c->PageBase + (ulong)(long)o[1].Disp);
    }

    /// <summary>RET; Imm further bytes are dropped.</summary>
    [MethodImpl(Handler)]
    public static Op* Return(CpuState* c, Op* o)
    {
        ulong sp = c->Gpr[4];
        TlbEntry* e = MemoryAccess.Entry(c, sp);
        ulong off = sp ^ e->Read;
        if (off > 4096 - 8)
            return MissedMemory.Read(c, o, sp, 8);
        ulong target = Byte8.Load(e->Host + off);
        if (!IsCanonical(target))
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        c->Gpr[4] = sp + 8 + o->Imm;
        c->Retired += o->Before + 1u;
        return Transfer(c, o, target);
    }
}
