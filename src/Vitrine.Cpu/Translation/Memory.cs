using System.Runtime.CompilerServices;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// Guest memory accesses of handlers. Each either succeeds, or has prepared leaving (a fault, or work for the
/// driver) and gives false; then the handler returns its operation and must have changed nothing.
/// </summary>
internal static unsafe class MemoryAccess
{
    /// <summary>Direct-mapped, so enough for 32 MiB of scattered pages: with a quarter of it a Python script misses four times as often.</summary>
    public const int TlbEntries = 8192;
    private const ulong TlbByteMask = (TlbEntries - 1) * 32;

    [MethodImpl(Always)]
    public static TlbEntry* Entry(CpuState* c, ulong address) => (TlbEntry*)((byte*)c->Tlb + ((address >> 7) & TlbByteMask));

    [MethodImpl(Always)]
    public static bool TryLoad<TSize>(CpuState* c, Op* o, ulong address, out ulong value) where TSize : struct, ISize
    {
        TlbEntry* e = Entry(c, address);
        ulong off = address ^ e->Read;
        byte* p;
        if (off <= (ulong)(4096 - TSize.Bytes))
        {
            p = e->Host + off;
        }
        else
        {
            p = SlowMemory.Read(c, o, address, TSize.Bytes);
            if (p == null)
            {
                value = 0;
                return false;
            }
        }

        value = TSize.Load(p);
        return true;
    }

    [MethodImpl(Always)]
    public static bool TryStore<TSize>(CpuState* c, Op* o, ulong address, ulong value) where TSize : struct, ISize
    {
        TlbEntry* e = Entry(c, address);
        ulong off = address ^ e->Write;
        if (off <= (ulong)(4096 - TSize.Bytes))
        {
            TSize.Store(e->Host + off, value);
            return true;
        }

        return SlowMemory.Store(c, o, address, value, TSize.Bytes);
    }

    /// <summary>Host address of bytes that may be read.</summary>
    [MethodImpl(Always)]
    public static bool TryReadable(CpuState* c, Op* o, ulong address, int size, out byte* p)
    {
        TlbEntry* e = Entry(c, address);
        ulong off = address ^ e->Read;
        if (off <= (ulong)(4096 - size))
        {
            p = e->Host + off;
            return true;
        }

        p = SlowMemory.Read(c, o, address, size);
        return p != null;
    }

    /// <summary>
    /// Host address of bytes that may be read and written. <see cref="Commit"/> must follow the writing: bytes
    /// that lie in two pages are in a buffer until then.
    /// </summary>
    [MethodImpl(Always)]
    public static bool TryWritable(CpuState* c, Op* o, ulong address, int size, out byte* p)
    {
        TlbEntry* e = Entry(c, address);
        ulong off = address ^ e->Write;
        if (off <= (ulong)(4096 - size))
        {
            p = e->Host + off;
            return true;
        }

        p = SlowMemory.Write(c, o, address, size);
        return p != null;
    }

    /// <summary>True if what <see cref="TryWritable"/> gave is the buffer of a store to two pages.</summary>
    [MethodImpl(Always)]
    public static bool IsSplit(CpuState* c, byte* p) => p == (byte*)c + CpuState.SplitWriteOffset;

    [MethodImpl(Always)]
    public static void Commit(CpuState* c, byte* p)
    {
        if (IsSplit(c, p))
            SlowMemory.CommitSplit(c);
    }
}
