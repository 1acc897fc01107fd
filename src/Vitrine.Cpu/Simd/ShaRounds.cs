using System.Runtime.Intrinsics;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>The SHA instructions: rounds and message schedules of FIPS 180-4's SHA-1 and SHA-256 (SDM 2B and its flow diagrams).</summary>
internal static unsafe class ShaRounds
{
    // SAFETY: dst and src point to operands of 16 bytes; the interpreter has translated or bounced them.

    /// <summary>Four rounds. dst is A B C D from its highest word down, src E + W0, W1, W2, W3; immediate bits 0–1 choose function and constant.</summary>
    public static void Sha1rnds4(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* d = (uint*)dst, w = (uint*)src;
        uint a = d[3], b = d[2], c = d[1], e = 0, f = d[0];
        uint constant = (imm & 3) switch { 0 => 0x5a827999u, 1 => 0x6ed9eba1u, 2 => 0x8f1bbcdcu, _ => 0xca62c1d6u };
        for (int i = 3; i >= 0; i--)
        {
            uint mixed = (imm & 3) switch
            {
                0 => (b & c) ^ (~b & f),
                2 => (b & c) ^ (b & f) ^ (c & f),
                _ => b ^ c ^ f,
            };
            uint next = mixed + uint.RotateLeft(a, 5) + w[i] + e + constant;
            e = f;
            f = c;
            c = uint.RotateLeft(b, 30);
            b = a;
            a = next;
        }

        *(Vector128<uint>*)dst = Vector128.Create(f, c, b, a);
    }

    /// <summary>E of the next four rounds added to their first word.</summary>
    public static void Sha1nexte(CpuState* state, void* dst, void* src, byte imm)
    {
        uint e = uint.RotateLeft(((uint*)dst)[3], 30);
        uint* w = (uint*)src;
        *(Vector128<uint>*)dst = Vector128.Create(w[0], w[1], w[2], w[3] + e);
    }

    public static void Sha1msg1(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst, y = (uint*)src;
        *(Vector128<uint>*)dst = Vector128.Create(x[0] ^ y[2], x[1] ^ y[3], x[2] ^ x[0], x[3] ^ x[1]);
    }

    public static void Sha1msg2(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst, y = (uint*)src;
        uint w16 = uint.RotateLeft(x[3] ^ y[2], 1);
        uint w17 = uint.RotateLeft(x[2] ^ y[1], 1);
        uint w18 = uint.RotateLeft(x[1] ^ y[0], 1);
        uint w19 = uint.RotateLeft(x[0] ^ w16, 1);
        *(Vector128<uint>*)dst = Vector128.Create(w19, w18, w17, w16);
    }

    /// <summary>Two rounds. dst is C D G H, src A B E F, XMM0 the two words with their constants added.</summary>
    public static void Sha256rnds2(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst, y = (uint*)src, w = (uint*)CpuState.Xmm(state, 0);
        uint a = y[3], b = y[2], c = x[3], d = x[2], e = y[1], f = y[0], g = x[1], h = x[0];
        for (int i = 0; i < 2; i++)
        {
            uint first = ((e & f) ^ (~e & g)) + (uint.RotateRight(e, 6) ^ uint.RotateRight(e, 11) ^ uint.RotateRight(e, 25)) + w[i] + h;
            uint second = ((a & b) ^ (a & c) ^ (b & c)) + (uint.RotateRight(a, 2) ^ uint.RotateRight(a, 13) ^ uint.RotateRight(a, 22));
            h = g;
            g = f;
            f = e;
            e = first + d;
            d = c;
            c = b;
            b = a;
            a = first + second;
        }

        *(Vector128<uint>*)dst = Vector128.Create(f, e, b, a);
    }

    public static void Sha256msg1(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst;
        uint next = *(uint*)src;
        *(Vector128<uint>*)dst = Vector128.Create(x[0] + Small(x[1]), x[1] + Small(x[2]), x[2] + Small(x[3]), x[3] + Small(next));

        static uint Small(uint v) => uint.RotateRight(v, 7) ^ uint.RotateRight(v, 18) ^ (v >> 3);
    }

    public static void Sha256msg2(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst, y = (uint*)src;
        uint w16 = x[0] + Small(y[2]);
        uint w17 = x[1] + Small(y[3]);
        uint w18 = x[2] + Small(w16);
        uint w19 = x[3] + Small(w17);
        *(Vector128<uint>*)dst = Vector128.Create(w16, w17, w18, w19);

        static uint Small(uint v) => uint.RotateRight(v, 17) ^ uint.RotateRight(v, 19) ^ (v >> 10);
    }
}
