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
        if (!TSource.TryGet<TSize>(c, o, out ulong b))
            return o;
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
        TSource.TryGet<TSize>(c, o, out ulong b);
        ulong address = Op.Address(c, o);
        if (TOp.Writes)
        {
            if (!MemoryAccess.TryWritable(c, o, address, TSize.Bytes, out byte* p))
                return o;
            ulong a = TSize.Load(p);
            ulong r = TOp.Compute(c, a, b);
            TOp.SetFlags<TSize>(c, a, b, r);
            TSize.Store(p, r);
            MemoryAccess.Commit(c, p);
        }
        else
        {
            if (!MemoryAccess.TryLoad<TSize>(c, o, address, out ulong a))
                return o;
            TOp.SetFlags<TSize>(c, a, b, TOp.Compute(c, a, b));
        }

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
        if (!MemoryAccess.TryWritable(c, o, Op.Address(c, o), TSize.Bytes, out byte* p))
            return o;
        ulong a = TSize.Load(p);
        ulong r = TOp.Compute(a);
        TOp.SetFlags<TSize>(c, a, r);
        TSize.Store(p, r);
        MemoryAccess.Commit(c, p);
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
