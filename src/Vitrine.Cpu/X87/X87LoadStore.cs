using System.Runtime.CompilerServices;
using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.X87;

/// <summary>Loads, stores, exchanges, conditional moves and the constants.</summary>
internal static unsafe class X87LoadStore
{
    // SAFETY: src and dst point to operands of the size that the instruction's table entry declares; the interpreter
    // has translated or bounced them.

    public static void FldSingle(CpuState* state, void* dst, void* src, byte imm) => Load(state, IeeeFormat.Binary32, *(uint*)src);

    public static void FldDouble(CpuState* state, void* dst, void* src, byte imm)
    {
        if (X87Ordinary.TryWiden(*(ulong*)src, out Float80 value))
            X87Stack.PushChecked(state, value);
        else
            Load(state, IeeeFormat.Binary64, *(ulong*)src);
    }

    public static void FldExtended(CpuState* state, void* dst, void* src, byte imm) =>
        X87Stack.PushChecked(state, new(((ushort*)src)[4], *(ulong*)src));

    public static void FildInt16(CpuState* state, void* dst, void* src, byte imm) => X87Stack.PushChecked(state, Float80.FromInt64(*(short*)src));

    public static void FildInt32(CpuState* state, void* dst, void* src, byte imm) => X87Stack.PushChecked(state, Float80.FromInt64(*(int*)src));

    public static void FildInt64(CpuState* state, void* dst, void* src, byte imm) => X87Stack.PushChecked(state, Float80.FromInt64(*(long*)src));

    public static void Fbld(CpuState* state, void* dst, void* src, byte imm) =>
        X87Stack.PushChecked(state, X87Conversion.FromDecimal(new ReadOnlySpan<byte>(src, 10)));

    private static void Load(CpuState* state, in IeeeFormat format, ulong bits)
    {
        if (!X87Stack.HasRoom(state))
            return;
        X87Operand operand = X87Operand.From(format, bits);
        FloatEnvironment environment = X87Stack.Environment(state);
        if (operand.Class == X87Class.SignalingNaN)
            environment.Raised |= FloatExceptions.Invalid;
        X87Arithmetic.NoteDenormals(operand, operand, ref environment);
        // A denormal is loaded even if that exception isn't masked; a signaling NaN isn't.
        X87Stack.Commit(state, environment);
        if (!environment.Traps(environment.Raised & FloatExceptions.Invalid))
            X87Stack.Push(state, operand.IsNaN ? operand.Value.Quieted : operand.Value);
    }

    public static void FldRegister(CpuState* state, void* dst, void* src, byte imm)
    {
        bool full = !X87Stack.IsEmpty(state, 7);
        if (!full && !X87Stack.IsEmpty(state, imm))
        {
            X87Stack.ClearC1(state);
            X87Stack.Push(state, X87Stack.Get(state, imm));
        }
        else if (X87Stack.RecordStackFault(state, overflow: full && !X87Stack.IsEmpty(state, imm)))
        {
            X87Stack.Push(state, Float80.DefaultNaN);
        }
    }

    public static void FstSingle(CpuState* state, void* dst, void* src, byte imm) => Store32(state, dst, pop: false);

    public static void FstpSingle(CpuState* state, void* dst, void* src, byte imm) => Store32(state, dst, pop: true);

    public static void FstDouble(CpuState* state, void* dst, void* src, byte imm) => Store64(state, dst, pop: false);

    public static void FstpDouble(CpuState* state, void* dst, void* src, byte imm) => Store64(state, dst, pop: true);

    public static void FstpExtended(CpuState* state, void* dst, void* src, byte imm)
    {
        Float80 value = Float80.DefaultNaN;
        X87Stack.ClearC1(state);
        if (!X87Stack.IsEmpty(state, 0))
            value = X87Stack.Get(state, 0);
        else if (!X87Stack.RecordStackFault(state, overflow: false))
            return;
        *(ulong*)dst = value.Significand;
        ((ushort*)dst)[4] = value.SignExponent;
        X87Stack.Pop(state);
    }

    private static void Store32(CpuState* state, void* dst, bool pop)
    {
        if (!TryConvert(state, IeeeFormat.Binary32, out ulong bits))
            return;
        *(uint*)dst = (uint)bits;
        if (pop)
            X87Stack.Pop(state);
    }

    private static void Store64(CpuState* state, void* dst, bool pop)
    {
        ulong bits;
        if ((X87Stack.IsEmpty(state, 0) || !X87Ordinary.TryNarrow(state, X87Stack.Get(state, 0), out bits))
            && !TryConvert(state, IeeeFormat.Binary64, out bits))
        {
            return;
        }

        *(ulong*)dst = bits;
        if (pop)
            X87Stack.Pop(state);
    }

