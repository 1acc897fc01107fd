using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.X87;

/// <summary>
/// FSIN, FCOS, FSINCOS, FPTAN, FPATAN, F2XM1, FYL2X, FYL2XP1: one definition for every host. The function is computed
/// to some 115 bits and rounded once, to 64 bits whatever the precision control says; angles are reduced by π to
/// 66 bits, as the hardware does. Special operands: the tables of the instructions in Intel's SDM 2A.
/// </summary>
internal static unsafe class X87Transcendental
{
    // SAFETY: only the register file is touched.

    private static WideFloat Wide(in X87Operand value) => WideFloat.From(value.IsNegative, value.Exponent, value.Significand);

    private static Float80 Round(WideFloat value, ref FloatEnvironment environment) =>
        X87Arithmetic.Round(value.ToUnrounded(), 64, ref environment);

    public static void Fsin(CpuState* state, void* dst, void* src, byte imm) => Trigonometric(state, cosine: false);

    public static void Fcos(CpuState* state, void* dst, void* src, byte imm) => Trigonometric(state, cosine: true);

    private static void Trigonometric(CpuState* state, bool cosine)
    {
        ClearC2(state);
        if (!X87Stack.RequireTop(state))
            return;
        FloatEnvironment environment = X87Stack.Environment(state);
        X87Operand angle = X87Stack.Operand(state, 0);
        if (IsOutOfRange(angle))
        {
            state->FpuStatus |= X87Status.C2;
            return;
        }

        if (!TrySpecialAngle(angle, cosine, ref environment, out Float80 result))
        {
            WideFloat rest = WideFunctions.ReduceAngle(angle.IsNegative, angle.Exponent, angle.Significand, out int quadrant);
            result = Round(SinOrCos(rest, cosine ? quadrant + 1 : quadrant), ref environment);
        }

        if (X87Stack.Commit(state, environment))
            X87Stack.Set(state, 0, result);
    }

    public static void Fsincos(CpuState* state, void* dst, void* src, byte imm)
    {
        if (!TryBeginPair(state, out X87Operand angle))
            return;
        FloatEnvironment environment = X87Stack.Environment(state);
        if (TrySpecialAngle(angle, cosine: false, ref environment, out Float80 sine))
        {
            TrySpecialAngle(angle, cosine: true, ref environment, out Float80 cosine);
            FinishPair(state, environment, sine, cosine);
            return;
        }

        WideFloat rest = WideFunctions.ReduceAngle(angle.IsNegative, angle.Exponent, angle.Significand, out int quadrant);
        Float80 roundedCosine = Round(SinOrCos(rest, quadrant + 1), ref environment);
        Float80 roundedSine = Round(SinOrCos(rest, quadrant), ref environment);
        FinishPair(state, environment, roundedSine, roundedCosine);
    }

    /// <summary>ST(0) := its tangent, then pushes 1.</summary>
    public static void Fptan(CpuState* state, void* dst, void* src, byte imm)
    {
        if (!TryBeginPair(state, out X87Operand angle))
            return;
        FloatEnvironment environment = X87Stack.Environment(state);
        if (!TrySpecialAngle(angle, cosine: false, ref environment, out Float80 result))
        {
            WideFloat rest = WideFunctions.ReduceAngle(angle.IsNegative, angle.Exponent, angle.Significand, out int quadrant);
            result = Round(SinOrCos(rest, quadrant) / SinOrCos(rest, quadrant + 1), ref environment);
        }

        FinishPair(state, environment, result, result.IsNaN ? result : Float80.One);
    }

    /// <summary>Common to those that leave two results: stack checks and range.</summary>
    private static bool TryBeginPair(CpuState* state, out X87Operand angle)
    {
        ClearC2(state);
        angle = default;
        bool empty = X87Stack.IsEmpty(state, 0);
        if (empty || !X87Stack.IsEmpty(state, 7))
        {
            if (X87Stack.RecordStackFault(state, overflow: !empty))
            {
                X87Stack.Set(state, 0, Float80.DefaultNaN);
                X87Stack.Push(state, Float80.DefaultNaN);
            }

            return false;
        }

        X87Stack.ClearC1(state);
        angle = X87Stack.Operand(state, 0);
        if (!IsOutOfRange(angle))
            return true;
        state->FpuStatus |= X87Status.C2;
        return false;
    }

    private static void FinishPair(CpuState* state, in FloatEnvironment environment, Float80 first, Float80 pushed)
    {
        if (!X87Stack.Commit(state, environment))
            return;
        X87Stack.Set(state, 0, first);
        X87Stack.Push(state, pushed);
    }

