using Vitrine.Kernel.Mm;

namespace Vitrine.Kernel.Tests.Mm;

/// <summary>What address spaces do when memory is short.</summary>
public class MmStructShortageTests
{
    [Fact]
    public void Remap_WithoutKernelMemoryForASplit_FailsAndMovesNothing()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        VirtAddr at = f.MapAnonymous(mm, 8);
        f.Store(mm, at + (3 << Page.Shift), 33);

        // Whatever number of mappings can still be made, the move succeeds or changes nothing.
        for (int spare = 0; spare <= 3; spare++)
        {
            f.Kernel.RootCgroup.KernelMemoryMaximum = f.Kernel.RootCgroup.KernelMemory + (spare * VmArea.DeclaredSize);
            int mappings = mm.Areas.Count;
            Result<VirtAddr> moved = MmFixture.Now(mm.RemapAsync(
                f.Current, at + (2 << Page.Shift), 3 << Page.Shift, 4 << Page.Shift, MremapFlags.MayMove, default));
            if (!moved.TryGet(out VirtAddr to, out Errno error))
            {
                Assert.Equal(Errno.ENOMEM, error);
                Assert.Equal(mappings, mm.Areas.Count);
                Assert.Equal(33, f.Load(mm, at + (3 << Page.Shift)));
                continue;
            }

            Assert.Equal(3, spare);
            Assert.Equal(33, f.Load(mm, to + Page.Size));
            Assert.Null(mm.Areas.Find(at + (3 << Page.Shift)));
        }

        f.Kernel.RootCgroup.KernelMemoryMaximum = long.MaxValue;
        mm.Put();
    }

    [Fact]
    public void AdviseFree_PagesStayUntilReclaim_ExceptThoseWrittenToSince()
    {
        const int Pages = 700;
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        VirtAddr at = f.MapAnonymous(mm, Pages);
        for (ulong i = 0; i < Pages; i++)
            f.Store(mm, at + (i << Page.Shift), 9);
        Assert.Equal(Errno.Success, MmFixture.Now(mm.AdviseAsync(f.Current, at, Pages << Page.Shift, MemoryAdvice.Free)));
        Assert.Equal(Pages, mm.Statistics.Rss(RssKind.Anonymous));
        Assert.Equal(9, f.Load(mm, at + (600 << Page.Shift)));
        f.Store(mm, at + (5 << Page.Shift), 5);
        MmStruct child = MmFixture.Now(mm.ForkAsync(f.Current)).Value;
        Assert.Equal(0, mm.ReclaimLazy(Pages));
        child.Put();
        Assert.Equal(Errno.Success, MmFixture.Now(mm.AdviseAsync(f.Current, at + (100 << Page.Shift), 600 << Page.Shift, MemoryAdvice.Free)));
        Assert.Equal(40, mm.ReclaimLazy(40));
        Assert.Equal(560, mm.ReclaimLazy(Pages));
        Assert.Equal(100, mm.Statistics.Rss(RssKind.Anonymous));
        Assert.Equal(9, f.Load(mm, at));
        Assert.Equal(5, f.Load(mm, at + (5 << Page.Shift)));
        Assert.Equal(0, f.Load(mm, at + (600 << Page.Shift)));
        mm.Put();
    }

    [Fact]
    public void NameRange_NamesAnonymousMappingsOnly()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        VirtAddr at = f.MapAnonymous(mm, 6);
        Assert.Equal(Errno.Success, mm.NameRange(at + (2 << Page.Shift), 2 << Page.Shift, "heap"));
        Assert.Equal(3, mm.Areas.Count);
        Assert.Equal("heap", mm.Areas.Find(at + (2 << Page.Shift))!.AnonymousName);
        Assert.Null(mm.Areas.Find(at)!.AnonymousName);
        Assert.Equal(Errno.ENOMEM, mm.NameRange(at + (4 << Page.Shift), 8 << Page.Shift, "heap"));
        Assert.Equal(Errno.EINVAL, mm.NameRange(at + 1, Page.Size, "heap"));
        Assert.Equal(Errno.Success, mm.NameRange(at, 6 << Page.Shift, null));
        Assert.Equal(1, mm.Areas.Count);
        mm.Put();
    }
}
