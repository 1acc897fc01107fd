using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>
/// AES-NI: one round of FIPS 197 on a state of 16 bytes, column by column. The host's own instructions where it has them.
/// </summary>
internal static unsafe class AesRounds
{
    // SAFETY: dst and src point to operands of 16 bytes; the interpreter has translated or bounced them.

    public static void Aesenc(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> x = *(Vector128<byte>*)dst, key = *(Vector128<byte>*)src;
        *(Vector128<byte>*)dst = Aes.IsSupported ? Aes.Encrypt(x, key) : AesCipher.Mix(AesCipher.ShiftAndSubstitute(x)) ^ key;
    }

    public static void Aesenclast(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> x = *(Vector128<byte>*)dst, key = *(Vector128<byte>*)src;
        *(Vector128<byte>*)dst = Aes.IsSupported ? Aes.EncryptLast(x, key) : AesCipher.ShiftAndSubstitute(x) ^ key;
    }

    public static void Aesdec(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> x = *(Vector128<byte>*)dst, key = *(Vector128<byte>*)src;
        *(Vector128<byte>*)dst = Aes.IsSupported ? Aes.Decrypt(x, key) : AesCipher.InverseMix(AesCipher.InverseShiftAndSubstitute(x)) ^ key;
    }

    public static void Aesdeclast(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> x = *(Vector128<byte>*)dst, key = *(Vector128<byte>*)src;
        *(Vector128<byte>*)dst = Aes.IsSupported ? Aes.DecryptLast(x, key) : AesCipher.InverseShiftAndSubstitute(x) ^ key;
    }

    public static void Aesimc(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> x = *(Vector128<byte>*)src;
        *(Vector128<byte>*)dst = Aes.IsSupported ? Aes.InverseMixColumns(x) : AesCipher.InverseMix(x);
    }

    /// <summary>Words 1 and 3 through the S-box, as they are and rotated with the round constant added.</summary>
    public static void Aeskeygenassist(CpuState* state, void* dst, void* src, byte imm)
    {
        uint one = AesCipher.Substitute(((uint*)src)[1]), three = AesCipher.Substitute(((uint*)src)[3]);
        *(Vector128<uint>*)dst = Vector128.Create(
            one, uint.RotateRight(one, 8) ^ imm, three, uint.RotateRight(three, 8) ^ imm);
    }
}

/// <summary>The steps of a round, for hosts without the instructions (FIPS 197, 5.1 and 5.3).</summary>
internal static unsafe class AesCipher
{
    private static ReadOnlySpan<byte> Box =>
    [
        0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76,
        0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0,
        0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
        0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75,
        0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84,
        0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
        0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8,
        0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2,
        0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
        0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb,
        0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79,
        0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
        0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a,
        0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e,
        0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
        0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16,
    ];

    public static uint Substitute(uint word) =>
        Box[(byte)word] | (uint)Box[(byte)(word >> 8)] << 8 | (uint)Box[(byte)(word >> 16)] << 16 | (uint)Box[(byte)(word >> 24)] << 24;

    /// <summary>ShiftRows and SubBytes: row r of the state, bytes r, r + 4, …, goes r columns to the left.</summary>
    public static Vector128<byte> ShiftAndSubstitute(Vector128<byte> x)
    {
        byte* result = stackalloc byte[16];
        for (int i = 0; i < 16; i++)
            result[i] = Box[x[(i + (4 * (i & 3))) & 15]];
        return *(Vector128<byte>*)result;
    }

    public static Vector128<byte> InverseShiftAndSubstitute(Vector128<byte> x)
    {
        byte* result = stackalloc byte[16];
        for (int i = 0; i < 16; i++)
            result[(i + (4 * (i & 3))) & 15] = (byte)Box.IndexOf(x[i]);
        return *(Vector128<byte>*)result;
    }

    /// <summary>MixColumns: each column times {03}x³ + {01}x² + {01}x + {02}.</summary>
    public static Vector128<byte> Mix(Vector128<byte> x) => Combine(x, 2, 3, 1, 1);

    public static Vector128<byte> InverseMix(Vector128<byte> x) => Combine(x, 14, 11, 13, 9);

    private static Vector128<byte> Combine(Vector128<byte> x, byte a, byte b, byte c, byte d)
    {
        byte* result = stackalloc byte[16];
        for (int i = 0; i < 16; i++)
        {
            int column = i & ~3;
            result[i] = (byte)(Product(x[i], a) ^ Product(x[column + ((i + 1) & 3)], b)
                ^ Product(x[column + ((i + 2) & 3)], c) ^ Product(x[column + ((i + 3) & 3)], d));
        }

        return *(Vector128<byte>*)result;
    }

    /// <summary>In GF(2⁸) with the polynomial x⁸ + x⁴ + x³ + x + 1.</summary>
    public static byte Product(byte x, byte factor)
    {
        int result = 0, power = x;
        for (; factor != 0; factor >>= 1)
        {
            if ((factor & 1) != 0)
                result ^= power;
            power <<= 1;
            if ((power & 0x100) != 0)
                power ^= 0x11b;
        }

        return (byte)result;
    }
}
