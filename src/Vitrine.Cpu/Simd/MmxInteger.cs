using System.Runtime.Intrinsics;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>The MMX forms: each is its XMM twin on 64 bits. What MMX does to the x87 state is the interpreter's business (the <c>Mmx</c> trait).</summary>
internal static unsafe class MmxInteger
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    private static void Lanes(delegate*<CpuState*, void*, void*, byte, void> operation, void* dst, void* src, byte imm)
    {
        Vector128<ulong> x = Vector128.CreateScalar(*(ulong*)dst), y = Vector128.CreateScalar(*(ulong*)src);
        operation(null, &x, &y, imm);
        *(ulong*)dst = x[0];
    }

    /// <summary>A shift by an immediate has no source.</summary>
    private static void Shift(delegate*<CpuState*, void*, void*, byte, void> operation, void* dst, byte imm)
    {
        Vector128<ulong> x = Vector128.CreateScalar(*(ulong*)dst);
        operation(null, &x, null, imm);
        *(ulong*)dst = x[0];
    }

    /// <summary>An operation that treats dst and then src as one row of lanes (packing, sums of neighbours).</summary>
    private static void Row(delegate*<CpuState*, void*, void*, byte, void> operation, void* dst, void* src)
    {
        Vector128<ulong> x = Vector128.Create(*(ulong*)dst, *(ulong*)src), y = x;
        operation(null, &x, &y, 0);
        *(ulong*)dst = x[0];
    }

    public static void Paddb(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Paddb, dst, src, imm);

    public static void Paddw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Paddw, dst, src, imm);

    public static void Paddd(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Paddd, dst, src, imm);

    public static void Paddq(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Paddq, dst, src, imm);

    public static void Psubb(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Psubb, dst, src, imm);

    public static void Psubw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Psubw, dst, src, imm);

    public static void Psubd(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Psubd, dst, src, imm);

    public static void Psubq(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Psubq, dst, src, imm);

    public static void Paddsb(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Paddsb, dst, src, imm);

    public static void Paddsw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Paddsw, dst, src, imm);

    public static void Paddusb(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Paddusb, dst, src, imm);

    public static void Paddusw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Paddusw, dst, src, imm);

    public static void Psubsb(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Psubsb, dst, src, imm);

    public static void Psubsw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Psubsw, dst, src, imm);

    public static void Psubusb(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Psubusb, dst, src, imm);

    public static void Psubusw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Psubusw, dst, src, imm);

    public static void Pcmpeqb(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pcmpeqb, dst, src, imm);

    public static void Pcmpeqw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pcmpeqw, dst, src, imm);

    public static void Pcmpeqd(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pcmpeqd, dst, src, imm);

    public static void Pcmpgtb(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pcmpgtb, dst, src, imm);

    public static void Pcmpgtw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pcmpgtw, dst, src, imm);

    public static void Pcmpgtd(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pcmpgtd, dst, src, imm);

    public static void Pminub(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pminub, dst, src, imm);

    public static void Pminsw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pminsw, dst, src, imm);

    public static void Pmaxub(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pmaxub, dst, src, imm);

    public static void Pmaxsw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pmaxsw, dst, src, imm);

    public static void Pavgb(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pavgb, dst, src, imm);

    public static void Pavgw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pavgw, dst, src, imm);

    public static void Pabsb(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pabsb, dst, src, imm);

    public static void Pabsw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pabsw, dst, src, imm);

    public static void Pabsd(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Pabsd, dst, src, imm);

    public static void Psignb(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Psignb, dst, src, imm);

    public static void Psignw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Psignw, dst, src, imm);

    public static void Psignd(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseInteger.Psignd, dst, src, imm);

    public static void Pand(CpuState* state, void* dst, void* src, byte imm) => *(ulong*)dst &= *(ulong*)src;

    public static void Por(CpuState* state, void* dst, void* src, byte imm) => *(ulong*)dst |= *(ulong*)src;

    public static void Pxor(CpuState* state, void* dst, void* src, byte imm) => *(ulong*)dst ^= *(ulong*)src;

    public static void Pandn(CpuState* state, void* dst, void* src, byte imm) => *(ulong*)dst = ~*(ulong*)dst & *(ulong*)src;

    public static void Pmullw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseMultiply.Pmullw, dst, src, imm);

    public static void Pmulhw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseMultiply.Pmulhw, dst, src, imm);

    public static void Pmulhuw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseMultiply.Pmulhuw, dst, src, imm);

    public static void Pmulhrsw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseMultiply.Pmulhrsw, dst, src, imm);

    public static void Pmuludq(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseMultiply.Pmuludq, dst, src, imm);

    public static void Pmaddwd(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseMultiply.Pmaddwd, dst, src, imm);

    public static void Pmaddubsw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseMultiply.Pmaddubsw, dst, src, imm);

    public static void Psadbw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseMultiply.Psadbw, dst, src, imm);

    public static void Phaddw(CpuState* state, void* dst, void* src, byte imm) => Row(&SseMultiply.Phaddw, dst, src);

    public static void Phaddd(CpuState* state, void* dst, void* src, byte imm) => Row(&SseMultiply.Phaddd, dst, src);

    public static void Phaddsw(CpuState* state, void* dst, void* src, byte imm) => Row(&SseMultiply.Phaddsw, dst, src);

    public static void Phsubw(CpuState* state, void* dst, void* src, byte imm) => Row(&SseMultiply.Phsubw, dst, src);

    public static void Phsubd(CpuState* state, void* dst, void* src, byte imm) => Row(&SseMultiply.Phsubd, dst, src);

    public static void Phsubsw(CpuState* state, void* dst, void* src, byte imm) => Row(&SseMultiply.Phsubsw, dst, src);

    public static void Psllw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseShift.Psllw, dst, src, imm);

    public static void PsllwImmediate(CpuState* state, void* dst, void* src, byte imm) => Shift(&SseShift.PsllwImmediate, dst, imm);

    public static void Pslld(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseShift.Pslld, dst, src, imm);

    public static void PslldImmediate(CpuState* state, void* dst, void* src, byte imm) => Shift(&SseShift.PslldImmediate, dst, imm);

    public static void Psllq(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseShift.Psllq, dst, src, imm);

    public static void PsllqImmediate(CpuState* state, void* dst, void* src, byte imm) => Shift(&SseShift.PsllqImmediate, dst, imm);

    public static void Psrlw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseShift.Psrlw, dst, src, imm);

    public static void PsrlwImmediate(CpuState* state, void* dst, void* src, byte imm) => Shift(&SseShift.PsrlwImmediate, dst, imm);

    public static void Psrld(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseShift.Psrld, dst, src, imm);

    public static void PsrldImmediate(CpuState* state, void* dst, void* src, byte imm) => Shift(&SseShift.PsrldImmediate, dst, imm);

    public static void Psrlq(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseShift.Psrlq, dst, src, imm);

    public static void PsrlqImmediate(CpuState* state, void* dst, void* src, byte imm) => Shift(&SseShift.PsrlqImmediate, dst, imm);

    public static void Psraw(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseShift.Psraw, dst, src, imm);

    public static void PsrawImmediate(CpuState* state, void* dst, void* src, byte imm) => Shift(&SseShift.PsrawImmediate, dst, imm);

    public static void Psrad(CpuState* state, void* dst, void* src, byte imm) => Lanes(&SseShift.Psrad, dst, src, imm);

    public static void PsradImmediate(CpuState* state, void* dst, void* src, byte imm) => Shift(&SseShift.PsradImmediate, dst, imm);

    public static void Packsswb(CpuState* state, void* dst, void* src, byte imm) => Row(&SseShuffle.Packsswb, dst, src);

    public static void Packssdw(CpuState* state, void* dst, void* src, byte imm) => Row(&SseShuffle.Packssdw, dst, src);

    public static void Packuswb(CpuState* state, void* dst, void* src, byte imm) => Row(&SseShuffle.Packuswb, dst, src);

    public static void Punpcklbw(CpuState* state, void* dst, void* src, byte imm) => Unpack(&SseShuffle.Punpcklbw, dst, *(uint*)src);

    public static void Punpcklwd(CpuState* state, void* dst, void* src, byte imm) => Unpack(&SseShuffle.Punpcklwd, dst, *(uint*)src);

    public static void Punpckldq(CpuState* state, void* dst, void* src, byte imm) => Unpack(&SseShuffle.Punpckldq, dst, *(uint*)src);

    public static void Punpckhbw(CpuState* state, void* dst, void* src, byte imm) => UnpackHigh(&SseShuffle.Punpcklbw, dst, src);

    public static void Punpckhwd(CpuState* state, void* dst, void* src, byte imm) => UnpackHigh(&SseShuffle.Punpcklwd, dst, src);

    public static void Punpckhdq(CpuState* state, void* dst, void* src, byte imm) => UnpackHigh(&SseShuffle.Punpckldq, dst, src);

    /// <summary>The low forms have a memory operand of 32 bits.</summary>
    private static void Unpack(delegate*<CpuState*, void*, void*, byte, void> operation, void* dst, uint source)
    {
        Vector128<ulong> x = Vector128.CreateScalar(*(ulong*)dst), y = Vector128.CreateScalar((ulong)source);
        operation(null, &x, &y, 0);
        *(ulong*)dst = x[0];
    }

    /// <summary>The upper half of what the low form gives for 128 bits.</summary>
    private static void UnpackHigh(delegate*<CpuState*, void*, void*, byte, void> operation, void* dst, void* src)
    {
        Vector128<ulong> x = Vector128.CreateScalar(*(ulong*)dst), y = Vector128.CreateScalar(*(ulong*)src);
        operation(null, &x, &y, 0);
        *(ulong*)dst = x[1];
    }

    public static void Pshufb(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong x = *(ulong*)dst, order = *(ulong*)src, result = 0;
        for (int i = 0; i < 64; i += 8)
        {
            ulong index = order >> i;
            if ((index & 0x80) == 0)
                result |= ((x >> (int)((index & 7) * 8)) & 0xff) << i;
        }

        *(ulong*)dst = result;
    }

    public static void Pshufw(CpuState* state, void* dst, void* src, byte imm) => *(ulong*)dst = SseShuffle.Words((ushort*)src, imm);

    public static void Palignr(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong high = *(ulong*)dst, low = *(ulong*)src;
        int bits = imm * 8;
        *(ulong*)dst = imm switch
        {
            0 => low,
            < 8 => (low >> bits) | (high << (64 - bits)),
            < 16 => high >> (bits - 64),
            _ => 0,
        };
    }

    public static void Pinsrw(CpuState* state, void* dst, void* src, byte imm) => ((ushort*)dst)[imm & 3] = *(ushort*)src;

    public static void Pextrw(CpuState* state, void* dst, void* src, byte imm) => *(ulong*)dst = ((ushort*)src)[imm & 3];

    public static void Pmovmskb(CpuState* state, void* dst, void* src, byte imm) =>
        *(ulong*)dst = Vector128.ExtractMostSignificantBits(Vector128.CreateScalar(*(ulong*)src).AsByte());
}
