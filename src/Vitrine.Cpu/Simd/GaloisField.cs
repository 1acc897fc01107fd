using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>
/// GFNI: bytes as elements of GF(2⁸) with AES's polynomial, and affine maps of their bits (Intel's SDM 2A, GF2P8…). The host's
/// own instructions where it has them.
/// </summary>
internal static unsafe class GaloisField
{
    // SAFETY: dst and src point to operands of 16 bytes; the interpreter has translated or bounced them.

    public static void Gf2p8mulb(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> x = *(Vector128<byte>*)dst, y = *(Vector128<byte>*)src;
        *(Vector128<byte>*)dst = Gfni.IsSupported ? Gfni.GaloisFieldMultiply(x, y) : Multiply(x, y);
    }

    public static void Gf2p8affineqb(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> x = *(Vector128<byte>*)dst, matrices = *(Vector128<byte>*)src;
        Vector128<byte> product = Gfni.IsSupported ? Gfni.GaloisFieldAffineTransform(x, matrices, 0) : Transform(x, matrices.AsUInt64());
        *(Vector128<byte>*)dst = product ^ Vector128.Create(imm);
    }

    public static void Gf2p8affineinvqb(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> x = *(Vector128<byte>*)dst, matrices = *(Vector128<byte>*)src;
        Vector128<byte> product = Gfni.IsSupported ? Gfni.GaloisFieldAffineTransformInverse(x, matrices, 0) : Transform(Invert(x), matrices.AsUInt64());
        *(Vector128<byte>*)dst = product ^ Vector128.Create(imm);
    }

    public static Vector128<byte> Multiply(Vector128<byte> x, Vector128<byte> y)
    {
        Vector128<byte> result = default;
        for (int i = 0; i < 16; i++)
            result = result.WithElement(i, AesCipher.Product(x[i], y[i]));
        return result;
    }

    /// <summary>
    /// Each byte of a half times its 8 by 8 matrix: bit n of the result is the parity of the byte under row n, which is byte
    /// 7 - n of the matrix.
    /// </summary>
    public static Vector128<byte> Transform(Vector128<byte> x, Vector128<ulong> matrices)
    {
        Vector128<byte> result = default;
        for (int i = 0; i < 16; i++)
        {
            ulong matrix = matrices[i >> 3];
            int value = 0;
            for (int n = 0; n < 8; n++)
                value |= (BitOperations.PopCount((byte)(matrix >> (8 * (7 - n))) & (uint)x[i]) & 1) << n;
            result = result.WithElement(i, (byte)value);
        }

        return result;
    }

    /// <summary>The inverse of each byte, of zero zero: its 254th power.</summary>
    public static Vector128<byte> Invert(Vector128<byte> x)
    {
        Vector128<byte> power = Multiply(x, x), result = power;
        for (int i = 0; i < 6; i++)
        {
            power = Multiply(power, power);
            result = Multiply(result, power);
        }

        return result;
    }
}
