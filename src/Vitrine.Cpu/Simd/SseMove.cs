using System.Numerics;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>
/// Moves between XMM registers, general registers and memory. A general register as destination is written
/// with all of its 64 bits; memory with exactly the operand's size.
/// </summary>
internal static unsafe class SseMove
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    /// <summary>All 16 bytes, either way: MOVAPS, MOVUPS, MOVDQA, LDDQU, MOVNTDQ and the rest of them.</summary>
    public static void Move16(CpuState* state, void* dst, void* src, byte imm)
    {
        *(Vector128<byte>*)dst = *(Vector128<byte>*)src;
    }

    /// <summary>8 bytes that leave the rest of the destination alone: MOVLPx, MOVSD between registers, stores.</summary>
    public static void Move8(CpuState* state, void* dst, void* src, byte imm)
    {
        *(ulong*)dst = *(ulong*)src;
    }

    /// <summary>4 bytes that leave the rest of the destination alone: MOVSS between registers, stores.</summary>
    public static void Move4(CpuState* state, void* dst, void* src, byte imm)
    {
        *(uint*)dst = *(uint*)src;
    }

    /// <summary>8 bytes into the low half, the rest zeroed: MOVSD from memory, MOVQ.</summary>
    public static void Load8(CpuState* state, void* dst, void* src, byte imm)
    {
        *(Vector128<ulong>*)dst = Vector128.CreateScalar(*(ulong*)src);
    }

    /// <summary>4 bytes into the low end, the rest zeroed: MOVSS from memory, MOVD.</summary>
    public static void Load4(CpuState* state, void* dst, void* src, byte imm)
    {
        *(Vector128<uint>*)dst = Vector128.CreateScalar(*(uint*)src);
    }

    /// <summary>MOVHPx from memory, MOVLHPS.</summary>
    public static void LoadHigh(CpuState* state, void* dst, void* src, byte imm)
    {
        ((ulong*)dst)[1] = *(ulong*)src;
    }

    /// <summary>MOVHPx to memory, MOVHLPS.</summary>
    public static void StoreHigh(CpuState* state, void* dst, void* src, byte imm)
    {
        *(ulong*)dst = ((ulong*)src)[1];
    }

    public static void Movddup(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong value = *(ulong*)src;
        *(Vector128<ulong>*)dst = Vector128.Create(value);
    }

    public static void Movsldup(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* s = (uint*)src;
        *(Vector128<uint>*)dst = Vector128.Create(s[0], s[0], s[2], s[2]);
    }

    public static void Movshdup(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* s = (uint*)src;
        *(Vector128<uint>*)dst = Vector128.Create(s[1], s[1], s[3], s[3]);
    }

    public static void Movmskps(CpuState* state, void* dst, void* src, byte imm)
    {
        *(ulong*)dst = Vector128.ExtractMostSignificantBits(*(Vector128<float>*)src);
    }

    public static void Movmskpd(CpuState* state, void* dst, void* src, byte imm)
    {
        *(ulong*)dst = Vector128.ExtractMostSignificantBits(*(Vector128<double>*)src);
    }

    public static void Pmovmskb(CpuState* state, void* dst, void* src, byte imm)
    {
        *(ulong*)dst = Vector128.ExtractMostSignificantBits(*(Vector128<byte>*)src);
    }

    /// <summary>To a general register or to memory.</summary>
    public static void Pextrb(CpuState* state, void* dst, void* src, byte imm)
    {
        byte value = ((byte*)src)[imm & 15];
        if (IsRegister(state, dst))
            *(ulong*)dst = value;
        else
            *(byte*)dst = value;
    }

    /// <summary>To a general register or to memory.</summary>
    public static void Pextrw(CpuState* state, void* dst, void* src, byte imm)
    {
        ushort value = ((ushort*)src)[imm & 7];
        if (IsRegister(state, dst))
            *(ulong*)dst = value;
        else
            *(ushort*)dst = value;
    }

    /// <summary>To a general register or to memory; also EXTRACTPS.</summary>
    public static void Pextrd(CpuState* state, void* dst, void* src, byte imm)
    {
        uint value = ((uint*)src)[imm & 3];
        if (IsRegister(state, dst))
            *(ulong*)dst = value;
        else
            *(uint*)dst = value;
    }

    /// <summary>MOVD to an MMX register: zero-extended.</summary>
    public static void MovdToMmx(CpuState* state, void* dst, void* src, byte imm) => *(ulong*)dst = *(uint*)src;

    /// <summary>MOVD to a general register or to memory.</summary>
    public static void MovdToGeneral(CpuState* state, void* dst, void* src, byte imm)
    {
        uint value = *(uint*)src;
        if (IsRegister(state, dst))
            *(ulong*)dst = value;
        else
            *(uint*)dst = value;
    }

    /// <summary>MOVSS to a register: from memory the rest is zeroed, from a register it is kept.</summary>
    public static void Movss(CpuState* state, void* dst, void* src, byte imm)
    {
        if (IsRegister(state, src))
            *(uint*)dst = *(uint*)src;
        else
            *(Vector128<uint>*)dst = Vector128.CreateScalar(*(uint*)src);
    }

    /// <summary>MOVSD to a register: from memory the rest is zeroed, from a register it is kept.</summary>
    public static void Movsd(CpuState* state, void* dst, void* src, byte imm)
    {
        if (IsRegister(state, src))
            *(ulong*)dst = *(ulong*)src;
        else
            *(Vector128<ulong>*)dst = Vector128.CreateScalar(*(ulong*)src);
    }

    /// <summary>MOVQ whose first operand is XMM or memory: a register's upper half is zeroed.</summary>
    public static void MovqStore(CpuState* state, void* dst, void* src, byte imm)
    {
        if (IsRegister(state, dst))
            *(Vector128<ulong>*)dst = Vector128.CreateScalar(*(ulong*)src);
        else
            *(ulong*)dst = *(ulong*)src;
    }

    public static void Pextrq(CpuState* state, void* dst, void* src, byte imm)
    {
        *(ulong*)dst = ((ulong*)src)[imm & 1];
    }

    public static void Pinsrb(CpuState* state, void* dst, void* src, byte imm)
    {
        ((byte*)dst)[imm & 15] = *(byte*)src;
    }

    public static void Pinsrw(CpuState* state, void* dst, void* src, byte imm)
    {
        ((ushort*)dst)[imm & 7] = *(ushort*)src;
    }

    public static void Pinsrd(CpuState* state, void* dst, void* src, byte imm)
    {
        ((uint*)dst)[imm & 3] = *(uint*)src;
    }

    public static void Pinsrq(CpuState* state, void* dst, void* src, byte imm)
    {
        ((ulong*)dst)[imm & 1] = *(ulong*)src;
    }

    /// <summary>INSERTPS: imm bits 6–7 choose the source's lane unless it is memory, 4–5 the destination's, 0–3 clear lanes.</summary>
    public static void Insertps(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* lanes = (uint*)dst;
        lanes[(imm >> 4) & 3] = IsRegister(state, src) ? ((uint*)src)[imm >> 6] : *(uint*)src;
        for (int i = 0; i < 4; i++)
        {
            if ((imm & (1 << i)) != 0)
                lanes[i] = 0;
        }
    }

    /// <summary>MASKMOVDQU: the bytes of src whose mask byte has its top bit set; imm is the mask register's number.</summary>
    public static void Maskmovdqu(CpuState* state, void* dst, void* src, byte imm) =>
        StoreChosen((byte*)dst, (byte*)src, Vector128.ExtractMostSignificantBits(*(Vector128<byte>*)CpuState.Xmm(state, imm)));

    public static void Maskmovq(CpuState* state, void* dst, void* src, byte imm) =>
        StoreChosen((byte*)dst, (byte*)src, Vector128.ExtractMostSignificantBits(Vector128.CreateScalar(*(ulong*)CpuState.X87Register(state, imm)).AsByte()));

    private static void StoreChosen(byte* destination, byte* source, uint chosen)
    {
        for (; chosen != 0; chosen &= chosen - 1)
        {
            int i = BitOperations.TrailingZeroCount(chosen);
            destination[i] = source[i];
        }
    }

    /// <summary>Whether an operand is a register slot: one code serves register and memory, but they differ in what they clear.</summary>
    private static bool IsRegister(CpuState* state, void* operand) => (nuint)operand - (nuint)state < CpuState.X87Offset;
}
