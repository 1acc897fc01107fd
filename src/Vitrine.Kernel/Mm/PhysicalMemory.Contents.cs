namespace Vitrine.Kernel.Mm;

/// <content>
/// How the kernel writes to frames that user code may map or execute: whatever was decoded from them is dropped.
/// Frames that nobody but the kernel sees are written through <c>Ram</c> directly.
/// </content>
internal sealed unsafe partial class PhysicalMemory
{
    public void Write(PageFrameNumber pfn, int offset, ReadOnlySpan<byte> data)
    {
        data.CopyTo(Ram.FrameSpan(pfn)[offset..]);
        Written(pfn);
    }

    public void Zero(PageFrameNumber pfn, int offset, int length)
    {
        Ram.FrameSpan(pfn).Slice(offset, length).Clear();
        Written(pfn);
    }

    public void Copy(PageFrameNumber to, PageFrameNumber from)
    {
        Ram.FrameSpan(from).CopyTo(Ram.FrameSpan(to));
        Written(to);
    }

    /// <summary>To be called after the kernel wrote to a frame by pointer.</summary>
    public void Written(PageFrameNumber pfn)
    {
        if (Kernel.Complex.IsCode(pfn))
            Kernel.Complex.InvalidateCode(pfn);
    }

    private void DropCode(PageFrameNumber pfn, int order)
    {
        for (uint i = 0; i < 1u << order; i++)
            Written(pfn + i);
    }
}
