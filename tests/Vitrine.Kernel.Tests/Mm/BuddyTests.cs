using Vitrine.Kernel.Mm;

namespace Vitrine.Kernel.Tests.Mm;

public class BuddyTests
{
    [Fact]
    public void TryAllocate_AllOrders_BlocksAreAlignedAndDisjoint()
    {
        using var f = new MmFixture();
        var taken = new Dictionary<uint, int>();
        var used = new HashSet<uint>();
        uint seed = 12345;
        for (int i = 0; i < 3000; i++)
        {
            seed = (seed * 1664525) + 1013904223;
            int order = (int)(seed >> 16) % 6;
            if ((seed >> 28) < 6 && taken.Count > 0)
            {
                KeyValuePair<uint, int> any = taken.First();
                taken.Remove(any.Key);
                for (uint k = 0; k < 1u << any.Value; k++)
                    used.Remove(any.Key + k);
                f.Memory.Put(new PageFrameNumber(any.Key));
                continue;
            }

            PageFrameNumber pfn = f.Memory.TryAllocate(FrameRequest.Kernel, null, order);
            if (pfn.IsNone)
                continue;
            Assert.Equal(0u, pfn.Value & ((1u << order) - 1));
            for (uint k = 0; k < 1u << order; k++)
                Assert.True(used.Add(pfn.Value + k));
            taken.Add(pfn.Value, order);
        }

        foreach (uint pfn in taken.Keys)
            f.Memory.Put(new PageFrameNumber(pfn));
    }

    [Fact]
    public void Put_EverythingFreed_MergesIntoLargestBlocks()
    {
        using var f = new MmFixture();
        long before = f.Memory.Zones[^1].FreeBlocks(10);
        var frames = new List<PageFrameNumber>();
        for (int i = 0; i < 8000; i++)
            frames.Add(f.Memory.TryAllocate(FrameRequest.KernelNoZero));
        foreach (PageFrameNumber frame in frames)
            f.Memory.Put(frame);
        foreach (Zone zone in f.Memory.Zones)
            zone.DrainHot();
        Assert.Equal(before, f.Memory.Zones[^1].FreeBlocks(10));
    }

    [Fact]
    public void FreeBlocks_SumsToFreeFrames()
    {
        using var f = new MmFixture(100);
        PageFrameNumber a = f.Memory.TryAllocate(FrameRequest.Kernel, null, 3);
        foreach (Zone zone in f.Memory.Zones)
        {
            long sum = 0;
            for (int order = 0; order < Zone.Orders; order++)
                sum += zone.FreeBlocks(order) << order;
            Assert.Equal(zone.Free, sum);
        }

        f.Memory.Put(a);
    }

    [Fact]
    public void TryAllocate_Zero_FrameUsedBefore_IsCleared()
    {
        using var f = new MmFixture();
        PageFrameNumber a = f.Memory.TryAllocate(FrameRequest.KernelNoZero);
        f.Memory.Ram.FrameSpan(a).Fill(0xAA);
        f.Memory.Put(a);
        PageFrameNumber b = f.Memory.TryAllocate(FrameRequest.Kernel);
        Assert.Equal(a, b);
        Assert.Equal(-1, f.Memory.Ram.FrameSpan(b).IndexOfAnyExcept((byte)0));
        f.Memory.Put(b);
    }

    [Fact]
    public void TryAllocate_Exhausted_ReturnsNoneAboveMinWatermark()
    {
        using var f = new MmFixture();
        var frames = new List<PageFrameNumber>();
        for (; ; )
        {
            PageFrameNumber frame = f.Memory.TryAllocate(FrameRequest.KernelNoZero);
            if (frame.IsNone)
                break;
            frames.Add(frame);
        }

        Assert.True(f.Memory.FreeFrames > 0);
        Assert.False(f.Memory.TryAllocate(FrameRequest.KernelNoZero | FrameRequest.Reserve) is { IsNone: true } reserve);
        foreach (PageFrameNumber frame in frames)
            f.Memory.Put(frame);
        f.Memory.Put(new PageFrameNumber(LastTaken(f)));
    }

    private static unsafe uint LastTaken(MmFixture f)
    {
        for (uint pfn = 2; pfn < f.Memory.Ram.FrameCount; pfn++)
        {
            if (f.Memory[new PageFrameNumber(pfn)]->RefCount == 1)
                return pfn;
        }

        throw new InvalidOperationException();
    }
}
