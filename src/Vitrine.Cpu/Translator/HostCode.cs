using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// Memory for machine code, never writable and executable at the same address: one anonymous file, mapped once for
/// writing and once for executing. At its start are the gates between managed and machine code. Code is added behind what there is,
/// and forgotten all at once.
/// </summary>
internal sealed unsafe partial class HostCode : IDisposable
{
    private const int MaxReasons = 9;

    private readonly nuint _size;
    private byte* _writable;
    private byte* _executable;
    private byte* _codeStart;
    private readonly nint[] _gates = new nint[MaxReasons];

    private HostCode(nuint size) => _size = size;

    /// <summary>From a writable address to the executable one of the same byte.</summary>
    public nint ToExecutable => (nint)(_executable - _writable);

    /// <summary>Where the next code is written; what the translator has written becomes code by moving this.</summary>
    public byte* Free { get; set; }

    public nuint Available => (nuint)(_writable + _size - Free);

    /// <summary>Function (state, code): runs code from an executable address until it leaves.</summary>
    public void* Enter { get; private set; }

    /// <summary>Where unfinished business goes: writable address of the gate for a reason.</summary>
    public byte* Gate(NativeReason reason) => (byte*)_gates[(int)reason];

    /// <summary>Executable address of the gate through which code reaches a block that has none (T1 holds its operations).</summary>
    public byte* BlockGate => Gate(NativeReason.Block) + ToExecutable;

    /// <summary>True if this host's processor has what translated code is written in.</summary>
    public static bool IsSupported => X86Base.X64.IsSupported && OperatingSystem.IsLinux() && Sse42.IsSupported && Popcnt.IsSupported;

    /// <summary>Reserves memory for code; null where the host doesn't allow it.</summary>
    /// <param name="size">Bytes; committed as code is written.</param>
    public static HostCode? TryCreate(nuint size)
    {
        if (!IsSupported)
            return null;
        var code = new HostCode(size);
        if (code.TryMap())
        {
            code.WriteGates();
            return code;
        }

        code.Dispose();
        return null;
    }

    /// <summary>Forgets all code. No processor may be in it or be able to get there.</summary>
    public void Clear() => Free = _codeStart;

    private bool TryMap()
    {
        const uint CloseOnExec = 1;
        const int Read = 1;
        const int Write = 2;
        const int Execute = 4;
        const int Shared = 1;
        int file = CreateFile("vitrine-code", CloseOnExec);
        if (file < 0)
            return false;
        if (Truncate(file, (nint)_size) == 0)
        {
            nint writable = Map(0, _size, Read | Write, Shared, file, 0);
            nint executable = Map(0, _size, Read | Execute, Shared, file, 0);
            _writable = writable == -1 ? null : (byte*)writable;
            _executable = executable == -1 ? null : (byte*)executable;
        }

        _ = Close(file);
        return _writable != null && _executable != null;
    }

    private void WriteGates()
    {
        var w = new MachineCodeWriter();
        w.MoveTo(_writable);
        Enter = _executable;
        WriteEntry(w);
        byte* exit = w.Position;
        WriteExit(w);
        for (var reason = NativeReason.Miss; reason <= NativeReason.Leave; reason++)
        {
            _gates[(int)reason] = (nint)w.Position;
            w.StoreState(CpuState.NativeSiteOffset, HostRegister.T1);
            w.StoreState32(CpuState.NativeReasonOffset, (uint)reason);
            w.JumpTo(exit);
        }

        Refill = w.Position;
        WriteRefill(w);
        ReadProbe = w.Position;
        WriteProbe(w, TlbTag.Read);
        StoreProbe = w.Position;
        WriteProbe(w, TlbTag.Write);
        w.AlignAhead(0, 64);
        _codeStart = w.Position;
        Free = _codeStart;
    }

    /// <summary>Where a read goes whose place hasn't the translation: writable address. T0 is the guest address, T1 the site.</summary>
    public byte* ReadProbe { get; private set; }

    /// <summary>As <see cref="ReadProbe"/> for a write.</summary>
    public byte* StoreProbe { get; private set; }

    /// <summary>Where a run of instructions goes when the budget is used up: writable address. T1 is the site.</summary>
    public byte* Refill { get; private set; }

