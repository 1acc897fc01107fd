using Vitrine.Cpu;
using Vitrine.Kernel.Mm;

namespace Vitrine.Kernel.Tests.Mm;

public class MmStructTests
{
    private const ProtectionFlags ReadWrite = ProtectionFlags.Read | ProtectionFlags.Write;

    [Fact]
    public void Fault_ReadOfUntouchedPage_MapsZerosWithoutAFrame()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        VirtAddr at = f.MapAnonymous(mm, 4);
        Assert.Equal(0, f.Load(mm, at));
        Assert.Equal(0, mm.Statistics.Resident);
        f.Store(mm, at, 7);
        Assert.Equal(7, f.Load(mm, at));
        Assert.Equal(1, mm.Statistics.Rss(RssKind.Anonymous));
        mm.Put();
    }

    [Fact]
    public void Fork_WriteOnEitherSide_OtherKeepsItsValue()
    {
        using var f = new MmFixture();
        MmStruct parent = f.NewMm();
        VirtAddr at = f.MapAnonymous(parent, 600);
        for (ulong i = 0; i < 600; i += 3)
            f.Store(parent, at + (i << Page.Shift), (byte)i);
        MmStruct child = MmFixture.Now(parent.ForkAsync(f.Current)).Value;
        f.Store(child, at, 99);
        f.Store(parent, at + (3 << Page.Shift), 98);
        Assert.Equal(0, f.Load(parent, at));
        Assert.Equal(99, f.Load(child, at));
        Assert.Equal(3, f.Load(child, at + (3 << Page.Shift)));
        Assert.Equal(6, f.Load(child, at + (6 << Page.Shift)));
        Assert.Equal(200, child.Statistics.Rss(RssKind.Anonymous));
        child.Put();
        long free = f.Memory.FreeFrames;
        f.Store(parent, at + (9 << Page.Shift), 97);
        Assert.Equal(free, f.Memory.FreeFrames);
        parent.Put();
    }

    [Fact]
    public void Unmap_Middle_LeavesTwoMappingsAndFreesFrames()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        VirtAddr at = f.MapAnonymous(mm, 10);
        for (ulong i = 0; i < 10; i++)
            f.Store(mm, at + (i << Page.Shift), 1);
        Assert.Equal(Errno.Success, mm.Unmap(at + (3 << Page.Shift), 4 << Page.Shift));
        Assert.Equal(2, mm.Areas.Count);
        Assert.Equal(6, mm.Statistics.Rss(RssKind.Anonymous));
        Assert.Equal(6, mm.Statistics.TotalVm);
        Assert.Equal(FaultOutcome.NotMapped, MmFixture.Now(mm.HandleFaultAsync(f.Current, at + (4 << Page.Shift), PageFaultError.User)));
        mm.Put();
    }

    [Fact]
    public void Protect_ReadOnly_WriteIsForbidden_AndBackMerges()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        VirtAddr at = f.MapAnonymous(mm, 3);
        f.Store(mm, at + Page.Size, 5);
        Assert.Equal(Errno.Success, mm.Protect(f.Current, at + Page.Size, Page.Size, ProtectionFlags.Read));
        Assert.Equal(3, mm.Areas.Count);
        Assert.Equal(FaultOutcome.Forbidden, MmFixture.Now(mm.HandleFaultAsync(f.Current, at + Page.Size, PageFaultError.Write | PageFaultError.User | PageFaultError.Present)));
        Assert.Equal(0, mm.CopyToUser(at + Page.Size, [1]));
        Assert.Equal(Errno.Success, mm.Protect(f.Current, at + Page.Size, Page.Size, ReadWrite));
        Assert.Equal(1, mm.Areas.Count);
        Assert.Equal(5, f.Load(mm, at + Page.Size));
        Assert.Equal(1, mm.CopyToUser(at + Page.Size, [1]));
        Assert.Equal(3, mm.Statistics.DataVm);
        mm.Put();
    }

    [Fact]
    public void Protect_None_KeepsThePageForLater()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        VirtAddr at = f.MapAnonymous(mm, 1);
        f.Store(mm, at, 42);
        Assert.Equal(Errno.Success, mm.Protect(f.Current, at, Page.Size, ProtectionFlags.None));
        Assert.Equal(FaultOutcome.Forbidden, MmFixture.Now(mm.HandleFaultAsync(f.Current, at, PageFaultError.User)));
        Assert.Equal(Errno.Success, mm.Protect(f.Current, at, Page.Size, ProtectionFlags.Read));
        Assert.Equal(42, f.Load(mm, at));
        mm.Put();
    }

    [Fact]
    public void Stack_FaultBelow_GrowsUntilTheLimit()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        var top = new VirtAddr(0x7FFF_0000_0000);
        _ = MmFixture.Now(mm.MapStackAsync(f.Current, top, executable: false));
        f.Store(mm, top - 0x10_0000, 3);
        Assert.Equal(3, f.Load(mm, top - 0x10_0000));
        Assert.Equal(FaultOutcome.NotMapped, MmFixture.Now(mm.HandleFaultAsync(f.Current, top - 0x80_1000, PageFaultError.User | PageFaultError.Write)));
        mm.Put();
    }

    [Fact]
    public void SharedAnonymous_AfterFork_IsSeenByBoth()
    {
        using var f = new MmFixture();
        MmStruct parent = f.NewMm();
        VirtAddr at = MmFixture.Now(parent.MapAsync(f.Current, default, 8 << Page.Shift, ReadWrite, MapFlags.Shared | MapFlags.Anonymous, null, 0)).Value;
        f.Store(parent, at, 1);
        MmStruct child = MmFixture.Now(parent.ForkAsync(f.Current)).Value;
        f.Store(child, at, 2);
        f.Store(child, at + Page.Size, 3);
        Assert.Equal(2, f.Load(parent, at));
        Assert.Equal(3, f.Load(parent, at + Page.Size));
        Assert.Equal(2, parent.Statistics.Rss(RssKind.Shmem));
        parent.Put();
        Assert.Equal(2, f.Load(child, at));
        child.Put();
    }

    [Fact]
    public void Brk_GrowsAndShrinks()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        mm.StartBrk = mm.Brk = new VirtAddr(0x5555_0000_0123);
        Assert.Equal(new VirtAddr(0x5555_0000_5123), MmFixture.Now(mm.SetBrkAsync(f.Current, new VirtAddr(0x5555_0000_5123))));
        f.Store(mm, new VirtAddr(0x5555_0000_4000), 1);
        Assert.Equal(new VirtAddr(0x5555_0000_1000), MmFixture.Now(mm.SetBrkAsync(f.Current, new VirtAddr(0x5555_0000_1000))));
        Assert.Equal(0, mm.Statistics.Resident);
        Assert.Equal(mm.Brk, MmFixture.Now(mm.SetBrkAsync(f.Current, new VirtAddr(0x1000))));
        mm.Put();
    }

    [Fact]
    public void Map_Hints_FixedNoReplace_And_Errors()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        VirtAddr at = f.MapAnonymous(mm, 2);
        Result<VirtAddr> refused = MmFixture.Now(mm.MapAsync(f.Current, at, Page.Size, ReadWrite, MapFlags.Private | MapFlags.Anonymous | MapFlags.FixedNoReplace, null, 0));
        Assert.Equal(Errno.EEXIST, refused.Error);
        Assert.Equal(Errno.EINVAL, MmFixture.Now(mm.MapAsync(f.Current, default, 0, ReadWrite, MapFlags.Private | MapFlags.Anonymous, null, 0)).Error);
        Assert.Equal(Errno.EINVAL, MmFixture.Now(mm.MapAsync(f.Current, default, Page.Size, ReadWrite, MapFlags.Anonymous, null, 0)).Error);
        Assert.Equal(Errno.EINVAL, MmFixture.Now(mm.MapAsync(f.Current, at + 1, Page.Size, ReadWrite, MapFlags.Private | MapFlags.Anonymous | MapFlags.Fixed, null, 0)).Error);
        Assert.Equal(Errno.ENOMEM, MmFixture.Now(mm.MapAsync(f.Current, default, 1UL << 47, ReadWrite, MapFlags.Private | MapFlags.Anonymous, null, 0)).Error);
        VirtAddr low = MmFixture.Now(mm.MapAsync(f.Current, default, Page.Size, ReadWrite, MapFlags.Private | MapFlags.Anonymous | MapFlags.Only32Bit, null, 0)).Value;
        Assert.InRange(low.Value, 0x4000_0000UL, 0x8000_0000UL);
        mm.Put();
    }

    [Fact]
    public void UserWords_Atomics_WorkOnPresentPagesOnly()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        VirtAddr at = f.MapAnonymous(mm, 1);
        Assert.False(mm.TryRead32(at, out _));
        Assert.False(mm.TryCompareExchange32(at, 0, 5, out _));
        Assert.Equal(Errno.Success, MmFixture.Now(mm.FaultInAsync(f.Current, at, write: true)));
        Assert.True(mm.TryCompareExchange32(at, 0, 5, out uint seen));
        Assert.Equal(0u, seen);
        Assert.True(mm.TryXor32(at, 3, out seen));
        Assert.Equal(5u, seen);
        Assert.True(mm.TryRead32(at, out seen));
        Assert.Equal(6u, seen);
        Assert.Equal(Errno.EFAULT, MmFixture.Now(mm.FaultInAsync(f.Current, new VirtAddr(0x1000), write: false)));
        mm.Put();
    }
}

