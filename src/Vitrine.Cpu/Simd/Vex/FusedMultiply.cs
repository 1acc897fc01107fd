using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>
/// FMA: x·y + z with one rounding. D is the first operand and the destination, V the second, S or memory the third; Aux is a
/// <see cref="FusedForm"/>. <c>o[1]</c> is no instruction but has the number of halves (Length) and the memory size (S).
/// </summary>
internal readonly unsafe struct FusedMultiply : IVexExecution
{
    // SAFETY: D, V and third are slots of 32 bytes in CpuState; or third is memory that was probed for the operand's size.

    [MethodImpl(Never)]
    public static bool TryRun(CpuState* c, Op* o, byte* third)
    {
        byte* first = (byte*)c + o->D;
        byte* second = (byte*)c + o->V;
        (nint x, nint y, nint z) = (o->Aux & FusedForm.OrderMask) switch
        {
            0 => ((nint)first, (nint)third, (nint)second),
            1 => ((nint)second, (nint)first, (nint)third),
            _ => ((nint)second, (nint)third, (nint)first),
        };
        byte* result = stackalloc byte[32];
        int halves = o[1].Length;
        bool done = (o->Aux & FusedForm.Double) != 0
            ? TryFast64(c, o->Aux, (double*)x, (double*)y, (double*)z, (double*)result, halves) || TryExact64(c, o->Aux, (ulong*)x, (ulong*)y, (ulong*)z, (ulong*)result, halves)
            : TryFast32(c, o->Aux, (float*)x, (float*)y, (float*)z, (float*)result, halves) || TryExact32(c, o->Aux, (uint*)x, (uint*)y, (uint*)z, (uint*)result, halves);
        if (!done)
            return false;
        if ((o->Aux & FusedForm.Scalar) != 0)
        {
            if ((o->Aux & FusedForm.Double) != 0)
                *(ulong*)first = *(ulong*)result;
            else
                *(uint*)first = *(uint*)result;
        }
        else
        {
            *(Vector128<byte>*)first = *(Vector128<byte>*)result;
        }

        *(Vector128<byte>*)(first + 16) = halves == 2 ? *(Vector128<byte>*)(result + 16) : default;
        return true;
    }

    // The host's fused operation rounds once, as IEEE 754 has it; when MXCSR is settled and every number is ordinary there
    // is nothing to record.

    private static bool TryFast64(CpuState* c, byte form, double* x, double* y, double* z, double* result, int halves)
    {
        if (!MxcsrControl.IsSettled(c))
            return false;
        if ((form & FusedForm.Scalar) != 0)
        {
            double a = *x, b = *y, s = *z;
            *result = Math.FusedMultiplyAdd((form & FusedForm.NegatesProduct) != 0 ? -a : a, b, (form & FusedForm.NegatesAddend) != 0 ? -s : s);
            return FloatClass.IsNormal(a) && FloatClass.IsNormal(b) && FloatClass.IsZeroOrNormal(s) && FloatClass.IsSafe(*result);
        }

        Vector128<ulong> addend = Vector128.Create(
            (form & FusedForm.NegatesAddend) != 0 ? 1UL << 63 : 0,
            ((form & FusedForm.NegatesAddend) != 0) != ((form & FusedForm.Alternates) != 0) ? 1UL << 63 : 0);
        Vector128<ulong> product = Vector128.Create((form & FusedForm.NegatesProduct) != 0 ? 1UL << 63 : 0);
        for (int i = 0; i < halves; i++)
        {
            Vector128<double> a = ((Vector128<double>*)x)[i], b = ((Vector128<double>*)y)[i], s = ((Vector128<double>*)z)[i];
            Vector128<double> r = Vector128.FusedMultiplyAdd((a.AsUInt64() ^ product).AsDouble(), b, (s.AsUInt64() ^ addend).AsDouble());
            ((Vector128<double>*)result)[i] = r;
            Vector128<double> zeroIsExact = Vector128.Equals(a, Vector128<double>.Zero) | Vector128.Equals(b, Vector128<double>.Zero);
            if (!FloatClass.AllZeroOrNormal(a) || !FloatClass.AllZeroOrNormal(b) || !FloatClass.AllZeroOrNormal(s) || !FloatClass.AllSafe(r, zeroIsExact))
                return false;
        }

        return true;
    }

    private static bool TryFast32(CpuState* c, byte form, float* x, float* y, float* z, float* result, int halves)
    {
        if (!MxcsrControl.IsSettled(c))
            return false;
        if ((form & FusedForm.Scalar) != 0)
        {
            float a = *x, b = *y, s = *z;
            *result = MathF.FusedMultiplyAdd((form & FusedForm.NegatesProduct) != 0 ? -a : a, b, (form & FusedForm.NegatesAddend) != 0 ? -s : s);
            return FloatClass.IsNormal(a) && FloatClass.IsNormal(b) && FloatClass.IsZeroOrNormal(s) && FloatClass.IsSafe(*result);
        }

        const uint Sign = 1U << 31;
        uint even = (form & FusedForm.NegatesAddend) != 0 ? Sign : 0;
        uint odd = (form & FusedForm.Alternates) != 0 ? even ^ Sign : even;
        Vector128<uint> addend = Vector128.Create(even, odd, even, odd);
        Vector128<uint> product = Vector128.Create((form & FusedForm.NegatesProduct) != 0 ? Sign : 0);
        for (int i = 0; i < halves; i++)
        {
            Vector128<float> a = ((Vector128<float>*)x)[i], b = ((Vector128<float>*)y)[i], s = ((Vector128<float>*)z)[i];
            Vector128<float> r = Vector128.FusedMultiplyAdd((a.AsUInt32() ^ product).AsSingle(), b, (s.AsUInt32() ^ addend).AsSingle());
            ((Vector128<float>*)result)[i] = r;
            Vector128<float> zeroIsExact = Vector128.Equals(a, Vector128<float>.Zero) | Vector128.Equals(b, Vector128<float>.Zero);
            if (!FloatClass.AllZeroOrNormal(a) || !FloatClass.AllZeroOrNormal(b) || !FloatClass.AllZeroOrNormal(s) || !FloatClass.AllSafe(r, zeroIsExact))
                return false;
        }

        return true;
    }

    private static bool TryExact64(CpuState* c, byte form, ulong* x, ulong* y, ulong* z, ulong* result, int halves)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(c->Mxcsr);
        int lanes = (form & FusedForm.Scalar) != 0 ? 1 : 2 * halves;
        for (int i = 0; i < lanes; i++)
            result[i] = Fuse(IeeeFormat.Binary64, form, x[i], y[i], z[i], i, ref environment);
        return MxcsrControl.Commit(c, environment);
    }

    private static bool TryExact32(CpuState* c, byte form, uint* x, uint* y, uint* z, uint* result, int halves)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(c->Mxcsr);
        int lanes = (form & FusedForm.Scalar) != 0 ? 1 : 4 * halves;
        for (int i = 0; i < lanes; i++)
            result[i] = (uint)Fuse(IeeeFormat.Binary32, form, x[i], y[i], z[i], i, ref environment);
        return MxcsrControl.Commit(c, environment);
    }

    private static ulong Fuse(in IeeeFormat format, byte form, ulong x, ulong y, ulong z, int lane, ref FloatEnvironment environment)
    {
        bool negateAddend = ((form & FusedForm.NegatesAddend) != 0) != ((form & FusedForm.Alternates) != 0 && (lane & 1) != 0);
        return IeeeArithmetic.FusedMultiplyAdd(format, x, y, z, (form & FusedForm.NegatesProduct) != 0, negateAddend, ref environment);
    }
}
