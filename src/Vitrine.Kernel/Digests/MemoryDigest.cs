using Vitrine.Kernel.Mm;

namespace Vitrine.Kernel.Digests;

/// <summary>
/// All frames in use in order of their numbers, each with its descriptor and content. Page tables are among them, so the
/// accessed and dirty bits that an engine leaves count. Free frames count by their number alone: what is in them nobody can see.
/// </summary>
internal static unsafe class MemoryDigest
{
    public static byte[] Compute(KernelInstance kernel, DigestWriter writer)
    {
        PhysicalMemory memory = kernel.Memory;
        uint frames = memory.Ram.FrameCount;
        for (uint pfn = 1; pfn < frames; pfn++)
        {
            PageDescriptor* page = memory[new PageFrameNumber(pfn)];
            if (page->RefCount <= 0)
                continue;
            writer.Add(pfn);
            writer.Add((ulong)page->Flags);
            writer.Add(page->RefCount);
            writer.Add(page->MapCount);
            writer.Add(page->Owner);
            writer.Add(page->Index);
            writer.Add(page->Order);
            writer.Add(page->Cgroup);
            writer.Add(page->Private);
            for (uint i = 0; i < 1u << page->Order; i++)
                writer.Add(memory.Ram.FrameSpan(new PageFrameNumber(pfn + i)));
        }

        foreach (Zone zone in memory.Zones)
        {
            writer.Add(zone.Free);
            for (int order = 0; order < Zone.Orders; order++)
                writer.Add(zone.FreeBlocks(order));
        }

        for (VmCounter counter = 0; counter < VmCounter.Count; counter++)
            writer.Add(memory.Vm[counter]);
        return writer.Finish();
    }
}
