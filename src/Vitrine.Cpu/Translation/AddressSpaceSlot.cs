using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// A processor's cached translations of one address space: TLB, jump cache and its page filter. Analogous to an
/// ASID of Linux's <c>tlb_state</c>: a processor keeps a few, so that switching between tasks forgets nothing.
/// </summary>
internal sealed unsafe class AddressSpaceSlot : IDisposable
{
    /// <summary>The virtual address space wraps at 2^48; a key's upper 16 bits are the generation.</summary>
    private const ulong GenerationStep = 1UL << 48;

    /// <summary>From here on everything is forgotten rather than page after page.</summary>
    private const ulong ManyPages = 1024;

    private byte* _memory;

    /// <summary>The processor's state, as it is mapped ahead of the tables; or elsewhere, where there is no machine code to need that.</summary>
    public CpuState* State { get; private set; }

    public TlbEntry* Tlb { get; private set; }

    public JumpEntry* Jumps { get; private set; }

    public ulong* ExecutedPages { get; private set; }

    /// <summary>The root of its page tables; meaningful if <see cref="InUse"/>.</summary>
    public ulong Cr3 { get; private set; }

    public bool InUse { get; private set; }

    public ulong LastUse { get; set; }

    /// <summary>See <see cref="CpuState.JumpKey"/>.</summary>
    public ulong JumpKey { get; private set; }

    /// <summary>Begins anew for another address space.</summary>
    public void Assign(ulong cr3, StateMemory state)
    {
        if (_memory == null)
        {
            _memory = HostMapping.Reserve(SlotLayout.Bytes);
            Tlb = (TlbEntry*)(Tables + SlotLayout.Tlb);
            Jumps = (JumpEntry*)(Tables + SlotLayout.Jumps);
            ExecutedPages = (ulong*)(Tables + SlotLayout.ExecutedPages);
            State = state.MapAt(Tables);

            // Fresh memory is zeros, and is committed as it is used: a tag that only page 0 fits, a key of no generation.
            Clear(Tlb, 0);
            NativeJumps.Prepare(Tables);
            JumpKey = GenerationStep;
        }

        Cr3 = cr3;
        InUse = true;
        ForgetAll();
    }

    private byte* Tables => _memory + SlotLayout.SignalSpace;

    private byte* Sites => Tables + SlotLayout.Sites;

    public void Release() => InUse = false;

    /// <summary>Forgets every translation.</summary>
    public void ForgetAll()
    {
        if (TlbLog.TryGet(Tlb, out ReadOnlySpan<uint> used))
        {
            foreach (uint i in used)
                Clear(Tlb + i, i);
        }
        else
        {
            ClearTlb();
        }

        TlbLog.Clear(Tlb);
        SiteCache.Forget(Sites);
        ForgetJumps();
    }

    /// <summary>Forgets the translations of a range of pages.</summary>
    public void Forget(ulong start, ulong pages)
    {
        if (pages >= ManyPages)
        {
            ForgetAll();
            return;
        }

        SiteCache.Forget(Sites);
        bool executed = false;
        ulong first = start >> 12;
        for (ulong page = first; page < first + pages; page++)
        {
            uint index = (uint)page & (MemoryAccess.TlbEntries - 1);
            TlbEntry* e = Tlb + index;
            if (e->Read >> 12 == page)
                Clear(e, index);
            uint hash = JumpCache.PageHash(page);
            executed |= (ExecutedPages[hash >> 6] >> (int)(hash & 63) & 1) != 0;
        }

        if (executed)
            ForgetJumps();
    }

    /// <summary>Takes away writable translations of one frame.</summary>
    public void ForgetWritable(byte* frame)
    {
        SiteCache.Forget(Sites);
        if (TlbLog.TryGet(Tlb, out ReadOnlySpan<uint> used))
        {
            foreach (uint i in used)
                ForgetWritable(frame, i);
            return;
        }

        for (uint i = 0; i < MemoryAccess.TlbEntries; i++)
            ForgetWritable(frame, i);
    }

    private void ForgetWritable(byte* frame, uint index)
    {
        if (Tlb[index].Host == frame)
            Tlb[index].Write = NeverTag(index);
    }

    /// <summary>Forgets where blocks are and what places in machine code know: these may go.</summary>
    public void ForgetCode()
    {
        SiteCache.Forget(Sites);
        ForgetJumps();
    }

    /// <summary>Forgets where blocks are, not what pages translate to.</summary>
    public void ForgetJumps()
    {
        JumpKey += GenerationStep;
        new Span<byte>(ExecutedPages, JumpCache.PageFilterBits / 8).Clear();
        NativeJumps.Forget(Tables);
        if (JumpKey == 0)
            ClearJumps();
    }

    public void Dispose()
    {
        HostMapping.Release(_memory, SlotLayout.Bytes);
        _memory = null;
    }

    /// <summary>Generation 0 is never current, so a key of zero equals no address's.</summary>
    private void ClearJumps()
    {
        JumpKey = GenerationStep;
        new Span<JumpEntry>(Jumps, JumpCache.Entries).Clear();
    }

    private void ClearTlb()
    {
        for (uint i = 0; i < MemoryAccess.TlbEntries; i++)
            Clear(Tlb + i, i);
    }

    private static void Clear(TlbEntry* e, uint index)
    {
        ulong never = NeverTag(index);
        e->Read = never;
        e->Write = never;
        e->Execute = never;
    }

    private static ulong NeverTag(uint index) => (ulong)(index ^ 1) << 12;
}
