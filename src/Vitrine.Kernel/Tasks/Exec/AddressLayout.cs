using System.Buffers.Binary;
using Vitrine.Hardware;
using Vitrine.Kernel.Mm;

namespace Vitrine.Kernel.Tasks.Exec;

/// <summary>
/// Where things go in a new address space: stack at the top, mappings below it, position-independent programs at two
/// thirds, each moved by chance (ASLR) unless the personality says not to. The ranges are Linux's for x86-64.
/// </summary>
internal readonly struct AddressLayout
{
    /// <summary>personality(2): ADDR_NO_RANDOMIZE.</summary>
    public const uint NoRandomize = 0x0040000;

    private const ulong MinimumGap = 128UL << 20;
    private const ulong StackRandomPages = 0x3fffff;
    private const ulong MmapRandomPages = 0xfffffff;
    private const ulong BrkRandomRange = 1UL << 30;
    private const ulong DynamicBase = MmStruct.TaskSize / 3 * 2;

    private readonly IEntropyDevice? _entropy;

    private AddressLayout(IEntropyDevice? entropy) => _entropy = entropy;

    public VirtAddr StackTop { get; private init; }

    public VirtAddr MmapBase { get; private init; }

    /// <summary>Where a position-independent program is put.</summary>
    public VirtAddr ProgramBase { get; private init; }

    public static AddressLayout Choose(IEntropyDevice entropy, uint personality, RLimit stackLimit)
    {
        bool randomize = (personality & NoRandomize) == 0;
        var layout = new AddressLayout(randomize ? entropy : null);
        ulong stackTop = MmStruct.TaskSize - (layout.Random(StackRandomPages) << Page.Shift);
        ulong pad = (randomize ? (StackRandomPages + 1) << Page.Shift : 0) + MmStruct.StackGuardGap;
        ulong gap = stackLimit.Soft > ulong.MaxValue - pad ? stackLimit.Soft : stackLimit.Soft + pad;
        gap = Math.Clamp(gap, MinimumGap + pad, MmStruct.TaskSize / 6 * 5);
        ulong mmapBase = Page.AlignUp(MmStruct.TaskSize - gap - (layout.Random(MmapRandomPages) << Page.Shift));
        ulong program = Page.AlignDown(DynamicBase) + (layout.Random(MmapRandomPages) << Page.Shift);
        return new AddressLayout(randomize ? entropy : null)
        {
            StackTop = new VirtAddr(stackTop),
            MmapBase = new VirtAddr(mmapBase),
            ProgramBase = new VirtAddr(program),
        };
    }

    /// <summary>The start of the heap, for a program whose last segment ends here.</summary>
    public ulong Brk(ulong end) => Page.AlignUp(end) + (Random(BrkRandomRange - 1) & ~(Page.Size - 1));

    /// <summary>How far the first stack words lie below the strings: less than two pages.</summary>
    public ulong StackOffset() => Random(0x1fff);

    /// <summary>A place for the vDSO above the stack, within its 2 MiB.</summary>
    public VirtAddr Vdso(VirtAddr stackTop, ulong length)
    {
        ulong start = Page.AlignUp(stackTop.Value);
        ulong end = Math.Min((start + length + Page.HugeSize - 1) & ~(Page.HugeSize - 1), MmStruct.TaskSize) - length;
        if (end <= start)
            return default;
        ulong pages = ((end - start) >> Page.Shift) + 1;
        return new VirtAddr(start + ((Random(0xffff) % pages) << Page.Shift));
    }

    private ulong Random(ulong mask)
    {
        if (_entropy is null)
            return 0;
        Span<byte> bytes = stackalloc byte[8];
        _entropy.Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes) & mask;
    }
}
