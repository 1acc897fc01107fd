using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>MIN, MAX, CMPcc and the comparisons that set RFLAGS. Nothing is rounded, so only NaNs and denormals are special.</summary>
internal static unsafe class SseCompare
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares; the
    // interpreter has translated or bounced them.

    public static void Minsd(CpuState* state, void* dst, void* src, byte imm)
    {
        double x = *(double*)dst, y = *(double*)src;
        if (FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            *(double*)dst = x < y ? x : y;
            return;
        }

        Lanes64(state, &IeeeArithmetic.Minimum, dst, dst, src, 1);
    }

    public static void Minss(CpuState* state, void* dst, void* src, byte imm)
    {
        float x = *(float*)dst, y = *(float*)src;
        if (FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            *(float*)dst = x < y ? x : y;
            return;
        }

        Lanes32(state, &IeeeArithmetic.Minimum, dst, dst, src, 1);
    }

    public static void Minpd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<double> x = *(Vector128<double>*)dst, y = *(Vector128<double>*)src;
        if (FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y))
        {
            *(Vector128<double>*)dst = Vector128.ConditionalSelect(Vector128.LessThan(x, y), x, y);
            return;
        }

        Lanes64(state, &IeeeArithmetic.Minimum, dst, dst, src, 2);
    }

    public static void Minps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<float> x = *(Vector128<float>*)dst, y = *(Vector128<float>*)src;
        if (FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y))
        {
            *(Vector128<float>*)dst = Vector128.ConditionalSelect(Vector128.LessThan(x, y), x, y);
            return;
        }

        Lanes32(state, &IeeeArithmetic.Minimum, dst, dst, src, 4);
    }

    public static void Maxsd(CpuState* state, void* dst, void* src, byte imm)
    {
        double x = *(double*)dst, y = *(double*)src;
        if (FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            *(double*)dst = x > y ? x : y;
            return;
        }

        Lanes64(state, &IeeeArithmetic.Maximum, dst, dst, src, 1);
    }

    public static void Maxss(CpuState* state, void* dst, void* src, byte imm)
    {
        float x = *(float*)dst, y = *(float*)src;
        if (FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            *(float*)dst = x > y ? x : y;
            return;
        }

        Lanes32(state, &IeeeArithmetic.Maximum, dst, dst, src, 1);
    }

    public static void Maxpd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<double> x = *(Vector128<double>*)dst, y = *(Vector128<double>*)src;
        if (FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y))
        {
            *(Vector128<double>*)dst = Vector128.ConditionalSelect(Vector128.GreaterThan(x, y), x, y);
            return;
        }

        Lanes64(state, &IeeeArithmetic.Maximum, dst, dst, src, 2);
    }

    public static void Maxps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<float> x = *(Vector128<float>*)dst, y = *(Vector128<float>*)src;
        if (FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y))
        {
            *(Vector128<float>*)dst = Vector128.ConditionalSelect(Vector128.GreaterThan(x, y), x, y);
            return;
        }

        Lanes32(state, &IeeeArithmetic.Maximum, dst, dst, src, 4);
    }

    public static void Cmpsd(CpuState* state, void* dst, void* src, byte imm) => Vcmpsd(state, dst, src, (byte)(imm & 7));

    public static void Vcmpsd(CpuState* state, void* dst, void* src, byte imm)
    {
        double x = *(double*)dst, y = *(double*)src;
        if (FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            FloatRelation relation = x < y ? FloatRelation.Less : x > y ? FloatRelation.Greater : FloatRelation.Equal;
            *(ulong*)dst = Holds(relation, imm) ? ulong.MaxValue : 0;
            return;
        }

        Predicate64(state, dst, src, imm, 1);
    }

    public static void Cmpss(CpuState* state, void* dst, void* src, byte imm) => Vcmpss(state, dst, src, (byte)(imm & 7));

    public static void Vcmpss(CpuState* state, void* dst, void* src, byte imm)
    {
        float x = *(float*)dst, y = *(float*)src;
        if (FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            FloatRelation relation = x < y ? FloatRelation.Less : x > y ? FloatRelation.Greater : FloatRelation.Equal;
            *(uint*)dst = Holds(relation, imm) ? uint.MaxValue : 0;
            return;
        }

        Predicate32(state, dst, src, imm, 1);
    }

    public static void Cmppd(CpuState* state, void* dst, void* src, byte imm) => Vcmppd(state, dst, src, (byte)(imm & 7));

    public static void Vcmppd(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<double> x = *(Vector128<double>*)dst, y = *(Vector128<double>*)src;
        if (FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y))
        {
            int relations = Relations(imm);
            Vector128<double> result = Vector128<double>.Zero;
            if ((relations & 1) != 0)
                result = Vector128.Equals(x, y);
            if ((relations & 2) != 0)
                result |= Vector128.LessThan(x, y);
            if ((relations & 4) != 0)
                result |= Vector128.GreaterThan(x, y);
            *(Vector128<double>*)dst = result;
            return;
        }

        Predicate64(state, dst, src, imm, 2);
    }

    public static void Cmpps(CpuState* state, void* dst, void* src, byte imm) => Vcmpps(state, dst, src, (byte)(imm & 7));

    public static void Vcmpps(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<float> x = *(Vector128<float>*)dst, y = *(Vector128<float>*)src;
        if (FloatClass.AllZeroOrNormal(x) && FloatClass.AllZeroOrNormal(y))
        {
            int relations = Relations(imm);
            Vector128<float> result = Vector128<float>.Zero;
            if ((relations & 1) != 0)
                result = Vector128.Equals(x, y);
            if ((relations & 2) != 0)
                result |= Vector128.LessThan(x, y);
            if ((relations & 4) != 0)
                result |= Vector128.GreaterThan(x, y);
            *(Vector128<float>*)dst = result;
            return;
        }

        Predicate32(state, dst, src, imm, 4);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Lanes64(
        CpuState* state, delegate*<in IeeeFormat, ulong, ulong, ref FloatEnvironment, ulong> operation, void* dst, void* first, void* second, int lanes)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        ulong* result = stackalloc ulong[lanes];
        for (int i = 0; i < lanes; i++)
            result[i] = (ulong)operation(IeeeFormat.Binary64, ((ulong*)first)[i], ((ulong*)second)[i], ref environment);
        if (MxcsrControl.Commit(state, environment))
            new ReadOnlySpan<ulong>(result, lanes).CopyTo(new Span<ulong>(dst, lanes));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Predicate64(CpuState* state, void* dst, void* src, uint imm, int lanes)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        ulong* result = stackalloc ulong[lanes];
        bool signals = Signals(imm);
        for (int i = 0; i < lanes; i++)
        {
            FloatRelation relation = IeeeArithmetic.Compare(
                IeeeFormat.Binary64, ((ulong*)dst)[i], ((ulong*)src)[i], signals, ref environment);
            result[i] = Holds(relation, imm) ? ulong.MaxValue : 0;
        }

        if (MxcsrControl.Commit(state, environment))
            new ReadOnlySpan<ulong>(result, lanes).CopyTo(new Span<ulong>(dst, lanes));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Lanes32(
        CpuState* state, delegate*<in IeeeFormat, ulong, ulong, ref FloatEnvironment, ulong> operation, void* dst, void* first, void* second, int lanes)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        uint* result = stackalloc uint[lanes];
        for (int i = 0; i < lanes; i++)
            result[i] = (uint)operation(IeeeFormat.Binary32, ((uint*)first)[i], ((uint*)second)[i], ref environment);
        if (MxcsrControl.Commit(state, environment))
            new ReadOnlySpan<uint>(result, lanes).CopyTo(new Span<uint>(dst, lanes));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Predicate32(CpuState* state, void* dst, void* src, uint imm, int lanes)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        uint* result = stackalloc uint[lanes];
        bool signals = Signals(imm);
        for (int i = 0; i < lanes; i++)
        {
            FloatRelation relation = IeeeArithmetic.Compare(
                IeeeFormat.Binary32, ((uint*)dst)[i], ((uint*)src)[i], signals, ref environment);
            result[i] = Holds(relation, imm) ? uint.MaxValue : 0;
        }

        if (MxcsrControl.Commit(state, environment))
            new ReadOnlySpan<uint>(result, lanes).CopyTo(new Span<uint>(dst, lanes));
    }

    /// <summary>
    /// For which relations a predicate holds, one bit for each by <see cref="FloatRelation"/>. Legacy forms have the first
    /// eight, VEX forms 32, of which the upper 16 are the lower ones with the opposite answer to quiet NaNs (SDM 2A, CMPPD).
    /// </summary>
    private static int Relations(uint predicate) =>
        (int)((predicate & 15) switch
        {
            0 => Relation.Equal,
            1 => Relation.Less,
            2 => Relation.Less | Relation.Equal,
            3 => Relation.Unordered,
            4 => Relation.Less | Relation.Greater | Relation.Unordered,
            5 => Relation.Equal | Relation.Greater | Relation.Unordered,
            6 => Relation.Greater | Relation.Unordered,
            7 => Relation.Equal | Relation.Less | Relation.Greater,
            8 => Relation.Equal | Relation.Unordered,
            9 => Relation.Less | Relation.Unordered,
            10 => Relation.Less | Relation.Equal | Relation.Unordered,
            11 => Relation.Never,
            12 => Relation.Less | Relation.Greater,
            13 => Relation.Greater | Relation.Equal,
            14 => Relation.Greater,
            _ => Relation.Equal | Relation.Less | Relation.Greater | Relation.Unordered,
        });

    private static bool Holds(FloatRelation relation, uint predicate) => (Relations(predicate) >> (int)relation & 1) != 0;

    /// <summary>LT, LE, GT, GE and their negations signal quiet NaNs, the others don't; from 16 on it is the other way round.</summary>
    private static bool Signals(uint predicate) => ((predicate & 3) is 1 or 2) != ((predicate & 16) != 0);

    [Flags]
    private enum Relation
    {
        Never = 0,
        Equal = 1,
        Less = 2,
        Greater = 4,
        Unordered = 8,
    }

    public static void Comisd(CpuState* state, void* dst, void* src, byte imm)
    {
        double x = *(double*)dst, y = *(double*)src;
        if (FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            CpuState.SetZeroCarry(state, x == y, x < y);
            return;
        }

        Ordered(state, IeeeFormat.Binary64, *(ulong*)dst, *(ulong*)src, signals: true);
    }

    public static void Comiss(CpuState* state, void* dst, void* src, byte imm)
    {
        float x = *(float*)dst, y = *(float*)src;
        if (FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            CpuState.SetZeroCarry(state, x == y, x < y);
            return;
        }

        Ordered(state, IeeeFormat.Binary32, *(uint*)dst, *(uint*)src, signals: true);
    }

    public static void Ucomisd(CpuState* state, void* dst, void* src, byte imm)
    {
        double x = *(double*)dst, y = *(double*)src;
        if (FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            CpuState.SetZeroCarry(state, x == y, x < y);
            return;
        }

        Ordered(state, IeeeFormat.Binary64, *(ulong*)dst, *(ulong*)src, signals: false);
    }

    public static void Ucomiss(CpuState* state, void* dst, void* src, byte imm)
    {
        float x = *(float*)dst, y = *(float*)src;
        if (FloatClass.IsZeroOrNormal(x) && FloatClass.IsZeroOrNormal(y))
        {
            CpuState.SetZeroCarry(state, x == y, x < y);
            return;
        }

        Ordered(state, IeeeFormat.Binary32, *(uint*)dst, *(uint*)src, signals: false);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Ordered(CpuState* state, in IeeeFormat format, ulong a, ulong b, bool signals)
    {
        FloatEnvironment environment = FloatEnvironment.FromMxcsr(state->Mxcsr);
        FloatRelation relation = IeeeArithmetic.Compare(format, a, b, signals, ref environment);
        if (MxcsrControl.Commit(state, environment))
            CpuState.WriteArithmetic(state, RelationFlags.From(relation));
    }
}

/// <summary>How a floating-point comparison sets RFLAGS: ZF PF CF, with OF SF AF cleared.</summary>
internal static class RelationFlags
{
    public const uint Carry = 1, Parity = 4, Zero = 0x40;

    public static uint From(FloatRelation relation) => relation switch
    {
        FloatRelation.Greater => 0,
        FloatRelation.Less => Carry,
        FloatRelation.Equal => Zero,
        _ => Zero | Parity | Carry,
    };
}
