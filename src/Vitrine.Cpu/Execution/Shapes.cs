using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>Method options, short enough to stand before every handler.</summary>
internal static class Inline
{
    public const MethodImplOptions Always = MethodImplOptions.AggressiveInlining;

    /// <summary>
    /// A handler: compiled optimised at once, so that the call of the next handler becomes a jump. Nothing depends
    /// on that but speed: without it a block's handlers nest, and a block has a bounded number of them. (Not
    /// NoInlining: the runtime makes no implicit tail calls from such methods.) The ahead-of-time compiler optimises whatever it compiles,
    /// but leaves alone what asks for it: what it is given is built without asking.
    /// </summary>
#if AHEAD_OF_TIME
    public const MethodImplOptions Handler = 0;
#else
    public const MethodImplOptions Handler = MethodImplOptions.AggressiveOptimization;
#endif

    /// <summary>Runs often from the start: not worth compiling twice.</summary>
    public const MethodImplOptions Hot = Handler;

    public const MethodImplOptions Never = MethodImplOptions.NoInlining;
}

/// <summary>An operand size, as a type parameter of handlers. Values travel zero-extended in 64 bits.</summary>
internal unsafe interface ISize
{
    static abstract int Bytes { get; }

    static abstract ulong Load(byte* p);

    static abstract void Store(byte* p, ulong v);

    /// <summary>Writes a general register: 32-bit results clear the upper half, smaller ones leave the rest.</summary>
    static abstract void StoreRegister(byte* p, ulong v);

    static abstract long SignExtend(ulong v);

    static abstract ulong Truncate(ulong v);

    /// <summary>The carries out of the top bit, into it and out of bit 3 in the places of <see cref="CpuState.FlagAux"/>.</summary>
    static abstract ulong CarryAux(ulong carries);

    /// <summary>Atomic compare and exchange on host memory; the old value.</summary>
    static abstract ulong CompareExchange(byte* p, ulong value, ulong comparand);

    static abstract ulong Exchange(byte* p, ulong value);
}

internal readonly unsafe struct Byte1 : ISize
{
    public static int Bytes { [MethodImpl(Always)] get => 1; }

    [MethodImpl(Always)] public static ulong Load(byte* p) => *p;

    [MethodImpl(Always)] public static void Store(byte* p, ulong v) => *p = (byte)v;

    [MethodImpl(Always)] public static void StoreRegister(byte* p, ulong v) => *p = (byte)v;

    [MethodImpl(Always)] public static long SignExtend(ulong v) => (sbyte)v;

    [MethodImpl(Always)] public static ulong Truncate(ulong v) => (byte)v;

    [MethodImpl(Always)] public static ulong CarryAux(ulong v) => ((v << 56) & 0xc000000000000000) | (v & 8);

    [MethodImpl(Always)] public static ulong CompareExchange(byte* p, ulong value, ulong comparand) => Interlocked.CompareExchange(ref *p, (byte)value, (byte)comparand);

    [MethodImpl(Always)] public static ulong Exchange(byte* p, ulong value) => Interlocked.Exchange(ref *p, (byte)value);
}

internal readonly unsafe struct Byte2 : ISize
{
    public static int Bytes { [MethodImpl(Always)] get => 2; }

    [MethodImpl(Always)] public static ulong Load(byte* p) => Unsafe.ReadUnaligned<ushort>(p);

    [MethodImpl(Always)] public static void Store(byte* p, ulong v) => Unsafe.WriteUnaligned(p, (ushort)v);

    [MethodImpl(Always)] public static void StoreRegister(byte* p, ulong v) => *(ushort*)p = (ushort)v;

    [MethodImpl(Always)] public static long SignExtend(ulong v) => (short)v;

    [MethodImpl(Always)] public static ulong Truncate(ulong v) => (ushort)v;

    [MethodImpl(Always)] public static ulong CarryAux(ulong v) => ((v << 48) & 0xc000000000000000) | (v & 8);

    [MethodImpl(Always)] public static ulong CompareExchange(byte* p, ulong value, ulong comparand) => Interlocked.CompareExchange(ref *(ushort*)p, (ushort)value, (ushort)comparand);

    [MethodImpl(Always)] public static ulong Exchange(byte* p, ulong value) => Interlocked.Exchange(ref *(ushort*)p, (ushort)value);
}

