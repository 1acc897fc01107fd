namespace Vitrine.Kernel.Mm;

/// <summary>
/// Remembers which file pages were reclaimed, and when in the order of reclaims (mm/workingset.c's part): a page that
/// comes back before as many others went as the active list holds would have stayed had it been there, so it goes
/// there. When the same few pages come back over and over the machine only thrashes; what Linux leaves to
/// lru_gen's min_ttl_ms or to oomd is then said here: the working set does not fit, somebody has to go.
/// </summary>
internal sealed class Workingset
{
    private const long Window = 1_000_000_000;

    /// <summary>How often the whole page cache must have come back within the window.</summary>
    private const long Turnovers = 32;

    private const int MinimumPages = 256;

    private readonly PhysicalMemory _memory;
    private readonly ulong[] _shadows;
    private uint _evictions;
    private long _windowStart;
    private long _windowRefaults;

    public Workingset(PhysicalMemory memory)
    {
        _memory = memory;
        _shadows = new ulong[(int)Math.Clamp(System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)memory.TotalFrames / 4), 1024, 1 << 16)];
    }

    /// <summary>A page of a file leaves the cache for want of memory.</summary>
    public void Evicted(int space, ulong index)
    {
        ulong key = Key(space, index);
        _shadows[key & ((uint)_shadows.Length - 1)] = (key & 0xffff_ffff_0000_0000) | ++_evictions;
    }

    /// <summary>A page of a file comes into the cache. True: it was there not long ago, and belongs to the active pages.</summary>
    public bool Refaulted(int space, ulong index)
    {
        if (_evictions == 0)
            return false;
        ulong key = Key(space, index);
        ref ulong shadow = ref _shadows[key & ((uint)_shadows.Length - 1)];
        if ((shadow ^ key) >> 32 != 0 || shadow == 0)
            return false;
        uint distance = _evictions - (uint)shadow;
        shadow = 0;
        VmStatistics vm = _memory.Vm;
        vm.Add(VmCounter.WorkingsetRefault, 1);
        if (distance <= vm[VmCounter.ActiveFile] + vm[VmCounter.InactiveFile])
            _windowRefaults++;
        if (distance > vm[VmCounter.ActiveFile])
            return false;
        vm.Add(VmCounter.WorkingsetActivate, 1);
        return true;
    }

    /// <summary>The cache came back many times over within a second: no work can be going on. Starts a new window if so.</summary>
    public bool IsThrashing(long now)
    {
        bool thrashing = _windowRefaults > Turnovers * Math.Max(_memory.Vm[VmCounter.FilePages], MinimumPages);
        if (thrashing || now - _windowStart > Window)
        {
            _windowStart = now;
            _windowRefaults = 0;
        }

        return thrashing;
    }

    private static ulong Key(int space, ulong index) => ((index * 0x9e37_79b9_7f4a_7c15) ^ ((uint)space * 0xc2b2_ae3d_27d4_eb4fUL)) | (1UL << 63);
}
