using Vitrine.Cpu.FloatingPoint;

namespace Vitrine.Cpu.Tests.FloatingPoint;

/// <summary>The exact lane arithmetic against the host's own, and its exceptions where they are easy to state.</summary>
public sealed class IeeeArithmeticTests
{
    private const uint DefaultMxcsr = 0x1f80;

    private static readonly ulong[] Special =
    [
        0, 1UL << 63, 1, 0x000fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000,
        0x7ff8000000000000, 0x7ff0000000000001, 0x3ff0000000000000, 0xbff0000000000000, 0x3ca0000000000000, 0x4340000000000000,
    ];

    public static IEnumerable<ulong> Seeds(int count)
    {
        var random = new Random(20261120);
        for (int i = 0; i < count; i++)
        {
            ulong bits = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
            yield return random.Next(4) switch
            {
                0 => Special[random.Next(Special.Length)],
                1 => bits,
                2 => (bits & 0x800fffffffffffff) | ((ulong)random.Next(1000, 1046) << 52),
                _ => BitConverter.DoubleToUInt64Bits(random.Next(-64, 64)),
            };
        }
    }

    internal static IEnumerable<(ulong A, ulong B)> Pairs(int count) => Seeds(count).Zip(Seeds(2 * count).Skip(count));

    [Fact]
    public void Results_RoundedToNearest_EqualTheHosts()
    {
        IeeeFormat format = IeeeFormat.Binary64;
        foreach ((ulong a, ulong b) in Pairs(20_000))
        {
            double x = BitConverter.UInt64BitsToDouble(a), y = BitConverter.UInt64BitsToDouble(b);
            FloatEnvironment e = FloatEnvironment.FromMxcsr(DefaultMxcsr);
            AssertSame(x + y, IeeeArithmetic.Add(format, a, b, ref e));
            AssertSame(x - y, IeeeArithmetic.Subtract(format, a, b, ref e));
            AssertSame(x * y, IeeeArithmetic.Multiply(format, a, b, ref e));
            AssertSame(x / y, IeeeArithmetic.Divide(format, a, b, ref e));
            AssertSame(Math.Sqrt(x), IeeeArithmetic.SquareRoot(format, a, ref e));
            if (!double.IsNaN(x))
                Assert.Equal(BitConverter.SingleToUInt32Bits((float)x), (uint)IeeeConversion.Narrow(a, ref e));
        }
    }

    private static void AssertSame(double expected, ulong bits)
    {
        if (double.IsNaN(expected))
            Assert.True(IeeeFormat.Binary64.IsNaN(bits) && !IeeeFormat.Binary64.IsSignalingNaN(bits));
        else
            Assert.Equal(BitConverter.DoubleToUInt64Bits(expected), bits);
    }

    [Theory]
    [InlineData(1.0, 3.0, FloatExceptions.Precision)]
    [InlineData(1.0, 4.0, FloatExceptions.None)]
    [InlineData(1.0, 0.0, FloatExceptions.ZeroDivide)]
    [InlineData(0.0, 0.0, FloatExceptions.Invalid)]
    [InlineData(double.MaxValue, 0.5, FloatExceptions.Overflow | FloatExceptions.Precision)]
    [InlineData(2.2250738585072014e-308, 3.0, FloatExceptions.Underflow | FloatExceptions.Precision)]
    [InlineData(2.2250738585072014e-308, 2.0, FloatExceptions.None)]
    [InlineData(5e-324, 1.0, FloatExceptions.Denormal)]
    [InlineData(double.NaN, 0.0, FloatExceptions.None)]
    internal void Divide_RaisesExactly(double x, double y, FloatExceptions expected)
    {
        FloatEnvironment e = FloatEnvironment.FromMxcsr(DefaultMxcsr);
        IeeeArithmetic.Divide(IeeeFormat.Binary64, BitConverter.DoubleToUInt64Bits(x), BitConverter.DoubleToUInt64Bits(y), ref e);
        Assert.Equal(expected, e.Raised);
    }

    [Theory]
    [InlineData(RoundingMode.Nearest, 0x3fd5555555555555)]
    [InlineData(RoundingMode.Down, 0x3fd5555555555555)]
    [InlineData(RoundingMode.Up, 0x3fd5555555555556)]
    [InlineData(RoundingMode.Zero, 0x3fd5555555555555)]
    internal void Divide_OneByThree_FollowsTheRoundingMode(RoundingMode mode, ulong expected)
    {
        FloatEnvironment e = FloatEnvironment.FromMxcsr(DefaultMxcsr | ((uint)mode << 13));
        Assert.Equal(expected, IeeeArithmetic.Divide(IeeeFormat.Binary64, 0x3ff0000000000000, 0x4008000000000000, ref e));
    }

    [Fact]
    public void Multiply_TinyResultUnderFlushToZero_IsZeroAndRaisesUnderflow()
    {
        FloatEnvironment e = FloatEnvironment.FromMxcsr(DefaultMxcsr | 0x8000);
        ulong result = IeeeArithmetic.Multiply(IeeeFormat.Binary64, 0x8010000000000000, 0x3fe0000000000000, ref e);
        Assert.Equal(1UL << 63, result);
        Assert.Equal(FloatExceptions.Underflow | FloatExceptions.Precision, e.Raised);
    }

    [Fact]
    public void Add_DenormalsAreZero_IgnoresThemQuietly()
    {
        FloatEnvironment e = FloatEnvironment.FromMxcsr(DefaultMxcsr | 0x40);
        Assert.Equal(0UL, IeeeArithmetic.Add(IeeeFormat.Binary64, 1, 2, ref e));
        Assert.Equal(FloatExceptions.None, e.Raised);
    }

    [Fact]
    public void Add_TwoNaNs_KeepsTheFirst()
    {
        FloatEnvironment e = FloatEnvironment.FromMxcsr(DefaultMxcsr);
        Assert.Equal(0x7ff8000000000005UL, IeeeArithmetic.Add(IeeeFormat.Binary64, 0x7ff0000000000005, 0xfff8000000000009, ref e));
        Assert.Equal(FloatExceptions.Invalid, e.Raised);
    }
}