    /// <summary>Leaves if somebody wants attention; else counts what was used, and goes on with a new budget.</summary>
    private void WriteRefill(MachineCodeWriter w)
    {
        const int T0 = HostRegister.T0, T1 = HostRegister.T1;
        w.StoreState(CpuState.NativeSiteOffset, T1);
        w.State(0x83, 8, 7, CpuState.AttentionOffset);                        // cmp [attention], 0
        w.Byte(0);
        int* wanted = w.JumpIf(5);
        w.Registers(0xc7, 8, 0, T0);
        w.Int32(NativeEntry.Budget);
        w.State(0x63, 8, T1, CpuState.BudgetOffset);                          // movsxd
        w.Registers(0x2b, 8, T0, T1);
        w.State(0x01, 8, T0, CpuState.RetiredOffset);                         // add [retired], t0
        w.StoreState32(CpuState.BudgetOffset, NativeEntry.Budget);
        w.LoadState(T1, CpuState.NativeSiteOffset);
        w.Memory(0x63, 8, T0, T1, NativeSite.ResumeOffset);
        w.Registers(0x03, 8, T0, T1);
        w.Registers(0xff, 4, 4, T0);                                          // jmp t0
        w.LandHere(wanted);
        w.LoadState(T1, CpuState.NativeSiteOffset);
        w.JumpTo(Gate(NativeReason.Attention));
    }

    /// <summary>Looks into the TLB, keeps what it finds for the place, and tries again there; or leaves for a miss.</summary>
    private void WriteProbe(MachineCodeWriter w, int tag)
    {
        const int Rax = HostRegister.Rax, Rcx = HostRegister.Rcx, T0 = HostRegister.T0, T1 = HostRegister.T1;
        const int KeptRax = CpuState.SplitReadOffset, KeptRcx = CpuState.SplitReadOffset + 8;
        w.StoreState(CpuState.MissAddressOffset, T0);
        w.StoreState(CpuState.NativeSiteOffset, T1);
        w.StoreState(KeptRax, Rax);
        w.StoreState(KeptRcx, Rcx);
        w.Registers(0x8b, 4, Rax, T0);
        w.Registers(0xc1, 4, 5, Rax);                                         // shr eax, 7
        w.Byte(7);
        w.Immediate(4, 4, Rax, (MemoryAccess.TlbEntries - 1) * 32);
        w.State(0x03, 8, Rax, CpuState.TlbOffset);
        w.Memory(0x0fb7, 4, Rcx, T1, NativeSite.SizeOffset);                  // movzx ecx, [site.Size]
        w.Memory(0x8b, 8, T1, Rax, tag);
        w.Registers(0x33, 8, T0, T1);                                         // xor t0, t1: the offset in the page
        w.Immediate(7, 8, T0, 4096);
        int* miss = w.JumpIf(3);
        w.Registers(0x03, 8, Rcx, T0);
        w.Immediate(7, 8, Rcx, 4096);
        int* crossing = w.JumpIf(7);
        w.Memory(0x8b, 8, Rcx, Rax, TlbTag.Host);
        w.LoadState(Rax, CpuState.NativeSiteOffset);
        w.Memory(0x63, 8, T0, Rax, NativeSite.DataOffset);                    // movsxd
        w.State(0x03, 8, T0, CpuState.SitesOffset);
        w.Memory(0xf6, 1, 0, T0);                                             // test byte [t0], 1: not in use?
        w.Byte(1);
        w.Memory(0x89, 8, T1, T0);
        w.Memory(0x89, 8, Rcx, T0, 8);
        int* used = w.JumpIf(4);
        w.LoadState(Rcx, CpuState.SitesOffset);
        w.Memory(0x8b, 4, T1, Rcx, SiteCache.LogCount);
        w.Immediate(7, 4, T1, SiteCache.LogCapacity);
        int* full = w.JumpIf(3);
        w.Registers(0x2b, 8, T0, Rcx);
        w.Immediate(0, 4, T1, 1);
        w.Memory(0x89, 4, T1, Rcx, SiteCache.LogCount);
        w.Lea(8, Rcx, Rcx, T1, 2, SiteCache.LogStart - 4);
        w.Memory(0x89, 4, T0, Rcx);
        w.LandHere(used);
        w.LandHere(full);
        w.Memory(0x63, 8, T1, Rax, NativeSite.ResumeOffset);
        w.Registers(0x03, 8, T1, Rax);
        w.LoadState(Rax, KeptRax);
        w.LoadState(Rcx, KeptRcx);
        w.Registers(0xff, 4, 4, T1);                                          // jmp t1
        w.LandHere(miss);
        w.LandHere(crossing);
        w.LoadState(Rax, KeptRax);
        w.LoadState(Rcx, KeptRcx);
        w.LoadState(T1, CpuState.NativeSiteOffset);
        w.JumpTo(Gate(NativeReason.Miss));
    }

