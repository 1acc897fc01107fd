using System.Numerics;
using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>What BT BTS BTR BTC do to the bit that they test.</summary>
internal interface IBitChange
{
    static abstract bool Writes { get; }

    static abstract ulong Apply(ulong value, ulong mask);
}

internal readonly struct BitKeep : IBitChange
{
    public static bool Writes { [MethodImpl(Always)] get => false; }

    [MethodImpl(Always)] public static ulong Apply(ulong value, ulong mask) => value;
}

internal readonly struct BitSet : IBitChange
{
    public static bool Writes { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static ulong Apply(ulong value, ulong mask) => value | mask;
}

internal readonly struct BitReset : IBitChange
{
    public static bool Writes { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static ulong Apply(ulong value, ulong mask) => value & ~mask;
}

internal readonly struct BitComplement : IBitChange
{
    public static bool Writes { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static ulong Apply(ulong value, ulong mask) => value ^ mask;
}

/// <summary>Bit tests (only CF changes), scans (only ZF is defined: the others follow the source), POPCNT, BSWAP, CRC32.</summary>
internal static unsafe class BitHandlers
{
    [MethodImpl(Handler)]
    public static Op* TestRegister<TChange, TSize, TSource>(CpuState* c, Op* o)
        where TChange : struct, IBitChange
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        TSource.TryGet<TSize>(c, o, out ulong index);
        byte* d = (byte*)c + o->D;
        ulong mask = 1UL << (int)(index & (ulong)(TSize.Bytes * 8 - 1));
        ulong v = TSize.Load(d);
        CpuState.SetCarry(c, (v & mask) != 0);
        if (TChange.Writes)
            TSize.StoreRegister(d, TChange.Apply(v, mask));
        return o[1].Fn(c, o + 1);
    }

    /// <summary>The bit string in memory: a register index reaches beyond the operand (Aux 1), an immediate doesn't.</summary>
    [MethodImpl(Handler)]
    public static Op* TestMemory<TChange, TSize, TSource>(CpuState* c, Op* o)
        where TChange : struct, IBitChange
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        TSource.TryGet<TSize>(c, o, out ulong index);
        int bits = TSize.Bytes * 8;
        ulong address = Op.Address(c, o);
        if (o->Aux != 0)
        {
            // With 32-bit addressing the offset wraps before the segment's base (then the index) is added.
            ulong delta = (ulong)((TSize.SignExtend(index) >> BitOperations.Log2((uint)bits)) * TSize.Bytes);
            address = (o->Flags & OpFlags.Address32) != 0
                ? (uint)(c->TempAddress + delta) + *(ulong*)((byte*)c + o->X)
                : address + delta;
        }

        ulong mask = 1UL << (int)(index & (ulong)(bits - 1));
        if (!TChange.Writes)
        {
            if (!MemoryAccess.TryLoad<TSize>(c, o, address, out ulong v))
                return o;
            CpuState.SetCarry(c, (v & mask) != 0);
        }
        else if ((o->Flags & OpFlags.Locked) != 0)
        {
            if (!Atomic.TryBegin(c, o, address, TSize.Bytes, out byte* p))
                return o;
            ulong v = TSize.Load(p);
            while (true)
            {
                ulong seen = TSize.CompareExchange(p, TChange.Apply(v, mask), v);
                if (seen == v)
                    break;
                v = seen;
            }

            CpuState.SetCarry(c, (v & mask) != 0);
            MemoryAccess.Commit(c, p);
        }
        else
        {
            if (!MemoryAccess.TryWritable(c, o, address, TSize.Bytes, out byte* p))
                return o;
            ulong v = TSize.Load(p);
            CpuState.SetCarry(c, (v & mask) != 0);
            TSize.Store(p, TChange.Apply(v, mask));
            MemoryAccess.Commit(c, p);
        }

        return o[1].Fn(c, o + 1);
    }

    /// <summary>BSF (Aux 0) and BSR (Aux 1): a zero source leaves the destination alone, all 64 bits of it.</summary>
    [MethodImpl(Handler)]
    public static Op* Scan<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong v))
            return o;
        if (v != 0)
            TSize.StoreRegister((byte*)c + o->D, (ulong)(o->Aux == 0 ? BitOperations.TrailingZeroCount(v) : BitOperations.Log2(v)));
        CpuState.SetResult(c, TSize.SignExtend(v), false, false);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* PopCount<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong v))
            return o;
        TSize.StoreRegister((byte*)c + o->D, (ulong)BitOperations.PopCount(v));

        // Only ZF can be set; PF is cleared even for a zero result.
        CpuState.WriteArithmetic(c, v == 0 ? 0x40UL : 0);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* ByteSwap<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        byte* d = (byte*)c + o->D;
        ulong v = TSize.Load(d);

        // The 16-bit form is undefined; processors clear the register's low half.
        TSize.StoreRegister(d, TSize.Bytes == 8 ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(v)
            : TSize.Bytes == 4 ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((uint)v) : 0);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>CRC32 (the Castagnoli polynomial) of TSize bytes into D; Aux 1: a 64-bit destination.</summary>
    [MethodImpl(Handler)]
    public static Op* Crc32<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong v))
            return o;
        ulong* d = (ulong*)((byte*)c + o->D);
        uint crc = (uint)*d;
        crc = TSize.Bytes switch
        {
            1 => BitOperations.Crc32C(crc, (byte)v),
            2 => BitOperations.Crc32C(crc, (ushort)v),
            4 => BitOperations.Crc32C(crc, (uint)v),
            _ => BitOperations.Crc32C(crc, v),
        };
        *d = crc;
        return o[1].Fn(c, o + 1);
    }
}
