using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.X87;

/// <summary>FPREM, FPREM1, FSCALE, FXTRACT and FRNDINT.</summary>
internal static unsafe class X87Remainder
{
    // SAFETY: only the register file is touched.

    /// <summary>The remainder of truncating division; reduces by at most 63 bits of quotient at a time.</summary>
    public static void Fprem(CpuState* state, void* dst, void* src, byte imm) => Remainder(state, nearest: false);

    /// <summary>IEEE 754's remainder: the quotient is rounded to nearest.</summary>
    public static void Fprem1(CpuState* state, void* dst, void* src, byte imm) => Remainder(state, nearest: true);

    private static void Remainder(CpuState* state, bool nearest)
    {
        state->FpuStatus &= unchecked((ushort)~X87Status.C2);
        if (!RequireBoth(state))
            return;
        FloatEnvironment environment = X87Stack.Environment(state);
        X87Operand dividend = X87Stack.Operand(state, 0), divisor = X87Stack.Operand(state, 1);
        // Without a quotient C0 and C3 stay as they are.
        uint conditions = state->FpuStatus & (uint)(X87Status.C0 | X87Status.C3);
        if (!X87Arithmetic.TryPropagate(dividend, divisor, ref environment, out Float80 result))
        {
            if (dividend.Class == X87Class.Infinity || divisor.Class == X87Class.Zero)
            {
                result = X87Arithmetic.Invalid(ref environment);
            }
            else
            {
                X87Arithmetic.NoteDenormals(dividend, divisor, ref environment);
                conditions = 0;
                result = dividend.Class == X87Class.Zero || divisor.Class == X87Class.Infinity
                    ? Unreduced(dividend, ref environment)
                    : Reduce(dividend, divisor, nearest, ref environment, out conditions);
            }
        }

        if (!X87Stack.Commit(state, environment))
            return;
        X87Stack.Set(state, 0, result);
        X87Stack.SetConditions(state, conditions);
    }

    private static Float80 Unreduced(in X87Operand dividend, ref FloatEnvironment environment) =>
        dividend.Class == X87Class.Zero
            ? dividend.Value
            : X87Arithmetic.Round(dividend.ToUnrounded(dividend.IsNegative), 64, ref environment);

    private static Float80 Reduce(
        in X87Operand dividend, in X87Operand divisor, bool nearest, ref FloatEnvironment environment, out uint conditions)
    {
        conditions = 0;
        bool negative = dividend.IsNegative;
        int difference = dividend.Exponent - divisor.Exponent;
        if (difference < (nearest ? -1 : 0))
            return Unreduced(dividend, ref environment);

        // The remainder's unit is the divisor's last bit (or the dividend's when that is one lower).
        int exponent = divisor.Exponent;
        UInt128 modulus = divisor.Significand;
        int shift = difference;
        if (difference < 0)
        {
            exponent = dividend.Exponent;
            modulus <<= 1;
            shift = 0;
        }
        else if (difference >= 64)
        {
            conditions = X87Status.C2;
            shift = 32 + (difference % 32);
            exponent += difference - shift;
        }

        (UInt128 quotient, UInt128 remainder) = UInt128.DivRem((UInt128)dividend.Significand << shift, modulus);
        if (conditions == 0)
        {
            if (nearest && (remainder > modulus - remainder || (remainder == modulus - remainder && UInt128.IsOddInteger(quotient))))
            {
                remainder = modulus - remainder;
                negative = !negative;
                quotient++;
            }

            uint low = (uint)quotient & 7;
            conditions = ((low & 4) != 0 ? X87Status.C0 : 0u) | ((low & 2) != 0 ? X87Status.C3 : 0u) | ((low & 1) != 0 ? X87Status.C1 : 0u);
        }

        return remainder == UInt128.Zero
            ? Float80.Zero(dividend.IsNegative)
            : X87Arithmetic.Round(Unrounded.Normalize(negative, exponent + 64, remainder), 64, ref environment);
    }

    /// <summary>Both operands of a two-operand function are there; else the default NaN replaces ST(0) if that is masked.</summary>
    public static bool RequireBoth(CpuState* state)
    {
        if (!X87Stack.IsEmpty(state, 0) && !X87Stack.IsEmpty(state, 1))
            return true;
        if (X87Stack.RecordStackFault(state, overflow: false))
            X87Stack.Set(state, 0, Float80.DefaultNaN);
        return false;
    }

