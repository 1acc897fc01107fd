using System.Runtime.Intrinsics.X86;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// Memory for machine code, never writable and executable at the same address: one anonymous file, mapped once for
/// writing and once for executing. At its start are the gates between managed and machine code. Code is added behind what there is,
/// and forgotten all at once. What is rarely executed has a part of its own, so that the rest lies close together.
/// </summary>
internal sealed unsafe class HostCode : IDisposable
{
    private const int MaxReasons = 9;

    private readonly nuint _size;
    private byte* _writable;
    private byte* _executable;
    private byte* _codeStart;
    private readonly nint[] _gates = new nint[MaxReasons];
    private readonly nint[] _renewals = new nint[4];

    private HostCode(nuint size) => _size = size;

    /// <summary>From a writable address to the executable one of the same byte.</summary>
    public nint ToExecutable => (nint)(_executable - _writable);

    /// <summary>Where the next code is written; what the translator has written becomes code by moving this.</summary>
    public byte* Free { get; set; }

    /// <summary>As <see cref="Free"/> for code that is rarely executed.</summary>
    public byte* FreeRare { get; set; }

    /// <summary>There is room for a region.</summary>
    public bool HasRoom => RareStart - Free >= RegionTranslator.MaxBytes && _writable + _size - FreeRare >= RegionTranslator.MaxRareBytes;

    /// <summary>Ways out take about three times as much as what they lead out of.</summary>
    private byte* RareStart => _writable + (_size / 4);

    /// <summary>Function (state, code): runs code from an executable address until it leaves.</summary>
    public void* Enter { get; private set; }

    /// <summary>Where unfinished business goes: writable address of the gate for a reason.</summary>
    public byte* Gate(NativeReason reason) => (byte*)_gates[(int)reason];

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
    public void Clear()
    {
        Free = _codeStart;
        FreeRare = RareStart;
    }

    private bool TryMap()
    {
        int file = HostMapping.CreateFile("vitrine-code", _size);
        if (file < 0)
            return false;
        _writable = HostMapping.MapFile(file, null, _size, HostMapping.Protection.Read | HostMapping.Protection.Write);
        _executable = HostMapping.MapFile(file, null, _size, HostMapping.Protection.Read | HostMapping.Protection.Execute);
        HostMapping.Close(file);
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
        for (var reason = NativeReason.Miss; reason <= NativeReason.Renew; reason++)
        {
            _gates[(int)reason] = (nint)w.Position;
            w.StoreState(CpuState.NativeSiteOffset, HostRegister.T1);
            w.StoreState32(CpuState.NativeReasonOffset, (uint)reason);
            w.JumpTo(exit);
        }

        LoadFlags = w.Position;
        FlagLoader.Write(w, Gate(NativeReason.Flags));
        Refill = w.Position;
        WriteRefill(w);
        for (int kind = 0; kind < _renewals.Length; kind++)
        {
            _renewals[kind] = (nint)w.Position;
            WriteRenewal(w, (kind & 2) != 0 ? TlbTag.Write : TlbTag.Read, (kind & 1) != 0);
        }

        RenewFixed = w.Position;
        WriteFixedRenewal(w);
        w.AlignAhead(0, 64);
        _codeStart = w.Position;
        Clear();
    }

    /// <summary>
    /// Where an access goes whose place has looked into the TLB as often as it may: writable address. T1 is the site, and the TLB entry's
    /// offset is at <see cref="CpuState.TlbPlaceOffset"/>. See <see cref="SiteCache"/>.
    /// </summary>
    /// <param name="asDistance">The entry has the distance from guest to host addresses.</param>
    public byte* Renew(bool write, bool asDistance) => (byte*)_renewals[(write ? 2 : 0) + (asDistance ? 1 : 0)];

    /// <summary>See <see cref="FlagLoader"/>: writable address.</summary>
    public byte* LoadFlags { get; private set; }

    /// <summary>Likewise for an operand at a fixed distance from the code, whose offset in its page is at <see cref="CpuState.OffsetInPageOffset"/>.</summary>
    public byte* RenewFixed { get; private set; }

    /// <summary>Where a run of instructions goes when the budget is used up: writable address. T1 is the site.</summary>
    public byte* Refill { get; private set; }

