using System.Runtime.Intrinsics;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.Simd;

namespace Vitrine.Cpu.Tests.Simd;

/// <summary>What hosts without an instruction compute instead of it: published results, so that no host is needed as a judge.</summary>
public sealed class PortableTests
{
    [Fact]
    public void AesRound_GivesTheStandardsExample()
    {
        // FIPS 197, appendix B: the first round.
        Vector128<byte> shifted = AesCipher.ShiftAndSubstitute(Bytes("193de3bea0f4e22b9ac68d2ae9f84808"));
        Assert.Equal(Bytes("d4bf5d30e0b452aeb84111f11e2798e5"), shifted);
        Assert.Equal(Bytes("046681e5e0cb199a48f8d37a2806264c"), AesCipher.Mix(shifted));
    }

    [Fact]
    public void AesInverse_UndoesEveryByte()
    {
        for (int start = 0; start < 256; start += 16)
        {
            Vector128<byte> x = Vector128.CreateSequence((byte)start, (byte)1);
            Assert.Equal(x, AesCipher.InverseShiftAndSubstitute(AesCipher.ShiftAndSubstitute(x)));
            Assert.Equal(x, AesCipher.InverseMix(AesCipher.Mix(x)));
        }
    }

    [Fact]
    public void GaloisField_InvertsAndTransformsAsTheCipherDoes()
    {
        // FIPS 197, 5.1.1: the S-box is the inverse, then an affine map; the standard's matrix row by row, and 4.2's products.
        var matrix = Vector128.Create(0xF1E3_C78F_1F3E_7CF8UL);
        for (int start = 0; start < 256; start += 16)
        {
            Vector128<byte> x = Vector128.CreateSequence((byte)start, (byte)1);
            Vector128<byte> substituted = AesCipher.ShiftAndSubstitute(x);
            Vector128<byte> transformed = GaloisField.Transform(GaloisField.Invert(x), matrix) ^ Vector128.Create((byte)0x63);
            for (int i = 0; i < 16; i++)
                Assert.Equal(substituted[i], transformed[(i + (4 * (i & 3))) & 15]);
        }

        Assert.Equal(Vector128.Create((byte)0xc1), GaloisField.Multiply(Vector128.Create((byte)0x57), Vector128.Create((byte)0x83)));
        Assert.Equal(Vector128.Create((byte)0xfe), GaloisField.Multiply(Vector128.Create((byte)0x57), Vector128.Create((byte)0x13)));
    }

    [Theory]
    [InlineData(0x63746f725d53475dUL, 0x5b477565726f6e5dUL, 0x929633d5d36f0451UL, 0x1d4d84c85c3440c0UL)]
    [InlineData(0x7b5b546573745665UL, 0x4869285368617929UL, 0xd66ee03e410fd4edUL, 0x1d1e1f2c592e7c45UL)]
    [InlineData(1UL << 63, 1UL << 63, 0UL, 1UL << 62)]
    public void CarrylessProduct_GivesPublishedResults(ulong x, ulong y, ulong low, ulong high) =>
        Assert.Equal(Vector128.Create(low, high), CarrylessMultiply.Multiply(x, y));

    [Fact]
    public void DepositAndGather_AreInverseOnTheMask()
    {
        Assert.Equal(0x0000_0000_00d0_0c5aUL, BitFields.Deposit(0xdc5a, 0x00f0_0fff) & 0xffff_ffff);
        Assert.Equal(0xdc5aUL, BitFields.Gather(0x00d0_0c5a, 0x00f0_0fff));
        ulong mask = 0x9249_2492_4924_9249;
        for (int i = 0; i < 64; i++)
            Assert.Equal((1UL << i) & ((1UL << 22) - 1), BitFields.Gather(BitFields.Deposit(1UL << i, mask), mask));
    }

    [Fact]
    public void FusedOperation_RoundsOnce()
    {
        var random = new Random(20261120);
        for (int i = 0; i < 200_000; i++)
        {
            double x = Number(random), y = Number(random), z = Number(random);
            FloatEnvironment environment = FloatEnvironment.FromMxcsr(MxcsrControl.Reset);
            ulong result = IeeeArithmetic.FusedMultiplyAdd(
                IeeeFormat.Binary64, BitConverter.DoubleToUInt64Bits(x), BitConverter.DoubleToUInt64Bits(y), BitConverter.DoubleToUInt64Bits(z), false, false, ref environment);
            Assert.Equal(BitConverter.DoubleToUInt64Bits(Math.FusedMultiplyAdd(x, y, z)), result);
        }
    }

    /// <summary>Exponents near each other, so that products and addends cancel, overlap or just touch.</summary>
    private static double Number(Random random) =>
        BitConverter.UInt64BitsToDouble(((ulong)random.NextInt64() & 0x800f_ffff_ffff_ffff & ~(random.Next(3) == 0 ? 0xffff_ffffUL : 0)) | (ulong)(1023 + random.Next(-60, 60)) << 52);

    private static Vector128<byte> Bytes(string text) => Vector128.Create(Convert.FromHexString(text));
}
