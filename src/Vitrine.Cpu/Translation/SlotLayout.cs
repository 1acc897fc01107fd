using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// Where the tables of an address space lie in a processor's memory for it, in bytes from the processor's state. Each address space
/// has the state mapped ahead of its own tables, so that machine code reaches both from one register.
/// </summary>
internal static class SlotLayout
{
    /// <summary>Ahead of the state: while machine code runs the stack pointer points into the state, and signal handlers work below it.</summary>
    public const int SignalSpace = 128 << 10;

    public const int Tlb = CpuState.Size;
    public const int TlbLog = Tlb + (MemoryAccess.TlbEntries * 32);
    public const int NativeKeys = TlbLog + Translation.TlbLog.Bytes;
    public const int NativeCodes = NativeKeys + (NativeJumps.Entries * 8);
    public const int NativeLog = NativeCodes + (NativeJumps.Entries * 8);
    public const int Sites = NativeLog + NativeJumps.LogBytes;
    public const int Jumps = Sites + SiteCache.Bytes;
    public const int ExecutedPages = Jumps + (JumpCache.Entries * 16);
    public const int End = ExecutedPages + (JumpCache.PageFilterBits / 8);

    /// <summary>All of it, from the signal handlers' space on.</summary>
    public const int Bytes = SignalSpace + ((End + 4095) & ~4095);
}
