namespace Vitrine.Cpu.Tests.Judge;

/// <summary>Operand values, rich in those at which instructions change their behaviour.</summary>
internal static class Seeds
{
    private static ReadOnlySpan<ulong> Integers =>
    [
        0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff,
        0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
        0xffffffffffffffff, 0xfffffffffffffffe, 0xffffffff80000000, 0xffffffff7fffffff, 0xffffffffffff8000,
        0xffffffffffffff80, 0xffffffffffffff7f, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0x0123456789abcdef,
    ];

    private static ReadOnlySpan<uint> Singles =>
    [
        0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x3f000000, 0x40000000, 0x3fc00000, 0x40200000, 0x00000001,
        0x80000001, 0x007fffff, 0x807fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000,
        0x7fc00000, 0xffc00000, 0x7fc12345, 0x7f800001, 0xff812345, 0x4f000000, 0xcf000000, 0x4effffff, 0x5f000000,
        0xdf000000, 0x3effffff, 0x33800000, 0x34000000, 0x3f7fffff, 0x3f800001, 0x4b000001, 0x4b7fffff, 0x47000000,
    ];

    private static ReadOnlySpan<ulong> Doubles =>
    [
        0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x3fe0000000000000,
        0x4000000000000000, 0x3ff8000000000000, 0x4004000000000000, 0x0000000000000001, 0x8000000000000001,
        0x000fffffffffffff, 0x800fffffffffffff, 0x0010000000000000, 0x8010000000000000, 0x7fefffffffffffff,
        0xffefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000,
        0x7ff8123456789abc, 0x7ff0000000000001, 0xfff0123456789abc, 0x41e0000000000000, 0xc1e0000000000000,
        0x41dfffffffc00000, 0x43e0000000000000, 0xc3e0000000000000, 0x36a0000000000000, 0x380fffffffffffff,
        0x47efffffe0000000, 0x47f0000000000000, 0x3fefffffffffffff, 0x3ff0000000000001, 0x4330000000000001,
    ];

    public static ulong Integer(ref Chance chance) => chance.Below(8) switch
    {
        0 or 1 => chance.Next(),
        2 or 3 => chance.Of(Integers),
        4 => (ulong)(long)chance.Between(-130, 130),
        5 => (uint)chance.Next(),
        6 => (chance.Next() & ~0xffffUL) | (chance.Of(Integers) & 0xffff),
        _ => (chance.Next() << 32) | (chance.Of(Integers) & 0xffffffff),
    };

    public static uint Single(ref Chance chance) => chance.Below(8) switch
    {
        0 or 1 or 2 => chance.Of(Singles),
        3 => (uint)chance.Next(),
        4 => BitConverter.SingleToUInt32Bits(chance.Between(-70000, 70000) / 4f),
        // Exponents near each other, so that sums round and cancel.
        5 or 6 => ((uint)chance.Next() & 0x807fffff) | ((uint)chance.Between(112, 142) << 23),
        _ => ((uint)chance.Next() & 0x807fffff) | (chance.Percent(50) ? (uint)chance.Between(0, 24) : (uint)chance.Between(230, 255)) << 23,
    };

    public static ulong Double(ref Chance chance) => chance.Below(8) switch
    {
        0 or 1 or 2 => chance.Of(Doubles),
        3 => chance.Next(),
        4 => BitConverter.DoubleToUInt64Bits(chance.Between(-70000, 70000) / 4.0),
        5 => (chance.Next() & 0x800fffffffffffff) | ((ulong)chance.Between(1000, 1050) << 52),
        6 => (chance.Next() & 0x800fffffffffffff) | ((ulong)chance.Between(1023 - 150, 1023 + 130) << 52),
        _ => (chance.Next() & 0x800fffffffffffff) | (chance.Percent(50) ? (ulong)chance.Between(0, 54) : (ulong)chance.Between(1980, 2047)) << 52,
    };

    /// <summary>An 80-bit value: significand and sign with exponent.</summary>
    public static (ulong Significand, ushort Top) Extended(ref Chance chance)
    {
        ushort sign = (ushort)(chance.Percent(50) ? 0x8000 : 0);
        ulong random = chance.Next();
        return chance.Below(20) switch
        {
            0 => (0, sign),
            1 => (0x8000000000000000, (ushort)(sign | 0x3fff)),
            2 => (0x8000000000000000, (ushort)(sign | 0x7fff)),
            3 => (0xC000000000000000 | (chance.Percent(50) ? 0 : random >> 2), (ushort)(sign | 0x7fff)),
            4 => (0x8000000000000000 | ((random >> 2) | 1), (ushort)(sign | 0x7fff)),
            5 => (chance.Percent(50) ? 1 : random >> 1, sign),
            6 => chance.Below(3) switch
            {
                // Pseudo-denormal, unnormal, pseudo-NaN or pseudo-infinity.
                0 => (random | 0x8000000000000000, sign),
                1 => (random >> 1, (ushort)(sign | chance.Between(1, 0x7ffe))),
                _ => (chance.Percent(30) ? 0 : random >> 1, (ushort)(sign | 0x7fff)),
            },
            7 => (0xffffffffffffffff, (ushort)(sign | 0x7ffe)),
            8 => (0x8000000000000000 | random, (ushort)(sign | chance.Between(1, 70))),
            9 => (0x8000000000000000 | random, (ushort)(sign | chance.Between(0x7fff - 70, 0x7ffe))),
            10 or 11 => Normalised(sign, (ulong)chance.Below(1 << chance.Between(1, 30)) + 1),
            12 => Normalised(sign, random | 1),
            // Exactly between two singles or doubles, or beside it.
            13 => ((random & ~0x7ffUL) | 0x8000000000000400 | (uint)chance.Below(2), (ushort)(sign | chance.Between(0x3fff - 20, 0x3fff + 20))),
            14 => ((random & ~0xffffffffffUL) | 0x8000008000000000 | (uint)chance.Below(2), (ushort)(sign | chance.Between(0x3fff - 20, 0x3fff + 20))),
            15 => (0x8000000000000000 | random, (ushort)(sign | chance.Between(0x3fff - 1100, 0x3fff + 1100))),
            _ => (0x8000000000000000 | random, (ushort)(sign | chance.Between(0x3fff - 70, 0x3fff + 70))),
        };
    }