internal readonly unsafe struct Byte4 : ISize
{
    public static int Bytes { [MethodImpl(Always)] get => 4; }

    [MethodImpl(Always)] public static ulong Load(byte* p) => Unsafe.ReadUnaligned<uint>(p);

    [MethodImpl(Always)] public static void Store(byte* p, ulong v) => Unsafe.WriteUnaligned(p, (uint)v);

    [MethodImpl(Always)] public static void StoreRegister(byte* p, ulong v) => *(ulong*)p = (uint)v;

    [MethodImpl(Always)] public static long SignExtend(ulong v) => (int)v;

    [MethodImpl(Always)] public static ulong Truncate(ulong v) => (uint)v;

    [MethodImpl(Always)] public static ulong CarryAux(ulong v) => ((v << 32) & 0xc000000000000000) | (v & 8);

    [MethodImpl(Always)] public static ulong CompareExchange(byte* p, ulong value, ulong comparand) => Interlocked.CompareExchange(ref *(uint*)p, (uint)value, (uint)comparand);

    [MethodImpl(Always)] public static ulong Exchange(byte* p, ulong value) => Interlocked.Exchange(ref *(uint*)p, (uint)value);
}

internal readonly unsafe struct Byte8 : ISize
{
    public static int Bytes { [MethodImpl(Always)] get => 8; }

    [MethodImpl(Always)] public static ulong Load(byte* p) => Unsafe.ReadUnaligned<ulong>(p);

    [MethodImpl(Always)] public static void Store(byte* p, ulong v) => Unsafe.WriteUnaligned(p, v);

    [MethodImpl(Always)] public static void StoreRegister(byte* p, ulong v) => *(ulong*)p = v;

    [MethodImpl(Always)] public static long SignExtend(ulong v) => (long)v;

    [MethodImpl(Always)] public static ulong Truncate(ulong v) => v;

    [MethodImpl(Always)] public static ulong CarryAux(ulong v) => v & 0xc000000000000008;

    [MethodImpl(Always)] public static ulong CompareExchange(byte* p, ulong value, ulong comparand) => Interlocked.CompareExchange(ref *(ulong*)p, value, comparand);

    [MethodImpl(Always)] public static ulong Exchange(byte* p, ulong value) => Interlocked.Exchange(ref *(ulong*)p, value);
}

/// <summary>A yes or no, as a type parameter of handlers.</summary>
internal interface ISwitch
{
    static abstract bool On { get; }
}

internal readonly struct Yes : ISwitch
{
    public static bool On { [MethodImpl(Always)] get => true; }
}

internal readonly struct No : ISwitch
{
    public static bool On { [MethodImpl(Always)] get => false; }
}

/// <summary>Where a handler's source operand comes from. False: the access faulted, and leaving is prepared.</summary>
internal unsafe interface ISource
{
    static abstract bool IsMemory { get; }

    static abstract bool TryGet<TSize>(CpuState* c, Op* o, out ulong value) where TSize : struct, ISize;
}

internal readonly unsafe struct FromRegister : ISource
{
    public static bool IsMemory { [MethodImpl(Always)] get => false; }

    [MethodImpl(Always)]
    public static bool TryGet<TSize>(CpuState* c, Op* o, out ulong value) where TSize : struct, ISize
    {
        value = TSize.Load((byte*)c + o->S);
        return true;
    }
}

internal readonly unsafe struct FromImmediate : ISource
{
    public static bool IsMemory { [MethodImpl(Always)] get => false; }

    [MethodImpl(Always)]
    public static bool TryGet<TSize>(CpuState* c, Op* o, out ulong value) where TSize : struct, ISize
    {
        value = o->Imm;
        return true;
    }
}

