using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>XMM or YMM operands, as a type parameter of handlers. A register written is always written to its full 32 bytes.</summary>
internal unsafe interface IVectorWidth
{
    static abstract ulong Bytes { get; }

    /// <summary>To a register.</summary>
    static abstract void Load(byte* register, byte* from);

    /// <summary>To memory.</summary>
    static abstract void Store(byte* to, byte* register);

    static abstract void Compute<TOperation>(byte* register, byte* x, byte* y) where TOperation : struct, IVectorBinary;

    static abstract void Shift<TShift>(byte* register, byte* x, int count) where TShift : struct, IVectorShift;

    static abstract uint SignBits(byte* register);
}

internal readonly unsafe struct Width16 : IVectorWidth
{
    public static ulong Bytes { [MethodImpl(Always)] get => 16; }

    [MethodImpl(Always)]
    public static void Load(byte* register, byte* from)
    {
        *(Vector128<byte>*)register = *(Vector128<byte>*)from;
        *(Vector128<byte>*)(register + 16) = Vector128<byte>.Zero;
    }

    [MethodImpl(Always)] public static void Store(byte* to, byte* register) => *(Vector128<byte>*)to = *(Vector128<byte>*)register;

    [MethodImpl(Always)]
    public static void Compute<TOperation>(byte* register, byte* x, byte* y) where TOperation : struct, IVectorBinary
    {
        *(Vector128<byte>*)register = TOperation.Compute(*(Vector128<byte>*)x, *(Vector128<byte>*)y);
        *(Vector128<byte>*)(register + 16) = Vector128<byte>.Zero;
    }

    [MethodImpl(Always)]
    public static void Shift<TShift>(byte* register, byte* x, int count) where TShift : struct, IVectorShift
    {
        *(Vector128<byte>*)register = TShift.Compute(*(Vector128<byte>*)x, count);
        *(Vector128<byte>*)(register + 16) = Vector128<byte>.Zero;
    }

    [MethodImpl(Always)] public static uint SignBits(byte* register) => Vector128.ExtractMostSignificantBits(*(Vector128<byte>*)register);
}

internal readonly unsafe struct Width32 : IVectorWidth
{
    public static ulong Bytes { [MethodImpl(Always)] get => 32; }

    [MethodImpl(Always)]
    public static void Load(byte* register, byte* from)
    {
        Vector128<byte> low = *(Vector128<byte>*)from, high = *(Vector128<byte>*)(from + 16);
        *(Vector128<byte>*)register = low;
        *(Vector128<byte>*)(register + 16) = high;
    }

    [MethodImpl(Always)] public static void Store(byte* to, byte* register) => Load(to, register);

    [MethodImpl(Always)]
    public static void Compute<TOperation>(byte* register, byte* x, byte* y) where TOperation : struct, IVectorBinary
    {
        Vector128<byte> low = TOperation.Compute(*(Vector128<byte>*)x, *(Vector128<byte>*)y);
        Vector128<byte> high = TOperation.Compute(*(Vector128<byte>*)(x + 16), *(Vector128<byte>*)(y + 16));
        *(Vector128<byte>*)register = low;
        *(Vector128<byte>*)(register + 16) = high;
    }

    [MethodImpl(Always)]
    public static void Shift<TShift>(byte* register, byte* x, int count) where TShift : struct, IVectorShift
    {
        *(Vector128<byte>*)register = TShift.Compute(*(Vector128<byte>*)x, count);
        *(Vector128<byte>*)(register + 16) = TShift.Compute(*(Vector128<byte>*)(x + 16), count);
    }

    [MethodImpl(Always)]
    public static uint SignBits(byte* register) =>
        Vector128.ExtractMostSignificantBits(*(Vector128<byte>*)register) | (Vector128.ExtractMostSignificantBits(*(Vector128<byte>*)(register + 16)) << 16);
}

/// <summary>
/// Handlers of frequent VEX instructions: D the destination, V the first source, S or memory the second. The lane
/// operations are those of the legacy handlers (<see cref="FastVectorHandlers"/>).
/// </summary>
internal static unsafe class FastVexHandlers
{
    // SAFETY: D, V and S are offsets of slots of 32 bytes in CpuState; memory is what the TLB vouches for.

