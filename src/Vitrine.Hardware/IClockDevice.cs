namespace Vitrine.Hardware;

/// <summary>The machine's only source of time. Host time in real mode, retired instructions in deterministic mode.</summary>
internal interface IClockDevice
{
    /// <summary>Nanoseconds since some fixed point, never going back. The processors' TSC counts the same nanoseconds.</summary>
    long MonotonicNanoseconds { get; }

    /// <summary>Nanoseconds since 1970-01-01 UTC at power-on plus what has passed since.</summary>
    long RealtimeNanoseconds { get; }
}

/// <summary>The machine's only source of chance.</summary>
internal interface IEntropyDevice
{
    void Fill(Span<byte> destination);
}