    /// <summary>Leaves if somebody wants attention or the run's limit is near; else counts what was used, and goes on with a new budget.</summary>
    private void WriteRefill(MachineCodeWriter w)
    {
        const int T0 = HostRegister.T0, T1 = HostRegister.T1;
        w.StoreState(CpuState.NativeSiteOffset, T1);
        w.State(0x83, 8, 7, CpuState.AttentionOffset);                        // cmp [attention], 0
        w.Byte(0);
        int* wanted = w.JumpIf(5);
        w.State(0x63, 8, T0, CpuState.BudgetStartOffset);                     // movsxd
        w.State(0x63, 8, T1, CpuState.BudgetOffset);
        w.Registers(0x2b, 8, T0, T1);
        w.State(0x03, 8, T0, CpuState.RetiredOffset);                         // add t0, [retired]
        w.StoreState(CpuState.RetiredOffset, T0);
        w.State(0x89, 4, T1, CpuState.BudgetStartOffset);
        w.LoadState(T1, CpuState.NearLimitOffset);
        w.Registers(0x2b, 8, T1, T0);                                         // sub t1, t0
        int* reached = w.JumpIf(6);                                           // jbe
        w.Registers(0xc7, 4, 0, T0);
        w.Int32(NativeEntry.Budget);
        w.Registers(0x3b, 8, T1, T0);                                         // cmp t1, t0
        w.Registers(0x0f47, 8, T1, T0);                                       // cmova t1, t0
        w.State(0x89, 4, T1, CpuState.BudgetOffset);
        w.State(0x89, 4, T1, CpuState.BudgetStartOffset);
        w.LoadState(T1, CpuState.NativeSiteOffset);
        w.Memory(0x63, 8, T0, T1, NativeSite.ResumeOffset);
        w.Registers(0x03, 8, T0, T1);
        w.Registers(0xff, 4, 4, T0);                                          // jmp t0
        w.LandHere(wanted);
        w.LandHere(reached);
        w.LoadState(T1, CpuState.NativeSiteOffset);
        w.JumpTo(Gate(NativeReason.Attention));
    }

    /// <summary>Gives a place without an entry one for the page that the TLB has, then the instruction begins again; leaves for others.</summary>
    private void WriteRenewal(MachineCodeWriter w, int tag, bool asDistance)
    {
        const int Rax = HostRegister.Rax, Rcx = HostRegister.Rcx, Rdx = HostRegister.Rdx, T0 = HostRegister.T0, T1 = HostRegister.T1;
        const int Sites = SlotLayout.Sites;
        w.StoreState(CpuState.KeptOffset, Rax);
        w.StoreState(CpuState.KeptOffset + 8, Rcx);
        w.StoreState(CpuState.KeptOffset + 16, Rdx);
        w.StoreState(CpuState.KeptT0Offset, T0);
        w.StoreState(CpuState.NativeSiteOffset, T1);
        w.Memory(0x63, 8, Rcx, T1, NativeSite.DataOffset);                    // movsxd
        w.StateIndexed(0x83, 8, 7, Rcx, 0, Sites + SiteCache.Limit);          // cmp [limit], 0
        w.Byte(0);
        int* used = w.JumpIf(5);
        w.LoadState(Rax, CpuState.TlbPlaceOffset);
        w.StateIndexed(0x8b, 8, Rdx, Rax, 0, SlotLayout.Tlb + tag);
        w.StateIndexed(0x8b, 8, Rax, Rax, 0, SlotLayout.Tlb + TlbTag.Host);
        if (asDistance)
            w.Registers(0x2b, 8, Rax, Rdx);
        w.StateIndexed(0x89, 8, Rdx, Rcx, 0, Sites + SiteCache.Start);
        w.StateIndexed(0x89, 8, Rax, Rcx, 0, Sites + SiteCache.Host);
        w.Memory(0x0fb7, 4, Rax, T1, NativeSite.SizeOffset);
        w.Registers(0xf7, 8, 3, Rax);                                         // neg
        w.Lea(8, Rax, Rax, -1, 0, 4097);
        w.StateIndexed(0x89, 8, Rax, Rcx, 0, Sites + SiteCache.Limit);
        WriteLog(w);
        WriteAgain(w);
        w.LandHere(used);
        w.LoadState(Rax, CpuState.KeptOffset);
        w.LoadState(Rcx, CpuState.KeptOffset + 8);
        w.LoadState(Rdx, CpuState.KeptOffset + 16);
        w.JumpTo(Gate(NativeReason.Renew));
    }

