using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>CMPXCHG CMPXCHG8B CMPXCHG16B XADD.</summary>
internal static unsafe class ExchangeHandlers
{
    [MethodImpl(Handler)]
    public static Op* CompareExchangeRegister<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        byte* d = (byte*)c + o->D;
        ulong a = TSize.Load((byte*)&c->Gpr[0]);
        ulong seen = TSize.Load(d);
        ulong source = TSize.Load((byte*)c + o->S);
        FlagRules.Difference<TSize>(c, a, seen, a - seen);
        TSize.StoreRegister(seen == a ? d : (byte*)&c->Gpr[0], seen == a ? source : seen);

        return o[1].Fn(c, o + 1);
    }

    /// <summary>With and without LOCK: memory is written (or found writable) in any case.</summary>
    [MethodImpl(Handler)]
    public static Op* CompareExchangeMemory<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        if (!Atomic.TryBegin(c, o, Op.Address(c, o), TSize.Bytes, out byte* p))
            return o;
        ulong a = TSize.Load((byte*)&c->Gpr[0]);
        ulong seen = TSize.CompareExchange(p, TSize.Load((byte*)c + o->S), a);
        FlagRules.Difference<TSize>(c, a, seen, a - seen);
        if (seen != a)
            TSize.StoreRegister((byte*)&c->Gpr[0], seen);
        MemoryAccess.Commit(c, p);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>EDX:EAX against memory, ECX:EBX into it. Only ZF changes.</summary>
    [MethodImpl(Handler)]
    public static Op* CompareExchange8Bytes(CpuState* c, Op* o)
    {
        if (!Atomic.TryBegin(c, o, Op.Address(c, o), 8, out byte* p))
            return o;
        ulong expected = (uint)c->Gpr[0] | c->Gpr[2] << 32;
        ulong wanted = (uint)c->Gpr[3] | c->Gpr[1] << 32;
        ulong seen = Interlocked.CompareExchange(ref *(ulong*)p, wanted, expected);
        if (seen != expected)
        {
            c->Gpr[0] = (uint)seen;
            c->Gpr[2] = seen >> 32;
        }

        SetZero(c, seen == expected);
        MemoryAccess.Commit(c, p);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>RDX:RAX against memory, RCX:RBX into it; misaligned is #GP. Only ZF changes.</summary>
    [MethodImpl(Handler)]
    public static Op* CompareExchange16Bytes(CpuState* c, Op* o)
    {
        ulong address = Op.Address(c, o);
        if ((address & 15) != 0)
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        if (!MemoryAccess.TryWritable(c, o, address, 16, out byte* p))
            return o;
        bool equal;
        if (WideExchange.IsSupported)
        {
            equal = WideExchange.CompareExchange(p, &c->Gpr[0], &c->Gpr[2], c->Gpr[3], c->Gpr[1]);
        }
        else
        {
            if ((c->Stepping & (int)StepFlags.Exclusive) == 0)
                return Leave.Before(c, o, LeaveReason.Exclusive);
            ulong* m = (ulong*)p;
            equal = m[0] == c->Gpr[0] && m[1] == c->Gpr[2];
            if (equal)
            {
                m[0] = c->Gpr[3];
                m[1] = c->Gpr[1];
            }
            else
            {
                c->Gpr[0] = m[0];
                c->Gpr[2] = m[1];
            }
        }

        SetZero(c, equal);
        return o[1].Fn(c, o + 1);
    }

    private static void SetZero(CpuState* c, bool zero) =>
        CpuState.WriteArithmetic(c, (CpuState.ReadArithmetic(c) & ~0x40UL) | (zero ? 0x40UL : 0));

    [MethodImpl(Handler)]
    public static Op* ExchangeAddRegister<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        byte* d = (byte*)c + o->D;
        byte* s = (byte*)c + o->S;
        ulong a = TSize.Load(d);
        ulong b = TSize.Load(s);
        ulong r = a + b;
        FlagRules.Sum<TSize>(c, a, b, r);
        TSize.StoreRegister(s, a);
        TSize.StoreRegister(d, r);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* ExchangeAddMemory<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        if (!Atomic.TryBegin(c, o, Op.Address(c, o), TSize.Bytes, out byte* p))
            return o;
        byte* s = (byte*)c + o->S;
        ulong b = TSize.Load(s);
        ulong a = TSize.Load(p);
        ulong r;
        while (true)
        {
            r = a + b;
            ulong seen = TSize.CompareExchange(p, r, a);
            if (seen == a)
                break;
            a = seen;
        }

        FlagRules.Sum<TSize>(c, a, b, r);
        MemoryAccess.Commit(c, p);
        TSize.StoreRegister(s, a);
        return o[1].Fn(c, o + 1);
    }
}
