using System.Runtime.CompilerServices;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Translation;

/// <summary>Accesses to pages that hold an operand which the debug registers watch.</summary>
internal static unsafe class WatchedMemory
{
    /// <summary>
    /// Compares an access with the watched operands. False: it touches a watched page outside a step, and leaving for the
    /// step is prepared.
    /// </summary>
    [MethodImpl(Never)]
    public static bool Check(CpuState* c, Op* o, ulong address, int size, bool write)
    {
        if (!IsOnPage(c, address) && !IsOnPage(c, address + (ulong)size - 1))
            return true;
        if ((c->Stepping & (int)StepFlags.Single) == 0)
        {
            _ = Leave.Before(c, o, LeaveReason.Alone);
            return false;
        }

        for (int i = 0; i < DebugRegisters.Count; i++)
        {
            bool wanted = (c->WatchActive >> (write ? i : i + DebugRegisters.Count) & 1) != 0;
            if (wanted && address < c->WatchAddress[i] + c->WatchLength[i] && c->WatchAddress[i] < address + (ulong)size)
                c->WatchHits |= 1 << i;
        }

        return true;
    }

    /// <summary>True if a watched operand lies in the address's page: the translation cache must not answer for it.</summary>
    public static bool IsOnPage(CpuState* c, ulong address)
    {
        for (int i = 0; i < DebugRegisters.Count; i++)
        {
            if ((c->WatchActive >> i & 1) != 0 && (c->WatchAddress[i] ^ address) < 4096)
                return true;
        }

        return false;
    }
}
