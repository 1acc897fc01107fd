using System.Runtime.Intrinsics;
using Vitrine.Cpu.Simd;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.X87;

/// <summary>
/// FXSAVE and FXRSTOR, XSAVE and XRSTOR in the standard format with XCR0 = x87 and SSE, XGETBV, LDMXCSR,
/// STMXCSR (Intel's SDM 1, 10.5 and 13).
/// </summary>
internal static unsafe class ExtendedState
{
    // SAFETY: src and dst point to operands of the size that the instruction's table entry declares (an FXSAVE image
    // of 512 bytes, an XSAVE area of 576); the interpreter has translated or bounced them.

    /// <summary>XCR0: the state components that the machine has.</summary>
    public const ulong Enabled = X87Component | SseComponent;

    /// <summary>The XSAVE area in the standard format: legacy region and header.</summary>
    public const int AreaSize = 576;

    private const ulong X87Component = 1, SseComponent = 2;
    private const int Rax = 0, Rcx = 1, Rdx = 2;
    private const int IpOffset = 8, DpOffset = 16, MxcsrOffset = 24, RegistersOffset = 32, XmmOffset = 160, HeaderOffset = 512;

    public static void Ldmxcsr(CpuState* state, void* dst, void* src, byte imm)
    {
        uint value = *(uint*)src;
        if ((value & ~MxcsrControl.Writable) != 0)
            CpuState.RequestException(state, ExceptionVector.GeneralProtection);
        else
            state->Mxcsr = value;
    }

    public static void Stmxcsr(CpuState* state, void* dst, void* src, byte imm) => *(uint*)dst = state->Mxcsr;

    public static void Xgetbv(CpuState* state, void* dst, void* src, byte imm)
    {
        if ((uint)state->Gpr[Rcx] != 0)
        {
            CpuState.RequestException(state, ExceptionVector.GeneralProtection);
            return;
        }

        state->Gpr[Rax] = Enabled;
        state->Gpr[Rdx] = 0;
    }

    public static void Fxsave(CpuState* state, void* dst, void* src, byte imm) => SaveLegacy(state, (byte*)dst, wide: false);

    public static void Fxsave64(CpuState* state, void* dst, void* src, byte imm) => SaveLegacy(state, (byte*)dst, wide: true);

    public static void Fxrstor(CpuState* state, void* dst, void* src, byte imm) => RestoreLegacy(state, (byte*)src, wide: false);

    public static void Fxrstor64(CpuState* state, void* dst, void* src, byte imm) => RestoreLegacy(state, (byte*)src, wide: true);

    public static void Xsave(CpuState* state, void* dst, void* src, byte imm) => SaveExtended(state, (byte*)dst, wide: false);

    public static void Xsave64(CpuState* state, void* dst, void* src, byte imm) => SaveExtended(state, (byte*)dst, wide: true);

    public static void Xrstor(CpuState* state, void* dst, void* src, byte imm) => RestoreExtended(state, (byte*)src, wide: false);

    public static void Xrstor64(CpuState* state, void* dst, void* src, byte imm) => RestoreExtended(state, (byte*)src, wide: true);

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

    private static void SaveExtended(CpuState* state, byte* area, bool wide)
    {
        ulong requested = Requested(state);
        if ((requested & X87Component) != 0)
            SaveX87(state, area, wide);
        if ((requested & SseComponent) != 0)
        {
            SaveMxcsr(state, area);
            SaveXmm(state, area);
        }

        // Both components count as in use, whatever they hold.
        ulong* header = (ulong*)(area + HeaderOffset);
        header[0] = (header[0] & ~requested) | requested;
    }

    private static void RestoreExtended(CpuState* state, byte* area, bool wide)
    {
        ulong* header = (ulong*)(area + HeaderOffset);
        ulong present = header[0], reserved = present & ~Enabled;

        // SDM, XRSTOR's standard form: bytes 23 to 8 must be zero; what follows isn't looked at.
        reserved |= header[1] | header[2];
        ulong requested = Requested(state);
        uint mxcsr = *(uint*)(area + MxcsrOffset);
        if ((requested & SseComponent) != 0)
            reserved |= mxcsr & ~MxcsrControl.Writable;
        if (reserved != 0)
        {
            CpuState.RequestException(state, ExceptionVector.GeneralProtection);
            return;
        }

        if ((requested & X87Component) != 0)
        {
            if ((present & X87Component) != 0)
            {
                RestoreX87(state, area, wide);
            }
            else
            {
                X87Control.Initialize(state);
                new Span<byte>(CpuState.X87Register(state, 0), 128).Clear();
            }
        }

        if ((requested & SseComponent) == 0)
            return;
        state->Mxcsr = mxcsr;
        if ((present & SseComponent) != 0)
        {
            RestoreXmm(state, area);
            return;
        }

        for (int i = 0; i < 16; i++)
            *(Vector128<byte>*)CpuState.Xmm(state, i) = default;
    }

    private static ulong Requested(CpuState* state) => ((state->Gpr[Rdx] << 32) | (uint)state->Gpr[Rax]) & Enabled;

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

    private static void SaveMxcsr(CpuState* state, byte* image)
    {
        ((uint*)(image + MxcsrOffset))[0] = state->Mxcsr;
        ((uint*)(image + MxcsrOffset))[1] = MxcsrControl.Writable;
    }

    private static void SaveXmm(CpuState* state, byte* image)
    {
        for (int i = 0; i < 16; i++)
            *(Vector128<byte>*)(image + XmmOffset + (16 * i)) = *(Vector128<byte>*)CpuState.Xmm(state, i);
    }

    private static void RestoreXmm(CpuState* state, byte* image)
    {
        for (int i = 0; i < 16; i++)
            *(Vector128<byte>*)CpuState.Xmm(state, i) = *(Vector128<byte>*)(image + XmmOffset + (16 * i));
    }
}
