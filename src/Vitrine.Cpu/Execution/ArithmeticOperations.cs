using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>A two-operand arithmetic or logical operation. Operands are zero-extended, the result need not be truncated.</summary>
internal unsafe interface IArithmetic
{
    /// <summary>False for CMP and TEST.</summary>
    static abstract bool Writes { get; }

    static abstract ulong Compute(CpuState* c, ulong a, ulong b);

    static abstract void SetFlags<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize;
}

/// <summary>How flags follow from operands and result, shared by the operations.</summary>
internal static unsafe class FlagRules
{
    /// <summary>r = a + b (+ carry): bit i of the vector is the carry out of bit i.</summary>
    [MethodImpl(Always)]
    public static void Sum<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize
    {
        c->FlagResult = TSize.SignExtend(r);
        c->FlagAux = TSize.CarryAux((a & b) | ((a | b) & ~r));
    }

    /// <summary>r = a - b (- borrow): bit i of the vector is the borrow of bit i.</summary>
    [MethodImpl(Always)]
    public static void Difference<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize
    {
        c->FlagResult = TSize.SignExtend(r);
        c->FlagAux = TSize.CarryAux((~a & b) | ((~a | b) & r));
    }

    [MethodImpl(Always)]
    public static void Logic<TSize>(CpuState* c, ulong r) where TSize : struct, ISize
    {
        c->FlagResult = TSize.SignExtend(r);
        c->FlagAux = 0;
    }
}

internal readonly unsafe struct Add : IArithmetic
{
    public static bool Writes { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static ulong Compute(CpuState* c, ulong a, ulong b) => a + b;

    [MethodImpl(Always)] public static void SetFlags<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize => FlagRules.Sum<TSize>(c, a, b, r);
}

internal readonly unsafe struct AddCarry : IArithmetic
{
    public static bool Writes { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static ulong Compute(CpuState* c, ulong a, ulong b) => a + b + (c->FlagAux >> 63);

    [MethodImpl(Always)] public static void SetFlags<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize => FlagRules.Sum<TSize>(c, a, b, r);
}

internal readonly unsafe struct Subtract : IArithmetic
{
    public static bool Writes { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static ulong Compute(CpuState* c, ulong a, ulong b) => a - b;

    [MethodImpl(Always)] public static void SetFlags<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize => FlagRules.Difference<TSize>(c, a, b, r);
}

internal readonly unsafe struct SubtractBorrow : IArithmetic
{
    public static bool Writes { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static ulong Compute(CpuState* c, ulong a, ulong b) => a - b - (c->FlagAux >> 63);

    [MethodImpl(Always)] public static void SetFlags<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize => FlagRules.Difference<TSize>(c, a, b, r);
}

internal readonly unsafe struct Compare : IArithmetic
{
    public static bool Writes { [MethodImpl(Always)] get => false; }

    [MethodImpl(Always)] public static ulong Compute(CpuState* c, ulong a, ulong b) => a - b;

    [MethodImpl(Always)] public static void SetFlags<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize => FlagRules.Difference<TSize>(c, a, b, r);
}

internal readonly unsafe struct And : IArithmetic
{
    public static bool Writes { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static ulong Compute(CpuState* c, ulong a, ulong b) => a & b;

    [MethodImpl(Always)] public static void SetFlags<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize => FlagRules.Logic<TSize>(c, r);
}

internal readonly unsafe struct Or : IArithmetic
{
    public static bool Writes { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static ulong Compute(CpuState* c, ulong a, ulong b) => a | b;

    [MethodImpl(Always)] public static void SetFlags<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize => FlagRules.Logic<TSize>(c, r);
}

internal readonly unsafe struct ExclusiveOr : IArithmetic
{
    public static bool Writes { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static ulong Compute(CpuState* c, ulong a, ulong b) => a ^ b;

    [MethodImpl(Always)] public static void SetFlags<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize => FlagRules.Logic<TSize>(c, r);
}

internal readonly unsafe struct Test : IArithmetic
{
    public static bool Writes { [MethodImpl(Always)] get => false; }

    [MethodImpl(Always)] public static ulong Compute(CpuState* c, ulong a, ulong b) => a & b;

    [MethodImpl(Always)] public static void SetFlags<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize => FlagRules.Logic<TSize>(c, r);
}

/// <summary>Memory is written with its own contents, no flag changes: a shift by zero.</summary>
internal readonly unsafe struct WriteBack : IArithmetic
{
    public static bool Writes { [MethodImpl(Always)] get => true; }

    [MethodImpl(Always)] public static ulong Compute(CpuState* c, ulong a, ulong b) => a;

    [MethodImpl(Always)]
    public static void SetFlags<TSize>(CpuState* c, ulong a, ulong b, ulong r) where TSize : struct, ISize
    {
    }
}

/// <summary>An operation with one operand.</summary>
internal unsafe interface IUnary
{
    static abstract ulong Compute(ulong a);

    static abstract void SetFlags<TSize>(CpuState* c, ulong a, ulong r) where TSize : struct, ISize;
}

internal readonly unsafe struct Increment : IUnary
{
    [MethodImpl(Always)] public static ulong Compute(ulong a) => a + 1;

    [MethodImpl(Always)]
    public static void SetFlags<TSize>(CpuState* c, ulong a, ulong r) where TSize : struct, ISize
    {
        bool carry = CpuState.Carry(c);
        FlagRules.Sum<TSize>(c, a, 1, r);
        CpuState.SetCarry(c, carry);
    }
}

internal readonly unsafe struct Decrement : IUnary
{
    [MethodImpl(Always)] public static ulong Compute(ulong a) => a - 1;

    [MethodImpl(Always)]
    public static void SetFlags<TSize>(CpuState* c, ulong a, ulong r) where TSize : struct, ISize
    {
        bool carry = CpuState.Carry(c);
        FlagRules.Difference<TSize>(c, a, 1, r);
        CpuState.SetCarry(c, carry);
    }
}

internal readonly unsafe struct Negate : IUnary
{
    [MethodImpl(Always)] public static ulong Compute(ulong a) => 0 - a;

    [MethodImpl(Always)] public static void SetFlags<TSize>(CpuState* c, ulong a, ulong r) where TSize : struct, ISize => FlagRules.Difference<TSize>(c, 0, a, r);
}

internal readonly unsafe struct Complement : IUnary
{
    [MethodImpl(Always)] public static ulong Compute(ulong a) => ~a;

    [MethodImpl(Always)]
    public static void SetFlags<TSize>(CpuState* c, ulong a, ulong r) where TSize : struct, ISize
    {
    }
}
