using Vitrine.Cpu.FloatingPoint;

namespace Vitrine.Cpu.Tests.FloatingPoint;

/// <summary>The elementary functions to far more bits than are kept: by identities, and constants of known digits.</summary>
public sealed class WideFunctionsTests
{
    /// <summary>Room for the errors of a few dozen operations on 128 bits.</summary>
    private const int GoodBits = 112;

    private static void AssertClose(WideFloat expected, WideFloat actual)
    {
        WideFloat error = actual - expected;
        Assert.True(error.IsZero || error.Exponent < expected.Exponent - GoodBits, $"off by 2^{error.Exponent} of 2^{expected.Exponent}");
    }

    private static IEnumerable<WideFloat> Numbers(int lowest, int highest)
    {
        var random = new Random(3);
        for (int i = 0; i < 300; i++)
            yield return WideFloat.From(false, random.Next(lowest, highest), (ulong)random.NextInt64() | (1UL << 63));
    }

    [Fact]
    public void Quotient_TimesDivisor_IsTheDividend()
    {
        foreach ((WideFloat a, WideFloat b) in Numbers(-50, 50).Zip(Numbers(-40, 60).Skip(7)))
            AssertClose(a, a / b * b);
    }

    [Fact]
    public void DivisionBySmallInteger_AgreesWithDivision()
    {
        foreach (WideFloat a in Numbers(-3, 3))
            AssertClose(a / WideFloat.FromInt32(31), a / 31u);
    }

    [Fact]
    public void SineAndCosine_LieOnTheCircle()
    {
        foreach (WideFloat x in Numbers(-20, -1))
        {
            WideFloat sine = WideFunctions.Sin(x), cosine = WideFunctions.Cos(x);
            AssertClose(WideFloat.One, (sine * sine) + (cosine * cosine));
        }
    }

    [Fact]
    public void Arctangent_OfTangent_IsTheAngle()
    {
        foreach (WideFloat x in Numbers(-10, -1))
            AssertClose(x, WideFunctions.Arctangent(WideFunctions.Sin(x), WideFunctions.Cos(x)));
    }

    [Fact]
    public void Logarithm_OfPower_IsTheExponent()
    {
        foreach (WideFloat x in Numbers(-12, 0))
            AssertClose(x, WideFunctions.Log2Plus1(WideFunctions.Exp2Minus1(x)));
    }

    [Fact]
    public void Arctangent_OfOne_IsAQuarterOfPi() =>
        AssertClose(WideFloat.Pi.Scaled(-2), WideFunctions.Arctangent(WideFloat.One, WideFloat.One));

    [Fact]
    public void ReduceAngle_OfMultiples_CountsQuadrants()
    {
        // 3 radians: one and a half quarter turns less a bit, so nearest to two of them.
        WideFloat rest = WideFunctions.ReduceAngle(false, 1, 0xc000000000000000, out int quadrant);
        Assert.Equal(2, quadrant);
        Assert.True(rest.Negative);
        Assert.Equal(-3, rest.Exponent);
    }
}
