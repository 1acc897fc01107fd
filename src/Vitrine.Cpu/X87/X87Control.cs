using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.X87;

/// <summary>
/// Control and status words, the environment (FNSTENV, FLDENV) and the whole state (FNSAVE, FRSTOR) in the
/// protected-mode formats of 64-bit mode: 28 and 108 bytes, with a 66 prefix 14 and 94.
/// </summary>
internal static unsafe class X87Control
{
    // SAFETY: src and dst point to operands of the size that the instruction's table entry declares; the interpreter
    // has translated or bounced them.

    public const ushort InitialControl = 0x37f;

    /// <summary>Bits of the control word that can be changed; bit 6 reads as one.</summary>
    private const ushort WritableControl = 0x1f3f, FixedControl = 0x40;

    public static void Fldcw(CpuState* state, void* dst, void* src, byte imm) => LoadControl(state, *(ushort*)src);

    public static void Fnstcw(CpuState* state, void* dst, void* src, byte imm) => *(ushort*)dst = state->FpuControl;

    public static void Fnstsw(CpuState* state, void* dst, void* src, byte imm) => *(ushort*)dst = state->FpuStatusWithTop;

    public static void FnstswAx(CpuState* state, void* dst, void* src, byte imm) => *(ushort*)state->Gpr = state->FpuStatusWithTop;

    public static void Fnclex(CpuState* state, void* dst, void* src, byte imm) =>
        state->FpuStatus &= unchecked((ushort)~(X87Status.Exceptions | X87Status.ErrorSummary | X87Status.Busy));

    public static void Fninit(CpuState* state, void* dst, void* src, byte imm) => Initialize(state);

    public static void Fincstp(CpuState* state, void* dst, void* src, byte imm)
    {
        X87Stack.ClearC1(state);
        state->FpuTop = (state->FpuTop + 1) & 7;
    }

    public static void Fdecstp(CpuState* state, void* dst, void* src, byte imm)
    {
        X87Stack.ClearC1(state);
        state->FpuTop = (state->FpuTop - 1) & 7;
    }

    public static void Ffree(CpuState* state, void* dst, void* src, byte imm)
    {
        X87Stack.ClearC1(state);
        X87Stack.Free(state, imm);
    }

    public static void Ffreep(CpuState* state, void* dst, void* src, byte imm)
    {
        X87Stack.ClearC1(state);
        X87Stack.Free(state, imm);
        X87Stack.Pop(state);
    }

    /// <summary>FNOP, FWAIT, and what only meant something to older coprocessors.</summary>
    public static void NoOperation(CpuState* state, void* dst, void* src, byte imm)
    {
    }

    public static void Emms(CpuState* state, void* dst, void* src, byte imm)
    {
        state->FpuTag = 0;
        state->FpuTop = 0;
    }

    /// <summary>What FNINIT leaves; the registers keep their contents.</summary>
    public static void Initialize(CpuState* state)
    {
        state->FpuControl = InitialControl;
        state->FpuStatus = 0;
        state->FpuTop = 0;
        state->FpuTag = 0;
        state->FpuOpcode = 0;
        state->FpuIp = 0;
        state->FpuDp = 0;
    }

    public static void LoadControl(CpuState* state, ushort value)
    {
        state->FpuControl = (ushort)((value & WritableControl) | FixedControl);
        SummarizeErrors(state);
    }

    /// <summary>Loads a status word with TOP in it.</summary>
    public static void LoadStatus(CpuState* state, ushort value)
    {
        state->FpuTop = (value >> 11) & 7;
        state->FpuStatus = (ushort)(value & (X87Status.Exceptions | X87Status.Conditions));
        SummarizeErrors(state);
    }

    /// <summary>ES and B follow from the flags and the masks.</summary>
    private static void SummarizeErrors(CpuState* state)
    {
        state->FpuStatus &= unchecked((ushort)~(X87Status.ErrorSummary | X87Status.Busy));
        if ((state->FpuStatus & ~state->FpuControl & (uint)FloatExceptions.All) != 0)
            state->FpuStatus |= X87Status.ErrorSummary | X87Status.Busy;
    }

    /// <summary>The tag word of two bits a physical register: valid, zero, special, empty.</summary>
    private static ushort FullTags(CpuState* state)
    {
        uint tags = 0;
        for (int physical = 0; physical < 8; physical++)
        {
            uint tag = 3;
            if ((state->FpuTag & (1 << physical)) != 0)
            {
                byte* slot = CpuState.X87Register(state, physical);
                Float80 value = new(*(ushort*)(slot + 8), *(ulong*)slot);
                int exponent = value.BiasedExponent;
                tag = value.IsZero ? 1u
                    : exponent == 0 || exponent == Float80.ExponentMask || (value.Significand & Float80.IntegerBit) == 0 ? 2u : 0u;
            }

            tags |= tag << (2 * physical);
        }

        return (ushort)tags;
    }

