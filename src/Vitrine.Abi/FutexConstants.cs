using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>futex(2) commands.</summary>
internal enum FutexCommand
{
    Wait = 0,
    Wake = 1,
    Fd = 2,
    Requeue = 3,
    CompareRequeue = 4,
    WakeOperation = 5,
    LockPi = 6,
    UnlockPi = 7,
    TryLockPi = 8,
    WaitBitset = 9,
    WakeBitset = 10,
    WaitRequeuePi = 11,
    CompareRequeuePi = 12,
    LockPi2 = 13,
}

/// <summary>futex(2): the operation word, command and flags.</summary>
[Flags]
internal enum FutexFlags : uint
{
    None = 0,
    CommandMask = 0x7f,
    Private = 128,
    ClockRealtime = 256,
}

/// <summary>Bits of a futex word that the kernel shares with user code (robust and PI futexes).</summary>
internal static class FutexWord
{
    public const uint Waiters = 0x80000000;
    public const uint OwnerDied = 0x40000000;
    public const uint TidMask = 0x3fffffff;
}

/// <summary>struct robust_list_head.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct RobustListHead(ulong Next, long FutexOffset, ulong Pending);

/// <summary>struct futex_waitv.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct FutexWaitVector(ulong Value, ulong Address, uint Flags, uint Reserved);
