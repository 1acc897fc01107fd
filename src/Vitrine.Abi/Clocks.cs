using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>clock_gettime(2) clocks; negative ids are CPU clocks of processes and threads.</summary>
internal enum ClockId
{
    Realtime = 0,
    Monotonic = 1,
    ProcessCpuTime = 2,
    ThreadCpuTime = 3,
    MonotonicRaw = 4,
    RealtimeCoarse = 5,
    MonotonicCoarse = 6,
    Boottime = 7,
    RealtimeAlarm = 8,
    BoottimeAlarm = 9,
    Tai = 11,
}

/// <summary>struct itimerspec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct IntervalTimerSpec(Timespec Interval, Timespec Value);

/// <summary>struct itimerval.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct IntervalTimerValue(Timeval Interval, Timeval Value);

/// <summary>getitimer(2) timers.</summary>
internal enum IntervalTimerKind
{
    Real = 0,
    Virtual = 1,
    Profiling = 2,
}

/// <summary>flags of clock_nanosleep and timer_settime.</summary>
[Flags]
internal enum TimerFlags
{
    None = 0,
    Absolute = 1,
}

/// <summary>struct timezone.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct TimeZoneValue(int MinutesWest, int DaylightKind);
