using System.Numerics;
using System.Runtime.InteropServices;
using Vitrine.Cpu.FloatingPoint;

namespace Vitrine.Cpu.X87;

/// <summary>
/// A number in double extended precision as x87 registers hold it: a significand of 64 bits with an explicit
/// integer bit, and 15 exponent bits under the sign. Just the bits; see <see cref="X87Operand"/> for their meaning.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 2, Size = 10)]
internal readonly struct Float80(ushort signExponent, ulong significand) : IEquatable<Float80>
{
    public readonly ulong Significand = significand;
    public readonly ushort SignExponent = signExponent;

    public const int Bias = 16383;
    public const int MinExponent = -16382;
    public const ushort ExponentMask = 0x7fff;
    public const ushort SignBit = 0x8000;
    public const ulong IntegerBit = 1UL << 63;
    public const ulong QuietBit = 1UL << 62;

    /// <summary>The NaN of masked invalid operations ("real indefinite").</summary>
    public static Float80 DefaultNaN => new(0xffff, IntegerBit | QuietBit);

    public static Float80 One => new(Bias, IntegerBit);

    public static Float80 Zero(bool negative) => new(negative ? SignBit : (ushort)0, 0);

    public static Float80 Infinity(bool negative) => new((ushort)(ExponentMask | (negative ? SignBit : 0)), IntegerBit);

    public bool IsNegative => (SignExponent & SignBit) != 0;

    public int BiasedExponent => SignExponent & ExponentMask;

    public bool IsZero => BiasedExponent == 0 && Significand == 0;

    public bool IsInfinity => BiasedExponent == ExponentMask && Significand == IntegerBit;

    public bool IsNaN => BiasedExponent == ExponentMask && Significand > IntegerBit;

    public bool IsSignalingNaN => IsNaN && (Significand & QuietBit) == 0;

    /// <summary>An encoding that only the 8087 gave meaning to: a non-zero exponent without the integer bit.</summary>
    public bool IsUnsupported => BiasedExponent != 0 && (Significand & IntegerBit) == 0;

    public Float80 Negated => new((ushort)(SignExponent ^ SignBit), Significand);

    public Float80 Magnitude => new((ushort)(SignExponent & ExponentMask), Significand);

    public Float80 Quieted => new(SignExponent, Significand | QuietBit);

    public static Float80 Pack(bool negative, in Rounded value)
    {
        int sign = negative ? SignBit : 0;
        if (value.Infinite)
            return Infinity(negative);
        int biased = (value.Significand & IntegerBit) != 0 ? value.Exponent + Bias : 0;
        return new((ushort)(sign | biased), value.Significand);
    }

    /// <summary>An integer; always exact.</summary>
    public static Float80 FromInt64(long value)
    {
        if (value == 0)
            return default;
        bool negative = value < 0;
        ulong significand = ExactArithmetic.NormalizeInteger(negative ? (ulong)-value : (ulong)value, out int exponent);
        return new((ushort)((exponent + Bias) | (negative ? SignBit : 0)), significand);
    }

    public bool Equals(Float80 other) => Significand == other.Significand && SignExponent == other.SignExponent;

    public override bool Equals(object? obj) => obj is Float80 other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Significand, SignExponent);

    public override string ToString() => $"{SignExponent:x4}:{Significand:x16}";
}

/// <summary>What an operand of an x87 operation is.</summary>
internal enum X87Class
{
    Zero,
    Finite,
    Infinity,
    QuietNaN,
    SignalingNaN,

    /// <summary>Unnormals, pseudo-infinities, pseudo-NaNs.</summary>
    Unsupported,
}

/// <summary>
/// An operand taken apart: its class, and for finite numbers the significand with bit 63 set, the value being
/// significand·2^(exponent−63).
/// </summary>
internal readonly struct X87Operand
{
    public readonly Float80 Value;
    public readonly X87Class Class;

    /// <summary>The operand was denormal where it came from: in a register, or in memory in a narrower format.</summary>
    public readonly bool IsDenormal;
    public readonly int Exponent;
    public readonly ulong Significand;

    private X87Operand(Float80 value, bool isDenormal)
    {
        Value = value;
        IsDenormal = isDenormal;
        ulong significand = value.Significand;
        int biased = value.BiasedExponent;
        if (biased == 0 && significand == 0)
        {
            Class = X87Class.Zero;
        }
        else if (biased != 0 && (significand & Float80.IntegerBit) == 0)
        {
            Class = X87Class.Unsupported;
        }
        else if (biased == Float80.ExponentMask)
        {
            Class = significand == Float80.IntegerBit ? X87Class.Infinity
                : (significand & Float80.QuietBit) != 0 ? X87Class.QuietNaN : X87Class.SignalingNaN;
        }
        else
        {
            Class = X87Class.Finite;
            int shift = BitOperations.LeadingZeroCount(significand);
            Significand = significand << shift;
            Exponent = (biased == 0 ? Float80.MinExponent : biased - Float80.Bias) - shift;
        }
    }

    public bool IsNegative => Value.IsNegative;

    public bool IsNaN => Class is X87Class.QuietNaN or X87Class.SignalingNaN;

    public Unrounded ToUnrounded(bool negative) => new(negative, Exponent, Significand, 0);

    /// <summary>A register's contents. Zero exponent, non-zero significand: denormal, or pseudo-denormal.</summary>
    public static X87Operand From(Float80 value) => new(value, value.BiasedExponent == 0 && value.Significand != 0);

    public static X87Operand FromInt64(long value) => new(Float80.FromInt64(value), false);

    /// <summary>binary32 or binary64 from memory, widened exactly; NaNs keep being signaling.</summary>
    public static X87Operand From(in IeeeFormat format, ulong bits)
    {
        int sign = format.IsNegative(bits) ? Float80.SignBit : 0;
        if (format.IsZero(bits))
            return new(new Float80((ushort)sign, 0), false);
        if (format.Magnitude(bits) >= format.Infinity)
        {
            ulong fraction = (bits & format.FractionMask) << (63 - format.FractionBits);
            return new(new Float80((ushort)(sign | Float80.ExponentMask), Float80.IntegerBit | fraction), false);
        }

        ulong significand = format.Unpack(bits, out int exponent);
        return new(new Float80((ushort)(sign | (exponent + Float80.Bias)), significand), format.IsDenormal(bits));
    }
}
