using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu;

/// <summary>
/// Between the architectural form of registers and the running one. The general part is what a system call is about; the
/// extended part (x87, MMX, SSE, AVX) is large, and may stay on the processor while nobody looks at it.
/// </summary>
internal sealed unsafe partial class VirtualProcessor
{
    /// <summary>RFLAGS as the state has them; another value must be taken apart.</summary>
    private ulong _flags = ~0UL;

    public partial void LoadRegisters(RegisterFile* from)
    {
        LoadGeneral(from);
        LoadExtended(from);
    }

    public partial void SaveRegisters(RegisterFile* to)
    {
        SaveGeneral(to);
        SaveExtended(to);
    }

    /// <summary>As <see cref="LoadRegisters"/> for all but the extended part.</summary>
    public void LoadGeneral(RegisterFile* from)
    {
        CpuState* c = _state;

        // SAFETY: both sides have the sizes that are copied.
        Unsafe.CopyBlock(c->Gpr, from->Gpr, 128);
        c->Rip = from->Rip;
        if (from->Rflags != _flags)
        {
            CpuState.WriteFlags(c, from->Rflags);
            _flags = from->Rflags;
        }

        c->FsBase = from->FsBase;
        c->GsBase = from->GsBase;
        c->Fs = from->Fs;
        c->Gs = from->Gs;
        c->Ds = from->Ds;
        c->Es = from->Es;
        c->Ss = from->Ss;
        c->Cs = from->Cs;
    }

    /// <summary>As <see cref="SaveRegisters"/> for all but the extended part.</summary>
    public void SaveGeneral(RegisterFile* to)
    {
        CpuState* c = _state;

        // SAFETY: as above.
        Unsafe.CopyBlock(to->Gpr, c->Gpr, 128);
        to->Rip = c->Rip;

        // SYSCALL has put them into R11 already.
        _flags = _exit.Kind == CpuExitKind.Syscall ? c->Gpr[11] | (c->SystemFlags & ResumeFlag) : CpuState.ReadFlags(c);
        to->Rflags = _flags;
        to->FsBase = c->FsBase;
        to->GsBase = c->GsBase;
        to->Fs = c->Fs;
        to->Gs = c->Gs;
        to->Ds = c->Ds;
        to->Es = c->Es;
        to->Ss = c->Ss;
        to->Cs = c->Cs;
    }

    /// <summary>The extended part of <see cref="LoadRegisters"/>.</summary>
    public void LoadExtended(RegisterFile* from)
    {
        CpuState* c = _state;
        c->Mxcsr = from->Mxcsr;
        c->FpuControl = from->FpuControl;
        int top = (from->FpuStatus >> 11) & 7;
        c->FpuTop = top;
        c->FpuStatus = (ushort)(from->FpuStatus & ~(7 << 11));
        c->FpuTag = from->FpuTag;
        c->FpuOpcode = from->FpuOpcode;
        c->FpuIp = from->FpuIp;
        c->FpuDp = from->FpuDp;

        // SAFETY: as above.
        for (int i = 0; i < 8; i++)
            Unsafe.CopyBlock(CpuState.X87Register(c, top + i), &from->St[i * 2], 16);
        Unsafe.CopyBlock(c->Ymm, from->Ymm, 512);
    }

    /// <summary>The extended part of <see cref="SaveRegisters"/>.</summary>
    public void SaveExtended(RegisterFile* to)
    {
        CpuState* c = _state;
        to->Mxcsr = c->Mxcsr;
        to->FpuControl = c->FpuControl;
        to->FpuStatus = c->FpuStatusWithTop;
        to->FpuTag = c->FpuTag;
        to->FpuOpcode = c->FpuOpcode;
        to->FpuIp = c->FpuIp;
        to->FpuDp = c->FpuDp;

        // SAFETY: as above.
        for (int i = 0; i < 8; i++)
            Unsafe.CopyBlock(&to->St[i * 2], CpuState.X87Register(c, c->FpuTop + i), 16);
        Unsafe.CopyBlock(to->Ymm, c->Ymm, 512);
    }
}
