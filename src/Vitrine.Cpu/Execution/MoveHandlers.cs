using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>MOV and its kin: moves, extensions, LEA, exchange without memory, conditional moves and sets.</summary>
internal static unsafe class MoveHandlers
{
    /// <summary>From a register or an immediate; for memory see <see cref="Load"/>.</summary>
    [MethodImpl(Handler)]
    public static Op* ToRegister<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        TSource.TryGet<TSize>(c, o, out ulong v);
        TSize.StoreRegister((byte*)c + o->D, v);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Load<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong off = address ^ e->Read;
        if (off > (ulong)(4096 - TSize.Bytes))
            return MissedMemory.Read(c, o, address, TSize.Bytes);
        TSize.StoreRegister((byte*)c + o->D, TSize.Load(e->Host + off));
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* ToMemory<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong off = address ^ e->Write;
        if (off > (ulong)(4096 - TSize.Bytes))
            return MissedMemory.Write(c, o, address, TSize.Bytes);
        TSource.TryGet<TSize>(c, o, out ulong v);
        TSize.Store(e->Host + off, v);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>MOVZX: from TFrom to TTo.</summary>
    [MethodImpl(Handler)]
    public static Op* ZeroExtend<TTo, TFrom, TSource>(CpuState* c, Op* o)
        where TTo : struct, ISize
        where TFrom : struct, ISize
        where TSource : struct, ISource
    {
        ulong v;
        if (TSource.IsMemory)
        {
            ulong address = Op.Address(c, o);
            TlbEntry* e = MemoryAccess.Entry(c, address);
            ulong off = address ^ e->Read;
            if (off > (ulong)(4096 - TFrom.Bytes))
                return MissedMemory.Read(c, o, address, TFrom.Bytes);
            v = TFrom.Load(e->Host + off);
        }
        else
        {
            TSource.TryGet<TFrom>(c, o, out v);
        }

        TTo.StoreRegister((byte*)c + o->D, v);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>MOVSX and MOVSXD.</summary>
    [MethodImpl(Handler)]
    public static Op* SignExtend<TTo, TFrom, TSource>(CpuState* c, Op* o)
        where TTo : struct, ISize
        where TFrom : struct, ISize
        where TSource : struct, ISource
    {
        ulong v;
        if (TSource.IsMemory)
        {
            ulong address = Op.Address(c, o);
            TlbEntry* e = MemoryAccess.Entry(c, address);
            ulong off = address ^ e->Read;
            if (off > (ulong)(4096 - TFrom.Bytes))
                return MissedMemory.Read(c, o, address, TFrom.Bytes);
            v = TFrom.Load(e->Host + off);
        }
        else
        {
            TSource.TryGet<TFrom>(c, o, out v);
        }

        TTo.StoreRegister((byte*)c + o->D, (ulong)TFrom.SignExtend(v));
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Lea<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        TSize.StoreRegister((byte*)c + o->D, Op.Address(c, o));
        return o[1].Fn(c, o + 1);
    }

    /// <summary>LEA without an index: base and displacement.</summary>
    [MethodImpl(Handler)]
    public static Op* LeaBase<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        TSize.StoreRegister((byte*)c + o->D, *(ulong*)((byte*)c + o->B) + (ulong)(long)o->Disp);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>Computes an unusual address into <see cref="CpuState.TempAddress"/>: Imm is added. The segment's base is the next operation's index.</summary>
    [MethodImpl(Handler)]
    public static Op* PrepareAddress(CpuState* c, Op* o)
    {
        ulong a = *(ulong*)((byte*)c + o->B) + (*(ulong*)((byte*)c + o->X) << o->Shift) + o->Imm;
        if ((o->Flags & OpFlags.Address32) != 0)
            a = (uint)a;
        c->TempAddress = a;
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* ExchangeRegisters<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        byte* d = (byte*)c + o->D;
        byte* s = (byte*)c + o->S;
        ulong a = TSize.Load(d);
        ulong b = TSize.Load(s);
        TSize.StoreRegister(d, b);
        TSize.StoreRegister(s, a);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* ExchangeMemory<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        if (!Atomic.TryBegin(c, o, Op.Address(c, o), TSize.Bytes, out byte* p))
            return o;
        byte* s = (byte*)c + o->S;
        ulong old = TSize.Exchange(p, TSize.Load(s));
        MemoryAccess.Commit(c, p);
        TSize.StoreRegister(s, old);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>CMOVcc; Aux 1 negates. The memory operand is read, and a 32-bit destination cleared above, in any case.</summary>
    [MethodImpl(Handler)]
    public static Op* Conditional<TCondition, TSize, TSource>(CpuState* c, Op* o)
        where TCondition : struct, ICondition
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong v))
            return o;
        byte* d = (byte*)c + o->D;
        if (TCondition.Test(c) == (o->Aux != 0))
            v = TSize.Load(d);
        TSize.StoreRegister(d, v);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>SETcc to a register; Aux 1 negates.</summary>
    [MethodImpl(Handler)]
    public static Op* SetRegister<TCondition>(CpuState* c, Op* o)
        where TCondition : struct, ICondition
    {
        *((byte*)c + o->D) = (byte)((TCondition.Test(c) ? 1 : 0) ^ o->Aux);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* SetMemory<TCondition>(CpuState* c, Op* o)
        where TCondition : struct, ICondition
    {
        if (!MemoryAccess.TryStore<Byte1>(c, o, Op.Address(c, o), (ulong)(TCondition.Test(c) ? 1 : 0) ^ o->Aux))
            return o;
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Nothing(CpuState* c, Op* o) => o[1].Fn(c, o + 1);
}
