namespace Vitrine.Kernel.Time;

/// <summary>Nanoseconds on the machine's monotonic clock, which starts at 0 at boot (like ktime_t).</summary>
internal readonly record struct Ktime(long Nanoseconds) : IComparable<Ktime>
{
    public const long NanosecondsPerSecond = 1_000_000_000;

    public static Ktime Zero => default;

    /// <summary>A deadline that never comes.</summary>
    public static Ktime Never => new(long.MaxValue);

    public bool IsNever => Nanoseconds == long.MaxValue;

    /// <summary>Addition that saturates at <see cref="Never"/>, so that "now + huge" is a deadline that never comes.</summary>
    public static Ktime operator +(Ktime a, long nanoseconds) =>
        nanoseconds > 0 && a.Nanoseconds > long.MaxValue - nanoseconds ? Never : new(a.Nanoseconds + nanoseconds);

    public static long operator -(Ktime a, Ktime b) => a.Nanoseconds - b.Nanoseconds;

    public static bool operator <(Ktime a, Ktime b) => a.Nanoseconds < b.Nanoseconds;

    public static bool operator >(Ktime a, Ktime b) => a.Nanoseconds > b.Nanoseconds;

    public static bool operator <=(Ktime a, Ktime b) => a.Nanoseconds <= b.Nanoseconds;

    public static bool operator >=(Ktime a, Ktime b) => a.Nanoseconds >= b.Nanoseconds;

    public int CompareTo(Ktime other) => Nanoseconds.CompareTo(other.Nanoseconds);

    public Timespec ToTimespec() => Timespec.FromNanoseconds(Nanoseconds);

    /// <summary>The length of a valid timespec in nanoseconds, saturated.</summary>
    public static long Duration(Timespec t) =>
        t.Seconds >= long.MaxValue / NanosecondsPerSecond ? long.MaxValue : (t.Seconds * NanosecondsPerSecond) + t.Nanoseconds;
}
