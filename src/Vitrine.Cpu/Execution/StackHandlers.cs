using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>PUSH POP PUSHF POPF ENTER LEAVE: operands of 64 bits, or 16 with the operand-size prefix.</summary>
internal static unsafe class StackHandlers
{
    [MethodImpl(Handler)]
    public static Op* Push<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        ulong sp = c->Gpr[4] - (ulong)TSize.Bytes;
        if (TSource.IsMemory)
        {
            if (!TSource.TryGet<TSize>(c, o, out ulong v))
                return o;
            if (!MemoryAccess.TryStore<TSize>(c, o, sp, v))
                return Leave.Stack(c, o);
        }
        else
        {
            TlbEntry* e = MemoryAccess.Entry(c, sp);
            ulong off = sp ^ e->Write;
            if (off > (ulong)(4096 - TSize.Bytes))
                return MissedMemory.Write(c, o, sp, TSize.Bytes);
            TSource.TryGet<TSize>(c, o, out ulong v);
            TSize.Store(e->Host + off, v);
        }

        c->Gpr[4] = sp;
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* PopRegister<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        ulong sp = c->Gpr[4];
        TlbEntry* e = MemoryAccess.Entry(c, sp);
        ulong off = sp ^ e->Read;
        if (off > (ulong)(4096 - TSize.Bytes))
            return MissedMemory.Read(c, o, sp, TSize.Bytes);
        ulong v = TSize.Load(e->Host + off);
        c->Gpr[4] = sp + (ulong)TSize.Bytes;
        TSize.StoreRegister((byte*)c + o->D, v);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>POP to memory: an address with RSP in it counts from the incremented RSP.</summary>
    [MethodImpl(Handler)]
    public static Op* PopMemory<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        ulong sp = c->Gpr[4];
        if (!MemoryAccess.TryLoad<TSize>(c, o, sp, out ulong v))
            return Leave.Stack(c, o);
        c->Gpr[4] = sp + (ulong)TSize.Bytes;
        if (!MemoryAccess.TryStore<TSize>(c, o, Op.Address(c, o), v))
        {
            c->Gpr[4] = sp;
            return o;
        }

        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* LeaveFrame<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        ulong bp = c->Gpr[5];
        if (!MemoryAccess.TryLoad<TSize>(c, o, bp, out ulong v))
            return o;
        c->Gpr[4] = bp + (ulong)TSize.Bytes;
        TSize.StoreRegister((byte*)&c->Gpr[5], v);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>ENTER Imm, Aux. All that it will write is probed before RSP and RBP change.</summary>
    [MethodImpl(Handler)]
    public static Op* Enter<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        ulong size = (ulong)TSize.Bytes;
        int level = o->Aux & 31;
        ulong sp = c->Gpr[4];
        ulong bp = c->Gpr[5];
        ulong frame = sp - size;
        ulong final = frame - (ulong)level * size - o->Imm;

        // SAFETY: at most 33 slots; each store below is to an address probed here, or faults before RSP changes.
        if (!MemoryAccess.TryStore<TSize>(c, o, frame, TSize.Truncate(bp)))
            return o;
        if (level > 0)
        {
            for (int i = 1; i < level; i++)
            {
                if (!MemoryAccess.TryLoad<TSize>(c, o, bp - (ulong)i * size, out ulong v) ||
                    !MemoryAccess.TryStore<TSize>(c, o, frame - (ulong)i * size, v))
                    return o;
            }

            if (!MemoryAccess.TryStore<TSize>(c, o, frame - (ulong)level * size, TSize.Truncate(frame)))
                return o;
        }

        if (!MemoryAccess.TryWritable(c, o, final, TSize.Bytes, out byte* _))
            return o;
        c->Gpr[4] = final;
        TSize.StoreRegister((byte*)&c->Gpr[5], frame);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* PushFlags<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        ulong sp = c->Gpr[4] - (ulong)TSize.Bytes;

        // RF and VM are never pushed.
        if (!MemoryAccess.TryStore<TSize>(c, o, sp, CpuState.ReadFlags(c) & ~0x30000UL))
            return o;
        c->Gpr[4] = sp;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>POPF at privilege level 3: IF, IOPL, VIF, VIP and VM stay; TF takes effect behind the next instruction.</summary>
    [MethodImpl(Handler)]
    public static Op* PopFlags<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        const ulong Changeable = 0x244dd5;
        ulong sp = c->Gpr[4];
        if (!MemoryAccess.TryLoad<TSize>(c, o, sp, out ulong v))
            return o;
        c->Gpr[4] = sp + (ulong)TSize.Bytes;
        ulong mask = TSize.Bytes == 2 ? Changeable & 0xffff : Changeable;
        ulong old = CpuState.ReadFlags(c);
        CpuState.WriteFlags(c, (old & ~mask & ~0x10000UL) | (v & mask));
        if ((v & 0x100) != 0)
            return Leave.After(c, o);
        return o[1].Fn(c, o + 1);
    }
}
