namespace Vitrine.Kernel.Sched;

/// <summary>The seeded choice of a test machine whose awaits may each give up the processor (xorshift64*).</summary>
internal sealed class YieldingMode(ulong seed)
{
    private ulong _state = seed == 0 ? 0x9e3779b97f4a7c15 : seed;

    public bool Draw()
    {
        _state ^= _state >> 12;
        _state ^= _state << 25;
        _state ^= _state >> 27;
        return ((_state * 0x2545f4914f6cdd1d) >> 62) == 0;
    }
}