    public static void Fscale(CpuState* state, void* dst, void* src, byte imm)
    {
        if (!RequireBoth(state))
            return;
        FloatEnvironment environment = X87Stack.Environment(state);
        Float80 result = Scale(X87Stack.Operand(state, 0), X87Stack.Operand(state, 1), ref environment);
        if (X87Stack.Commit(state, environment))
            X87Stack.Set(state, 0, result);
    }

    private static Float80 Scale(in X87Operand value, in X87Operand scale, ref FloatEnvironment environment)
    {
        if (X87Arithmetic.TryPropagate(value, scale, ref environment, out Float80 special))
            return special;
        if (scale.Class == X87Class.Infinity)
        {
            if (scale.IsNegative ? value.Class == X87Class.Infinity : value.Class == X87Class.Zero)
                return X87Arithmetic.Invalid(ref environment);
            X87Arithmetic.NoteDenormals(value, scale, ref environment);
            return scale.IsNegative ? Float80.Zero(value.IsNegative) : Float80.Infinity(value.IsNegative);
        }

        X87Arithmetic.NoteDenormals(value, scale, ref environment);
        if (value.Class != X87Class.Finite)
            return value.Value;
        int by = 0;
        if (scale.Class == X87Class.Finite && scale.Exponent >= 0)
        {
            by = scale.Exponent >= 16 ? 0x10000 : (int)(scale.Significand >> (63 - scale.Exponent));
            if (scale.IsNegative)
                by = -by;
        }

        int exponent = value.Exponent + by;
        Unrounded scaled = new(value.IsNegative, exponent, value.Significand, 0);
        // Where even a wrapped exponent is out of range, an unmasked exception gives infinity or zero.
        if (exponent - Rounder.ExtendedWrap > Float80.Bias && environment.Traps(FloatExceptions.Overflow))
        {
            environment.Raised |= FloatExceptions.Overflow | FloatExceptions.Precision;
            environment.RoundedUp = true;
            return Float80.Infinity(value.IsNegative);
        }

        if (exponent + Rounder.ExtendedWrap < Float80.MinExponent && environment.Traps(FloatExceptions.Underflow))
        {
            environment.Raised |= FloatExceptions.Underflow | FloatExceptions.Precision;
            return Float80.Zero(value.IsNegative);
        }

        return X87Arithmetic.Round(scaled, 64, ref environment);
    }

    /// <summary>ST(0) := its exponent as a number, then pushes its significand with the exponent of one.</summary>
    public static void Fxtract(CpuState* state, void* dst, void* src, byte imm)
    {
        bool full = !X87Stack.IsEmpty(state, 7);
        if (full || X87Stack.IsEmpty(state, 0))
        {
            if (X87Stack.RecordStackFault(state, overflow: full && !X87Stack.IsEmpty(state, 0)))
            {
                X87Stack.Set(state, 0, Float80.DefaultNaN);
                X87Stack.Push(state, Float80.DefaultNaN);
            }

            return;
        }

        FloatEnvironment environment = X87Stack.Environment(state);
        X87Operand value = X87Stack.Operand(state, 0);
        Float80 exponent, significand;
        if (X87Arithmetic.TryPropagate(value, value, ref environment, out Float80 special))
        {
            exponent = significand = special;
        }
        else if (value.Class == X87Class.Infinity)
        {
            exponent = Float80.Infinity(false);
            significand = value.Value;
        }
        else if (value.Class == X87Class.Zero)
        {
            environment.Raised |= FloatExceptions.ZeroDivide;
            exponent = Float80.Infinity(true);
            significand = value.Value;
        }
        else
        {
            X87Arithmetic.NoteDenormals(value, value, ref environment);
            exponent = Float80.FromInt64(value.Exponent);
            significand = new((ushort)(Float80.Bias | (value.IsNegative ? Float80.SignBit : 0)), value.Significand);
        }

        if (!X87Stack.Commit(state, environment))
            return;
        X87Stack.Set(state, 0, exponent);
        X87Stack.Push(state, significand);
    }

    public static void Frndint(CpuState* state, void* dst, void* src, byte imm)
    {
        if (!X87Stack.RequireTop(state))
            return;
        FloatEnvironment environment = X87Stack.Environment(state);
        Float80 result = X87Conversion.RoundToIntegral(X87Stack.Operand(state, 0), ref environment);
        if (X87Stack.Commit(state, environment))
            X87Stack.Set(state, 0, result);
    }
}
