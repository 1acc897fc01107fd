using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.X87;

/// <summary>FADD, FMUL, FSUB, FDIV with their reversed, integer and popping forms, and FSQRT, FCHS, FABS.</summary>
internal static unsafe class X87BasicInstructions
{
    // SAFETY: src points to an operand of the size that the instruction's table entry declares; the interpreter
    // has translated or bounced it.

    public static void FaddSingle(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary32, *(uint*)src), X87Operation.Add);

    public static void FaddDouble(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary64, *(ulong*)src), X87Operation.Add);

    public static void FiaddInt32(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(int*)src), X87Operation.Add);

    public static void FiaddInt16(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(short*)src), X87Operation.Add);

    public static void Fadd(CpuState* state, void* dst, void* src, byte imm) => Registers(state, 0, 0, imm, X87Operation.Add);

    public static void FaddToOther(CpuState* state, void* dst, void* src, byte imm) => Registers(state, imm, imm, 0, X87Operation.Add);

    public static void Faddp(CpuState* state, void* dst, void* src, byte imm) => RegistersAndPop(state, imm, X87Operation.Add);

    public static void FmulSingle(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary32, *(uint*)src), X87Operation.Multiply);

    public static void FmulDouble(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary64, *(ulong*)src), X87Operation.Multiply);

    public static void FimulInt32(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(int*)src), X87Operation.Multiply);

    public static void FimulInt16(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(short*)src), X87Operation.Multiply);

    public static void Fmul(CpuState* state, void* dst, void* src, byte imm) => Registers(state, 0, 0, imm, X87Operation.Multiply);

    public static void FmulToOther(CpuState* state, void* dst, void* src, byte imm) => Registers(state, imm, imm, 0, X87Operation.Multiply);

    public static void Fmulp(CpuState* state, void* dst, void* src, byte imm) => RegistersAndPop(state, imm, X87Operation.Multiply);

    public static void FsubSingle(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary32, *(uint*)src), X87Operation.Subtract);

    public static void FsubDouble(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary64, *(ulong*)src), X87Operation.Subtract);

    public static void FisubInt32(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(int*)src), X87Operation.Subtract);

    public static void FisubInt16(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(short*)src), X87Operation.Subtract);

    public static void Fsub(CpuState* state, void* dst, void* src, byte imm) => Registers(state, 0, 0, imm, X87Operation.Subtract);

    public static void FsubToOther(CpuState* state, void* dst, void* src, byte imm) => Registers(state, imm, imm, 0, X87Operation.Subtract);

    public static void Fsubp(CpuState* state, void* dst, void* src, byte imm) => RegistersAndPop(state, imm, X87Operation.Subtract);

    public static void FsubrSingle(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary32, *(uint*)src), X87Operation.SubtractReversed);

    public static void FsubrDouble(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary64, *(ulong*)src), X87Operation.SubtractReversed);

    public static void FisubrInt32(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(int*)src), X87Operation.SubtractReversed);

    public static void FisubrInt16(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(short*)src), X87Operation.SubtractReversed);

    public static void Fsubr(CpuState* state, void* dst, void* src, byte imm) => Registers(state, 0, 0, imm, X87Operation.SubtractReversed);

    public static void FsubrToOther(CpuState* state, void* dst, void* src, byte imm) => Registers(state, imm, imm, 0, X87Operation.SubtractReversed);

    public static void Fsubrp(CpuState* state, void* dst, void* src, byte imm) => RegistersAndPop(state, imm, X87Operation.SubtractReversed);

    public static void FdivSingle(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary32, *(uint*)src), X87Operation.Divide);

    public static void FdivDouble(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary64, *(ulong*)src), X87Operation.Divide);

    public static void FidivInt32(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(int*)src), X87Operation.Divide);

    public static void FidivInt16(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(short*)src), X87Operation.Divide);

    public static void Fdiv(CpuState* state, void* dst, void* src, byte imm) => Registers(state, 0, 0, imm, X87Operation.Divide);

    public static void FdivToOther(CpuState* state, void* dst, void* src, byte imm) => Registers(state, imm, imm, 0, X87Operation.Divide);

    public static void Fdivp(CpuState* state, void* dst, void* src, byte imm) => RegistersAndPop(state, imm, X87Operation.Divide);

    public static void FdivrSingle(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary32, *(uint*)src), X87Operation.DivideReversed);

    public static void FdivrDouble(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary64, *(ulong*)src), X87Operation.DivideReversed);

    public static void FidivrInt32(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(int*)src), X87Operation.DivideReversed);

    public static void FidivrInt16(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.FromInt64(*(short*)src), X87Operation.DivideReversed);

    public static void Fdivr(CpuState* state, void* dst, void* src, byte imm) => Registers(state, 0, 0, imm, X87Operation.DivideReversed);

    public static void FdivrToOther(CpuState* state, void* dst, void* src, byte imm) => Registers(state, imm, imm, 0, X87Operation.DivideReversed);

    public static void Fdivrp(CpuState* state, void* dst, void* src, byte imm) => RegistersAndPop(state, imm, X87Operation.DivideReversed);

    /// <summary>ST(0) := ST(0) op memory.</summary>
    private static void Memory(CpuState* state, in X87Operand operand, X87Operation operation)
    {
        if (!X87Stack.RequireTop(state))
            return;
        if (!operand.IsDenormal && X87Ordinary.TryCompute(state, 0, operation, X87Stack.Get(state, 0), operand.Value))
            return;
        FloatEnvironment environment = X87Stack.Environment(state);
        Float80 result = X87Arithmetic.Compute(operation, X87Stack.Operand(state, 0), operand, X87Stack.Precision(state), ref environment);
        if (X87Stack.Commit(state, environment))
            X87Stack.Set(state, 0, result);
    }

    /// <summary>ST(target) := ST(first) op ST(second). False if nothing was written.</summary>
    private static bool Registers(CpuState* state, int target, int first, int second, X87Operation operation)
    {
        if (X87Stack.IsEmpty(state, first) || X87Stack.IsEmpty(state, second))
        {
            if (!X87Stack.RecordStackFault(state, overflow: false))
                return false;
            X87Stack.Set(state, target, Float80.DefaultNaN);
            return true;
        }

        if (X87Ordinary.TryCompute(state, target, operation, X87Stack.Get(state, first), X87Stack.Get(state, second)))
            return true;
        FloatEnvironment environment = X87Stack.Environment(state);
        Float80 result = X87Arithmetic.Compute(
            operation, X87Stack.Operand(state, first), X87Stack.Operand(state, second), X87Stack.Precision(state), ref environment);
        if (!X87Stack.Commit(state, environment))
            return false;
        X87Stack.Set(state, target, result);
        return true;
    }

    private static void RegistersAndPop(CpuState* state, int target, X87Operation operation)
    {
        if (Registers(state, target, target, 0, operation))
            X87Stack.Pop(state);
    }

    public static void Fsqrt(CpuState* state, void* dst, void* src, byte imm)
    {
        if (!X87Stack.RequireTop(state))
            return;
        FloatEnvironment environment = X87Stack.Environment(state);
        Float80 result = X87Arithmetic.SquareRoot(X87Stack.Operand(state, 0), X87Stack.Precision(state), ref environment);
        if (X87Stack.Commit(state, environment))
            X87Stack.Set(state, 0, result);
    }

    public static void Fchs(CpuState* state, void* dst, void* src, byte imm)
    {
        if (X87Stack.RequireTop(state))
            X87Stack.Set(state, 0, X87Stack.Get(state, 0).Negated);
    }

    public static void Fabs(CpuState* state, void* dst, void* src, byte imm)
    {
        if (X87Stack.RequireTop(state))
            X87Stack.Set(state, 0, X87Stack.Get(state, 0).Magnitude);
    }
}
