using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>struct timespec: seconds and nanoseconds, both 64 bits.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct Timespec(long Seconds, long Nanoseconds)
{
    public bool IsValid => Seconds >= 0 && Nanoseconds is >= 0 and < 1_000_000_000;

    public static Timespec FromNanoseconds(long ns)
    {
        long seconds = Math.DivRem(ns, 1_000_000_000, out long rest);
        return rest < 0 ? new(seconds - 1, rest + 1_000_000_000) : new(seconds, rest);
    }
}

/// <summary>struct timeval: seconds and microseconds, both 64 bits.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct Timeval(long Seconds, long Microseconds)
{
    public bool IsValid => Seconds >= 0 && Microseconds is >= 0 and < 1_000_000;
}
