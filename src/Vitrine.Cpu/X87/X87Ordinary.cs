using System.Numerics;
using System.Runtime.CompilerServices;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.X87;

/// <summary>
/// Short cuts for what nearly all x87 instructions do: normal operands, a normal result well inside the range, all
/// exceptions masked, rounding to nearest and 64 bits. Only precision can be raised then. Where one doesn't apply it
/// says so and changes nothing; <see cref="X87Arithmetic"/> defines the results.
/// </summary>
internal static unsafe class X87Ordinary
{
    // SAFETY: only the register file is touched.

    private const uint ControlMask = 0xf3f, OrdinaryControl = 0x33f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsNormal(Float80 value) => (long)value.Significand < 0 && (uint)(value.BiasedExponent - 1) < 0x7ffe;

    /// <summary>ST(target) := a op b, with C1 and the precision flag.</summary>
    public static bool TryCompute(CpuState* state, int target, X87Operation operation, Float80 a, Float80 b)
    {
        if ((state->FpuControl & ControlMask) != OrdinaryControl || !IsNormal(a) || !IsNormal(b))
            return false;
        switch (operation)
        {
            case X87Operation.Add:
                return TryAdd(state, target, a, b);
            case X87Operation.Subtract:
                return TryAdd(state, target, a, b.Negated);
            case X87Operation.SubtractReversed:
                return TryAdd(state, target, b, a.Negated);
            case X87Operation.Multiply:
                Unrounded product = ExactArithmetic.Multiply(
                    a.IsNegative != b.IsNegative, a.BiasedExponent - Float80.Bias, a.Significand, b.BiasedExponent - Float80.Bias, b.Significand);
                return TryFinish(state, target, product);
            default:
                if (operation == X87Operation.DivideReversed)
                    (a, b) = (b, a);
                Unrounded quotient = ExactArithmetic.Divide(
                    a.IsNegative != b.IsNegative, a.BiasedExponent - Float80.Bias, a.Significand, b.BiasedExponent - Float80.Bias, b.Significand);
                return TryFinish(state, target, quotient);
        }
    }

    private static bool TryAdd(CpuState* state, int target, Float80 a, Float80 b)
    {
        if (a.BiasedExponent < b.BiasedExponent || (a.BiasedExponent == b.BiasedExponent && a.Significand < b.Significand))
            (a, b) = (b, a);
        int distance = a.BiasedExponent - b.BiasedExponent;
        if (distance >= 64)
            return false;
        ulong high = b.Significand >> distance, low = distance == 0 ? 0 : b.Significand << (64 - distance);
        int exponent = a.BiasedExponent - Float80.Bias;
        if (a.IsNegative == b.IsNegative)
        {
            high += a.Significand;
            if (high < a.Significand)
            {
                low = (low >> 1) | (low & 1) | (high << 63);
                high = (high >> 1) | Float80.IntegerBit;
                exponent++;
            }
        }
        else
        {
            high = a.Significand - high - (low != 0 ? 1UL : 0);
            low = 0 - low;
            if (high == 0)
                return false;
            int shift = BitOperations.LeadingZeroCount(high);
            if (shift != 0)
            {
                high = (high << shift) | (low >> (64 - shift));
                low <<= shift;
                exponent -= shift;
            }
        }

        return TryFinish(state, target, new Unrounded(a.IsNegative, exponent, high, low));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryFinish(CpuState* state, int target, in Unrounded value)
    {
        int biased = value.Exponent + Float80.Bias;
        if ((uint)(biased - 1) >= 0x7ffc)
            return false;
        ulong high = value.High, low = value.Low;
        // Round to nearest, ties to even: up when the lower half exceeds one half, or equals it and the last bit is odd.
        bool up = low > Float80.IntegerBit || (low == Float80.IntegerBit && (high & 1) != 0);
        if (up && ++high == 0)
        {
            high = Float80.IntegerBit;
            biased++;
        }

        uint status = state->FpuStatus & ~(uint)X87Status.C1;
        if (low != 0)
            status |= (uint)FloatExceptions.Precision;
        if (up)
            status |= X87Status.C1;
        state->FpuStatus = (ushort)status;
        X87Stack.Set(state, target, new((ushort)(biased | (value.Negative ? Float80.SignBit : 0)), high));
        return true;
    }

    /// <summary>Widens a normal or zero double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryWiden(ulong bits, out Float80 value)
    {
        uint exponent = (uint)(bits >> 52) & 0x7ff;
        ushort sign = (ushort)((bits >> 48) & Float80.SignBit);
        if (exponent - 1 < 0x7fe)
        {
            value = new((ushort)(sign | (exponent + (Float80.Bias - 1023))), Float80.IntegerBit | (bits << 11));
            return true;
        }

        value = new(sign, 0);
        return bits << 1 == 0;
    }

    /// <summary>Narrows a normal number to a normal double, noting precision.</summary>
    public static bool TryNarrow(CpuState* state, Float80 value, out ulong bits)
    {
        int exponent = value.BiasedExponent - Float80.Bias;
        bits = 0;
        if ((state->FpuControl & (ControlMask & ~0x300u)) != (OrdinaryControl & ~0x300u) || !IsNormal(value) || exponent is <= -1022 or >= 1023)
            return false;
        ulong dropped = value.Significand & 0x7ff;
        bits = ((ulong)(value.SignExponent & Float80.SignBit) << 48) | ((ulong)(exponent + 1023) << 52) | ((value.Significand >> 11) & ((1UL << 52) - 1));
        bool up = dropped > 0x400 || (dropped == 0x400 && (bits & 1) != 0);
        // A carry runs into the exponent, as it should.
        if (up)
            bits++;
        uint status = state->FpuStatus & ~(uint)X87Status.C1;
        if (dropped != 0)
            status |= (uint)FloatExceptions.Precision;
        if (up)
            status |= X87Status.C1;
        state->FpuStatus = (ushort)status;
        return true;
    }
}