    /// <summary>sin(rest + quadrant·π/2).</summary>
    private static WideFloat SinOrCos(WideFloat rest, int quadrant)
    {
        WideFloat value = (quadrant & 1) != 0 ? WideFunctions.Cos(rest) : WideFunctions.Sin(rest);
        return (quadrant & 2) != 0 ? -value : value;
    }

    private static bool IsOutOfRange(in X87Operand angle) => angle.Class == X87Class.Finite && angle.Exponent >= 63;

    private static bool TrySpecialAngle(in X87Operand angle, bool cosine, ref FloatEnvironment environment, out Float80 result)
    {
        if (X87Arithmetic.TryPropagate(angle, angle, ref environment, out result))
            return true;
        if (angle.Class == X87Class.Infinity)
        {
            result = X87Arithmetic.Invalid(ref environment);
            return true;
        }

        X87Arithmetic.NoteDenormals(angle, angle, ref environment);
        result = cosine ? Float80.One : angle.Value;
        return angle.Class == X87Class.Zero;
    }

    public static void F2xm1(CpuState* state, void* dst, void* src, byte imm)
    {
        if (!X87Stack.RequireTop(state))
            return;
        FloatEnvironment environment = X87Stack.Environment(state);
        X87Operand value = X87Stack.Operand(state, 0);
        Float80 result;
        if (!X87Arithmetic.TryPropagate(value, value, ref environment, out result))
        {
            X87Arithmetic.NoteDenormals(value, value, ref environment);
            result = PowerMinus1(value, ref environment);
        }

        if (X87Stack.Commit(state, environment))
            X87Stack.Set(state, 0, result);
    }

    /// <summary>2^x − 1. Beyond [−1, 1], where the manual defines nothing, the operand is left as it is.</summary>
    private static Float80 PowerMinus1(in X87Operand value, ref FloatEnvironment environment)
    {
        if (value.Class == X87Class.Infinity)
            return value.IsNegative ? Float80.One.Negated : value.Value;
        if (value.Class == X87Class.Zero)
            return value.Value;
        if (value.Exponent < 0)
            return Round(WideFunctions.Exp2Minus1(Wide(value)), ref environment);
        if (value.Exponent > 0 || value.Significand != Float80.IntegerBit)
            return Undefined(value, ref environment);
        return value.IsNegative ? new(Float80.SignBit | (Float80.Bias - 1), Float80.IntegerBit) : Float80.One;
    }

    private static Float80 Undefined(in X87Operand value, ref FloatEnvironment environment)
    {
        environment.Raised |= FloatExceptions.Precision;
        return value.Value;
    }

    /// <summary>ST(1) := ST(1)·log2 ST(0), and pops.</summary>
    public static void Fyl2x(CpuState* state, void* dst, void* src, byte imm) => Logarithm(state, plusOne: false);

    /// <summary>ST(1) := ST(1)·log2(ST(0) + 1), and pops.</summary>
    public static void Fyl2xp1(CpuState* state, void* dst, void* src, byte imm) => Logarithm(state, plusOne: true);

    private static void Logarithm(CpuState* state, bool plusOne)
    {
        X87Stack.ClearC1(state);
        if (!RequireBothForPop(state))
            return;
        FloatEnvironment environment = X87Stack.Environment(state);
        X87Operand x = X87Stack.Operand(state, 0), y = X87Stack.Operand(state, 1);
        if (!X87Arithmetic.TryPropagate(x, y, ref environment, out Float80 result))
            result = plusOne ? LogarithmPlus1(x, y, ref environment) : Logarithm(x, y, ref environment);
        FinishPop(state, environment, result);
    }

    private static Float80 Logarithm(in X87Operand x, in X87Operand y, ref FloatEnvironment environment)
    {
        if (x.IsNegative && x.Class != X87Class.Zero)
            return X87Arithmetic.Invalid(ref environment);
        if (x.Class == X87Class.Zero)
        {
            if (y.Class == X87Class.Zero)
                return X87Arithmetic.Invalid(ref environment);
            if (y.Class == X87Class.Finite)
                environment.Raised |= FloatExceptions.ZeroDivide;
            return Float80.Infinity(!y.IsNegative);
        }

        // The sign of log2 x: 0 for exactly one.
        int sign = x.Class == X87Class.Infinity || x.Exponent >= 0 ? 1 : -1;
        if (x.Class == X87Class.Finite && x.Exponent == 0 && x.Significand == Float80.IntegerBit)
            sign = 0;
        if ((x.Class == X87Class.Infinity && y.Class == X87Class.Zero) || (y.Class == X87Class.Infinity && sign == 0))
            return X87Arithmetic.Invalid(ref environment);
        X87Arithmetic.NoteDenormals(x, y, ref environment);
        bool negative = y.IsNegative ^ (sign < 0);
        if (x.Class == X87Class.Infinity || y.Class == X87Class.Infinity)
            return Float80.Infinity(negative);
        if (y.Class == X87Class.Zero || sign == 0)
            return Float80.Zero(negative);
        if (x.Significand == Float80.IntegerBit)
        {
            // Inexact by convention, though the product may be exact.
            Float80 product = X87Arithmetic.Compute(X87Operation.Multiply, y, X87Operand.FromInt64(x.Exponent), 64, ref environment);
            environment.Raised |= product.BiasedExponent == 0 ? FloatExceptions.Precision | FloatExceptions.Underflow : FloatExceptions.Precision;
            return product;
        }

        return Round(Wide(y) * WideFunctions.Log2(Wide(x)), ref environment);
    }

