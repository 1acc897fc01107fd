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
    static abstract Op* Reference<TSize, TOperands>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TOperands : struct, IFloatOperands;
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
    public static Op* Reference<TSize, TOperands>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TOperands : struct, IFloatOperands => FastFloatHandlers.Reference<TSize, FromRegister, TOperands>(c, o);
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
    public static Op* Reference<TSize, TOperands>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TOperands : struct, IFloatOperands => FastFloatHandlers.Reference<TSize, FromMemory, TOperands>(c, o);
}

/// <summary>Which register a scalar operation's first operand is, and what its result leaves of the destination.</summary>
internal unsafe interface IFloatOperands
{
    static abstract byte* First(CpuState* c, Op* o);

    static abstract void Store(CpuState* c, Op* o, double value);

    static abstract void Store(CpuState* c, Op* o, float value);

    /// <summary>Runs the table's function. False if it asks for an exception.</summary>
    static abstract bool TryReference(CpuState* c, Op* o, ulong source);
}

/// <summary>Two operands: the destination is the first one, and the rest of it stays.</summary>
internal readonly unsafe struct LegacyOperands : IFloatOperands
{
    [MethodImpl(Always)] public static byte* First(CpuState* c, Op* o) => (byte*)c + o->D;

    [MethodImpl(Always)] public static void Store(CpuState* c, Op* o, double value) => *(double*)((byte*)c + o->D) = value;

    [MethodImpl(Always)] public static void Store(CpuState* c, Op* o, float value) => *(float*)((byte*)c + o->D) = value;

    [MethodImpl(Never)]
    public static bool TryReference(CpuState* c, Op* o, ulong source)
    {
        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, (byte*)c + o->D, &source, o->Aux);
        return c->Internal == 0;
    }
}