    private static void LoadFullTags(CpuState* state, ushort tags)
    {
        byte inUse = 0;
        for (int physical = 0; physical < 8; physical++)
        {
            if (((tags >> (2 * physical)) & 3) != 3)
                inUse |= (byte)(1 << physical);
        }

        state->FpuTag = inUse;
    }

    public static void Fnstenv28(CpuState* state, void* dst, void* src, byte imm)
    {
        StoreEnvironment32(state, (uint*)dst);
        MaskAll(state);
    }

    public static void Fnstenv14(CpuState* state, void* dst, void* src, byte imm)
    {
        StoreEnvironment16(state, (ushort*)dst);
        MaskAll(state);
    }

    public static void Fldenv28(CpuState* state, void* dst, void* src, byte imm) => LoadEnvironment32(state, (uint*)src);

    public static void Fldenv14(CpuState* state, void* dst, void* src, byte imm) => LoadEnvironment16(state, (ushort*)src);

    public static void Fnsave108(CpuState* state, void* dst, void* src, byte imm)
    {
        StoreEnvironment32(state, (uint*)dst);
        StoreRegisters(state, (byte*)dst + 28);
        Initialize(state);
    }

    public static void Fnsave94(CpuState* state, void* dst, void* src, byte imm)
    {
        StoreEnvironment16(state, (ushort*)dst);
        StoreRegisters(state, (byte*)dst + 14);
        Initialize(state);
    }

    public static void Frstor108(CpuState* state, void* dst, void* src, byte imm)
    {
        LoadEnvironment32(state, (uint*)src);
        LoadRegisters(state, (byte*)src + 28);
    }

    public static void Frstor94(CpuState* state, void* dst, void* src, byte imm)
    {
        LoadEnvironment16(state, (ushort*)src);
        LoadRegisters(state, (byte*)src + 14);
    }

    private static void MaskAll(CpuState* state)
    {
        state->FpuControl |= (ushort)FloatExceptions.All;
        SummarizeErrors(state);
    }

    private static void StoreEnvironment32(CpuState* state, uint* image)
    {
        image[0] = 0xffff0000 | state->FpuControl;
        image[1] = 0xffff0000 | state->FpuStatusWithTop;
        image[2] = 0xffff0000 | FullTags(state);
        image[3] = (uint)state->FpuIp;
        image[4] = (uint)state->FpuOpcode << 16;
        image[5] = (uint)state->FpuDp;
        image[6] = 0xffff0000;
    }

    private static void StoreEnvironment16(CpuState* state, ushort* image)
    {
        image[0] = state->FpuControl;
        image[1] = state->FpuStatusWithTop;
        image[2] = FullTags(state);
        image[3] = (ushort)state->FpuIp;
        image[4] = 0;
        image[5] = (ushort)state->FpuDp;
        image[6] = 0;
    }

    private static void LoadEnvironment32(CpuState* state, uint* image)
    {
        state->FpuControl = (ushort)((image[0] & WritableControl) | FixedControl);
        LoadStatus(state, (ushort)image[1]);
        LoadFullTags(state, (ushort)image[2]);
        state->FpuIp = image[3];
        state->FpuOpcode = (ushort)((image[4] >> 16) & 0x7ff);
        state->FpuDp = image[5];
    }

    private static void LoadEnvironment16(CpuState* state, ushort* image)
    {
        state->FpuControl = (ushort)((image[0] & WritableControl) | FixedControl);
        LoadStatus(state, image[1]);
        LoadFullTags(state, image[2]);
        state->FpuIp = image[3];
        state->FpuDp = image[5];
        state->FpuOpcode = 0;
    }

    private static void StoreRegisters(CpuState* state, byte* image)
    {
        for (int i = 0; i < 8; i++)
        {
            Float80 value = X87Stack.Get(state, i);
            *(ulong*)(image + (10 * i)) = value.Significand;
            *(ushort*)(image + (10 * i) + 8) = value.SignExponent;
        }
    }

    private static void LoadRegisters(CpuState* state, byte* image)
    {
        byte tags = state->FpuTag;
        for (int i = 0; i < 8; i++)
            X87Stack.Set(state, i, new(*(ushort*)(image + (10 * i) + 8), *(ulong*)(image + (10 * i))));
        state->FpuTag = tags;
    }
}