    [MethodImpl(Handler)]
    public static Op* Copy<TWidth>(CpuState* c, Op* o)
        where TWidth : struct, IVectorWidth
    {
        TWidth.Load((byte*)c + o->D, (byte*)c + o->S);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Load<TWidth, TAligned>(CpuState* c, Op* o)
        where TWidth : struct, IVectorWidth
        where TAligned : struct, ISwitch
    {
        ulong address = Op.Address(c, o);
        if (TAligned.On && (address & (TWidth.Bytes - 1)) != 0)
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Read;
        if (offset > 4096 - TWidth.Bytes)
            return MissedMemory.Read(c, o, address, (int)TWidth.Bytes);
        TWidth.Load((byte*)c + o->D, e->Host + offset);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Store<TWidth, TAligned>(CpuState* c, Op* o)
        where TWidth : struct, IVectorWidth
        where TAligned : struct, ISwitch
    {
        ulong address = Op.Address(c, o);
        if (TAligned.On && (address & (TWidth.Bytes - 1)) != 0)
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Write;
        if (offset > 4096 - TWidth.Bytes)
            return MissedMemory.Write(c, o, address, (int)TWidth.Bytes);
        TWidth.Store(e->Host + offset, (byte*)c + o->S);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Registers<TOperation, TWidth>(CpuState* c, Op* o)
        where TOperation : struct, IVectorBinary
        where TWidth : struct, IVectorWidth
    {
        TWidth.Compute<TOperation>((byte*)c + o->D, (byte*)c + o->V, (byte*)c + o->S);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Memory<TOperation, TWidth>(CpuState* c, Op* o)
        where TOperation : struct, IVectorBinary
        where TWidth : struct, IVectorWidth
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Read;
        if (offset > 4096 - TWidth.Bytes)
            return MissedMemory.Read(c, o, address, (int)TWidth.Bytes);
        TWidth.Compute<TOperation>((byte*)c + o->D, (byte*)c + o->V, e->Host + offset);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>By an immediate below the lanes' width, Aux.</summary>
    [MethodImpl(Handler)]
    public static Op* Shift<TShift, TWidth>(CpuState* c, Op* o)
        where TShift : struct, IVectorShift
        where TWidth : struct, IVectorWidth
    {
        TWidth.Shift<TShift>((byte*)c + o->D, (byte*)c + o->S, o->Aux);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>VPXOR and its kin of a register with itself.</summary>
    [MethodImpl(Handler)]
    public static Op* Clear(CpuState* c, Op* o)
    {
        Vector128<byte>* d = (Vector128<byte>*)((byte*)c + o->D);
        d[0] = Vector128<byte>.Zero;
        d[1] = Vector128<byte>.Zero;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>VPMOVMSKB.</summary>
    [MethodImpl(Handler)]
    public static Op* SignMask<TWidth>(CpuState* c, Op* o)
        where TWidth : struct, IVectorWidth
    {
        *(ulong*)((byte*)c + o->D) = TWidth.SignBits((byte*)c + o->S);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>A scalar into the low end, the rest zeroed: VMOVD and VMOVQ between registers.</summary>
    [MethodImpl(Handler)]
    public static Op* Scalar<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        Vector128<ulong>* d = (Vector128<ulong>*)((byte*)c + o->D);
        d[0] = Vector128.CreateScalar(TSize.Load((byte*)c + o->S));
        d[1] = Vector128<ulong>.Zero;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>The same from memory: VMOVSS, VMOVSD, VMOVD, VMOVQ.</summary>
    [MethodImpl(Handler)]
    public static Op* LoadScalar<TSize>(CpuState* c, Op* o)
        where TSize : struct, ISize
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Read;
        if (offset > (ulong)(4096 - TSize.Bytes))
            return MissedMemory.Read(c, o, address, TSize.Bytes);
        Vector128<ulong>* d = (Vector128<ulong>*)((byte*)c + o->D);
        d[0] = Vector128.CreateScalar(TSize.Load(e->Host + offset));
        d[1] = Vector128<ulong>.Zero;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>VPBROADCASTB from a register.</summary>
    [MethodImpl(Handler)]
    public static Op* BroadcastBytes<TWidth>(CpuState* c, Op* o)
        where TWidth : struct, IVectorWidth
    {
        Vector128<byte> value = Vector128.Create(*((byte*)c + o->S));
        Vector128<byte>* d = (Vector128<byte>*)((byte*)c + o->D);
        d[0] = value;
        d[1] = TWidth.Bytes == 32 ? value : Vector128<byte>.Zero;
        return o[1].Fn(c, o + 1);
    }

    /// <summary>VBROADCASTF128 and VBROADCASTI128.</summary>
    [MethodImpl(Handler)]
    public static Op* LoadTwice(CpuState* c, Op* o)
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Read;
        if (offset > 4096 - 16)
            return MissedMemory.Read(c, o, address, 16);
        Vector128<byte> value = *(Vector128<byte>*)(e->Host + offset);
        Vector128<byte>* d = (Vector128<byte>*)((byte*)c + o->D);
        d[0] = value;
        d[1] = value;
        return o[1].Fn(c, o + 1);
    }
}
