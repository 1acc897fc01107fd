using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Simd;

/// <summary>
/// Handlers for frequent moves and integer operations on XMM registers. Those of a scalar between register and
/// memory need none of their own: <see cref="MoveHandlers"/> serves them.
/// </summary>
internal static unsafe class FastVectorHandlers
{
    // SAFETY: D and S are offsets of register slots in CpuState; memory is what the TLB vouches for.

    [MethodImpl(Handler)]
    public static Op* Copy(CpuState* c, Op* o)
    {
        *(Vector128<byte>*)((byte*)c + o->D) = *(Vector128<byte>*)((byte*)c + o->S);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Load(CpuState* c, Op* o)
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Read;
        if (offset > 4096 - 16)
            return MissedMemory.Read(c, o, address, 16);
        *(Vector128<byte>*)((byte*)c + o->D) = *(Vector128<byte>*)(e->Host + offset);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* LoadAligned(CpuState* c, Op* o)
    {
        ulong address = Op.Address(c, o);
        if ((address & 15) != 0)
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Read;
        if (offset > 4096 - 16)
            return MissedMemory.Read(c, o, address, 16);
        *(Vector128<byte>*)((byte*)c + o->D) = *(Vector128<byte>*)(e->Host + offset);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Store(CpuState* c, Op* o)
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Write;
        if (offset > 4096 - 16)
            return MissedMemory.Write(c, o, address, 16);
        *(Vector128<byte>*)(e->Host + offset) = *(Vector128<byte>*)((byte*)c + o->S);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* StoreAligned(CpuState* c, Op* o)
    {
        ulong address = Op.Address(c, o);
        if ((address & 15) != 0)
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Write;
        if (offset > 4096 - 16)
            return MissedMemory.Write(c, o, address, 16);
        *(Vector128<byte>*)(e->Host + offset) = *(Vector128<byte>*)((byte*)c + o->S);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>A scalar into the low end, the rest zeroed: MOVD and MOVQ between registers.</summary>
    [MethodImpl(Handler)]
    public static Op* Scalar<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        *(Vector128<ulong>*)((byte*)c + o->D) = Vector128.CreateScalar(TSize.Load((byte*)c + o->S));
        return o[1].Fn(c, o + 1);
    }

    /// <summary>The same from memory: MOVSS, MOVSD, MOVD, MOVQ.</summary>
    [MethodImpl(Handler)]
    public static Op* LoadScalar<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Read;
        if (offset > (ulong)(4096 - TSize.Bytes))
            return MissedMemory.Read(c, o, address, TSize.Bytes);
        *(Vector128<ulong>*)((byte*)c + o->D) = Vector128.CreateScalar(TSize.Load(e->Host + offset));
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Registers<TOperation>(CpuState* c, Op* o)
        where TOperation : struct, IVectorBinary
    {
        Vector128<byte>* d = (Vector128<byte>*)((byte*)c + o->D);
        *d = TOperation.Compute(*d, *(Vector128<byte>*)((byte*)c + o->S));
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Memory<TOperation>(CpuState* c, Op* o)
        where TOperation : struct, IVectorBinary
    {
        ulong address = Op.Address(c, o);
        if ((address & 15) != 0)
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Read;
        if (offset > 4096 - 16)
            return MissedMemory.Read(c, o, address, 16);
        Vector128<byte>* d = (Vector128<byte>*)((byte*)c + o->D);
        *d = TOperation.Compute(*d, *(Vector128<byte>*)(e->Host + offset));
        return o[1].Fn(c, o + 1);
    }

    /// <summary>PXOR and its kin of a register with itself.</summary>
    [MethodImpl(Handler)]
    public static Op* Clear(CpuState* c, Op* o)
    {
        *(Vector128<byte>*)((byte*)c + o->D) = Vector128<byte>.Zero;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>PMOVMSKB.</summary>
    [MethodImpl(Handler)]
    public static Op* SignMask(CpuState* c, Op* o)
    {
        *(ulong*)((byte*)c + o->D) = Vector128.ExtractMostSignificantBits(*(Vector128<byte>*)((byte*)c + o->S));
        return o[1].Fn(c, o + 1);
    }

    /// <summary>A shift by an immediate, Aux.</summary>
    [MethodImpl(Handler)]
    public static Op* Shift<TShift>(CpuState* c, Op* o)
        where TShift : struct, IVectorShift
    {
        Vector128<byte>* d = (Vector128<byte>*)((byte*)c + o->D);
        *d = TShift.Compute(*d, o->Aux);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>PSHUFD.</summary>
    [MethodImpl(Handler)]
    public static Op* ShuffleInts(CpuState* c, Op* o)
    {
        uint* x = (uint*)((byte*)c + o->S);
        uint order = o->Aux;
        *(Vector128<uint>*)((byte*)c + o->D) = Vector128.Create(x[order & 3], x[(order >> 2) & 3], x[(order >> 4) & 3], x[order >> 6]);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>PALIGNR.</summary>
    [MethodImpl(Handler)]
    public static Op* Align(CpuState* c, Op* o)
    {
        ulong* d = (ulong*)((byte*)c + o->D);
        *(Vector128<ulong>*)d = SseShift.Align(d, (ulong*)((byte*)c + o->S), o->Aux);
        return o[1].Fn(c, o + 1);
    }
}
