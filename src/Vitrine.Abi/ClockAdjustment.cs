using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>struct timex of x86-64: 208 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 208)]
internal struct ClockAdjustment
{
    public uint Modes;
    public uint Padding0;
    public long Offset;
    public long Frequency;
    public long MaximumError;
    public long EstimatedError;
    public int Status;
    public int Padding1;
    public long Constant;
    public long Precision;
    public long Tolerance;
    public long TimeSeconds;
    public long TimeFraction;
    public long Tick;
    public long PpsFrequency;
    public long Jitter;
    public int Shift;
    public int Padding2;
    public long Stability;
    public long JitterCount;
    public long CalibrationCount;
    public long ErrorCount;
    public long StabilityCount;
    public int Tai;
}