/// <summary>Three operands: V is the first one, the rest of the lower half comes from it, and the upper half is cleared.</summary>
internal readonly unsafe struct VexOperands : IFloatOperands
{
    [MethodImpl(Always)] public static byte* First(CpuState* c, Op* o) => (byte*)c + o->V;

    [MethodImpl(Always)]
    public static void Store(CpuState* c, Op* o, double value)
    {
        ulong* d = (ulong*)((byte*)c + o->D);
        d[1] = ((ulong*)((byte*)c + o->V))[1];
        *(double*)d = value;
        *(Vector128<ulong>*)(d + 2) = Vector128<ulong>.Zero;
    }

    [MethodImpl(Always)]
    public static void Store(CpuState* c, Op* o, float value)
    {
        Vector128<float>* d = (Vector128<float>*)((byte*)c + o->D);
        d[0] = (*(Vector128<float>*)((byte*)c + o->V)).WithElement(0, value);
        d[1] = Vector128<float>.Zero;
    }

    [MethodImpl(Never)]
    public static bool TryReference(CpuState* c, Op* o, ulong source)
    {
        Vector128<byte> result = *(Vector128<byte>*)((byte*)c + o->V);
        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, &result, &source, o->Aux);
        if (c->Internal != 0)
            return false;
        Vector128<byte>* d = (Vector128<byte>*)((byte*)c + o->D);
        d[0] = result;
        d[1] = Vector128<byte>.Zero;
        return true;
    }
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
    public static Op* Reference<TSize, TSource, TOperands>(CpuState* c, Op* o)
        where TSize : struct, ISize
        where TSource : struct, ISource
        where TOperands : struct, IFloatOperands
    {
        if (!TSource.TryGet<TSize>(c, o, out ulong bits))
            return o;
        return TOperands.TryReference(c, o, bits) ? o[1].Fn(c, o + 1) : Leave.Requested(c, o);
    }

    [MethodImpl(Handler)]
    public static Op* Double<TOperation, TSource, TOperands>(CpuState* c, Op* o)
        where TOperation : struct, IScalarOperation
        where TSource : struct, IFastSource
        where TOperands : struct, IFloatOperands
    {
        if (TSource.TryLocate(c, o, 8, out byte* p))
        {
            double x = *(double*)TOperands.First(c, o), y = *(double*)p, result = TOperation.Compute(x, y);
            // A safe result has finite operands.
            if (FloatClass.IsSafe(result) && !IsDenormal(x) && !IsDenormal(y) && MxcsrControl.IsSettled(c))
            {
                TOperands.Store(c, o, result);
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte8, TOperands>(c, o);
    }

    [MethodImpl(Handler)]
    public static Op* Single<TOperation, TSource, TOperands>(CpuState* c, Op* o)
        where TOperation : struct, IScalarOperation
        where TSource : struct, IFastSource
        where TOperands : struct, IFloatOperands
    {
        if (TSource.TryLocate(c, o, 4, out byte* p))
        {
            float x = *(float*)TOperands.First(c, o), y = *(float*)p, result = TOperation.Compute(x, y);
            // A safe result has finite operands.
            if (FloatClass.IsSafe(result) && !IsDenormal(x) && !IsDenormal(y) && MxcsrControl.IsSettled(c))
            {
                TOperands.Store(c, o, result);
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte4, TOperands>(c, o);
    }

    [MethodImpl(Handler)]
    public static Op* SquareRootDouble<TSource, TOperands>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
        where TOperands : struct, IFloatOperands
    {
        if (TSource.TryLocate(c, o, 8, out byte* p))
        {
            double y = *(double*)p;
            if (FloatClass.IsNormal(y) && y > 0 && MxcsrControl.IsSettled(c))
            {
                TOperands.Store(c, o, Math.Sqrt(y));
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte8, TOperands>(c, o);
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

        return TSource.Reference<Byte8, LegacyOperands>(c, o);
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

        return TSource.Reference<Byte4, LegacyOperands>(c, o);
    }

    /// <summary>CVTSI2SD from 32 bits: always exact.</summary>
    [MethodImpl(Handler)]
    public static Op* DoubleFromInt32<TSource, TOperands>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
        where TOperands : struct, IFloatOperands
    {
        if (TSource.TryLocate(c, o, 4, out byte* p))
        {
            TOperands.Store(c, o, (double)*(int*)p);
            return o[1].Fn(c, o + 1);
        }

        return TSource.Reference<Byte4, TOperands>(c, o);
    }

    [MethodImpl(Handler)]
    public static Op* DoubleFromInt64<TSource, TOperands>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
        where TOperands : struct, IFloatOperands
    {
        if (TSource.TryLocate(c, o, 8, out byte* p))
        {
            long y = *(long*)p;
            // Up to 2^53 nothing is rounded.
            if ((ulong)(y + (1L << 53)) <= 1UL << 54 || MxcsrControl.IsSettled(c))
            {
                TOperands.Store(c, o, (double)y);
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte8, TOperands>(c, o);
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

        return TSource.Reference<Byte8, LegacyOperands>(c, o);
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

        return TSource.Reference<Byte8, LegacyOperands>(c, o);
    }

    /// <summary>CVTSS2SD: exact.</summary>
    [MethodImpl(Handler)]
    public static Op* Widen<TSource, TOperands>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
        where TOperands : struct, IFloatOperands
    {
        if (TSource.TryLocate(c, o, 4, out byte* p))
        {
            float y = *(float*)p;
            if (FloatClass.IsZeroOrNormal(y))
            {
                TOperands.Store(c, o, (double)y);
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte4, TOperands>(c, o);
    }

    /// <summary>CVTSD2SS.</summary>
    [MethodImpl(Handler)]
    public static Op* Narrow<TSource, TOperands>(CpuState* c, Op* o)
        where TSource : struct, IFastSource
        where TOperands : struct, IFloatOperands
    {
        if (TSource.TryLocate(c, o, 8, out byte* p))
        {
            float y = (float)*(double*)p;
            if (FloatClass.IsSafe(y) && MxcsrControl.IsSettled(c))
            {
                TOperands.Store(c, o, y);
                return o[1].Fn(c, o + 1);
            }
        }

        return TSource.Reference<Byte8, TOperands>(c, o);
    }
}
