using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>
/// Where locked accesses happen: on host memory with the host's atomics. An operand that lies in two pages, or
/// that the host can't handle, makes the instruction run again while all other processors stand still.
/// </summary>
internal static unsafe class Atomic
{
    /// <summary>Host address for a locked access; <see cref="MemoryAccess.Commit"/> must follow.</summary>
    [MethodImpl(Always)]
    public static bool TryBegin(CpuState* c, Op* o, ulong address, int size, out byte* p)
    {
        TlbEntry* e = MemoryAccess.Entry(c, address);
        ulong off = address ^ e->Write;
        if (off <= (ulong)(4096 - size) && (X86Base.IsSupported || (off & (ulong)(size - 1)) == 0))
        {
            p = e->Host + off;
            return true;
        }

        p = Begin(c, o, address, size);
        return p != null;
    }

    [MethodImpl(Never)]
    private static byte* Begin(CpuState* c, Op* o, ulong address, int size)
    {
        byte* p = SlowMemory.Write(c, o, address, size);
        if (p == null)
            return null;
        bool hostCan = !MemoryAccess.IsSplit(c, p) && (X86Base.IsSupported || ((nuint)p & (nuint)(size - 1)) == 0);
        if (hostCan)
            return p;
        if ((c->Stepping & (int)StepFlags.Exclusive) != 0)
        {
            if (MemoryAccess.IsSplit(c, p))
                return p;

            // In one page, but not aligned as the host needs it: work in the (aligned) split buffer.
            c->SplitFirst = p;
            c->SplitFirstLength = size;
            c->SplitSecond = p;
            c->SplitSecondLength = 0;
            byte* buffer = (byte*)c + CpuState.SplitWriteOffset;
            Unsafe.CopyBlockUnaligned(buffer, p, (uint)size);
            return buffer;
        }

        _ = Leave.Before(c, o, LeaveReason.Exclusive);
        return null;
    }
}