    private static void WriteFixedRenewal(MachineCodeWriter w)
    {
        const int Rax = HostRegister.Rax, Rcx = HostRegister.Rcx, Rdx = HostRegister.Rdx, T0 = HostRegister.T0, T1 = HostRegister.T1;
        const int Sites = SlotLayout.Sites;
        w.StoreState(CpuState.KeptOffset, Rax);
        w.StoreState(CpuState.KeptOffset + 8, Rcx);
        w.StoreState(CpuState.KeptOffset + 16, Rdx);
        w.StoreState(CpuState.KeptT0Offset, T0);
        w.StoreState(CpuState.NativeSiteOffset, T1);
        w.Memory(0x63, 8, Rcx, T1, NativeSite.DataOffset);                    // movsxd
        w.LoadState(Rax, CpuState.TlbPlaceOffset);
        w.LoadState(Rdx, CpuState.PageBaseOffset);
        w.StateIndexed(0x8b, 8, T0, Rax, 0, SlotLayout.Tlb + TlbTag.Host);
        w.State(0x03, 8, T0, CpuState.OffsetInPageOffset);
        w.StateIndexed(0x83, 8, 7, Rcx, 0, Sites);                            // cmp [page], 0: not in use?
        w.Byte(0);
        w.StateIndexed(0x89, 8, Rdx, Rcx, 0, Sites);
        w.StateIndexed(0x89, 8, T0, Rcx, 0, Sites + SiteCache.FixedHost);
        int* used = w.JumpIf(5);
        WriteLog(w);
        w.LandHere(used);
        WriteAgain(w);
    }

    /// <summary>Notes the entry whose offset is in RCX as in use. A full log says so. Uses RAX.</summary>
    private static void WriteLog(MachineCodeWriter w)
    {
        const int Rax = HostRegister.Rax, Sites = SlotLayout.Sites;
        w.State(0x8b, 4, Rax, Sites + SiteCache.LogCount);
        w.Immediate(7, 4, Rax, SiteCache.LogCapacity);
        int* full = w.JumpIf(3);
        w.StateIndexed(0x89, 4, HostRegister.Rcx, Rax, 2, Sites + SiteCache.LogStart);
        w.Immediate(0, 4, Rax, 1);
        w.State(0x89, 4, Rax, Sites + SiteCache.LogCount);
        w.LandHere(full);
    }

    /// <summary>Takes kept registers back, and goes on where the site begins again.</summary>
    private static void WriteAgain(MachineCodeWriter w)
    {
        const int T0 = HostRegister.T0, T1 = HostRegister.T1;
        w.LoadState(T1, CpuState.NativeSiteOffset);
        w.Memory(0x63, 8, T0, T1, NativeSite.ResumeOffset);
        w.Registers(0x03, 8, T1, T0);
        w.LoadState(HostRegister.Rax, CpuState.KeptOffset);
        w.LoadState(HostRegister.Rcx, CpuState.KeptOffset + 8);
        w.LoadState(HostRegister.Rdx, CpuState.KeptOffset + 16);
        w.LoadState(T0, CpuState.KeptT0Offset);
        w.Registers(0xff, 4, 4, T1);                                          // jmp t1
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

        w.LoadState(HostRegister.T0, CpuState.KeptT0Offset);
        w.LoadState(HostRegister.Pointer, CpuState.KeptPointerOffset);
        w.Registers(0xff, 4, 4, HostRegister.T1);                             // jmp t1
    }

    private static void WriteExit(MachineCodeWriter w)
    {
        w.StoreState(CpuState.KeptT0Offset, HostRegister.T0);
        w.StoreState(CpuState.KeptPointerOffset, HostRegister.Pointer);
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
        HostMapping.Release(_writable, _size);
        HostMapping.Release(_executable, _size);
        _writable = null;
        _executable = null;
    }
}

/// <summary>Offsets in a <see cref="TlbEntry"/>.</summary>
internal static class TlbTag
{
    public const int Read = 0;
    public const int Write = 8;
    public const int Host = 24;
}
