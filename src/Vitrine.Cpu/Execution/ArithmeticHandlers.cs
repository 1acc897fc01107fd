using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>ADD OR ADC SBB AND SUB XOR CMP TEST and INC DEC NEG NOT.</summary>
internal static unsafe class ArithmeticHandlers
{
    /// <summary>The register is the first operand.</summary>
    [MethodImpl(Handler)]
    public static Op* ToRegister<TOp, TSize, TSource, TFlags>(CpuState* c, Op* o)
        where TOp : struct, IArithmetic
        where TSize : struct, ISize
        where TSource : struct, ISource
        where TFlags : struct, ISwitch
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

        byte* d = (byte*)c + o->D;
        ulong a = TSize.Load(d);
        ulong r = TOp.Compute(c, a, b);
        if (TFlags.On)
            TOp.SetFlags<TSize>(c, a, b, r);
        if (TOp.Writes)
            TSize.StoreRegister(d, r);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>Memory is the first operand.</summary>
    [MethodImpl(Handler)]
    public static Op* ToMemory<TOp, TSize, TSource>(CpuState* c, Op* o)
        where TOp : struct, IArithmetic
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong off = address ^ (TOp.Writes ? e->Write : e->Read);
        if (off > (ulong)(4096 - TSize.Bytes))
            return TOp.Writes ? MissedMemory.Write(c, o, address, TSize.Bytes) : MissedMemory.Read(c, o, address, TSize.Bytes);
        TSource.TryGet<TSize>(c, o, out ulong b);
        byte* p = e->Host + off;
        ulong a = TSize.Load(p);
        ulong r = TOp.Compute(c, a, b);
        TOp.SetFlags<TSize>(c, a, b, r);
        if (TOp.Writes)
            TSize.Store(p, r);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>As <see cref="ToMemory"/> with LOCK.</summary>
    [MethodImpl(Handler)]
    public static Op* ToMemoryLocked<TOp, TSize, TSource>(CpuState* c, Op* o)
        where TOp : struct, IArithmetic
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        TSource.TryGet<TSize>(c, o, out ulong b);
        if (!Atomic.TryBegin(c, o, Op.Address(c, o), TSize.Bytes, out byte* p))
            return o;
        ulong a = TSize.Load(p);
        ulong r;
        while (true)
        {
            r = TOp.Compute(c, a, b);
            ulong seen = TSize.CompareExchange(p, r, a);
            if (seen == a)
                break;
            a = seen;
        }

        TOp.SetFlags<TSize>(c, a, b, r);
        MemoryAccess.Commit(c, p);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* UnaryRegister<TOp, TSize>(CpuState* c, Op* o)
        where TOp : struct, IUnary
        where TSize : struct, ISize
    {
        byte* d = (byte*)c + o->D;
        ulong a = TSize.Load(d);
        ulong r = TOp.Compute(a);
        TOp.SetFlags<TSize>(c, a, r);
        TSize.StoreRegister(d, r);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* UnaryMemory<TOp, TSize>(CpuState* c, Op* o)
        where TOp : struct, IUnary
        where TSize : struct, ISize
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong off = address ^ e->Write;
        if (off > (ulong)(4096 - TSize.Bytes))
            return MissedMemory.Write(c, o, address, TSize.Bytes);
        byte* p = e->Host + off;
        ulong a = TSize.Load(p);
        ulong r = TOp.Compute(a);
        TOp.SetFlags<TSize>(c, a, r);
        TSize.Store(p, r);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* UnaryMemoryLocked<TOp, TSize>(CpuState* c, Op* o)
        where TOp : struct, IUnary
        where TSize : struct, ISize
    {
        if (!Atomic.TryBegin(c, o, Op.Address(c, o), TSize.Bytes, out byte* p))
            return o;
        ulong a = TSize.Load(p);
        ulong r;
        while (true)
        {
            r = TOp.Compute(a);
            ulong seen = TSize.CompareExchange(p, r, a);
            if (seen == a)
                break;
            a = seen;
        }

        TOp.SetFlags<TSize>(c, a, r);
        MemoryAccess.Commit(c, p);
        return o[1].Fn(c, o + 1);
    }
}
