using System.Runtime.CompilerServices;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Translation;

/// <summary>Sizes of the per-processor, per-address-space tables that lead from a virtual address to its block.</summary>
internal static unsafe class JumpCache
{
    public const int Entries = 8192;

    /// <summary>Bits of the filter that remembers from which pages entries were made.</summary>
    public const int PageFilterBits = 2048;

    /// <summary>
    /// Gives the block at an address, and enters it if the cache has lost it, if its page can be executed by what the TLB says; and makes its page
    /// the current one. Null: it takes more than that.
    /// </summary>
    [MethodImpl(Inline.Hot)]
    public static BlockHeader* Refill(CpuState* c, ulong rip)
    {
        JumpEntry* j = c->JumpCache + ((rip ^ (rip >> 12)) & (Entries - 1));
        if (j->Key == rip + c->JumpKey)
        {
            c->PageBase = rip & ~4095UL;
            return (BlockHeader*)j->Block - 1;
        }

        TlbEntry* e = MemoryAccess.Entry(c, rip);
        if ((rip ^ e->Execute) >= 4096 || c->StepsPages != 0)
            return null;
        var code = (FrameCode*)Volatile.Read(ref *(nint*)&c->FrameCode[(ulong)(e->Host - c->Ram) >> 12]);
        if (code == null || Volatile.Read(ref code->Ready) == 0)
            return null;
        BlockHeader* block = FrameCode.Find(code, (uint)rip & 4095, 0);
        if (block == null)
            return null;
        j->Key = rip + c->JumpKey;
        j->Block = BlockHeader.Ops(block);
        uint hash = PageHash(rip >> 12);
        c->ExecutedPages[hash >> 6] |= 1UL << (int)(hash & 63);
        c->PageBase = rip & ~4095UL;
        return block;
    }

    public static uint PageHash(ulong page) => (uint)((page ^ (page >> 11)) & (PageFilterBits - 1));
}
