using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>BMI1, BMI2, LZCNT, ADX and MOVBE. D is the destination, S or memory the operand, V the register of VEX.vvvv.</summary>
internal static unsafe class BitFieldHandlers
{
    [MethodImpl(Handler)]
    public static Op* Combine<TOp, TSize, TSource>(CpuState* c, Op* o)
        where TOp : struct, IBitFieldOperation
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong operand))
            return o;
        TSize.StoreRegister((byte*)c + o->D, TOp.Compute<TSize>(c, operand, TSize.Load((byte*)c + o->V)));
        return o[1].Fn(c, o + 1);
    }

    /// <summary>RORX: Aux is the count.</summary>
    [MethodImpl(Handler)]
    public static Op* Rotate<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong v))
            return o;
        TSize.StoreRegister((byte*)c + o->D, TSize.Bytes == 8 ? ulong.RotateRight(v, o->Aux) : uint.RotateRight((uint)v, o->Aux));
        return o[1].Fn(c, o + 1);
    }

    /// <summary>MULX: the low half goes to V, then the high half to D.</summary>
    [MethodImpl(Handler)]
    public static Op* MultiplyPlain<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong b))
            return o;
        ulong high, low;
        if (TSize.Bytes == 8)
        {
            high = Math.BigMul(c->Gpr[2], b, out low);
        }
        else
        {
            low = TSize.Truncate(c->Gpr[2]) * b;
            high = low >> 32;
        }

        TSize.StoreRegister((byte*)c + o->V, low);
        TSize.StoreRegister((byte*)c + o->D, high);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* LoadSwapped<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        if (!MemoryAccess.TryLoad<TSize>(c, o, Op.Address(c, o), out ulong v))
            return o;
        TSize.StoreRegister((byte*)c + o->D, Swap<TSize>(v));
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* StoreSwapped<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        if (!MemoryAccess.TryStore<TSize>(c, o, Op.Address(c, o), Swap<TSize>(TSize.Load((byte*)c + o->S))))
            return o;
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Always)]
    private static ulong Swap<TSize>(ulong v) where TSize : struct, ISize => BinaryPrimitives.ReverseEndianness(v) >> (64 - TSize.Bytes * 8);

    /// <summary>WRFSBASE and WRGSBASE of 64 bits: D is the base's place.</summary>
    [MethodImpl(Handler)]
    public static Op* WriteSegmentBase(CpuState* c, Op* o)
    {
        ulong v = *(ulong*)((byte*)c + o->S);
        if ((ulong)((long)(v << 16) >> 16) != v)
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        *(ulong*)((byte*)c + o->D) = v;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>RDRAND and RDSEED: a number is always to be had. The driver is asked for it, as for the time.</summary>
    [MethodImpl(Handler)]
    public static Op* ReadRandom<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        if ((c->Stepping & (int)StepFlags.HasService) == 0)
            return Leave.Before(c, o, LeaveReason.ReadRandom);
        TSize.StoreRegister((byte*)c + o->D, TSize.Truncate(c->ServiceValue));
        CpuState.WriteArithmetic(c, 1);
        return o[1].Fn(c, o + 1);
    }
}
