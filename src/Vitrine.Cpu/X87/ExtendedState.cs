using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.Simd;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.X87;

/// <summary>
/// FXSAVE and FXRSTOR, LDMXCSR, STMXCSR, and the parts of an XSAVE area (Intel's SDM 1, 10.5 and 13); the instructions
/// of the XSAVE family are in <see cref="ExtendedStateHandlers"/>.
/// </summary>
internal static unsafe class ExtendedState
{
    // SAFETY: src and dst point to operands of the size that the instruction's table entry declares (an FXSAVE image
    // of 512 bytes, an XSAVE area of the size that the components need); the interpreter has translated or bounced them.

    public const int HeaderOffset = 512;
    public const int MxcsrOffset = 24;

    /// <summary>Where the upper halves of the YMM registers lie, in the standard and (being the only such part) in the compacted form.</summary>
    public const int AvxOffset = 576;
    public const int AvxSize = 256;

    private const int Rax = 0, Rdx = 2;
    private const int IpOffset = 8, DpOffset = 16, RegistersOffset = 32, XmmOffset = 160;

    /// <summary>Bytes of an XSAVE area with these components.</summary>
    [MethodImpl(Inline.Always)]
    public static int SizeOf(ulong components) => (components & (ulong)StateComponents.Avx) != 0 ? AvxOffset + AvxSize : AvxOffset;

    public static void Ldmxcsr(CpuState* state, void* dst, void* src, byte imm)
    {
        uint value = *(uint*)src;
        if ((value & ~MxcsrControl.Writable) != 0)
            CpuState.RequestException(state, ExceptionVector.GeneralProtection);
        else
            state->Mxcsr = value;
    }

    public static void Stmxcsr(CpuState* state, void* dst, void* src, byte imm) => *(uint*)dst = state->Mxcsr;

    public static void Fxsave(CpuState* state, void* dst, void* src, byte imm) => SaveLegacy(state, (byte*)dst, wide: false);

    public static void Fxsave64(CpuState* state, void* dst, void* src, byte imm) => SaveLegacy(state, (byte*)dst, wide: true);

    public static void Fxrstor(CpuState* state, void* dst, void* src, byte imm) => RestoreLegacy(state, (byte*)src, wide: false);

    public static void Fxrstor64(CpuState* state, void* dst, void* src, byte imm) => RestoreLegacy(state, (byte*)src, wide: true);

    private static void SaveLegacy(CpuState* state, byte* image, bool wide)
    {
        SaveX87(state, image, wide);
        SaveMxcsr(state, image);
        SaveXmm(state, image);
    }

    private static void RestoreLegacy(CpuState* state, byte* image, bool wide)
    {
        uint mxcsr = *(uint*)(image + MxcsrOffset);
        if ((mxcsr & ~MxcsrControl.Writable) != 0)
        {
            CpuState.RequestException(state, ExceptionVector.GeneralProtection);
            return;
        }

        RestoreX87(state, image, wide);
        state->Mxcsr = mxcsr;
        RestoreXmm(state, image);
    }

    /// <summary>
    /// The components that don't hold their initial values (XINUSE). Processors are free to call a component in use that
    /// isn't; ours never does, so that the answer follows from the registers alone.
    /// </summary>
    [MethodImpl(Inline.Hot)]
    public static ulong InUse(CpuState* state)
    {
        StateComponents used = StateComponents.None;
        Vector128<ulong> low = default, high = default, stack = default;
        for (int i = 0; i < 16; i++)
        {
            byte* register = CpuState.Xmm(state, i);
            low |= *(Vector128<ulong>*)register;
            high |= *(Vector128<ulong>*)(register + 16);
        }

        for (int i = 0; i < 8; i++)
            stack |= *(Vector128<ulong>*)CpuState.X87Register(state, i) & Vector128.Create(ulong.MaxValue, 0xffff);
        if (stack != default || state->FpuControl != X87Control.InitialControl || state->FpuStatusWithTop != 0 || state->FpuTag != 0
            || (state->FpuIp | state->FpuDp | state->FpuOpcode) != 0)
            used |= StateComponents.X87;
        if (low != default)
            used |= StateComponents.Sse;
        if (high != default)
            used |= StateComponents.Avx;
        return (ulong)used & state->ExtendedControl;
    }

    /// <summary>What EDX:EAX and XCR0 select.</summary>
    [MethodImpl(Inline.Always)]
    public static ulong Requested(CpuState* state) => ((state->Gpr[Rdx] << 32) | (uint)state->Gpr[Rax]) & state->ExtendedControl;

