namespace Vitrine.Kernel.Time;

/// <summary>Clock ticks as user code counts them: USER_HZ = 100 a second.</summary>
internal static class Ticks
{
    public const int PerSecond = 100;

    private const long Nanoseconds = Ktime.NanosecondsPerSecond / PerSecond;

    public static long FromNanoseconds(long nanoseconds) => nanoseconds / Nanoseconds;
}
