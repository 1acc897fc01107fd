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
/// Where a fast handler's source lies. It only looks: on false the handler goes to <see cref="Reference"/>, as a jump,
/// so that handlers need no frame of their own.
/// </summary>
internal unsafe interface IFastSource
{
    static abstract bool TryLocate(CpuState* c, Op* o, int size, out byte* p);

    /// <summary>The handler that deals with all cases: slow memory, all operands, exceptions.</summary>
    static abstract Op* Reference<TSize>(CpuState* c, Op* o) where TSize : struct, ISize;
}

internal readonly unsafe struct InRegister : IFastSource
{
    [MethodImpl(Always)]
    public static bool TryLocate(CpuState* c, Op* o, int size, out byte* p)
    {
        p = (byte*)c + o->S;
        return true;
    }

    [MethodImpl(Always)]
    public static Op* Reference<TSize>(CpuState* c, Op* o) where TSize : struct, ISize => FastFloatHandlers.Reference<TSize, FromRegister>(c, o);
}

internal readonly unsafe struct InMemory : IFastSource
{
    [MethodImpl(Always)]
    public static bool TryLocate(CpuState* c, Op* o, int size, out byte* p)
    {
        ulong address = Op.Address(c, o);
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong offset = address ^ e->Read;
        p = e->Host + offset;
        return offset <= (ulong)(4096 - size);
    }

    [MethodImpl(Always)]
    public static Op* Reference<TSize>(CpuState* c, Op* o) where TSize : struct, ISize => FastFloatHandlers.Reference<TSize, FromMemory>(c, o);
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

    /// <summary>Runs the table's function, with a source operand of at most 8 bytes.</summary>
    [MethodImpl(Handler)]
    public static Op* Reference<TSize, TSource>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong bits))
            return o;
        return TryReference(c, o, bits) ? o[1].Fn(c, o + 1) : Leave.Requested(c, o);
    }

    /// <summary>False if the function asks for an exception.</summary>
    [MethodImpl(Never)]
    private static bool TryReference(CpuState* c, Op* o, ulong source)
    {
        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, (byte*)c + o->D, &source, o->Aux);
        return c->Internal == 0;
    }

    [MethodImpl(Handler)]
    public static Op* Double<TOperation, TSource>(CpuState* c, Op* o)
        where TOperation : struct, IScalarOperation
        where TSource : struct, IFastSource
    {
        if (TSource.TryLocate(c, o, 8, out byte* p))
        {
            double* d = (double*)((byte*)c + o->D);
            double x = *d, y = *(double*)p, result = TOperation.Compute(x, y);
            // A safe result has finite operands.
            if (FloatClass.IsSafe(result) && !IsDenormal(x) && !IsDenormal(y) && MxcsrControl.IsSettled(c))
            {
                *d = result;
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte8>(c, o);
    }

    [MethodImpl(Handler)]
    public static Op* Single<TOperation, TSource>(CpuState* c, Op* o)
        where TOperation : struct, IScalarOperation
        where TSource : struct, IFastSource
    {
        if (TSource.TryLocate(c, o, 4, out byte* p))
        {
            float* d = (float*)((byte*)c + o->D);
            float x = *d, y = *(float*)p, result = TOperation.Compute(x, y);
            // A safe result has finite operands.
            if (FloatClass.IsSafe(result) && !IsDenormal(x) && !IsDenormal(y) && MxcsrControl.IsSettled(c))
            {
                *d = result;
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte4>(c, o);
    }

    [MethodImpl(Handler)]
    public static Op* SquareRootDouble<TSource>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
    {
        if (TSource.TryLocate(c, o, 8, out byte* p))
        {
            double y = *(double*)p;
            if (FloatClass.IsNormal(y) && y > 0 && MxcsrControl.IsSettled(c))
            {
                *(double*)((byte*)c + o->D) = Math.Sqrt(y);
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte8>(c, o);
    }

    /// <summary>COMISx and UCOMISx: they differ for NaNs only.</summary>
    [MethodImpl(Handler)]
    public static Op* CompareDouble<TSource>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
    {
        if (TSource.TryLocate(c, o, 8, out byte* p))
        {
            double x = *(double*)((byte*)c + o->D), y = *(double*)p;
            bool equal = x == y, less = x < y;
            if ((equal || less || x > y) && !IsDenormal(x) && !IsDenormal(y))
            {
                CpuState.SetZeroCarry(c, equal, less);
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte8>(c, o);
    }

    /// <summary>COMISx and UCOMISx: they differ for NaNs only.</summary>
    [MethodImpl(Handler)]
    public static Op* CompareSingle<TSource>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
    {
        if (TSource.TryLocate(c, o, 4, out byte* p))
        {
            float x = *(float*)((byte*)c + o->D), y = *(float*)p;
            bool equal = x == y, less = x < y;
            if ((equal || less || x > y) && !IsDenormal(x) && !IsDenormal(y))
            {
                CpuState.SetZeroCarry(c, equal, less);
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte4>(c, o);
    }

    /// <summary>CVTSI2SD from 32 bits: always exact.</summary>
    [MethodImpl(Handler)]
    public static Op* DoubleFromInt32<TSource>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
    {
        if (TSource.TryLocate(c, o, 4, out byte* p))
        {
            *(double*)((byte*)c + o->D) = *(int*)p;
            return o[1].Fn(c, o + 1);
        }

        return TSource.Reference<Byte4>(c, o);
    }

    [MethodImpl(Handler)]
    public static Op* DoubleFromInt64<TSource>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
    {
        if (TSource.TryLocate(c, o, 8, out byte* p))
        {
            long y = *(long*)p;
            // Up to 2^53 nothing is rounded.
            if ((ulong)(y + (1L << 53)) <= 1UL << 54 || MxcsrControl.IsSettled(c))
            {
                *(double*)((byte*)c + o->D) = y;
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte8>(c, o);
    }

    /// <summary>CVTTSD2SI to 32 bits.</summary>
    [MethodImpl(Handler)]
    public static Op* TruncateToInt32<TSource>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
    {
        if (TSource.TryLocate(c, o, 8, out byte* p))
        {
            double y = *(double*)p;
            if (y is > -2147483649.0 and < 2147483648.0 && (MxcsrControl.IsSettled(c) || y == (int)y))
            {
                *(ulong*)((byte*)c + o->D) = (uint)(int)y;
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte8>(c, o);
    }

    /// <summary>CVTTSD2SI to 64 bits.</summary>
    [MethodImpl(Handler)]
    public static Op* TruncateToInt64<TSource>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
    {
        if (TSource.TryLocate(c, o, 8, out byte* p))
        {
            double y = *(double*)p;
            if (y is >= -9223372036854775808.0 and < 9223372036854775808.0 && (MxcsrControl.IsSettled(c) || y == (long)y))
            {
                *(long*)((byte*)c + o->D) = (long)y;
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte8>(c, o);
    }

    /// <summary>CVTSS2SD: exact.</summary>
    [MethodImpl(Handler)]
    public static Op* Widen<TSource>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
    {
        if (TSource.TryLocate(c, o, 4, out byte* p))
        {
            float y = *(float*)p;
            if (FloatClass.IsZeroOrNormal(y))
            {
                *(double*)((byte*)c + o->D) = y;
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte4>(c, o);
    }

    /// <summary>CVTSD2SS.</summary>
    [MethodImpl(Handler)]
    public static Op* Narrow<TSource>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
    {
        if (TSource.TryLocate(c, o, 8, out byte* p))
        {
            float y = (float)*(double*)p;
            if (FloatClass.IsSafe(y) && MxcsrControl.IsSettled(c))
            {
                *(float*)((byte*)c + o->D) = y;
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte8>(c, o);
    }
}
