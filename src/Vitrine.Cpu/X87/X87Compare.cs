using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.Simd;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.X87;

/// <summary>FCOM, FUCOM, FCOMI, FTST and FXAM with their popping forms.</summary>
internal static unsafe class X87Compare
{
    // SAFETY: src points to an operand of the size that the instruction's table entry declares; the interpreter
    // has translated or bounced it.

    public static void FcomSingle(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary32, *(uint*)src), 0);

    public static void FcompSingle(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary32, *(uint*)src), 1);

    public static void FcomDouble(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary64, *(ulong*)src), 0);

    public static void FcompDouble(CpuState* state, void* dst, void* src, byte imm) =>
        Memory(state, X87Operand.From(IeeeFormat.Binary64, *(ulong*)src), 1);

    public static void FicomInt32(CpuState* state, void* dst, void* src, byte imm) => Memory(state, X87Operand.FromInt64(*(int*)src), 0);

    public static void FicompInt32(CpuState* state, void* dst, void* src, byte imm) => Memory(state, X87Operand.FromInt64(*(int*)src), 1);

    public static void FicomInt16(CpuState* state, void* dst, void* src, byte imm) => Memory(state, X87Operand.FromInt64(*(short*)src), 0);

    public static void FicompInt16(CpuState* state, void* dst, void* src, byte imm) => Memory(state, X87Operand.FromInt64(*(short*)src), 1);

    public static void Fcom(CpuState* state, void* dst, void* src, byte imm) => Registers(state, imm, 0, signals: true);

    public static void Fcomp(CpuState* state, void* dst, void* src, byte imm) => Registers(state, imm, 1, signals: true);

    public static void Fcompp(CpuState* state, void* dst, void* src, byte imm) => Registers(state, 1, 2, signals: true);

    public static void Fucom(CpuState* state, void* dst, void* src, byte imm) => Registers(state, imm, 0, signals: false);

    public static void Fucomp(CpuState* state, void* dst, void* src, byte imm) => Registers(state, imm, 1, signals: false);

    public static void Fucompp(CpuState* state, void* dst, void* src, byte imm) => Registers(state, 1, 2, signals: false);

    public static void Fcomi(CpuState* state, void* dst, void* src, byte imm) => ToFlags(state, imm, pop: false, signals: true);

    public static void Fcomip(CpuState* state, void* dst, void* src, byte imm) => ToFlags(state, imm, pop: true, signals: true);

    public static void Fucomi(CpuState* state, void* dst, void* src, byte imm) => ToFlags(state, imm, pop: false, signals: false);

    public static void Fucomip(CpuState* state, void* dst, void* src, byte imm) => ToFlags(state, imm, pop: true, signals: false);

    public static void Ftst(CpuState* state, void* dst, void* src, byte imm) => Memory(state, X87Operand.FromInt64(0), 0);

    private static void Memory(CpuState* state, in X87Operand operand, int pops)
    {
        if (X87Stack.IsEmpty(state, 0))
            Underflow(state, pops);
        else
            Compare(state, operand, pops, signals: true);
    }

    private static void Registers(CpuState* state, int other, int pops, bool signals)
    {
        if (X87Stack.IsEmpty(state, 0) || X87Stack.IsEmpty(state, other))
            Underflow(state, pops);
        else
            Compare(state, X87Stack.Operand(state, other), pops, signals);
    }

    private static void Compare(CpuState* state, in X87Operand operand, int pops, bool signals)
    {
        FloatEnvironment environment = X87Stack.Environment(state);
        FloatRelation relation = X87Arithmetic.Compare(X87Stack.Operand(state, 0), operand, signals, ref environment);
        bool deliver = X87Stack.Commit(state, environment);
        X87Stack.SetConditions(state, Conditions(relation));
        if (deliver)
            Pop(state, pops);
    }

    private static void Underflow(CpuState* state, int pops)
    {
        bool masked = X87Stack.RecordStackFault(state, overflow: false);
        X87Stack.SetConditions(state, Conditions(FloatRelation.Unordered));
        if (masked)
            Pop(state, pops);
    }

    private static void Pop(CpuState* state, int count)
    {
        for (; count > 0; count--)
            X87Stack.Pop(state);
    }

    private static uint Conditions(FloatRelation relation) => relation switch
    {
        FloatRelation.Greater => 0,
        FloatRelation.Less => X87Status.C0,
        FloatRelation.Equal => X87Status.C3,
        _ => X87Status.C3 | X87Status.C2 | X87Status.C0,
    };

    private static void ToFlags(CpuState* state, int other, bool pop, bool signals)
    {
        FloatRelation relation = FloatRelation.Unordered;
        bool deliver;
        if (X87Stack.IsEmpty(state, 0) || X87Stack.IsEmpty(state, other))
        {
            deliver = X87Stack.RecordStackFault(state, overflow: false);
        }
        else
        {
            FloatEnvironment environment = X87Stack.Environment(state);
            relation = X87Arithmetic.Compare(X87Stack.Operand(state, 0), X87Stack.Operand(state, other), signals, ref environment);
            uint c1 = state->FpuStatus & (uint)X87Status.C1;
            deliver = X87Stack.Commit(state, environment);
            state->FpuStatus |= (ushort)c1;
        }

        CpuState.WriteArithmetic(state, RelationFlags.From(relation));
        if (deliver && pop)
            X87Stack.Pop(state);
    }

    /// <summary>The class of ST(0) in C3, C2 and C0, its sign in C1, whether it is in use or not.</summary>
    public static void Fxam(CpuState* state, void* dst, void* src, byte imm)
    {
        X87Operand value = X87Stack.Operand(state, 0);
        uint conditions = value.Class switch
        {
            X87Class.Unsupported => 0,
            X87Class.QuietNaN or X87Class.SignalingNaN => X87Status.C0,
            X87Class.Infinity => X87Status.C2 | X87Status.C0,
            X87Class.Zero => X87Status.C3,
            _ => value.IsDenormal ? X87Status.C3 | X87Status.C2 : (uint)X87Status.C2,
        };
        if (X87Stack.IsEmpty(state, 0))
            conditions = X87Status.C3 | X87Status.C0;
        if (value.IsNegative)
            conditions |= X87Status.C1;
        X87Stack.SetConditions(state, conditions);
    }
}
