using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// One mapping of an address space (vm_area_struct's twin): [Start, End), page-aligned. It holds a reference on its
/// file and pins the page cache it maps.
/// </summary>
internal sealed partial class VmArea(MmStruct mm, VirtAddr start, VirtAddr end, VmFlags flags)
{
    /// <summary>What one is charged to kernel memory.</summary>
    public const int DeclaredSize = 232;

    public MmStruct Mm { get; } = mm;

    public VirtAddr Start { get; set; } = start;

    public VirtAddr End { get; set; } = end;

    public VmFlags Flags { get; set; } = flags;

    /// <summary>The page index of <see cref="Start"/>: in the file, or the virtual page number of an anonymous mapping.</summary>
    public ulong PageOffset { get; set; }

    /// <summary>The file it was made from; counted.</summary>
    public OpenFile? File { get; set; }

    /// <summary>The page cache that its faults use; null for anonymous and special mappings. Pinned.</summary>
    public AddressSpace? Mapping { get; private set; }

    public VmOperations? Operations { get; set; }

    /// <summary>Holds (or held) private frames: fork must copy its page tables.</summary>
    public bool HasAnonymous { get; set; }

    /// <summary>May have entries that are <see cref="Pte.Lazy"/>.</summary>
    public bool HasLazy { get; set; }

    /// <summary>The name that prctl(PR_SET_VMA_ANON_NAME) gave.</summary>
    public string? AnonymousName { get; set; }

    /// <summary>Where its memory comes from (mbind(2)); null: as the task says.</summary>
    public MemoryPolicy? Policy { get; set; }

    /// <summary>Where it is in its mapping's list.</summary>
    internal int MappingSlot { get; set; } = -1;

    public ulong Length => End - Start;

    public ulong Pages => Length >> Page.Shift;

    public bool IsAnonymous => Mapping is null && Operations is null;

    public bool IsShared => (Flags & VmFlags.Shared) != 0;

    /// <summary>A private mapping that may become writable: writes copy (is_cow_mapping).</summary>
    public bool IsCopyOnWrite => (Flags & (VmFlags.Shared | VmFlags.MayWrite)) == VmFlags.MayWrite;

    public bool IsGrowsDown => (Flags & VmFlags.GrowsDown) != 0;

    /// <summary>The lowest address that others must keep clear: a stack's guard gap included.</summary>
    public ulong StartWithGap
    {
        get
        {
            if (!IsGrowsDown)
                return Start.Value;
            return Start.Value > MmStruct.StackGuardGap ? Start.Value - MmStruct.StackGuardGap : 0;
        }
    }

    public ulong IndexOf(VirtAddr address) => PageOffset + ((address - Start) >> Page.Shift);

    public bool Contains(VirtAddr address) => address >= Start && address < End;

    /// <summary>Makes it a mapping of a page cache (or retargets it); null takes it off.</summary>
    public void SetMapping(AddressSpace? space)
    {
        if (Mapping == space)
            return;
        if (Mapping is { } old)
        {
            old.RemoveMapping(this);
            Mapping = null;
            old.Unpin();
        }

        if (space is not null)
        {
            space.Pin();
            Mapping = space;
            space.AddMapping(this);
        }
    }

    public override string ToString() => $"{Start.Value:x}-{End.Value:x} {Flags}";
}
