namespace Vitrine.Bench;

/// <summary>Seconds by the clock, and seconds of processor time.</summary>
internal readonly record struct Timing(double Elapsed, double Processor);
