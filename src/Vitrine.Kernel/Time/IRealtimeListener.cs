namespace Vitrine.Kernel.Time;

/// <summary>Something whose moments are times of CLOCK_REALTIME. Called under the kernel lock; must not wait.</summary>
internal interface IRealtimeListener
{
    /// <summary>The clock was set: it shows another time now.</summary>
    void RealtimeWasSet();
}
