using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>Packing, unpacking, shuffling and blending of lanes, and extension to wider ones.</summary>
internal static unsafe class SseShuffle
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    public static void Packsswb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<sbyte>*)dst = Vector128.NarrowWithSaturation(*(Vector128<short>*)dst, *(Vector128<short>*)src);

    public static void Packssdw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<short>*)dst = Vector128.NarrowWithSaturation(*(Vector128<int>*)dst, *(Vector128<int>*)src);

    public static void Packuswb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<byte>*)dst = Vector128.Narrow(ClampToByte(*(Vector128<short>*)dst), ClampToByte(*(Vector128<short>*)src));

    public static void Packusdw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ushort>*)dst = Vector128.Narrow(ClampToWord(*(Vector128<int>*)dst), ClampToWord(*(Vector128<int>*)src));

    private static Vector128<ushort> ClampToByte(Vector128<short> value) =>
        Vector128.Min(Vector128.Max(value, Vector128<short>.Zero), Vector128.Create((short)255)).AsUInt16();

    private static Vector128<uint> ClampToWord(Vector128<int> value) =>
        Vector128.Min(Vector128.Max(value, Vector128<int>.Zero), Vector128.Create(65535)).AsUInt32();

    public static void Punpcklbw(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> x = *(Vector128<byte>*)dst, y = *(Vector128<byte>*)src;
        *(Vector128<ushort>*)dst = Vector128.WidenLower(x) | (Vector128.WidenLower(y) << 8);
    }

    public static void Punpcklwd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<ushort> x = *(Vector128<ushort>*)dst, y = *(Vector128<ushort>*)src;
        *(Vector128<uint>*)dst = Vector128.WidenLower(x) | (Vector128.WidenLower(y) << 16);
    }

    /// <summary>Also UNPCKLPS.</summary>
    public static void Punpckldq(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst, y = (uint*)src;
        *(Vector128<uint>*)dst = Vector128.Create(x[0], y[0], x[1], y[1]);
    }

    /// <summary>Also UNPCKLPD.</summary>
    public static void Punpcklqdq(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong* x = (ulong*)dst, y = (ulong*)src;
        *(Vector128<ulong>*)dst = Vector128.Create(x[0], y[0]);
    }

    public static void Punpckhbw(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> x = *(Vector128<byte>*)dst, y = *(Vector128<byte>*)src;
        *(Vector128<ushort>*)dst = Vector128.WidenUpper(x) | (Vector128.WidenUpper(y) << 8);
    }

    public static void Punpckhwd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<ushort> x = *(Vector128<ushort>*)dst, y = *(Vector128<ushort>*)src;
        *(Vector128<uint>*)dst = Vector128.WidenUpper(x) | (Vector128.WidenUpper(y) << 16);
    }

    /// <summary>Also UNPCKHPS.</summary>
    public static void Punpckhdq(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst, y = (uint*)src;
        *(Vector128<uint>*)dst = Vector128.Create(x[2], y[2], x[3], y[3]);
    }

    /// <summary>Also UNPCKHPD.</summary>
    public static void Punpckhqdq(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong* x = (ulong*)dst, y = (ulong*)src;
        *(Vector128<ulong>*)dst = Vector128.Create(x[1], y[1]);
    }

    public static void Pshufd(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)src;
        *(Vector128<uint>*)dst = Vector128.Create(x[imm & 3], x[(imm >> 2) & 3], x[(imm >> 4) & 3], x[imm >> 6]);
    }

    public static void Pshuflw(CpuState* state, void* dst, void* src, byte imm)
    {
        ushort* x = (ushort*)src;
        ulong low = Words(x, imm), high = ((ulong*)src)[1];
        *(Vector128<ulong>*)dst = Vector128.Create(low, high);
    }

    public static void Pshufhw(CpuState* state, void* dst, void* src, byte imm)
    {
        ushort* x = (ushort*)src + 4;
        ulong low = *(ulong*)src, high = Words(x, imm);
        *(Vector128<ulong>*)dst = Vector128.Create(low, high);
    }

    /// <summary>Four words chosen by the pairs of bits of <paramref name="order"/>.</summary>
    internal static ulong Words(ushort* x, byte order) =>
        x[order & 3] | ((ulong)x[(order >> 2) & 3] << 16) | ((ulong)x[(order >> 4) & 3] << 32) | ((ulong)x[order >> 6] << 48);

    public static void Shufps(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst, y = (uint*)src;
        *(Vector128<uint>*)dst = Vector128.Create(x[imm & 3], x[(imm >> 2) & 3], y[(imm >> 4) & 3], y[imm >> 6]);
    }

    public static void Shufpd(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong* x = (ulong*)dst, y = (ulong*)src;
        *(Vector128<ulong>*)dst = Vector128.Create(x[imm & 1], y[(imm >> 1) & 1]);
    }

    public static void Pshufb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<byte>*)dst = ShuffleBytes(*(Vector128<byte>*)dst, *(Vector128<byte>*)src);

    /// <summary>An index with its top bit set gives zero; of the others only four bits count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ShuffleBytes(Vector128<byte> x, Vector128<byte> order) => Ssse3.IsSupported
        ? Ssse3.Shuffle(x, order)
        : Vector128.Shuffle(x, order & Vector128.Create((byte)0x8f));

    public static void Pblendw(CpuState* state, void* dst, void* src, byte imm)
    {
        ushort* x = (ushort*)dst, y = (ushort*)src;
        for (int i = 0; i < 8; i++)
        {
            if ((imm & (1 << i)) != 0)
                x[i] = y[i];
        }
    }

    public static void Blendps(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst, y = (uint*)src;
        for (int i = 0; i < 4; i++)
        {
            if ((imm & (1 << i)) != 0)
                x[i] = y[i];
        }
    }

    public static void Blendpd(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong* x = (ulong*)dst, y = (ulong*)src;
        for (int i = 0; i < 2; i++)
        {
            if ((imm & (1 << i)) != 0)
                x[i] = y[i];
        }
    }

    /// <summary>The sign bits of XMM0 choose, or of the half register that a VEX form's immediate names.</summary>
    public static void Pblendvb(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<sbyte> chosen = Vector128.LessThan(*(Vector128<sbyte>*)CpuState.Half(state, imm), Vector128<sbyte>.Zero);
        *(Vector128<sbyte>*)dst = Vector128.ConditionalSelect(chosen, *(Vector128<sbyte>*)src, *(Vector128<sbyte>*)dst);
    }

    /// <summary>The sign bits of XMM0 choose, or of the half register that a VEX form's immediate names.</summary>
    public static void Blendvps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<int> chosen = Vector128.LessThan(*(Vector128<int>*)CpuState.Half(state, imm), Vector128<int>.Zero);
        *(Vector128<int>*)dst = Vector128.ConditionalSelect(chosen, *(Vector128<int>*)src, *(Vector128<int>*)dst);
    }

    /// <summary>The sign bits of XMM0 choose, or of the half register that a VEX form's immediate names.</summary>
    public static void Blendvpd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<long> chosen = Vector128.LessThan(*(Vector128<long>*)CpuState.Half(state, imm), Vector128<long>.Zero);
        *(Vector128<long>*)dst = Vector128.ConditionalSelect(chosen, *(Vector128<long>*)src, *(Vector128<long>*)dst);
    }

    public static void Pmovsxbw(CpuState* state, void* dst, void* src, byte imm)
    {
        sbyte* x = (sbyte*)src;
        short* result = stackalloc short[8];
        for (int i = 0; i < 8; i++)
            result[i] = x[i];
        *(Vector128<short>*)dst = *(Vector128<short>*)result;
    }

    public static void Pmovsxbd(CpuState* state, void* dst, void* src, byte imm)
    {
        sbyte* x = (sbyte*)src;
        int* result = stackalloc int[4];
        for (int i = 0; i < 4; i++)
            result[i] = x[i];
        *(Vector128<int>*)dst = *(Vector128<int>*)result;
    }

    public static void Pmovsxbq(CpuState* state, void* dst, void* src, byte imm)
    {
        sbyte* x = (sbyte*)src;
        long* result = stackalloc long[2];
        for (int i = 0; i < 2; i++)
            result[i] = x[i];
        *(Vector128<long>*)dst = *(Vector128<long>*)result;
    }

    public static void Pmovsxwd(CpuState* state, void* dst, void* src, byte imm)
    {
        short* x = (short*)src;
        int* result = stackalloc int[4];
        for (int i = 0; i < 4; i++)
            result[i] = x[i];
        *(Vector128<int>*)dst = *(Vector128<int>*)result;
    }

    public static void Pmovsxwq(CpuState* state, void* dst, void* src, byte imm)
    {
        short* x = (short*)src;
        long* result = stackalloc long[2];
        for (int i = 0; i < 2; i++)
            result[i] = x[i];
        *(Vector128<long>*)dst = *(Vector128<long>*)result;
    }

    public static void Pmovsxdq(CpuState* state, void* dst, void* src, byte imm)
    {
        int* x = (int*)src;
        long* result = stackalloc long[2];
        for (int i = 0; i < 2; i++)
            result[i] = x[i];
        *(Vector128<long>*)dst = *(Vector128<long>*)result;
    }

    public static void Pmovzxbw(CpuState* state, void* dst, void* src, byte imm)
    {
        byte* x = (byte*)src;
        ushort* result = stackalloc ushort[8];
        for (int i = 0; i < 8; i++)
            result[i] = x[i];
        *(Vector128<ushort>*)dst = *(Vector128<ushort>*)result;
    }

    public static void Pmovzxbd(CpuState* state, void* dst, void* src, byte imm)
    {
        byte* x = (byte*)src;
        uint* result = stackalloc uint[4];
        for (int i = 0; i < 4; i++)
            result[i] = x[i];
        *(Vector128<uint>*)dst = *(Vector128<uint>*)result;
    }

    public static void Pmovzxbq(CpuState* state, void* dst, void* src, byte imm)
    {
        byte* x = (byte*)src;
        ulong* result = stackalloc ulong[2];
        for (int i = 0; i < 2; i++)
            result[i] = x[i];
        *(Vector128<ulong>*)dst = *(Vector128<ulong>*)result;
    }

    public static void Pmovzxwd(CpuState* state, void* dst, void* src, byte imm)
    {
        ushort* x = (ushort*)src;
        uint* result = stackalloc uint[4];
        for (int i = 0; i < 4; i++)
            result[i] = x[i];
        *(Vector128<uint>*)dst = *(Vector128<uint>*)result;
    }

    public static void Pmovzxwq(CpuState* state, void* dst, void* src, byte imm)
    {
        ushort* x = (ushort*)src;
        ulong* result = stackalloc ulong[2];
        for (int i = 0; i < 2; i++)
            result[i] = x[i];
        *(Vector128<ulong>*)dst = *(Vector128<ulong>*)result;
    }

    public static void Pmovzxdq(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)src;
        ulong* result = stackalloc ulong[2];
        for (int i = 0; i < 2; i++)
            result[i] = x[i];
        *(Vector128<ulong>*)dst = *(Vector128<ulong>*)result;
    }
}
