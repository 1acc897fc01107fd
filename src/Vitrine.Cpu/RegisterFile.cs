using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vitrine.Cpu;

/// <summary>
/// The architectural state of one hardware thread, as plain data: what a task owns while it is not on a
/// processor, what a signal frame, a core dump and a snapshot are made from. Flags are materialised here;
/// an engine may keep them in another form while it runs.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RegisterFile
{
    /// <summary>RAX RCX RDX RBX RSP RBP RSI RDI R8–R15, in encoding order.</summary>
    public fixed ulong Gpr[16];
    public ulong Rip;
    public ulong Rflags;
    public ulong FsBase;
    public ulong GsBase;
    public ushort Fs, Gs, Ds, Es, Ss, Cs;
    public uint Mxcsr;

    /// <summary>x87 control word, status word (TOP included) and abridged tag byte as in FXSAVE.</summary>
    public ushort FpuControl, FpuStatus;
    public byte FpuTag;
    public ushort FpuOpcode;
    public ulong FpuIp, FpuDp;

    /// <summary>ST0–ST7 (relative to TOP), 16 bytes each, the low 10 used: FXSAVE's layout. MMX registers alias the low 8 bytes by physical number.</summary>
    public fixed ulong St[16];

    /// <summary>XMM/YMM: 16 registers of 32 bytes, the low 16 of each used without AVX.</summary>
    public fixed ulong Ymm[64];

    public ulong Rax { readonly get => Gpr[0]; set => Gpr[0] = value; }

    public ulong Rcx { readonly get => Gpr[1]; set => Gpr[1] = value; }

    public ulong Rdx { readonly get => Gpr[2]; set => Gpr[2] = value; }

    public ulong Rbx { readonly get => Gpr[3]; set => Gpr[3] = value; }

    public ulong Rsp { readonly get => Gpr[4]; set => Gpr[4] = value; }

    public ulong Rbp { readonly get => Gpr[5]; set => Gpr[5] = value; }

    public ulong Rsi { readonly get => Gpr[6]; set => Gpr[6] = value; }

    public ulong Rdi { readonly get => Gpr[7]; set => Gpr[7] = value; }

    public ulong R8 { readonly get => Gpr[8]; set => Gpr[8] = value; }

    public ulong R9 { readonly get => Gpr[9]; set => Gpr[9] = value; }

    public ulong R10 { readonly get => Gpr[10]; set => Gpr[10] = value; }

    public ulong R11 { readonly get => Gpr[11]; set => Gpr[11] = value; }

    /// <summary>Sets the state that Linux gives a fresh program: flags 0x202, FCW 0x37f, MXCSR 0x1f80, everything else zero.</summary>
    public void Reset()
    {
        Unsafe.InitBlockUnaligned(Unsafe.AsPointer(ref this), 0, (uint)sizeof(RegisterFile));
        Rflags = 0x202;
        Cs = 0x33;
        Ss = 0x2b;
        FpuControl = 0x37f;
        Mxcsr = 0x1f80;
    }
}
