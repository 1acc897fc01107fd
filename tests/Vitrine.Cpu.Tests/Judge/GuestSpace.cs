using System.Runtime.InteropServices;
using Vitrine.Abi;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>Bits of an x86-64 page-table entry.</summary>
[Flags]
internal enum Pte : ulong
{
    None = 0,
    Present = 1,
    Writable = 2,
    User = 4,
    Accessed = 1 << 5,
    Dirty = 1 << 6,
    Huge = 1 << 7,
    NoExecute = 1UL << 63,
}

/// <summary>
/// Guest RAM with page tables written by hand: the least that a processor needs to run code, for tests that
/// stand in for the kernel.
/// </summary>
internal sealed unsafe class GuestSpace : IDisposable
{
    private const ulong FrameMask = 0x000f_ffff_ffff_f000;
    private readonly void* _region;
    private uint _nextFrame = 1;

    public GuestSpace(ulong megabytes = 16, CpuLevel level = CpuLevel.Max, TranslationPolicy translation = default)
    {
        ulong length = megabytes << 20;

        // SAFETY: the region is freed in Dispose only, after every processor over it is gone.
        _region = NativeMemory.AlignedAlloc((nuint)length, (nuint)Page.HugeSize);
        NativeMemory.Clear(_region, (nuint)length);
        Memory = new GuestMemory((byte*)_region, length);
        Root = AllocateFrame();
        Complex = new ProcessorComplex(Memory, translation, level);
    }

    public GuestMemory Memory { get; }

    public ProcessorComplex Complex { get; }

    public PageFrameNumber Root { get; }

    public PhysAddr Cr3 => Root.Address;

    public PageFrameNumber AllocateFrame()
    {
        if (_nextFrame >= Memory.FrameCount)
            throw new InvalidOperationException("The guest space of this test is too small.");
        return new PageFrameNumber(_nextFrame++);
    }

    /// <summary>A run of frames that begins at a multiple of 2 MiB.</summary>
    public PageFrameNumber AllocateHugeFrame()
    {
        _nextFrame = (_nextFrame + 511) & ~511u;
        var first = new PageFrameNumber(_nextFrame);
        _nextFrame += 512;
        if (_nextFrame > Memory.FrameCount)
            throw new InvalidOperationException("The guest space of this test is too small.");
        return first;
    }

    public VirtualProcessor CreateProcessor() => Complex.CreateProcessor();

    /// <summary>Maps a new frame, or the one given, and returns it.</summary>
    public PageFrameNumber Map(ulong address, Pte bits, PageFrameNumber frame = default)
    {
        if (frame.IsNone)
            frame = AllocateFrame();
        *Entry(address, create: true) = frame.Address.Value | (ulong)(bits | Pte.Present | Pte.User);
        return frame;
    }

    public PageFrameNumber MapHuge(ulong address, Pte bits)
    {
        PageFrameNumber frame = AllocateHugeFrame();
        *Entry(address, create: true, level: 1) = frame.Address.Value | (ulong)(bits | Pte.Present | Pte.User | Pte.Huge);
        return frame;
    }

    /// <summary>The last-level entry for an address; null if a table on the way is missing and not to be made.</summary>
    public ulong* Entry(ulong address, bool create = false, int level = 0)
    {
        PageFrameNumber table = Root;
        for (int at = 3; ; at--)
        {
            // SAFETY: tables are frames of this space; the index is below 512.
            ulong* entry = (ulong*)Memory.Frame(table) + ((address >> (12 + (9 * at))) & 511);
            if (at == level)
                return entry;
            if ((*entry & 1) == 0)
            {
                if (!create)
                    return null;
                *entry = AllocateFrame().Address.Value | (ulong)(Pte.Present | Pte.Writable | Pte.User);
            }

            table = new PageFrameNumber((uint)((*entry & FrameMask) >> Page.Shift));
        }
    }

    /// <summary>Host address of a mapped guest address.</summary>
    public byte* Host(ulong address) => Memory.Base + (*Entry(address) & FrameMask) + (address & 4095);

    /// <summary>Writes bytes through the page tables, as a kernel would, and drops decoded code.</summary>
    public void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int inPage = (int)Math.Min((ulong)bytes.Length, Page.Size - (address & (Page.Size - 1)));
            bytes[..inPage].CopyTo(new Span<byte>(Host(address), inPage));
            Complex.InvalidateCode(new PageFrameNumber((uint)((*Entry(address) & FrameMask) >> Page.Shift)));
            bytes = bytes[inPage..];
            address += (ulong)inPage;
        }
    }

    public void Dispose()
    {
        Complex.Dispose();
        NativeMemory.AlignedFree(_region);
    }
}
