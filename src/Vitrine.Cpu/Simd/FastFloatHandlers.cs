using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Simd;

/// <summary>A scalar operation of the host whose result is rounded.</summary>
internal interface IScalarOperation
{
    static abstract double Compute(double x, double y);

    static abstract float Compute(float x, float y);
}

internal readonly struct ScalarAdd : IScalarOperation
{
    [MethodImpl(Always)] public static double Compute(double x, double y) => x + y;

    [MethodImpl(Always)] public static float Compute(float x, float y) => x + y;
}

internal readonly struct ScalarSubtract : IScalarOperation
{
    [MethodImpl(Always)] public static double Compute(double x, double y) => x - y;

    [MethodImpl(Always)] public static float Compute(float x, float y) => x - y;
}

internal readonly struct ScalarMultiply : IScalarOperation
{
    [MethodImpl(Always)] public static double Compute(double x, double y) => x * y;

    [MethodImpl(Always)] public static float Compute(float x, float y) => x * y;
}

internal readonly struct ScalarDivide : IScalarOperation
{
    [MethodImpl(Always)] public static double Compute(double x, double y) => x / y;

    [MethodImpl(Always)] public static float Compute(float x, float y) => x / y;
}

/// <summary>
/// Handlers for frequent scalar floating-point instructions. Each does the ordinary case in line and leaves all
/// others to the instruction's function in the table, which Imm holds.
/// </summary>
internal static unsafe class FastFloatHandlers
{
    // SAFETY: D and S are offsets of register slots in CpuState.

    // The largest denormals, without sign and less one: zero wraps around, so that one comparison lets it pass.
    private const ulong LastDenormalDouble = (1UL << 53) - 2;
    private const uint LastDenormalSingle = (1U << 24) - 2;

    [MethodImpl(Always)]
    private static bool IsDenormal(double x) => (BitConverter.DoubleToUInt64Bits(x) << 1) - 1 <= LastDenormalDouble;

    [MethodImpl(Always)]
    private static bool IsDenormal(float x) => (BitConverter.SingleToUInt32Bits(x) << 1) - 1 <= LastDenormalSingle;

