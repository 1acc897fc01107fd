using Vitrine.Abi;

namespace Vitrine.Cpu;

/// <summary>
/// Guest RAM as the processor sees it: one flat region of host memory, guest physical address 0 at
/// <see cref="Base"/>. The region is created and owned by the machine's hardware; it never moves.
/// </summary>
/// <remarks>
/// Writes by the kernel to frames that may hold decoded code must be followed by
/// <see cref="ProcessorComplex.InvalidateCode"/>; the kernel has one API (in <c>Mm</c>) that does so.
/// </remarks>
internal sealed unsafe class GuestMemory(byte* @base, ulong length)
{
    /// <summary>Host address of guest physical address 0.</summary>
    public byte* Base { get; } = @base;

    /// <summary>Bytes of RAM, a multiple of 2 MiB.</summary>
    public ulong Length { get; } = length;

    public uint FrameCount => (uint)(Length >> Page.Shift);

    /// <summary>The host address of a frame. The caller vouches that the frame exists.</summary>
    public byte* Frame(PageFrameNumber pfn) => Base + ((ulong)pfn.Value << Page.Shift);

    public Span<byte> FrameSpan(PageFrameNumber pfn) => new(Frame(pfn), (int)Page.Size);
}
