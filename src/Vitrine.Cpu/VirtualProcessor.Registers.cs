using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu;

/// <summary>Between the architectural form of registers and the running one.</summary>
internal sealed unsafe partial class VirtualProcessor
{
    public partial void LoadRegisters(RegisterFile* from)
    {
        CpuState* c = _state;

        // SAFETY: both sides have the sizes that are copied.
        Unsafe.CopyBlock(c->Gpr, from->Gpr, 128);
        c->Rip = from->Rip;
        CpuState.WriteFlags(c, from->Rflags);
        c->FsBase = from->FsBase;
        c->GsBase = from->GsBase;
        c->Fs = from->Fs;
        c->Gs = from->Gs;
        c->Ds = from->Ds;
        c->Es = from->Es;
        c->Ss = from->Ss;
        c->Cs = from->Cs;
        c->Mxcsr = from->Mxcsr;
        c->FpuControl = from->FpuControl;
        int top = (from->FpuStatus >> 11) & 7;
        c->FpuTop = top;
        c->FpuStatus = (ushort)(from->FpuStatus & ~(7 << 11));
        c->FpuTag = from->FpuTag;
        c->FpuOpcode = from->FpuOpcode;
        c->FpuIp = from->FpuIp;
        c->FpuDp = from->FpuDp;
        for (int i = 0; i < 8; i++)
            Unsafe.CopyBlock(CpuState.X87Register(c, top + i), &from->St[i * 2], 16);
        Unsafe.CopyBlock(c->Ymm, from->Ymm, 512);
    }

    public partial void SaveRegisters(RegisterFile* to)
    {
        CpuState* c = _state;

        // SAFETY: as above.
        Unsafe.CopyBlock(to->Gpr, c->Gpr, 128);
        to->Rip = c->Rip;
        to->Rflags = CpuState.ReadFlags(c);
        to->FsBase = c->FsBase;
        to->GsBase = c->GsBase;
        to->Fs = c->Fs;
        to->Gs = c->Gs;
        to->Ds = c->Ds;
        to->Es = c->Es;
        to->Ss = c->Ss;
        to->Cs = c->Cs;
        to->Mxcsr = c->Mxcsr;
        to->FpuControl = c->FpuControl;
        to->FpuStatus = c->FpuStatusWithTop;
        to->FpuTag = c->FpuTag;
        to->FpuOpcode = c->FpuOpcode;
        to->FpuIp = c->FpuIp;
        to->FpuDp = c->FpuDp;
        for (int i = 0; i < 8; i++)
            Unsafe.CopyBlock(&to->St[i * 2], CpuState.X87Register(c, c->FpuTop + i), 16);
        Unsafe.CopyBlock(to->Ymm, c->Ymm, 512);
    }
}
