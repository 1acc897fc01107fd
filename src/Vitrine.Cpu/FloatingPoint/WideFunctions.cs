namespace Vitrine.Cpu.FloatingPoint;

/// <summary>
/// Elementary functions to some 115 bits: reduction of the argument, then a power series by Horner's rule.
/// </summary>
internal static class WideFunctions
{
    /// <summary>π to 66 bits, in units of 2^-64: what x87 reduces arguments by. In units of 2^-65 it is π/2.</summary>
    private static UInt128 ReductionPi => new(3, 0x243f6a8885a308d3);

    /// <summary>
    /// x = quadrant·π/2 + rest with |rest| at most π/4, for |x| below 2^63 given as significand·2^(exponent−63).
    /// Exact for the 66-bit π.
    /// </summary>
    public static WideFloat ReduceAngle(bool negative, int exponent, ulong significand, out int quadrant)
    {
        quadrant = 0;
        if (exponent < -1)
            return WideFloat.From(negative, exponent, significand);
        UInt128 scaled = (UInt128)significand << (exponent + 2);
        UInt128 modulus = ReductionPi;
        (UInt128 quotient, UInt128 rest) = UInt128.DivRem(scaled, modulus);
        bool restNegative = rest > modulus - rest;
        if (restNegative)
        {
            rest = modulus - rest;
            quotient++;
        }

        quadrant = (int)(quotient & 3);
        if (negative)
        {
            quadrant = (4 - quadrant) & 3;
            restNegative = !restNegative;
        }

        return WideFloat.Normalized(restNegative, 127 - 65, rest);
    }

    /// <summary>sin x for |x| at most π/4.</summary>
    public static WideFloat Sin(WideFloat x)
    {
        WideFloat square = -(x * x), sum = WideFloat.One;
        for (uint n = 31; n > 1; n -= 2)
            sum = WideFloat.One + (square * sum / (n * (n - 1)));
        return x * sum;
    }

    /// <summary>cos x for |x| at most π/4.</summary>
    public static WideFloat Cos(WideFloat x)
    {
        WideFloat square = -(x * x), sum = WideFloat.One;
        for (uint n = 32; n > 0; n -= 2)
            sum = WideFloat.One + (square * sum / (n * (n - 1)));
        return sum;
    }

    /// <summary>2^x − 1 for |x| at most 1.</summary>
    public static WideFloat Exp2Minus1(WideFloat x)
    {
        WideFloat y = x * WideFloat.Ln2, sum = WideFloat.One;
        for (uint n = 32; n > 1; n--)
            sum = WideFloat.One + (y * sum / n);
        return y * sum;
    }

    /// <summary>log2 of a positive number; accurate near one too.</summary>
    public static WideFloat Log2(WideFloat x)
    {
        int exponent = x.Exponent;
        WideFloat fraction = x.Scaled(-exponent);
        // Into [√½, √2): 0xb504f333f9de6484 is √2.
        if ((ulong)(fraction.Significand >> 64) >= 0xb504f333f9de6484)
        {
            fraction = fraction.Scaled(-1);
            exponent++;
        }

        WideFloat difference = fraction - WideFloat.One;
        if (difference.IsZero)
            return WideFloat.FromInt32(exponent);
        return WideFloat.FromInt32(exponent) + LogRatio(difference / (fraction + WideFloat.One));
    }

    /// <summary>log2(1 + x) for x above −1, accurate for small x.</summary>
    public static WideFloat Log2Plus1(WideFloat x) => x.Exponent < -2
        ? LogRatio(x / (x + WideFloat.One.Scaled(1)))
        : Log2(x + WideFloat.One);

    /// <summary>log2((1 + z) / (1 − z)) for |z| below 0.18.</summary>
    private static WideFloat LogRatio(WideFloat z)
    {
        WideFloat square = z * z, sum = WideFloat.Zero;
        for (uint n = 49; n >= 1; n -= 2)
        {
            sum = (WideFloat.One / n) + (square * sum);
            if (n == 1)
                break;
        }

        return (z * sum * WideFloat.Log2E).Scaled(1);
    }

    /// <summary>The angle of the point (x, y), both positive.</summary>
    public static WideFloat Arctangent(WideFloat y, WideFloat x)
    {
        bool steep = (y - x) is { IsZero: false, Negative: false };
        WideFloat t = steep ? x / y : y / x;
        // atan t = atan c + atan((t − c) / (1 + t·c)) with c the nearest eighth.
        int eighths = t.Exponent < -4 ? 0 : (int)(((t.Significand >> (123 - t.Exponent)) + UInt128.One) >> 1);
        WideFloat result;
        if (eighths == 0)
        {
            result = ArctangentSeries(t);
        }
        else
        {
            WideFloat c = WideFloat.FromInt32(eighths).Scaled(-3);
            result = ArctangentOfEighths(eighths) + ArctangentSeries((t - c) / (WideFloat.One + (t * c)));
        }

        return steep ? WideFloat.Pi.Scaled(-1) - result : result;
    }

    private static WideFloat ArctangentSeries(WideFloat t)
    {
        WideFloat square = -(t * t), sum = WideFloat.Zero;
        for (uint n = 33; n >= 1; n -= 2)
        {
            sum = (WideFloat.One / n) + (square * sum);
            if (n == 1)
                break;
        }

        return t * sum;
    }

    private static WideFloat ArctangentOfEighths(int eighths) => eighths switch
    {
        1 => new(false, -4, new UInt128(0xfeadd4d5617b6e32, 0xc897989f3e888ef8)),
        2 => new(false, -3, new UInt128(0xfadbafc96406eb15, 0x6dc79ef5f7a217e6)),
        3 => new(false, -2, new UInt128(0xb7b0ca0f26f78473, 0x8aa32122dcfe4483)),
        4 => new(false, -2, new UInt128(0xed63382b0dda7b45, 0x6fe445ecbc3a8d03)),
        5 => new(false, -1, new UInt128(0x8f005d5ef7f59f9b, 0x5c835e1665c43748)),
        6 => new(false, -1, new UInt128(0xa4bc7d1934f70924, 0x19a87f2a457dac9f)),
        7 => new(false, -1, new UInt128(0xb8053e2bc2319e73, 0xcb2da55210a4443d)),
        _ => WideFloat.Pi.Scaled(-2),
    };
}
