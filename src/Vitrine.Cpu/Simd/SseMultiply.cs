using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>Integer multiplication, sums across lanes and distances.</summary>
internal static unsafe class SseMultiply
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    public static void Pmullw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ushort>*)dst *= *(Vector128<ushort>*)src;

    public static void Pmulld(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<uint>*)dst *= *(Vector128<uint>*)src;

    public static void Pmulhw(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<short> x = *(Vector128<short>*)dst, y = *(Vector128<short>*)src;
        Vector128<int> low = (Vector128.WidenLower(x) * Vector128.WidenLower(y)) >> 16;
        Vector128<int> high = (Vector128.WidenUpper(x) * Vector128.WidenUpper(y)) >> 16;
        *(Vector128<short>*)dst = Vector128.Narrow(low, high);
    }

    public static void Pmulhuw(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<ushort> x = *(Vector128<ushort>*)dst, y = *(Vector128<ushort>*)src;
        Vector128<uint> low = (Vector128.WidenLower(x) * Vector128.WidenLower(y)) >>> 16;
        Vector128<uint> high = (Vector128.WidenUpper(x) * Vector128.WidenUpper(y)) >>> 16;
        *(Vector128<ushort>*)dst = Vector128.Narrow(low, high);
    }

    /// <summary>The high half of the doubled product, rounded.</summary>
    public static void Pmulhrsw(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<short> x = *(Vector128<short>*)dst, y = *(Vector128<short>*)src;
        Vector128<int> low = (((Vector128.WidenLower(x) * Vector128.WidenLower(y)) >> 14) + Vector128<int>.One) >> 1;
        Vector128<int> high = (((Vector128.WidenUpper(x) * Vector128.WidenUpper(y)) >> 14) + Vector128<int>.One) >> 1;
        *(Vector128<short>*)dst = Vector128.Narrow(low, high);
    }

    public static void Pmuludq(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong* x = (ulong*)dst, y = (ulong*)src;
        *(Vector128<ulong>*)dst = Vector128.Create((ulong)(uint)x[0] * (uint)y[0], (ulong)(uint)x[1] * (uint)y[1]);
    }

    public static void Pmuldq(CpuState* state, void* dst, void* src, byte imm)
    {
        long* x = (long*)dst, y = (long*)src;
        *(Vector128<long>*)dst = Vector128.Create((long)(int)x[0] * (int)y[0], (long)(int)x[1] * (int)y[1]);
    }

    public static void Pmaddwd(CpuState* state, void* dst, void* src, byte imm)
    {
        if (Sse2.IsSupported)
        {
            *(Vector128<int>*)dst = Sse2.MultiplyAddAdjacent(*(Vector128<short>*)dst, *(Vector128<short>*)src);
            return;
        }

        short* x = (short*)dst, y = (short*)src;
        int* result = stackalloc int[4];
        for (int i = 0; i < 4; i++)
            result[i] = (x[2 * i] * y[2 * i]) + (x[(2 * i) + 1] * y[(2 * i) + 1]);
        *(Vector128<int>*)dst = *(Vector128<int>*)result;
    }

    /// <summary>Unsigned bytes of dst times signed bytes of src, sums saturated.</summary>
    public static void Pmaddubsw(CpuState* state, void* dst, void* src, byte imm)
    {
        byte* x = (byte*)dst;
        sbyte* y = (sbyte*)src;
        short* result = stackalloc short[8];
        for (int i = 0; i < 8; i++)
            result[i] = Saturate((x[2 * i] * y[2 * i]) + (x[(2 * i) + 1] * y[(2 * i) + 1]));
        *(Vector128<short>*)dst = *(Vector128<short>*)result;
    }

    public static void Psadbw(CpuState* state, void* dst, void* src, byte imm)
    {
        if (Sse2.IsSupported)
        {
            *(Vector128<ushort>*)dst = Sse2.SumAbsoluteDifferences(*(Vector128<byte>*)dst, *(Vector128<byte>*)src);
            return;
        }

        byte* x = (byte*)dst, y = (byte*)src;
        ulong low = 0, high = 0;
        for (int i = 0; i < 8; i++)
        {
            low += (uint)Math.Abs(x[i] - y[i]);
            high += (uint)Math.Abs(x[i + 8] - y[i + 8]);
        }

        *(Vector128<ulong>*)dst = Vector128.Create(low, high);
    }

    /// <summary>Eight distances of a block of four bytes (imm bits 0–1) at successive offsets of dst (imm bit 2).</summary>
    public static void Mpsadbw(CpuState* state, void* dst, void* src, byte imm)
    {
        byte* x = (byte*)dst + (((imm >> 2) & 1) * 4), y = (byte*)src + ((imm & 3) * 4);
        ushort* result = stackalloc ushort[8];
        for (int i = 0; i < 8; i++)
        {
            int sum = 0;
            for (int j = 0; j < 4; j++)
                sum += Math.Abs(x[i + j] - y[j]);
            result[i] = (ushort)sum;
        }

        *(Vector128<ushort>*)dst = *(Vector128<ushort>*)result;
    }

    /// <summary>The smallest word and its first position.</summary>
    public static void Phminposuw(CpuState* state, void* dst, void* src, byte imm)
    {
        ushort* x = (ushort*)src;
        int position = 0;
        for (int i = 1; i < 8; i++)
        {
            if (x[i] < x[position])
                position = i;
        }

        *(Vector128<uint>*)dst = Vector128.CreateScalar(x[position] | ((uint)position << 16));
    }

    public static void Phaddw(CpuState* state, void* dst, void* src, byte imm)
    {
        short* x = (short*)dst, y = (short*)src;
        short* result = stackalloc short[8];
        for (int i = 0; i < 4; i++)
        {
            result[i] = (short)(x[2 * i] + x[(2 * i) + 1]);
            result[i + 4] = (short)(y[2 * i] + y[(2 * i) + 1]);
        }

        *(Vector128<short>*)dst = *(Vector128<short>*)result;
    }

    public static void Phsubw(CpuState* state, void* dst, void* src, byte imm)
    {
        short* x = (short*)dst, y = (short*)src;
        short* result = stackalloc short[8];
        for (int i = 0; i < 4; i++)
        {
            result[i] = (short)(x[2 * i] - x[(2 * i) + 1]);
            result[i + 4] = (short)(y[2 * i] - y[(2 * i) + 1]);
        }

        *(Vector128<short>*)dst = *(Vector128<short>*)result;
    }

    public static void Phaddd(CpuState* state, void* dst, void* src, byte imm)
    {
        int* x = (int*)dst, y = (int*)src;
        int* result = stackalloc int[4];
        for (int i = 0; i < 2; i++)
        {
            result[i] = (int)(x[2 * i] + x[(2 * i) + 1]);
            result[i + 2] = (int)(y[2 * i] + y[(2 * i) + 1]);
        }

        *(Vector128<int>*)dst = *(Vector128<int>*)result;
    }

    public static void Phsubd(CpuState* state, void* dst, void* src, byte imm)
    {
        int* x = (int*)dst, y = (int*)src;
        int* result = stackalloc int[4];
        for (int i = 0; i < 2; i++)
        {
            result[i] = (int)(x[2 * i] - x[(2 * i) + 1]);
            result[i + 2] = (int)(y[2 * i] - y[(2 * i) + 1]);
        }

        *(Vector128<int>*)dst = *(Vector128<int>*)result;
    }

    public static void Phaddsw(CpuState* state, void* dst, void* src, byte imm)
    {
        short* x = (short*)dst, y = (short*)src;
        short* result = stackalloc short[8];
        for (int i = 0; i < 4; i++)
        {
            result[i] = Saturate(x[2 * i] + x[(2 * i) + 1]);
            result[i + 4] = Saturate(y[2 * i] + y[(2 * i) + 1]);
        }

        *(Vector128<short>*)dst = *(Vector128<short>*)result;
    }

    public static void Phsubsw(CpuState* state, void* dst, void* src, byte imm)
    {
        short* x = (short*)dst, y = (short*)src;
        short* result = stackalloc short[8];
        for (int i = 0; i < 4; i++)
        {
            result[i] = Saturate(x[2 * i] - x[(2 * i) + 1]);
            result[i + 4] = Saturate(y[2 * i] - y[(2 * i) + 1]);
        }

        *(Vector128<short>*)dst = *(Vector128<short>*)result;
    }

    private static short Saturate(int value) => (short)Math.Clamp(value, short.MinValue, short.MaxValue);
}
