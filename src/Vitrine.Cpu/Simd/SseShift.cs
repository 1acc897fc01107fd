using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>Shifts of lanes by one count, and of the whole register by bytes. Counts beyond the lane clear it (or fill it with its sign).</summary>
internal static unsafe class SseShift
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    public static void Psllw(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong count = *(ulong*)src;
        *(Vector128<ushort>*)dst = count > 15 ? Vector128<ushort>.Zero : Vector128.ShiftLeft(*(Vector128<ushort>*)dst, (int)count);
    }

    public static void PsllwImmediate(CpuState* state, void* dst, void* src, byte imm)
    {
        uint count = imm;
        *(Vector128<ushort>*)dst = count > 15 ? Vector128<ushort>.Zero : Vector128.ShiftLeft(*(Vector128<ushort>*)dst, (int)count);
    }

    public static void Pslld(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong count = *(ulong*)src;
        *(Vector128<uint>*)dst = count > 31 ? Vector128<uint>.Zero : Vector128.ShiftLeft(*(Vector128<uint>*)dst, (int)count);
    }

    public static void PslldImmediate(CpuState* state, void* dst, void* src, byte imm)
    {
        uint count = imm;
        *(Vector128<uint>*)dst = count > 31 ? Vector128<uint>.Zero : Vector128.ShiftLeft(*(Vector128<uint>*)dst, (int)count);
    }

    public static void Psllq(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong count = *(ulong*)src;
        *(Vector128<ulong>*)dst = count > 63 ? Vector128<ulong>.Zero : Vector128.ShiftLeft(*(Vector128<ulong>*)dst, (int)count);
    }

    public static void PsllqImmediate(CpuState* state, void* dst, void* src, byte imm)
    {
        uint count = imm;
        *(Vector128<ulong>*)dst = count > 63 ? Vector128<ulong>.Zero : Vector128.ShiftLeft(*(Vector128<ulong>*)dst, (int)count);
    }

    public static void Psrlw(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong count = *(ulong*)src;
        *(Vector128<ushort>*)dst = count > 15 ? Vector128<ushort>.Zero : Vector128.ShiftRightLogical(*(Vector128<ushort>*)dst, (int)count);
    }

    public static void PsrlwImmediate(CpuState* state, void* dst, void* src, byte imm)
    {
        uint count = imm;
        *(Vector128<ushort>*)dst = count > 15 ? Vector128<ushort>.Zero : Vector128.ShiftRightLogical(*(Vector128<ushort>*)dst, (int)count);
    }

    public static void Psrld(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong count = *(ulong*)src;
        *(Vector128<uint>*)dst = count > 31 ? Vector128<uint>.Zero : Vector128.ShiftRightLogical(*(Vector128<uint>*)dst, (int)count);
    }

    public static void PsrldImmediate(CpuState* state, void* dst, void* src, byte imm)
    {
        uint count = imm;
        *(Vector128<uint>*)dst = count > 31 ? Vector128<uint>.Zero : Vector128.ShiftRightLogical(*(Vector128<uint>*)dst, (int)count);
    }

    public static void Psrlq(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong count = *(ulong*)src;
        *(Vector128<ulong>*)dst = count > 63 ? Vector128<ulong>.Zero : Vector128.ShiftRightLogical(*(Vector128<ulong>*)dst, (int)count);
    }

    public static void PsrlqImmediate(CpuState* state, void* dst, void* src, byte imm)
    {
        uint count = imm;
        *(Vector128<ulong>*)dst = count > 63 ? Vector128<ulong>.Zero : Vector128.ShiftRightLogical(*(Vector128<ulong>*)dst, (int)count);
    }

    public static void Psraw(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<short>*)dst = Vector128.ShiftRightArithmetic(*(Vector128<short>*)dst, (int)Math.Min(*(ulong*)src, 15UL));

    public static void PsrawImmediate(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<short>*)dst = Vector128.ShiftRightArithmetic(*(Vector128<short>*)dst, (int)Math.Min(imm, 15U));

    public static void Psrad(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<int>*)dst = Vector128.ShiftRightArithmetic(*(Vector128<int>*)dst, (int)Math.Min(*(ulong*)src, 31UL));

    public static void PsradImmediate(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<int>*)dst = Vector128.ShiftRightArithmetic(*(Vector128<int>*)dst, (int)Math.Min(imm, 31U));

    public static void Pslldq(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<ulong> zero = default;
        *(Vector128<ulong>*)dst = imm > 15 ? zero : Align((ulong*)dst, (ulong*)&zero, (byte)(16 - imm));
    }

    public static void Psrldq(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<ulong> zero = default;
        *(Vector128<ulong>*)dst = Align((ulong*)&zero, (ulong*)dst, imm);
    }

    /// <summary>Bytes imm to imm + 15 of dst:src.</summary>
    public static void Palignr(CpuState* state, void* dst, void* src, byte imm) =>
        *(Vector128<ulong>*)dst = Align((ulong*)dst, (ulong*)src, imm);

    /// <summary>Bytes from a count on of high:low, then zeros. In 64-bit words: reading across two stores would stall the host.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Align(ulong* high, ulong* low, byte count)
    {
        (ulong a, ulong b, ulong c) = (count >> 3) switch
        {
            0 => (low[0], low[1], high[0]),
            1 => (low[1], high[0], high[1]),
            2 => (high[0], high[1], 0UL),
            3 => (high[1], 0UL, 0UL),
            _ => (0UL, 0UL, 0UL),
        };
        int bits = (count & 7) * 8;
        return bits == 0
            ? Vector128.Create(a, b)
            : Vector128.Create((a >> bits) | (b << (64 - bits)), (b >> bits) | (c << (64 - bits)));
    }
}