internal readonly unsafe struct FromMemory : ISource
{
    public static bool IsMemory { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)]
    public static bool TryGet<TSize>(CpuState* c, Op* o, out ulong value) where TSize : struct, ISize =>
        MemoryAccess.TryLoad<TSize>(c, o, Op.Address(c, o), out value);
}

/// <summary>A condition code, not negated: the negated forms swap the branch's links or XOR the answer.</summary>
internal unsafe interface ICondition
{
    /// <summary>From the flags.</summary>
    static abstract bool Test(CpuState* c);

    /// <summary>As it is after <c>cmp a, b</c>.</summary>
    static abstract bool Compare<TSize>(ulong a, ulong b) where TSize : struct, ISize;

    /// <summary>As it is after a logical operation with this (sign-extended) result.</summary>
    static abstract bool Logic(long r);
}

internal readonly unsafe struct IfOverflow : ICondition
{
    [MethodImpl(Always)] public static bool Test(CpuState* c) => CpuState.Overflow(c);

    [MethodImpl(Always)] public static bool Compare<TSize>(ulong a, ulong b) where TSize : struct, ISize => TSize.SignExtend((a ^ b) & (a ^ (a - b))) < 0;

    [MethodImpl(Always)] public static bool Logic(long r) => false;
}

internal readonly unsafe struct IfBelow : ICondition
{
    [MethodImpl(Always)] public static bool Test(CpuState* c) => CpuState.Carry(c);

    [MethodImpl(Always)] public static bool Compare<TSize>(ulong a, ulong b) where TSize : struct, ISize => a < b;

    [MethodImpl(Always)] public static bool Logic(long r) => false;
}

internal readonly unsafe struct IfEqual : ICondition
{
    [MethodImpl(Always)] public static bool Test(CpuState* c) => c->FlagResult == 0;

    [MethodImpl(Always)] public static bool Compare<TSize>(ulong a, ulong b) where TSize : struct, ISize => a == b;

    [MethodImpl(Always)] public static bool Logic(long r) => r == 0;
}

internal readonly unsafe struct IfBelowOrEqual : ICondition
{
    [MethodImpl(Always)] public static bool Test(CpuState* c) => c->FlagResult == 0 || CpuState.Carry(c);

    [MethodImpl(Always)] public static bool Compare<TSize>(ulong a, ulong b) where TSize : struct, ISize => a <= b;

    [MethodImpl(Always)] public static bool Logic(long r) => r == 0;
}

internal readonly unsafe struct IfSign : ICondition
{
    [MethodImpl(Always)] public static bool Test(CpuState* c) => CpuState.Sign(c);

    [MethodImpl(Always)] public static bool Compare<TSize>(ulong a, ulong b) where TSize : struct, ISize => TSize.SignExtend(a - b) < 0;

    [MethodImpl(Always)] public static bool Logic(long r) => r < 0;
}

internal readonly unsafe struct IfParity : ICondition
{
    [MethodImpl(Always)] public static bool Test(CpuState* c) => CpuState.Parity(c);

    [MethodImpl(Always)] public static bool Compare<TSize>(ulong a, ulong b) where TSize : struct, ISize => Logic((long)(a - b));

    [MethodImpl(Always)] public static bool Logic(long r) => (System.Numerics.BitOperations.PopCount((byte)r) & 1) == 0;
}

internal readonly unsafe struct IfLess : ICondition
{
    [MethodImpl(Always)] public static bool Test(CpuState* c) => CpuState.Less(c);

    [MethodImpl(Always)] public static bool Compare<TSize>(ulong a, ulong b) where TSize : struct, ISize => TSize.SignExtend(a) < TSize.SignExtend(b);

    [MethodImpl(Always)] public static bool Logic(long r) => r < 0;
}

internal readonly unsafe struct IfLessOrEqual : ICondition
{
    [MethodImpl(Always)] public static bool Test(CpuState* c) => c->FlagResult == 0 || CpuState.Less(c);

    [MethodImpl(Always)] public static bool Compare<TSize>(ulong a, ulong b) where TSize : struct, ISize => TSize.SignExtend(a) <= TSize.SignExtend(b);

    [MethodImpl(Always)] public static bool Logic(long r) => r <= 0;
}
