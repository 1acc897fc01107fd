using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>ROL ROR RCL RCR SHL SHR SAR, SHLD SHRD.</summary>
internal static unsafe class ShiftHandlers
{
    [MethodImpl(Handler)]
    public static Op* Register<TOp, TSize, TCount>(CpuState* c, Op* o)
        where TOp : struct, IShift
        where TSize : struct, ISize
        where TCount : struct, ICount
    {
        byte* d = (byte*)c + o->D;
        ulong a = TSize.Load(d);
        int count = TCount.Get<TSize>(c, o);
        if (!TCount.MayBeZero || count != 0)
            a = TOp.Apply<TSize>(c, a, count);
        TSize.StoreRegister(d, a);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Memory<TOp, TSize, TCount>(CpuState* c, Op* o)
        where TOp : struct, IShift
        where TSize : struct, ISize
        where TCount : struct, ICount
    {
        if (!MemoryAccess.TryWritable(c, o, Op.Address(c, o), TSize.Bytes, out byte* p))
            return o;
        ulong a = TSize.Load(p);
        int count = TCount.Get<TSize>(c, o);
        if (!TCount.MayBeZero || count != 0)
            a = TOp.Apply<TSize>(c, a, count);
        TSize.Store(p, a);
        MemoryAccess.Commit(c, p);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>A constant count without flags.</summary>
    [MethodImpl(Handler)]
    public static Op* LeftQuiet<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        byte* d = (byte*)c + o->D;
        TSize.StoreRegister(d, TSize.Load(d) << o->Aux);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* RightQuiet<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        byte* d = (byte*)c + o->D;
        TSize.StoreRegister(d, TSize.Load(d) >> o->Aux);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>SHLD and SHRD; Imm 1 is SHRD, TCount the count. The source register is S, the destination D or memory.</summary>
    [MethodImpl(Handler)]
    public static Op* DoubleRegister<TSize, TCount>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TCount : struct, ICount
    {
        byte* d = (byte*)c + o->D;
        TSize.StoreRegister(d, Double<TSize>(c, TSize.Load(d), TSize.Load((byte*)c + o->S), TCount.Get<TSize>(c, o), o->Imm != 0));
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* DoubleMemory<TSize, TCount>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TCount : struct, ICount
    {
        if (!MemoryAccess.TryWritable(c, o, Op.Address(c, o), TSize.Bytes, out byte* p))
            return o;
        TSize.Store(p, Double<TSize>(c, TSize.Load(p), TSize.Load((byte*)c + o->S), TCount.Get<TSize>(c, o), o->Imm != 0));
        MemoryAccess.Commit(c, p);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>A count above the operand size (16-bit forms only) has an undefined result: the fill wraps around.</summary>
    private static ulong Double<TSize>(CpuState* c, ulong a, ulong b, int count, bool right)
        where TSize : struct, ISize
    {
        if (count == 0)
            return a;
        int bits = TSize.Bytes * 8;
        ulong r;
        bool carry;
        if (count > bits)
        {
            // 16 bits: the operands concatenated twice over.
            ulong wide = right ? a | (b << 16) | (a << 32) : (a << 32) | (b << 16) | a;
            r = right ? wide >> count : wide >> (32 - count);
            carry = right ? ((wide >> (count - 1)) & 1) != 0 : ((wide >> (48 - count)) & 1) != 0;
        }
        else if (right)
        {
            r = count == 64 ? b : (count == bits ? b : (a >> count) | (b << (bits - count)));
            carry = ((a >> (count - 1)) & 1) != 0;
        }
        else
        {
            r = count == bits ? b : (a << count) | (b >> (bits - count));
            carry = ((a >> (bits - count)) & 1) != 0;
        }

        r = TSize.Truncate(r);
        CpuState.SetResult(c, TSize.SignExtend(r), carry, TSize.SignExtend(r ^ a) < 0);
        return r;
    }
}
