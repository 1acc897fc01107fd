using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>MUL IMUL DIV IDIV. SF, ZF and PF, undefined after a multiplication, follow the low result; AF is clear. Divisions leave all flags.</summary>
internal static unsafe class MultiplyHandlers
{
    /// <summary>IMUL register, source: D is the destination and first factor.</summary>
    [MethodImpl(Handler)]
    public static Op* Signed2<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong b))
            return o;
        byte* d = (byte*)c + o->D;
        TSize.StoreRegister(d, Truncating<TSize>(c, TSize.Load(d), b));
        return o[1].Fn(c, o + 1);
    }

    /// <summary>IMUL register, source, Imm.</summary>
    [MethodImpl(Handler)]
    public static Op* Signed3<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong a))
            return o;
        TSize.StoreRegister((byte*)c + o->D, Truncating<TSize>(c, a, o->Imm));
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Always)]
    private static ulong Truncating<TSize>(CpuState* c, ulong a, ulong b)
        where TSize : struct, ISize
    {
        bool lost;
        long result;
        if (TSize.Bytes == 8)
        {
            long high = Math.BigMul((long)a, (long)b, out long low);
            result = low;
            lost = high != low >> 63;
        }
        else
        {
            long product = TSize.SignExtend(a) * TSize.SignExtend(b);
            result = TSize.SignExtend((ulong)product);
            lost = result != product;
        }

        CpuState.SetResult(c, result, lost, lost);
        return (ulong)result;
    }

    /// <summary>MUL of the accumulator.</summary>
    [MethodImpl(Handler)]
    public static Op* UnsignedWide<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong b))
            return o;
        ulong a = TSize.Truncate(c->Gpr[0]);
        ulong low;
        ulong high;
        if (TSize.Bytes == 8)
        {
            high = Math.BigMul(a, b, out low);
        }
        else
        {
            ulong product = a * b;
            low = TSize.Truncate(product);
            high = product >> (TSize.Bytes * 8);
        }

        StoreWide<TSize>(c, low, high);
        CpuState.SetResult(c, TSize.SignExtend(low), high != 0, high != 0);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>IMUL of the accumulator.</summary>
    [MethodImpl(Handler)]
    public static Op* SignedWide<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong b))
            return o;
        long a = TSize.SignExtend(c->Gpr[0]);
        long low;
        long high;
        if (TSize.Bytes == 8)
        {
            high = Math.BigMul(a, (long)b, out low);
        }
        else
        {
            long product = a * TSize.SignExtend(b);
            low = TSize.SignExtend((ulong)product);
            high = product >> (TSize.Bytes * 8);
        }

        bool lost = high != low >> 63;
        StoreWide<TSize>(c, (ulong)low, (ulong)high);
        CpuState.SetResult(c, low, lost, lost);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Always)]
    private static void StoreWide<TSize>(CpuState* c, ulong low, ulong high)
        where TSize : struct, ISize
    {
        if (TSize.Bytes == 1)
        {
            *(ushort*)&c->Gpr[0] = (ushort)((byte)low | high << 8);
        }
        else
        {
            TSize.StoreRegister((byte*)&c->Gpr[0], low);
            TSize.StoreRegister((byte*)&c->Gpr[2], high);
        }
    }

    [MethodImpl(Handler)]
    public static Op* UnsignedDivide<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong b))
            return o;
        if (b == 0)
            return Leave.Fault(c, o, ExceptionVector.DivideError);
        if (TSize.Bytes == 1)
        {
            uint a = (ushort)c->Gpr[0];
            uint q = a / (uint)b;
            if (q > 255)
                return Leave.Fault(c, o, ExceptionVector.DivideError);
            *(ushort*)&c->Gpr[0] = (ushort)(q | (a % (uint)b) << 8);
        }
        else if (TSize.Bytes == 8)
        {
            ulong high = c->Gpr[2];
            ulong low = c->Gpr[0];
            if (high >= b)
                return Leave.Fault(c, o, ExceptionVector.DivideError);
            if (high == 0)
            {
                ulong q = low / b;
                c->Gpr[0] = q;
                c->Gpr[2] = low - q * b;
            }
            else
            {
                DivideWide(c, b);
            }
        }
        else
        {
            ulong high = TSize.Truncate(c->Gpr[2]);
            if (high >= b)
                return Leave.Fault(c, o, ExceptionVector.DivideError);
            ulong a = (high << (TSize.Bytes * 8)) | TSize.Truncate(c->Gpr[0]);
            ulong q = a / b;
            TSize.StoreRegister((byte*)&c->Gpr[0], q);
            TSize.StoreRegister((byte*)&c->Gpr[2], a - q * b);
        }

        return o[1].Fn(c, o + 1);
    }

    // These two are methods of their own since the ahead-of-time compiler leaves alone what handles 128-bit integers.

    /// <summary>RDX:RAX by b, which is above RDX.</summary>
    [MethodImpl(Never)]
    private static void DivideWide(CpuState* c, ulong b)
    {
        (UInt128 q, UInt128 r) = UInt128.DivRem(new UInt128(c->Gpr[2], c->Gpr[0]), b);
        c->Gpr[0] = (ulong)q;
        c->Gpr[2] = (ulong)r;
    }

    /// <summary>RDX:RAX by b, both signed. False: the quotient has too many bits.</summary>
    [MethodImpl(Never)]
    private static bool TryDivideWide(CpuState* c, long b)
    {
        // Magnitudes, so that the most negative dividend needs no special case.
        UInt128 a = new(c->Gpr[2], c->Gpr[0]);
        bool negative = (long)c->Gpr[2] < 0;
        if (negative)
            a = UInt128.Zero - a;
        ulong magnitude = b < 0 ? 0 - (ulong)b : (ulong)b;
        (UInt128 q, UInt128 r) = UInt128.DivRem(a, magnitude);
        bool negativeQuotient = negative != (b < 0);
        UInt128 limit = negativeQuotient ? (UInt128)1 << 63 : ((UInt128)1 << 63) - 1;
        if (q > limit)
            return false;
        c->Gpr[0] = negativeQuotient ? 0 - (ulong)q : (ulong)q;
        c->Gpr[2] = negative ? 0 - (ulong)r : (ulong)r;
        return true;
    }

    [MethodImpl(Handler)]
    public static Op* SignedDivide<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong unsigned))
            return o;
        long b = TSize.SignExtend(unsigned);
        if (b == 0)
            return Leave.Fault(c, o, ExceptionVector.DivideError);
        if (TSize.Bytes == 8)
        {
            long high = (long)c->Gpr[2];
            long low = (long)c->Gpr[0];
            if (high == low >> 63 && !(low == long.MinValue && b == -1))
            {
                long q = low / b;
                c->Gpr[0] = (ulong)q;
                c->Gpr[2] = (ulong)(low - q * b);
            }
            else
            {
                if (!TryDivideWide(c, b))
                    return Leave.Fault(c, o, ExceptionVector.DivideError);
            }
        }
        else
        {
            long a = TSize.Bytes switch
            {
                1 => (short)c->Gpr[0],
                2 => (int)((uint)(ushort)c->Gpr[0] | (uint)c->Gpr[2] << 16),
                _ => (long)((uint)c->Gpr[0] | c->Gpr[2] << 32),
            };
            if (a == long.MinValue && b == -1)
                return Leave.Fault(c, o, ExceptionVector.DivideError);
            long q = a / b;
            long r = a - q * b;
            if (TSize.SignExtend((ulong)q) != q)
                return Leave.Fault(c, o, ExceptionVector.DivideError);
            if (TSize.Bytes == 1)
            {
                *(ushort*)&c->Gpr[0] = (ushort)((byte)q | (byte)r << 8);
            }
            else
            {
                TSize.StoreRegister((byte*)&c->Gpr[0], (ulong)q);
                TSize.StoreRegister((byte*)&c->Gpr[2], (ulong)r);
            }
        }

        return o[1].Fn(c, o + 1);
    }
}
