using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>Integer arithmetic, comparison and logic on the lanes of an XMM register.</summary>
internal static unsafe class SseInteger
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    public static void Paddb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<byte>*)dst += *(Vector128<byte>*)src;

    public static void Psubb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<byte>*)dst -= *(Vector128<byte>*)src;

    public static void Paddw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ushort>*)dst += *(Vector128<ushort>*)src;

    public static void Psubw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ushort>*)dst -= *(Vector128<ushort>*)src;

    public static void Paddd(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<uint>*)dst += *(Vector128<uint>*)src;

    public static void Psubd(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<uint>*)dst -= *(Vector128<uint>*)src;

    public static void Paddq(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ulong>*)dst += *(Vector128<ulong>*)src;

    public static void Psubq(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ulong>*)dst -= *(Vector128<ulong>*)src;

    public static void Paddsb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<sbyte>*)dst = Vector128.AddSaturate(*(Vector128<sbyte>*)dst, *(Vector128<sbyte>*)src);

    public static void Psubsb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<sbyte>*)dst = Vector128.SubtractSaturate(*(Vector128<sbyte>*)dst, *(Vector128<sbyte>*)src);

    public static void Paddsw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<short>*)dst = Vector128.AddSaturate(*(Vector128<short>*)dst, *(Vector128<short>*)src);

    public static void Psubsw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<short>*)dst = Vector128.SubtractSaturate(*(Vector128<short>*)dst, *(Vector128<short>*)src);

    public static void Paddusb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<byte>*)dst = Vector128.AddSaturate(*(Vector128<byte>*)dst, *(Vector128<byte>*)src);

    public static void Psubusb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<byte>*)dst = Vector128.SubtractSaturate(*(Vector128<byte>*)dst, *(Vector128<byte>*)src);

    public static void Paddusw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ushort>*)dst = Vector128.AddSaturate(*(Vector128<ushort>*)dst, *(Vector128<ushort>*)src);

    public static void Psubusw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ushort>*)dst = Vector128.SubtractSaturate(*(Vector128<ushort>*)dst, *(Vector128<ushort>*)src);

    public static void Pand(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ulong>*)dst &= *(Vector128<ulong>*)src;

    public static void Por(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ulong>*)dst |= *(Vector128<ulong>*)src;

    public static void Pxor(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ulong>*)dst ^= *(Vector128<ulong>*)src;

    public static void Pandn(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ulong>*)dst = Vector128.AndNot(*(Vector128<ulong>*)src, *(Vector128<ulong>*)dst);

    public static void Pcmpeqb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<byte>*)dst = Vector128.Equals(*(Vector128<byte>*)dst, *(Vector128<byte>*)src);

    public static void Pcmpeqw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ushort>*)dst = Vector128.Equals(*(Vector128<ushort>*)dst, *(Vector128<ushort>*)src);

    public static void Pcmpeqd(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<uint>*)dst = Vector128.Equals(*(Vector128<uint>*)dst, *(Vector128<uint>*)src);

    public static void Pcmpeqq(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ulong>*)dst = Vector128.Equals(*(Vector128<ulong>*)dst, *(Vector128<ulong>*)src);

    public static void Pcmpgtb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<sbyte>*)dst = Vector128.GreaterThan(*(Vector128<sbyte>*)dst, *(Vector128<sbyte>*)src);

    public static void Pcmpgtw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<short>*)dst = Vector128.GreaterThan(*(Vector128<short>*)dst, *(Vector128<short>*)src);

    public static void Pcmpgtd(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<int>*)dst = Vector128.GreaterThan(*(Vector128<int>*)dst, *(Vector128<int>*)src);

    public static void Pcmpgtq(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<long>*)dst = Vector128.GreaterThan(*(Vector128<long>*)dst, *(Vector128<long>*)src);

    public static void Pminub(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<byte>*)dst = Vector128.Min(*(Vector128<byte>*)dst, *(Vector128<byte>*)src);

    public static void Pmaxub(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<byte>*)dst = Vector128.Max(*(Vector128<byte>*)dst, *(Vector128<byte>*)src);

    public static void Pminsb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<sbyte>*)dst = Vector128.Min(*(Vector128<sbyte>*)dst, *(Vector128<sbyte>*)src);

    public static void Pmaxsb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<sbyte>*)dst = Vector128.Max(*(Vector128<sbyte>*)dst, *(Vector128<sbyte>*)src);

    public static void Pminuw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ushort>*)dst = Vector128.Min(*(Vector128<ushort>*)dst, *(Vector128<ushort>*)src);

    public static void Pmaxuw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ushort>*)dst = Vector128.Max(*(Vector128<ushort>*)dst, *(Vector128<ushort>*)src);

    public static void Pminsw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<short>*)dst = Vector128.Min(*(Vector128<short>*)dst, *(Vector128<short>*)src);

    public static void Pmaxsw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<short>*)dst = Vector128.Max(*(Vector128<short>*)dst, *(Vector128<short>*)src);

    public static void Pminud(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<uint>*)dst = Vector128.Min(*(Vector128<uint>*)dst, *(Vector128<uint>*)src);

    public static void Pmaxud(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<uint>*)dst = Vector128.Max(*(Vector128<uint>*)dst, *(Vector128<uint>*)src);

    public static void Pminsd(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<int>*)dst = Vector128.Min(*(Vector128<int>*)dst, *(Vector128<int>*)src);

    public static void Pmaxsd(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<int>*)dst = Vector128.Max(*(Vector128<int>*)dst, *(Vector128<int>*)src);

    /// <summary>The rounded-up mean.</summary>
    public static void Pavgb(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> x = *(Vector128<byte>*)dst, y = *(Vector128<byte>*)src;
        *(Vector128<byte>*)dst = (x | y) - ((x ^ y) >>> 1);
    }

    /// <summary>The rounded-up mean.</summary>
    public static void Pavgw(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<ushort> x = *(Vector128<ushort>*)dst, y = *(Vector128<ushort>*)src;
        *(Vector128<ushort>*)dst = (x | y) - ((x ^ y) >>> 1);
    }

    public static void Pabsb(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<sbyte>*)dst = Vector128.Abs(*(Vector128<sbyte>*)src);

    public static void Psignb(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<sbyte> x = *(Vector128<sbyte>*)dst, y = *(Vector128<sbyte>*)src;
        Vector128<sbyte> negated = Vector128.ConditionalSelect(Vector128.LessThan(y, Vector128<sbyte>.Zero), -x, x);
        *(Vector128<sbyte>*)dst = Vector128.AndNot(negated, Vector128.Equals(y, Vector128<sbyte>.Zero));
    }

    public static void Pabsw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<short>*)dst = Vector128.Abs(*(Vector128<short>*)src);

    public static void Psignw(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<short> x = *(Vector128<short>*)dst, y = *(Vector128<short>*)src;
        Vector128<short> negated = Vector128.ConditionalSelect(Vector128.LessThan(y, Vector128<short>.Zero), -x, x);
        *(Vector128<short>*)dst = Vector128.AndNot(negated, Vector128.Equals(y, Vector128<short>.Zero));
    }

    public static void Pabsd(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<int>*)dst = Vector128.Abs(*(Vector128<int>*)src);

    public static void Psignd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<int> x = *(Vector128<int>*)dst, y = *(Vector128<int>*)src;
        Vector128<int> negated = Vector128.ConditionalSelect(Vector128.LessThan(y, Vector128<int>.Zero), -x, x);
        *(Vector128<int>*)dst = Vector128.AndNot(negated, Vector128.Equals(y, Vector128<int>.Zero));
    }

    /// <summary>ZF: no common bit; CF: src has no bit outside dst.</summary>
    public static void Ptest(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<ulong> x = *(Vector128<ulong>*)dst, y = *(Vector128<ulong>*)src;
        CpuState.SetZeroCarry(state, (x & y) == Vector128<ulong>.Zero, Vector128.AndNot(y, x) == Vector128<ulong>.Zero);
    }
}
