using Vitrine.Abi;

namespace Vitrine.Cpu;

/// <summary>Told of an instruction that the processor doesn't know, before #UD is delivered.</summary>
internal delegate void UnknownInstructionHandler(VirtAddr address, ReadOnlySpan<byte> bytes);

internal sealed unsafe partial class ProcessorComplex(GuestMemory memory) : IDisposable
{
    public GuestMemory Memory { get; } = memory;

    /// <summary>The time-stamp counter; null means the host's monotonic clock in nanoseconds.</summary>
    public Func<ulong>? TimeStamp { get; set; }

    public UnknownInstructionHandler? UnknownInstruction { get; set; }

    /// <summary>Adds a processor. To be called before any runs.</summary>
    public VirtualProcessor CreateProcessor() => throw new NotImplementedException();

    public partial void Flush(PhysAddr cr3, VirtAddr start, ulong pages) => throw new NotImplementedException();

    public partial void FlushAll(PhysAddr cr3) => throw new NotImplementedException();

    public partial bool IsCode(PageFrameNumber pfn) => throw new NotImplementedException();

    public partial void InvalidateCode(PageFrameNumber pfn) => throw new NotImplementedException();

    public void Dispose()
    {
    }
}