    /// <summary>System V: RDI the state, RSI the code.</summary>
    private static void WriteEntry(MachineCodeWriter w)
    {
        w.Byte(0x53);                                                         // push rbx
        w.Byte(0x55);                                                         // push rbp
        for (int r = 12; r < 16; r++)
        {
            w.Byte(0x41);                                                     // push r12 .. r15
            w.Byte(0x50 + r - 8);
        }

        w.Memory(0x89, 8, HostRegister.Rsp, HostRegister.Rdi, CpuState.HostStackOffset);
        w.Lea(8, HostRegister.State, HostRegister.Rdi, -1, 0, HostRegister.StateBias);
        w.Move(HostRegister.T1, HostRegister.Rsi);
        w.State(0x0fae, 4, 2, CpuState.MxcsrOffset);                          // ldmxcsr
        for (int i = 0; i < 16; i++)
            Vector(w, 0x10, i);
        for (int guest = 0; guest < 16; guest++)
        {
            int host = HostRegister.Of(guest);
            if (host >= 0)
                w.LoadState(host, guest * 8);
        }

        w.Registers(0xff, 4, 4, HostRegister.T1);                             // jmp t1
    }

    private static void WriteExit(MachineCodeWriter w)
    {
        for (int guest = 0; guest < 16; guest++)
        {
            int host = HostRegister.Of(guest);
            if (host >= 0)
                w.StoreState(guest * 8, host);
        }

        for (int i = 0; i < 16; i++)
            Vector(w, 0x11, i);
        w.State(0x0fae, 4, 3, CpuState.MxcsrOffset);                          // stmxcsr
        if (Avx.IsSupported)
        {
            w.Byte(0xc5);                                                     // vzeroupper
            w.Byte(0xf8);
            w.Byte(0x77);
        }

        w.Byte(0x0f);                                                         // ldmxcsr [host's]
        w.Byte(0xae);
        w.Byte(0x15);
        int* hostControl = (int*)w.Position;
        w.Int32(0);
        w.LoadState(HostRegister.Rsp, CpuState.HostStackOffset);
        for (int r = 15; r >= 12; r--)
        {
            w.Byte(0x41);                                                     // pop r15 .. r12
            w.Byte(0x58 + r - 8);
        }

        w.Byte(0x5d);                                                         // pop rbp
        w.Byte(0x5b);                                                         // pop rbx
        w.Byte(0xc3);                                                         // ret

        // The host's own MXCSR: all exceptions masked, nothing else.
        w.LandHere(hostControl);
        w.Int32(0x1f80);
    }

    /// <summary>VMOVUPS of a whole register where the host has AVX, else MOVUPS: 10h loads, 11h stores.</summary>
    private static void Vector(MachineCodeWriter w, int opcode, int register)
    {
        int offset = CpuState.YmmOffset + register * CpuState.YmmStride - HostRegister.StateBias;
        if (Avx.IsSupported)
        {
            w.Byte(0xc5);
            w.Byte((register < 8 ? 0x80 : 0) | 0x7c);
        }
        else
        {
            if (register >= 8)
                w.Byte(0x44);
            w.Byte(0x0f);
        }

        w.Byte(opcode);
        w.Address(register, HostRegister.State, offset);
    }

    public void Dispose()
    {
        if (_writable != null)
            _ = Unmap((nint)_writable, _size);
        if (_executable != null)
            _ = Unmap((nint)_executable, _size);
        _writable = null;
        _executable = null;
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate")]
    private static partial int Truncate(int descriptor, nint length);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}

/// <summary>Offsets in a <see cref="TlbEntry"/>.</summary>
internal static class TlbTag
{
    public const int Read = 0;
    public const int Write = 8;
    public const int Host = 24;
}
