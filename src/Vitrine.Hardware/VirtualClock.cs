using Vitrine.Cpu;

namespace Vitrine.Hardware;

/// <summary>
/// The clock of deterministic mode: time is what the machine's only processor has retired, a nanosecond for each
/// instruction, plus what the kernel lets pass (<see cref="Skip"/>) for its own work and instead of waiting. The host's
/// time is never asked for.
/// </summary>
internal sealed class VirtualClock(VirtualProcessor processor) : IClockDevice
{
    /// <summary>What one retired instruction takes.</summary>
    public const long NanosecondsPerInstruction = 1;

    /// <summary>What each entry into the kernel takes: a system call, a fault, an exception.</summary>
    public const long EntryNanoseconds = 250;

    /// <summary>What a long path of the kernel takes from one place where others may have their turn to the next.</summary>
    public const long KernelPathNanoseconds = 1000;

    /// <summary>Real time at power-on: 2030-01-01 00:00:00 UTC, later than the files of today's hosts.</summary>
    public const long StartOfRealtime = 1_893_456_000L * 1_000_000_000;

    private long _skipped;

    public long MonotonicNanoseconds => _skipped + ((long)processor.InstructionsRetired * NanosecondsPerInstruction);

    public long RealtimeNanoseconds => StartOfRealtime + MonotonicNanoseconds;

    /// <summary>Lets time pass in which no instruction retires. For the processor's own thread.</summary>
    public void Skip(long nanoseconds) => _skipped += nanoseconds;
}