    /// <summary>False if an unmasked exception keeps memory and stack as they are.</summary>
    private static bool TryConvert(CpuState* state, in IeeeFormat format, out ulong bits)
    {
        bits = format.DefaultNaN;
        X87Stack.ClearC1(state);
        if (X87Stack.IsEmpty(state, 0))
            return X87Stack.RecordStackFault(state, overflow: false);
        FloatEnvironment environment = X87Stack.Environment(state);
        bits = X87Conversion.ToIeee(format, X87Stack.Operand(state, 0), ref environment);
        bool outOfRange = environment.Traps(environment.Raised & (FloatExceptions.Overflow | FloatExceptions.Underflow));
        if (outOfRange)
            environment.Raised &= ~FloatExceptions.Precision;
        return X87Stack.Commit(state, environment) && !outOfRange;
    }

    public static void FistInt16(CpuState* state, void* dst, void* src, byte imm) => StoreInteger(state, dst, 16, truncate: false, pop: false);

    public static void FistpInt16(CpuState* state, void* dst, void* src, byte imm) => StoreInteger(state, dst, 16, truncate: false, pop: true);

    public static void FisttpInt16(CpuState* state, void* dst, void* src, byte imm) => StoreInteger(state, dst, 16, truncate: true, pop: true);

    public static void FistInt32(CpuState* state, void* dst, void* src, byte imm) => StoreInteger(state, dst, 32, truncate: false, pop: false);

    public static void FistpInt32(CpuState* state, void* dst, void* src, byte imm) => StoreInteger(state, dst, 32, truncate: false, pop: true);

    public static void FisttpInt32(CpuState* state, void* dst, void* src, byte imm) => StoreInteger(state, dst, 32, truncate: true, pop: true);

    public static void FistpInt64(CpuState* state, void* dst, void* src, byte imm) => StoreInteger(state, dst, 64, truncate: false, pop: true);

    public static void FisttpInt64(CpuState* state, void* dst, void* src, byte imm) => StoreInteger(state, dst, 64, truncate: true, pop: true);

    private static void StoreInteger(CpuState* state, void* dst, int width, bool truncate, bool pop)
    {
        X87Stack.ClearC1(state);
        long value;
        if (X87Stack.IsEmpty(state, 0))
        {
            if (!X87Stack.RecordStackFault(state, overflow: false))
                return;
            value = long.MinValue >> (64 - width);
        }
        else
        {
            FloatEnvironment environment = X87Stack.Environment(state);
            RoundingMode mode = truncate ? RoundingMode.Zero : environment.Rounding;
            value = X87Conversion.ToInteger(X87Stack.Operand(state, 0), width, mode, ref environment);
            if (!X87Stack.Commit(state, environment))
                return;
        }

        Unsafe.CopyBlockUnaligned(dst, &value, (uint)width / 8);
        if (pop)
            X87Stack.Pop(state);
    }

    public static void Fbstp(CpuState* state, void* dst, void* src, byte imm)
    {
        X87Stack.ClearC1(state);
        Span<byte> digits = stackalloc byte[10];
        if (X87Stack.IsEmpty(state, 0))
        {
            if (!X87Stack.RecordStackFault(state, overflow: false))
                return;
            X87Conversion.DecimalIndefinite(digits);
        }
        else
        {
            FloatEnvironment environment = X87Stack.Environment(state);
            X87Conversion.ToDecimal(X87Stack.Operand(state, 0), digits, ref environment);
            if (!X87Stack.Commit(state, environment))
                return;
        }

        digits.CopyTo(new Span<byte>(dst, 10));
        X87Stack.Pop(state);
    }

    public static void FstRegister(CpuState* state, void* dst, void* src, byte imm) => StoreRegister(state, imm, pop: false);

    public static void FstpRegister(CpuState* state, void* dst, void* src, byte imm) => StoreRegister(state, imm, pop: true);

    /// <summary>FSTP with the encoding D9 D8+i: an empty register is no exception.</summary>
    public static void Fstpnce(CpuState* state, void* dst, void* src, byte imm)
    {
        X87Stack.ClearC1(state);
        if (!X87Stack.IsEmpty(state, 0))
            X87Stack.Set(state, imm, X87Stack.Get(state, 0));
        X87Stack.Pop(state);
    }

