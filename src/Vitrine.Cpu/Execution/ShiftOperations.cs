using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>
/// A shift or rotate. The count has been masked to 5 or 6 bits and isn't zero. OF, undefined for counts above 1,
/// is computed by the rule for 1; AF, undefined, is cleared by shifts.
/// </summary>
internal unsafe interface IShift
{
    static abstract ulong Apply<TSize>(CpuState* c, ulong a, int count) where TSize : struct, ISize;
}

internal readonly unsafe struct ShiftLeft : IShift
{
    [MethodImpl(Always)]
    public static ulong Apply<TSize>(CpuState* c, ulong a, int count) where TSize : struct, ISize
    {
        int bits = TSize.Bytes * 8;
        ulong r = a << count;
        bool carry = count <= bits && ((a >> (bits - count)) & 1) != 0;
        long result = TSize.SignExtend(r);
        CpuState.SetResult(c, result, carry, carry != (result < 0));
        return r;
    }
}

internal readonly unsafe struct ShiftRight : IShift
{
    [MethodImpl(Always)]
    public static ulong Apply<TSize>(CpuState* c, ulong a, int count) where TSize : struct, ISize
    {
        ulong r = a >> count;
        CpuState.SetResult(c, TSize.SignExtend(r), ((a >> (count - 1)) & 1) != 0, TSize.SignExtend(a) < 0);
        return r;
    }
}

internal readonly unsafe struct ShiftArithmeticRight : IShift
{
    [MethodImpl(Always)]
    public static ulong Apply<TSize>(CpuState* c, ulong a, int count) where TSize : struct, ISize
    {
        long value = TSize.SignExtend(a);
        long r = value >> count;
        CpuState.SetResult(c, r, ((value >> (count - 1)) & 1) != 0, false);
        return (ulong)r;
    }
}

internal readonly unsafe struct RotateLeft : IShift
{
    [MethodImpl(Always)]
    public static ulong Apply<TSize>(CpuState* c, ulong a, int count) where TSize : struct, ISize
    {
        int bits = TSize.Bytes * 8;
        int n = count & (bits - 1);
        ulong r = n == 0 ? a : TSize.Truncate((a << n) | (a >> (bits - n)));
        bool carry = (r & 1) != 0;
        CpuState.SetCarryOverflow(c, carry, carry != (TSize.SignExtend(r) < 0));
        return r;
    }
}

internal readonly unsafe struct RotateRight : IShift
{
    [MethodImpl(Always)]
    public static ulong Apply<TSize>(CpuState* c, ulong a, int count) where TSize : struct, ISize
    {
        int bits = TSize.Bytes * 8;
        int n = count & (bits - 1);
        ulong r = n == 0 ? a : TSize.Truncate((a >> n) | (a << (bits - n)));
        CpuState.SetCarryOverflow(c, TSize.SignExtend(r) < 0, TSize.SignExtend(r ^ (r << 1)) < 0);
        return r;
    }
}

internal readonly unsafe struct RotateCarryLeft : IShift
{
    public static ulong Apply<TSize>(CpuState* c, ulong a, int count) where TSize : struct, ISize
    {
        int bits = TSize.Bytes * 8;
        int n = bits >= 32 ? count : count % (bits + 1);
        bool carry = CpuState.Carry(c);
        for (int i = 0; i < n; i++)
        {
            bool top = ((a >> (bits - 1)) & 1) != 0;
            a = TSize.Truncate((a << 1) | (carry ? 1UL : 0));
            carry = top;
        }

        CpuState.SetCarryOverflow(c, carry, carry != (TSize.SignExtend(a) < 0));
        return a;
    }
}

internal readonly unsafe struct RotateCarryRight : IShift
{
    public static ulong Apply<TSize>(CpuState* c, ulong a, int count) where TSize : struct, ISize
    {
        int bits = TSize.Bytes * 8;
        int n = bits >= 32 ? count : count % (bits + 1);
        bool carry = CpuState.Carry(c);
        for (int i = 0; i < n; i++)
        {
            bool low = (a & 1) != 0;
            a = (a >> 1) | (carry ? 1UL << (bits - 1) : 0);
            carry = low;
        }

        CpuState.SetCarryOverflow(c, carry, TSize.SignExtend(a ^ (a << 1)) < 0);
        return a;
    }
}

/// <summary>Where a shift count comes from.</summary>
internal unsafe interface ICount
{
    static abstract int Get<TSize>(CpuState* c, Op* o) where TSize : struct, ISize;

    /// <summary>The count may be zero.</summary>
    static abstract bool MayBeZero { get; }
}

/// <summary>From Aux, masked and not zero.</summary>
internal readonly unsafe struct ImmediateCount : ICount
{
    public static bool MayBeZero { [MethodImpl(Always)] get => false; }

    [MethodImpl(Always)] public static int Get<TSize>(CpuState* c, Op* o) where TSize : struct, ISize => o->Aux;
}

internal readonly unsafe struct ClCount : ICount
{
    public static bool MayBeZero { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static int Get<TSize>(CpuState* c, Op* o) where TSize : struct, ISize => (byte)c->Gpr[1] & (TSize.Bytes == 8 ? 63 : 31);
}
