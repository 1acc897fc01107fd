using System.Runtime.InteropServices;

namespace Vitrine.Bench;

/// <summary>
/// Processor time, user and system, as the host's kernel accounts it: unlike the clock's, it says the same on a
/// machine that is busy with other things.
/// </summary>
internal static unsafe partial class ProcessorTime
{
    private const int Children = -1;
    private const int Thread = 1;

    /// <summary>Seconds used by child processes that have been waited for.</summary>
    public static double OfChildren => Seconds(Children);

    /// <summary>Seconds used by the calling thread.</summary>
    public static double OfThread => Seconds(Thread);

    private static double Seconds(int who)
    {
        // struct rusage begins with two timevals; 144 bytes in all.
        long* usage = stackalloc long[18];
        if (GetResourceUsage(who, usage) != 0)
            throw new InvalidOperationException($"getrusage fails with errno {Marshal.GetLastPInvokeError()}.");
        return usage[0] + usage[2] + ((usage[1] + usage[3]) / 1e6);
    }

    [LibraryImport("libc", EntryPoint = "getrusage", SetLastError = true)]
    private static partial int GetResourceUsage(int who, long* usage);
}
