using System.Runtime.CompilerServices;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// The four-level page walk (Intel SDM 3A, 4.5), for user-mode accesses with CR0.WP, EFER.NXE and CR4.PAE on:
/// 4 KiB and 2 MiB pages, accessed and dirty bits set by atomic exchange on the entries.
/// </summary>
internal static unsafe class PageWalk
{
    private const ulong Present = 1;
    private const ulong Writable = 2;
    private const ulong User = 4;
    private const ulong Accessed = 32;
    private const ulong Dirty = 64;
    private const ulong Large = 128;
    private const ulong NoExecute = 1UL << 63;

    /// <summary>Physical addresses have this many bits; those above it, up to bit 51, are reserved.</summary>
    public const int PhysicalBits = 40;

    private const ulong FrameMask = (1UL << PhysicalBits) - 4096;
    private const ulong Reserved = ((1UL << 52) - 1) & ~((1UL << PhysicalBits) - 1);
    private const ulong LargeReserved = 0x1fe000;

    /// <summary>
    /// Translates a canonical address. <paramref name="access"/> is <c>Write</c>, <c>InstructionFetch</c> or
    /// <c>None</c> for a read. Gives the page fault's error code, or <c>None</c> and the 4 KiB frame's address, and whether it is dirty and may be written.
    /// </summary>
    public static PageFaultError Walk(CpuState* c, ulong address, PageFaultError access, out ulong frame, out bool dirty, out bool executable)
    {
        while (true)
        {
            PageFaultError error = TryWalk(c, address, access, out frame, out dirty, out executable, out bool changed);
            if (!changed)
                return error;
        }
    }

    [MethodImpl(Inline.Hot)]
    private static PageFaultError TryWalk(CpuState* c, ulong address, PageFaultError access, out ulong frame, out bool dirty, out bool executable, out bool changed)
    {
        frame = 0;
        dirty = false;
        executable = false;
        changed = false;
        PageFaultError error = access | PageFaultError.User;
        ulong table = c->Cr3 & FrameMask;
        ulong rights = Writable | User;
        ulong noExecute = 0;

        // SAFETY: every table address is checked against the end of RAM before it is read.
        for (int shift = 39; ; shift -= 9)
        {
            if (table + 4096 > c->RamLength)
                return error | PageFaultError.Present | PageFaultError.ReservedBit;
            ref ulong slot = ref *(ulong*)(c->Ram + table + (((address >> shift) & 511) << 3));
            ulong entry = Volatile.Read(ref slot);
            if ((entry & Present) == 0)
                return error;
            bool large = shift == 21 && (entry & Large) != 0;
            if ((entry & Reserved) != 0 || (shift > 21 && (entry & Large) != 0) || (large && (entry & LargeReserved) != 0))
                return error | PageFaultError.Present | PageFaultError.ReservedBit;
            rights &= entry;
            noExecute |= entry & NoExecute;
            bool leaf = shift == 12 || large;
            if (leaf)
            {
                if ((rights & User) == 0 ||
                    ((access & PageFaultError.Write) != 0 && (rights & Writable) == 0) ||
                    ((access & PageFaultError.InstructionFetch) != 0 && noExecute != 0))
                    return error | PageFaultError.Present;
            }

            ulong wanted = entry | Accessed;
            if (leaf && (access & PageFaultError.Write) != 0)
                wanted |= Dirty;
            if (wanted != entry && Interlocked.CompareExchange(ref slot, wanted, entry) != entry)
            {
                changed = true;
                return error;
            }

            if (leaf)
            {
                frame = large ? (entry & FrameMask & ~0x1fffffUL) | (address & 0x1ff000) : entry & FrameMask;
                if (frame + 4096 > c->RamLength)
                    return error | PageFaultError.Present | PageFaultError.ReservedBit;
                dirty = (wanted & Dirty) != 0 && (rights & Writable) != 0;
                executable = noExecute == 0;
                return PageFaultError.None;
            }

            table = entry & FrameMask;
        }
    }
}