    private static Float80 LogarithmPlus1(in X87Operand x, in X87Operand y, ref FloatEnvironment environment)
    {
        bool negative = x.IsNegative ^ y.IsNegative;
        if ((x.Class == X87Class.Zero && y.Class == X87Class.Infinity) || (x.Class == X87Class.Infinity && (x.IsNegative || y.Class == X87Class.Zero)))
            return X87Arithmetic.Invalid(ref environment);
        X87Arithmetic.NoteDenormals(x, y, ref environment);
        if (x.Class == X87Class.Infinity || y.Class == X87Class.Infinity)
            return Float80.Infinity(negative);
        if (x.Class == X87Class.Zero || y.Class == X87Class.Zero)
            return Float80.Zero(negative);
        // The manual defines nothing at and below −1: the operand stays.
        if (x.Class == X87Class.Finite && x.IsNegative && x.Exponent >= 0)
            return Undefined(x, ref environment);
        return Round(Wide(y) * WideFunctions.Log2Plus1(Wide(x)), ref environment);
    }

    /// <summary>ST(1) := the angle of the point (ST(0), ST(1)), and pops.</summary>
    public static void Fpatan(CpuState* state, void* dst, void* src, byte imm)
    {
        X87Stack.ClearC1(state);
        if (!RequireBothForPop(state))
            return;
        FloatEnvironment environment = X87Stack.Environment(state);
        X87Operand x = X87Stack.Operand(state, 0), y = X87Stack.Operand(state, 1);
        if (!X87Arithmetic.TryPropagate(x, y, ref environment, out Float80 result))
        {
            X87Arithmetic.NoteDenormals(x, y, ref environment);
            result = Angle(y, x, ref environment);
        }

        FinishPop(state, environment, result);
    }

    private static Float80 Angle(in X87Operand y, in X87Operand x, ref FloatEnvironment environment)
    {
        bool negative = y.IsNegative;
        WideFloat angle;
        if (y.Class == X87Class.Zero || (x.Class == X87Class.Infinity && y.Class != X87Class.Infinity))
        {
            if (!x.IsNegative)
                return Float80.Zero(negative);
            angle = WideFloat.Pi;
        }
        else if (y.Class == X87Class.Infinity)
        {
            angle = WideFloat.Pi.Scaled(-1);
            if (x.Class == X87Class.Infinity)
                angle = x.IsNegative ? angle + angle.Scaled(-1) : angle.Scaled(-1);
        }
        else if (x.Class == X87Class.Zero)
        {
            angle = WideFloat.Pi.Scaled(-1);
        }
        else
        {
            angle = WideFunctions.Arctangent(
                WideFloat.From(false, y.Exponent, y.Significand), WideFloat.From(false, x.Exponent, x.Significand));
            if (x.IsNegative)
                angle = WideFloat.Pi - angle;
        }

        return Round(negative ? -angle : angle, ref environment);
    }

    private static bool RequireBothForPop(CpuState* state)
    {
        if (!X87Stack.IsEmpty(state, 0) && !X87Stack.IsEmpty(state, 1))
            return true;
        if (X87Stack.RecordStackFault(state, overflow: false))
        {
            X87Stack.Set(state, 1, Float80.DefaultNaN);
            X87Stack.Pop(state);
        }

        return false;
    }

    private static void FinishPop(CpuState* state, in FloatEnvironment environment, Float80 result)
    {
        if (!X87Stack.Commit(state, environment))
            return;
        X87Stack.Set(state, 1, result);
        X87Stack.Pop(state);
    }

    private static void ClearC2(CpuState* state) => state->FpuStatus &= unchecked((ushort)~X87Status.C2);
}
