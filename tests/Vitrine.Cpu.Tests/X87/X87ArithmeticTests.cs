using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.X87;

namespace Vitrine.Cpu.Tests.X87;

/// <summary>Extended arithmetic where the answer is known without another processor.</summary>
public sealed class X87ArithmeticTests
{
    private static FloatEnvironment Masked(RoundingMode mode = RoundingMode.Nearest) => new() { Masked = FloatExceptions.All, Rounding = mode };

    private static X87Operand Number(double value) => X87Operand.From(IeeeFormat.Binary64, BitConverter.DoubleToUInt64Bits(value));

    [Fact]
    public void DoublePrecision_RoundsLikeDoubles()
    {
        var random = new Random(7);
        for (int i = 0; i < 10_000; i++)
        {
            double x = (random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-60, 60)), y = (random.NextDouble() + 0.1) * Math.Pow(2, random.Next(-60, 60));
            Assert.Equal(x + y, Compute(X87Operation.Add, x, y));
            Assert.Equal(x - y, Compute(X87Operation.Subtract, x, y));
            Assert.Equal(y - x, Compute(X87Operation.SubtractReversed, x, y));
            Assert.Equal(x * y, Compute(X87Operation.Multiply, x, y));
            Assert.Equal(x / y, Compute(X87Operation.Divide, x, y));
        }
    }

    private static double Compute(X87Operation operation, double x, double y)
    {
        FloatEnvironment e = Masked();
        Float80 result = X87Arithmetic.Compute(operation, Number(x), Number(y), 53, ref e);
        return BitConverter.UInt64BitsToDouble(X87Conversion.ToIeee(IeeeFormat.Binary64, X87Operand.From(result), ref e));
    }

    [Theory]
    [InlineData(RoundingMode.Nearest, 0xaaaaaaaaaaaaaaabUL, true)]
    [InlineData(RoundingMode.Down, 0xaaaaaaaaaaaaaaaaUL, false)]
    [InlineData(RoundingMode.Up, 0xaaaaaaaaaaaaaaabUL, true)]
    internal void OneThird_IsRoundedTo64Bits(RoundingMode mode, ulong significand, bool roundedUp)
    {
        FloatEnvironment e = Masked(mode);
        Float80 result = X87Arithmetic.Compute(X87Operation.Divide, Number(1), Number(3), 64, ref e);
        Assert.Equal(new Float80(0x3ffd, significand), result);
        Assert.Equal(FloatExceptions.Precision, e.Raised);
        Assert.Equal(roundedUp, e.RoundedUp);
    }

    [Fact]
    public void Overflow_Unmasked_WrapsTheExponent()
    {
        var e = new FloatEnvironment { Masked = FloatExceptions.All & ~FloatExceptions.Overflow };
        var huge = X87Operand.From(new Float80(0x7ffe, 1UL << 63));
        Float80 result = X87Arithmetic.Compute(X87Operation.Multiply, huge, huge, 64, ref e);
        Assert.Equal(0x7ffe + 0x7ffe - 16383 - 24576, result.BiasedExponent);
        Assert.Equal(FloatExceptions.Overflow, e.Raised);
    }

    [Fact]
    public void TwoQuietNaNs_GiveTheLargerSignificand()
    {
        FloatEnvironment e = Masked();
        var small = new Float80(0x7fff, 0xc000000000000001);
        var large = new Float80(0xffff, 0xc000000000000002);
        Assert.Equal(large, X87Arithmetic.Compute(X87Operation.Add, X87Operand.From(small), X87Operand.From(large), 64, ref e));
        Assert.Equal(FloatExceptions.None, e.Raised);
    }

    [Fact]
    public void Unnormal_IsInvalid()
    {
        FloatEnvironment e = Masked();
        Float80 result = X87Arithmetic.Compute(X87Operation.Add, X87Operand.From(new Float80(0x4000, 1)), Number(1), 64, ref e);
        Assert.Equal(Float80.DefaultNaN, result);
        Assert.Equal(FloatExceptions.Invalid, e.Raised);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(-123456789012345678.0)]
    [InlineData(999999999999999872.0)]
    internal void Decimal_ThereAndBack_IsTheSame(double value)
    {
        FloatEnvironment e = Masked();
        Span<byte> digits = stackalloc byte[10];
        X87Conversion.ToDecimal(Number(value), digits, ref e);
        Assert.Equal(Number(value).Value, X87Conversion.FromDecimal(digits));
        Assert.Equal(FloatExceptions.None, e.Raised);
    }

    [Fact]
    public void Decimal_OfTenToTheEighteen_IsIndefinite()
    {
        FloatEnvironment e = Masked();
        Span<byte> digits = stackalloc byte[10];
        X87Conversion.ToDecimal(Number(1e18), digits, ref e);
        Assert.Equal(FloatExceptions.Invalid, e.Raised);
        Assert.Equal(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff }, digits.ToArray());
    }
}