    /// <summary>The legacy region of an XSAVE area and MXCSR, as far as they are to be saved.</summary>
    [MethodImpl(Inline.Hot)]
    public static void SaveComponents(CpuState* state, byte* area, ulong components, bool control, bool wide)
    {
        if ((components & (ulong)StateComponents.X87) != 0)
            SaveX87(state, area, wide);
        if (control)
            SaveMxcsr(state, area);
        if ((components & (ulong)StateComponents.Sse) != 0)
            SaveXmm(state, area);
        if ((components & (ulong)StateComponents.Avx) == 0)
            return;
        for (int i = 0; i < 16; i++)
            *(Vector128<byte>*)(area + AvxOffset + (16 * i)) = *(Vector128<byte>*)(CpuState.Xmm(state, i) + 16);
    }

    /// <summary>Loads the components that <paramref name="present"/> has, and gives the others of <paramref name="requested"/> their initial values.</summary>
    [MethodImpl(Inline.Hot)]
    public static void RestoreComponents(CpuState* state, byte* area, ulong requested, ulong present, bool wide)
    {
        if ((requested & (ulong)StateComponents.X87) != 0)
        {
            if ((present & (ulong)StateComponents.X87) != 0)
            {
                RestoreX87(state, area, wide);
            }
            else
            {
                X87Control.Initialize(state);
                new Span<byte>(CpuState.X87Register(state, 0), 128).Clear();
            }
        }

        if ((requested & (ulong)StateComponents.Sse) != 0)
        {
            if ((present & (ulong)StateComponents.Sse) != 0)
            {
                RestoreXmm(state, area);
            }
            else
            {
                for (int i = 0; i < 16; i++)
                    *(Vector128<byte>*)CpuState.Xmm(state, i) = default;
            }
        }

        if ((requested & (ulong)StateComponents.Avx) != 0)
        {
            bool load = (present & (ulong)StateComponents.Avx) != 0;
            for (int i = 0; i < 16; i++)
                *(Vector128<byte>*)(CpuState.Xmm(state, i) + 16) = load ? *(Vector128<byte>*)(area + AvxOffset + (16 * i)) : default;
        }
    }

    private static void SaveX87(CpuState* state, byte* image, bool wide)
    {
        ((ushort*)image)[0] = state->FpuControl;
        ((ushort*)image)[1] = state->FpuStatusWithTop;
        ((ushort*)image)[2] = state->FpuTag;
        ((ushort*)image)[3] = state->FpuOpcode;
        // Without REX.W the pointers have 32 bits and selectors, which read as zero.
        *(ulong*)(image + IpOffset) = wide ? state->FpuIp : (uint)state->FpuIp;
        *(ulong*)(image + DpOffset) = wide ? state->FpuDp : (uint)state->FpuDp;
        for (int i = 0; i < 8; i++)
        {
            Float80 value = X87Stack.Get(state, i);
            *(ulong*)(image + RegistersOffset + (16 * i)) = value.Significand;
            *(ulong*)(image + RegistersOffset + (16 * i) + 8) = value.SignExponent;
        }
    }

    private static void RestoreX87(CpuState* state, byte* image, bool wide)
    {
        X87Control.LoadControl(state, ((ushort*)image)[0]);
        X87Control.LoadStatus(state, ((ushort*)image)[1]);
        for (int i = 0; i < 8; i++)
        {
            byte* slot = image + RegistersOffset + (16 * i);
            X87Stack.Set(state, i, new(*(ushort*)(slot + 8), *(ulong*)slot));
        }

        state->FpuTag = image[4];
        state->FpuOpcode = (ushort)(((ushort*)image)[3] & 0x7ff);
        state->FpuIp = wide ? *(ulong*)(image + IpOffset) : *(uint*)(image + IpOffset);
        state->FpuDp = wide ? *(ulong*)(image + DpOffset) : *(uint*)(image + DpOffset);
    }

    [MethodImpl(Inline.Always)]
    private static void SaveMxcsr(CpuState* state, byte* image)
    {
        ((uint*)(image + MxcsrOffset))[0] = state->Mxcsr;
        ((uint*)(image + MxcsrOffset))[1] = MxcsrControl.Writable;
    }

    [MethodImpl(Inline.Always)]
    private static void SaveXmm(CpuState* state, byte* image)
    {
        for (int i = 0; i < 16; i++)
            *(Vector128<byte>*)(image + XmmOffset + (16 * i)) = *(Vector128<byte>*)CpuState.Xmm(state, i);
    }

    [MethodImpl(Inline.Always)]
    private static void RestoreXmm(CpuState* state, byte* image)
    {
        for (int i = 0; i < 16; i++)
            *(Vector128<byte>*)CpuState.Xmm(state, i) = *(Vector128<byte>*)(image + XmmOffset + (16 * i));
    }
}
