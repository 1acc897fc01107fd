using System.Runtime.InteropServices;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// A processor's cached translations of one address space: TLB, jump cache and its page filter. Analogous to an
/// ASID of Linux's <c>tlb_state</c>: a processor keeps a few, so that switching between tasks forgets nothing.
/// </summary>
internal sealed unsafe class AddressSpaceSlot : IDisposable
{
    private const nuint TlbBytes = MemoryAccess.TlbEntries * 32;
    private const nuint JumpBytes = JumpCache.Entries * 16;
    private const nuint SiteBytes = SiteCache.Bytes;
    private const nuint FilterBytes = JumpCache.PageFilterBits / 8;

    /// <summary>The virtual address space wraps at 2^48; a key's upper 16 bits are the generation.</summary>
    private const ulong GenerationStep = 1UL << 48;

    private byte* _memory;

    public TlbEntry* Tlb { get; private set; }

    public JumpEntry* Jumps { get; private set; }

    public ulong* ExecutedPages { get; private set; }

    /// <summary>See <see cref="SiteCache"/>.</summary>
    public byte* Sites { get; private set; }

    /// <summary>The root of its page tables; meaningful if <see cref="InUse"/>.</summary>
    public ulong Cr3 { get; private set; }

    public bool InUse { get; private set; }

    public ulong LastUse { get; set; }

    /// <summary>See <see cref="CpuState.JumpKey"/>.</summary>
    public ulong JumpKey { get; private set; }

    /// <summary>Begins anew for another address space.</summary>
    public void Assign(ulong cr3)
    {
        if (_memory == null)
        {
            _memory = (byte*)NativeMemory.AlignedAlloc(TlbBytes + JumpBytes + FilterBytes + SiteBytes, 64);
            Tlb = (TlbEntry*)_memory;
            Jumps = (JumpEntry*)(_memory + TlbBytes);
            ExecutedPages = (ulong*)(_memory + TlbBytes + JumpBytes);
            Sites = _memory + TlbBytes + JumpBytes + FilterBytes;
            SiteCache.Clear(Sites);
            ClearJumps();
        }

        Cr3 = cr3;
        InUse = true;
        ForgetAll();
    }

    public void Release() => InUse = false;

    /// <summary>Forgets every translation.</summary>
    public void ForgetAll()
    {
        for (uint i = 0; i < MemoryAccess.TlbEntries; i++)
            Clear(Tlb + i, i);
        SiteCache.Forget(Sites);
        ForgetJumps();
    }

    /// <summary>Forgets the translations of a range of pages.</summary>
    public void Forget(ulong start, ulong pages)
    {
        if (pages >= MemoryAccess.TlbEntries)
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
        for (uint i = 0; i < MemoryAccess.TlbEntries; i++)
        {
            if (Tlb[i].Host == frame)
                Tlb[i].Write = NeverTag(i);
        }
    }

    /// <summary>Forgets where blocks are, not what pages translate to.</summary>
    public void ForgetJumps()
    {
        JumpKey += GenerationStep;
        new Span<byte>(ExecutedPages, (int)FilterBytes).Clear();
        if (JumpKey == 0)
            ClearJumps();
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }

    /// <summary>Generation 0 is never current, so a key of zero equals no address's.</summary>
    private void ClearJumps()
    {
        JumpKey = GenerationStep;
        new Span<JumpEntry>(Jumps, JumpCache.Entries).Clear();
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