public class LayoutTests
{
    [Fact]
    public void Map_RandomSizesAndUnmaps_AlwaysTakesTheHighestGap()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        mm.MmapBase = new VirtAddr(0x10_0000_0000);
        uint seed = 99;
        var live = new List<(VirtAddr At, ulong Pages)>();
        for (int i = 0; i < 3000; i++)
        {
            seed = (seed * 1664525) + 1013904223;
            if ((seed >> 28) < 6 && live.Count > 0)
            {
                int which = (int)(seed >> 8) % live.Count;
                (VirtAddr At, ulong Pages) gone = live[which];
                live.RemoveAt(which);
                Assert.Equal(Errno.Success, mm.Unmap(gone.At, gone.Pages << Page.Shift));
                continue;
            }

            ulong pages = 1 + ((seed >> 12) % 9);
            ulong expected = HighestGap(mm, pages << Page.Shift);
            ProtectionFlags protection = (i & 1) != 0 ? ProtectionFlags.Read : ProtectionFlags.Read | ProtectionFlags.Write;
            VirtAddr at = f.MapAnonymous(mm, pages, protection);
            Assert.Equal(expected, at.Value);
            live.Add((at, pages));
        }

        mm.Put();
    }

    private static ulong HighestGap(MmStruct mm, ulong length)
    {
        ulong ceiling = mm.MmapBase.Value;
        for (int i = mm.Areas.Count - 1; i >= 0; i--)
        {
            if (ceiling - mm.Areas[i].End.Value >= length)
                return ceiling - length;
            ceiling = mm.Areas[i].Start.Value;
        }

        return ceiling - length;
    }
}
