using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// Where machine code for an address begins: one table for each address space, which indirect jumps and those to other pages look into.
/// Two arrays, of addresses and of host addresses. An address that isn't canonical is never in it. Zero stands for none, but at address 0's own place.
/// </summary>
internal static unsafe class NativeJumps
{
    public const int IndexBits = 14;
    public const int Entries = 1 << IndexBits;

    /// <summary>An index is the upper bits of the address's low half times this (Fibonacci hashing: 2^32 over the golden ratio).</summary>
    public const int Multiplier = unchecked((int)0x9e3779b1);

    /// <summary>Not canonical, so no instruction's address.</summary>
    private const ulong Never = 0x5ac3_96b7_4e1d_8001;

    public static uint IndexOf(ulong address) => (uint)address * unchecked((uint)Multiplier) >> (32 - IndexBits);

    /// <summary>Entries filled since the table was empty, and their numbers: so that emptying it again is quick (32 bits each).</summary>
    public const int LogCapacity = 1023;
    public const int LogBytes = (LogCapacity + 1) * 4;

    /// <summary>Machine code for an address is at a host address. The state is the one ahead of the tables.</summary>
    public static void Set(CpuState* c, ulong address, byte* code)
    {
        var state = (byte*)c;
        uint index = IndexOf(address);
        var log = (uint*)(state + SlotLayout.NativeLog);
        ref ulong key = ref ((ulong*)(state + SlotLayout.NativeKeys))[index];
        if (key == None(index) && log[0]++ < LogCapacity)
            log[log[0]] = index;
        key = address;
        ((byte**)(state + SlotLayout.NativeCodes))[index] = code;
    }

    /// <summary>Makes an empty table of zeros, given the state ahead of it.</summary>
    public static void Prepare(byte* state) => *(ulong*)(state + SlotLayout.NativeKeys) = None(0);

    /// <summary>Empties a table.</summary>
    public static void Forget(byte* state)
    {
        var log = (uint*)(state + SlotLayout.NativeLog);
        var keys = (ulong*)(state + SlotLayout.NativeKeys);
        if (log[0] > LogCapacity)
        {
            new Span<ulong>(keys, Entries).Clear();
            Prepare(state);
        }
        else
        {
            for (uint i = 1; i <= log[0]; i++)
                keys[log[i]] = None(log[i]);
        }

        log[0] = 0;
    }

    private static ulong None(uint index) => index == 0 ? Never : 0;
}
