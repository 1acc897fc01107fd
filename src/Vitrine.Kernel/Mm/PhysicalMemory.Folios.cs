using Vitrine.Kernel.Sched;

namespace Vitrine.Kernel.Mm;

/// <content>What page caches need of the frames: owners by number, wait queues, dirty and referenced marks.</content>
internal sealed unsafe partial class PhysicalMemory
{
    private const int WaitQueueCount = 256;

    private readonly WaitQueue?[] _folioQueues = new WaitQueue?[WaitQueueCount];
    private readonly List<AddressSpace?> _spaces = [null];
    private readonly Stack<int> _freeSpaceNumbers = new();
    private MmuGather? _gather;
    private ulong _committed;

    /// <summary>The machine's collector of unmapped frames.</summary>
    internal MmuGather Gather => _gather ??= new MmuGather(this);

    /// <summary>Address spaces of processes that exist, for the leak audit.</summary>
    public int LiveAddressSpaces { get; set; }

    /// <summary>Page caches that hold pages, for the leak audit.</summary>
    public int LivePageCaches { get; private set; }

    /// <summary>Committed_AS in pages.</summary>
    public ulong Committed => _committed;

    /// <summary>vm.overcommit_memory: 0 heuristic, 1 always, 2 never.</summary>
    public int OvercommitMode { get; set; }

    /// <summary>vm.overcommit_ratio, for mode 2.</summary>
    public int OvercommitRatio { get; set; } = 50;

    public ulong CommitLimit => (ulong)(TotalFrames * OvercommitRatio / 100);

    /// <summary>The page cache of that number, or null.</summary>
    public AddressSpace? SpaceOf(int number) => _spaces[number];

    /// <summary>Sleepers on a folio's lock share a queue with those of other frames.</summary>
    internal WaitQueue WaitQueueOf(PageFrameNumber frame)
    {
        uint hash = (frame.Value * 2654435769u) >> 24;
        return _folioQueues[hash] ??= new WaitQueue();
    }

    internal void Register(AddressSpace space)
    {
        if (!_freeSpaceNumbers.TryPop(out int number))
        {
            number = _spaces.Count;
            _spaces.Add(null);
        }

        _spaces[number] = space;
        space.Number = number;
        LivePageCaches++;
    }

    internal void Unregister(AddressSpace space)
    {
        _spaces[space.Number] = null;
        _freeSpaceNumbers.Push(space.Number);
        space.Number = 0;
        LivePageCaches--;
    }

    internal void MarkDirty(PageFrameNumber frame)
    {
        PageDescriptor* page = _pages + frame.Value;
        if ((page->Flags & PageFlags.Dirty) != 0)
            return;
        page->Flags |= PageFlags.Dirty;
        if ((page->Flags & PageFlags.SwapBacked) == 0)
        {
            Vm.Add(VmCounter.Dirty, 1);
            Vm.Add(VmCounter.Dirtied, 1);
        }
    }

    internal void ClearDirty(PageFrameNumber frame)
    {
        PageDescriptor* page = _pages + frame.Value;
        if ((page->Flags & PageFlags.Dirty) == 0)
            return;
        page->Flags &= ~PageFlags.Dirty;
        if ((page->Flags & PageFlags.SwapBacked) == 0)
            Vm.Add(VmCounter.Dirty, -1);
    }

    /// <summary>Accounts for memory that may be touched later (__vm_enough_memory). ENOMEM.</summary>
    internal Errno Commit(ulong pages)
    {
        bool fits = OvercommitMode switch
        {
            1 => true,
            2 => _committed + pages <= CommitLimit,

            // The heuristic refuses only what could never be had.
            _ => pages <= (ulong)TotalFrames,
        };
        if (!fits)
            return Errno.ENOMEM;
        _committed += pages;
        return Errno.Success;
    }

    internal void Uncommit(ulong pages) => _committed -= pages;
}
