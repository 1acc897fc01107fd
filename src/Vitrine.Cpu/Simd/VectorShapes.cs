using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Simd;

/// <summary>An operation on two registers of 16 bytes, as a type parameter of handlers.</summary>
internal interface IVectorBinary
{
    static abstract Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y);
}

internal readonly struct VectorXor : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => x ^ y;
}

internal readonly struct VectorOr : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => x | y;
}

internal readonly struct VectorAnd : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => x & y;
}

internal readonly struct VectorAndNot : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => Vector128.AndNot(y, x);
}

internal readonly struct VectorEqualBytes : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => Vector128.Equals(x, y);
}

internal readonly struct VectorEqualWords : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => Vector128.Equals(x.AsUInt16(), y.AsUInt16()).AsByte();
}

internal readonly struct VectorEqualInts : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => Vector128.Equals(x.AsUInt32(), y.AsUInt32()).AsByte();
}

internal readonly struct VectorGreaterBytes : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => Vector128.GreaterThan(x.AsSByte(), y.AsSByte()).AsByte();
}

internal readonly struct VectorGreaterInts : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => Vector128.GreaterThan(x.AsInt32(), y.AsInt32()).AsByte();
}

internal readonly struct VectorAddBytes : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => x + y;
}

internal readonly struct VectorAddInts : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => (x.AsInt32() + y.AsInt32()).AsByte();
}

internal readonly struct VectorAddLongs : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => (x.AsInt64() + y.AsInt64()).AsByte();
}

internal readonly struct VectorSubtractBytes : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => x - y;
}

internal readonly struct VectorAddWords : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => (x.AsUInt16() + y.AsUInt16()).AsByte();
}

internal readonly struct VectorSubtractWords : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => (x.AsUInt16() - y.AsUInt16()).AsByte();
}

internal readonly struct VectorSubtractInts : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => (x.AsUInt32() - y.AsUInt32()).AsByte();
}

internal readonly struct VectorSubtractLongs : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => (x.AsUInt64() - y.AsUInt64()).AsByte();
}

internal readonly struct VectorMinBytes : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => Vector128.Min(x, y);
}

internal readonly struct VectorMaxBytes : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => Vector128.Max(x, y);
}

internal readonly struct VectorShuffleBytes : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => SseShuffle.ShuffleBytes(x, y);
}

internal readonly struct VectorInterleaveLowBytes : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => (Vector128.WidenLower(x) | (Vector128.WidenLower(y) << 8)).AsByte();
}

internal readonly struct VectorInterleaveLowInts : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => (Vector128.WidenLower(x.AsUInt32()) | (Vector128.WidenLower(y.AsUInt32()) << 32)).AsByte();
}

internal readonly struct VectorInterleaveLowLongs : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => Vector128.Create(x.AsUInt64().GetElement(0), y.AsUInt64().GetElement(0)).AsByte();
}

internal readonly struct VectorMultiplyInts : IVectorBinary
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, Vector128<byte> y) => ((x.AsUInt64() & Vector128.Create(0xffffffffUL)) * (y.AsUInt64() & Vector128.Create(0xffffffffUL))).AsByte();
}

/// <summary>A shift of all lanes by a count below their width.</summary>
internal interface IVectorShift
{
    static abstract Vector128<byte> Compute(Vector128<byte> x, int count);
}

internal readonly struct ShiftLeftInts : IVectorShift
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, int count) => Vector128.ShiftLeft(x.AsUInt32(), count).AsByte();
}

internal readonly struct ShiftRightInts : IVectorShift
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, int count) => Vector128.ShiftRightLogical(x.AsUInt32(), count).AsByte();
}

internal readonly struct ShiftLeftLongs : IVectorShift
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, int count) => Vector128.ShiftLeft(x.AsUInt64(), count).AsByte();
}

internal readonly struct ShiftRightLongs : IVectorShift
{
    [MethodImpl(Always)]
    public static Vector128<byte> Compute(Vector128<byte> x, int count) => Vector128.ShiftRightLogical(x.AsUInt64(), count).AsByte();
}