    /// <summary>The 80-bit form of an integer greater than zero.</summary>
    private static (ulong Significand, ushort Top) Normalised(ushort sign, ulong value)
    {
        int shift = System.Numerics.BitOperations.LeadingZeroCount(value);
        return (value << shift, (ushort)(sign | (0x3fff + 63 - shift)));
    }

    public static uint Mxcsr(ref Chance chance)
    {
        uint value = 0x1f80u | ((uint)chance.Below(4) << 13);
        if (chance.Percent(12))
            value |= 0x8000;
        if (chance.Percent(12))
            value |= 0x40;
        if (chance.Percent(30))
            value |= (uint)chance.Below(64);
        if (chance.Percent(12))
            value &= ~((uint)chance.Below(64) << 7);
        return value;
    }

    public static ushort Fcw(ref Chance chance)
    {
        int value = 0x7f;
        if (chance.Percent(25))
            value &= ~chance.Below(64);
        int precision = chance.Below(20) switch { < 13 => 3, < 17 => 2, _ => 0 };
        return (ushort)(value | (precision << 8) | (chance.Below(4) << 10) | (chance.Percent(10) ? 0x1000 : 0));
    }

    /// <summary>A status word; an exception is pending in it only rarely.</summary>
    public static ushort Fsw(ref Chance chance, ushort fcw)
    {
        int value = (chance.Below(8) << 11) | (chance.Next() is var c ? (int)(c & 0x4700) : 0);
        if (chance.Percent(30))
            value |= chance.Below(128);
        if (!chance.Percent(5))
            value &= ~(~fcw & 0x3f);
        if ((value & ~fcw & 0x3f) != 0)
            value |= 0x8080;
        return (ushort)value;
    }

    /// <summary>Fills bytes with elements of a kind, as an operand of memory or a vector register holds them.</summary>
    public static void Fill(ref Chance chance, Span<byte> bytes, ElementKind kind)
    {
        int at = 0;
        while (at < bytes.Length)
        {
            Span<byte> rest = bytes[at..];
            ElementKind now = kind == ElementKind.Mixed ? (ElementKind)chance.Below(3) : kind;
            switch (now)
            {
                case ElementKind.Single when rest.Length >= 4:
                    BitConverter.TryWriteBytes(rest, Single(ref chance));
                    at += 4;
                    break;
                case ElementKind.Double when rest.Length >= 8:
                    BitConverter.TryWriteBytes(rest, Double(ref chance));
                    at += 8;
                    break;
                case ElementKind.Extended when rest.Length >= 10:
                    (ulong significand, ushort top) = Extended(ref chance);
                    BitConverter.TryWriteBytes(rest, significand);
                    BitConverter.TryWriteBytes(rest[8..], top);
                    at += 10;
                    break;
                case ElementKind.Decimal when rest.Length >= 10:
                    for (int i = 0; i < 9; i++)
                        rest[i] = (byte)(chance.Below(10) | (chance.Below(10) << 4));
                    rest[9] = (byte)chance.Next();
                    at += 10;
                    break;
                case ElementKind.Text:
                    rest[0] = chance.Percent(6) ? (byte)0 : (byte)('a' + chance.Below(5));
                    at++;
                    break;
                default:
                    if (rest.Length >= 8)
                    {
                        BitConverter.TryWriteBytes(rest, Integer(ref chance));
                        at += 8;
                    }
                    else
                    {
                        ulong value = Integer(ref chance);
                        for (int i = 0; i < rest.Length; i++)
                            rest[i] = (byte)(value >> (8 * i));
                        at = bytes.Length;
                    }

                    break;
            }
        }
    }
}

/// <summary>What the bytes of an operand mean to its instruction.</summary>
internal enum ElementKind
{
    Integer = 0,
    Single = 1,
    Double = 2,
    Extended = 3,
    Decimal = 4,

    /// <summary>Few different bytes, with zeros: what the string comparisons of SSE4.2 look for.</summary>
    Text = 5,
    Mixed = 6,
}
