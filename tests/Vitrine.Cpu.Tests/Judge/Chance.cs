namespace Vitrine.Cpu.Tests.Judge;

/// <summary>A small seeded generator (splitmix64): the same seed gives the same instances on every host.</summary>
internal struct Chance(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>A number from 0 to bound - 1.</summary>
    public int Below(int bound) => (int)((Next() >> 33) % (uint)bound);

    /// <summary>A number from low to high, both included.</summary>
    public int Between(int low, int high) => low + Below(high - low + 1);

    public bool Percent(int percent) => Below(100) < percent;

    public T Of<T>(ReadOnlySpan<T> choices) => choices[Below(choices.Length)];
}