    private static void StoreRegister(CpuState* state, int target, bool pop)
    {
        X87Stack.ClearC1(state);
        Float80 value = Float80.DefaultNaN;
        if (!X87Stack.IsEmpty(state, 0))
            value = X87Stack.Get(state, 0);
        else if (!X87Stack.RecordStackFault(state, overflow: false))
            return;
        X87Stack.Set(state, target, value);
        if (pop)
            X87Stack.Pop(state);
    }

    public static void Fxch(CpuState* state, void* dst, void* src, byte imm)
    {
        X87Stack.ClearC1(state);
        if (X87Stack.IsEmpty(state, 0) || X87Stack.IsEmpty(state, imm))
        {
            if (!X87Stack.RecordStackFault(state, overflow: false))
                return;
            if (X87Stack.IsEmpty(state, 0))
                X87Stack.Set(state, 0, Float80.DefaultNaN);
            if (X87Stack.IsEmpty(state, imm))
                X87Stack.Set(state, imm, Float80.DefaultNaN);
        }

        Float80 top = X87Stack.Get(state, 0);
        X87Stack.Set(state, 0, X87Stack.Get(state, imm));
        X87Stack.Set(state, imm, top);
    }

    public static void Fcmovb(CpuState* state, void* dst, void* src, byte imm) => MoveIf(state, imm, CpuState.Carry(state));

    public static void Fcmove(CpuState* state, void* dst, void* src, byte imm) => MoveIf(state, imm, CpuState.IsZero(state));

    public static void Fcmovbe(CpuState* state, void* dst, void* src, byte imm) =>
        MoveIf(state, imm, CpuState.Carry(state) || CpuState.IsZero(state));

    public static void Fcmovu(CpuState* state, void* dst, void* src, byte imm) => MoveIf(state, imm, CpuState.Parity(state));

    public static void Fcmovnb(CpuState* state, void* dst, void* src, byte imm) => MoveIf(state, imm, !CpuState.Carry(state));

    public static void Fcmovne(CpuState* state, void* dst, void* src, byte imm) => MoveIf(state, imm, !CpuState.IsZero(state));

    public static void Fcmovnbe(CpuState* state, void* dst, void* src, byte imm) =>
        MoveIf(state, imm, !CpuState.Carry(state) && !CpuState.IsZero(state));

    public static void Fcmovnu(CpuState* state, void* dst, void* src, byte imm) => MoveIf(state, imm, !CpuState.Parity(state));

    private static void MoveIf(CpuState* state, int from, bool condition)
    {
        if (X87Stack.IsEmpty(state, 0) || X87Stack.IsEmpty(state, from))
        {
            if (X87Stack.RecordStackFault(state, overflow: false))
                X87Stack.Set(state, 0, Float80.DefaultNaN);
        }
        else if (condition)
        {
            X87Stack.Set(state, 0, X87Stack.Get(state, from));
        }
    }

    public static void Fld1(CpuState* state, void* dst, void* src, byte imm) => X87Stack.PushChecked(state, Float80.One);

    public static void Fldz(CpuState* state, void* dst, void* src, byte imm) => X87Stack.PushChecked(state, default);

    /// <summary>log2(10)</summary>
    public static void Fldl2t(CpuState* state, void* dst, void* src, byte imm) => Constant(state, 0x4000, 0xd49a784bcd1b8afe, nearestIsAbove: false);

    /// <summary>log2(e)</summary>
    public static void Fldl2e(CpuState* state, void* dst, void* src, byte imm) => Constant(state, 0x3fff, 0xb8aa3b295c17f0bb, nearestIsAbove: true);

    public static void Fldpi(CpuState* state, void* dst, void* src, byte imm) => Constant(state, 0x4000, 0xc90fdaa22168c234, nearestIsAbove: true);

    /// <summary>log10(2)</summary>
    public static void Fldlg2(CpuState* state, void* dst, void* src, byte imm) => Constant(state, 0x3ffd, 0x9a209a84fbcff798, nearestIsAbove: true);

    /// <summary>ln(2)</summary>
    public static void Fldln2(CpuState* state, void* dst, void* src, byte imm) => Constant(state, 0x3ffe, 0xb17217f7d1cf79ab, nearestIsAbove: true);

    /// <summary>An irrational constant, cut to 64 bits and then rounded as the control word says; no exception.</summary>
    private static void Constant(CpuState* state, ushort exponent, ulong truncated, bool nearestIsAbove)
    {
        bool up = ((RoundingMode)((state->FpuControl >> 10) & 3)) switch
        {
            RoundingMode.Nearest => nearestIsAbove,
            RoundingMode.Up => true,
            _ => false,
        };
        X87Stack.PushChecked(state, new(exponent, up ? truncated + 1 : truncated));
    }
}