    /// <summary>The table's function with a source operand of up to 8 bytes. False if it asks for an exception.</summary>
    [MethodImpl(Never)]
    private static bool TryReference(CpuState* c, Op* o, ulong source)
    {
        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, (byte*)c + o->D, &source, o->Aux);
        return c->Internal == 0;
    }

    [MethodImpl(Handler)]
    public static Op* Double<TOperation, TSource>(CpuState* c, Op* o)
        where TOperation : struct, IScalarOperation
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte8>(c, o, out ulong bits))
            return o;
        double* d = (double*)((byte*)c + o->D);
        double x = *d, y = BitConverter.UInt64BitsToDouble(bits), result = TOperation.Compute(x, y);
        // A safe result has finite operands.
        if (FloatClass.IsSafe(result) && !IsDenormal(x) && !IsDenormal(y) && MxcsrControl.IsSettled(c))
            *d = result;
        else if (!TryReference(c, o, bits))
            return Leave.Requested(c, o);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* Single<TOperation, TSource>(CpuState* c, Op* o)
        where TOperation : struct, IScalarOperation
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte4>(c, o, out ulong bits))
            return o;
        float* d = (float*)((byte*)c + o->D);
        float x = *d, y = BitConverter.UInt32BitsToSingle((uint)bits), result = TOperation.Compute(x, y);
        if (FloatClass.IsSafe(result) && !IsDenormal(x) && !IsDenormal(y) && MxcsrControl.IsSettled(c))
            *d = result;
        else if (!TryReference(c, o, bits))
            return Leave.Requested(c, o);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* SquareRootDouble<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte8>(c, o, out ulong bits))
            return o;
        double y = BitConverter.UInt64BitsToDouble(bits);
        if (FloatClass.IsNormal(y) && y > 0 && MxcsrControl.IsSettled(c))
            *(double*)((byte*)c + o->D) = Math.Sqrt(y);
        else if (!TryReference(c, o, bits))
            return Leave.Requested(c, o);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>COMISD and UCOMISD: they differ for NaNs only.</summary>
    [MethodImpl(Handler)]
    public static Op* CompareDouble<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte8>(c, o, out ulong bits))
            return o;
        double x = *(double*)((byte*)c + o->D), y = BitConverter.UInt64BitsToDouble(bits);
        bool equal = x == y, less = x < y;
        if ((equal || less || x > y) && !IsDenormal(x) && !IsDenormal(y))
            CpuState.SetOrder(c, equal, less);
        else if (!TryReference(c, o, bits))
            return Leave.Requested(c, o);
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* CompareSingle<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte4>(c, o, out ulong bits))
            return o;
        float x = *(float*)((byte*)c + o->D), y = BitConverter.UInt32BitsToSingle((uint)bits);
        bool equal = x == y, less = x < y;
        if ((equal || less || x > y) && !IsDenormal(x) && !IsDenormal(y))
            CpuState.SetOrder(c, equal, less);
        else if (!TryReference(c, o, bits))
            return Leave.Requested(c, o);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>CVTSI2SD from 32 bits: always exact.</summary>
    [MethodImpl(Handler)]
    public static Op* DoubleFromInt32<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte4>(c, o, out ulong bits))
            return o;
        *(double*)((byte*)c + o->D) = (int)bits;
        return o[1].Fn(c, o + 1);
    }

    [MethodImpl(Handler)]
    public static Op* DoubleFromInt64<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte8>(c, o, out ulong bits))
            return o;
        // Up to 2^53 nothing is rounded.
        if (bits + (1UL << 53) <= 1UL << 54 || MxcsrControl.IsSettled(c))
            *(double*)((byte*)c + o->D) = (long)bits;
        else if (!TryReference(c, o, bits))
            return Leave.Requested(c, o);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>CVTTSD2SI to 32 bits.</summary>
    [MethodImpl(Handler)]
    public static Op* TruncateToInt32<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte8>(c, o, out ulong bits))
            return o;
        double y = BitConverter.UInt64BitsToDouble(bits);
        if (y is > -2147483649.0 and < 2147483648.0 && (MxcsrControl.IsSettled(c) || y == (int)y))
            *(ulong*)((byte*)c + o->D) = (uint)(int)y;
        else if (!TryReference(c, o, bits))
            return Leave.Requested(c, o);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>CVTTSD2SI to 64 bits.</summary>
    [MethodImpl(Handler)]
    public static Op* TruncateToInt64<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte8>(c, o, out ulong bits))
            return o;
        double y = BitConverter.UInt64BitsToDouble(bits);
        if (y is >= -9223372036854775808.0 and < 9223372036854775808.0 && (MxcsrControl.IsSettled(c) || y == (long)y))
            *(long*)((byte*)c + o->D) = (long)y;
        else if (!TryReference(c, o, bits))
            return Leave.Requested(c, o);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>CVTSS2SD: exact.</summary>
    [MethodImpl(Handler)]
    public static Op* Widen<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte4>(c, o, out ulong bits))
            return o;
        float y = BitConverter.UInt32BitsToSingle((uint)bits);
        if (FloatClass.IsZeroOrNormal(y))
            *(double*)((byte*)c + o->D) = y;
        else if (!TryReference(c, o, bits))
            return Leave.Requested(c, o);
        return o[1].Fn(c, o + 1);
    }

    /// <summary>CVTSD2SS.</summary>
    [MethodImpl(Handler)]
    public static Op* Narrow<TSource>(CpuState* c, Op* o)
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<Byte8>(c, o, out ulong bits))
            return o;
        float y = (float)BitConverter.UInt64BitsToDouble(bits);
        if (FloatClass.IsSafe(y) && MxcsrControl.IsSettled(c))
            *(float*)((byte*)c + o->D) = y;
        else if (!TryReference(c, o, bits))
            return Leave.Requested(c, o);
        return o[1].Fn(c, o + 1);
    }
}
