using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tests.Vfs;

/// <summary>What the frequent calls allocate on the host's heap once everything is cached.</summary>
public sealed class AllocationTests
{
    [Fact]
    public void StatOfACachedPath_AllocatesNothing()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/d");
        fs.Write("/d/f", "x");
        using PathName name = fs.Name("/d/f");
        Assert.Equal(0, Measure(() =>
        {
            VfsPath place = fs.Vfs.LookUpPathAsync(fs.Current, Fd.Cwd, name, WalkFlags.Follow).GetAwaiter().GetResult().Value;
            _ = fs.Vfs.GetAttributesAsync(fs.Current, place, StatxMask.BasicStats).GetAwaiter().GetResult();
            place.Put();
        }));
    }

    [Fact]
    public void OpenAndClose_AllocateTheDescriptionAlone()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/d");
        fs.Write("/d/f", "x");
        using PathName name = fs.Name("/d/f");
        OpenRequest request = OpenRequest.FromOpen(OpenFlags.ReadOnly, 0).Value;
        long bytes = Measure(() => fs.Vfs.OpenAsync(fs.Current, Fd.Cwd, name, request).GetAwaiter().GetResult().Value.Put());
        Assert.InRange(bytes, 1, 320);
    }

    [Fact]
    public void ReadsAndWrites_AllocateNothing()
    {
        using var fs = new VfsFixture();
        fs.Write("/f", new string('x', 4096));
        OpenFile file = fs.Open("/f", OpenFlags.ReadWrite).Value;
        var iter = new KernelIovIter(new byte[512]);
        Assert.Equal(0, Measure(() =>
        {
            long count = fs.Vfs.ReadAsync(fs.Current, file, iter, 0).GetAwaiter().GetResult().Value;
            iter.Revert(count);
            count = fs.Vfs.WriteAsync(fs.Current, file, iter, 512).GetAwaiter().GetResult().Value;
            iter.Revert(count);
        }));
        file.Put();
    }

    private static long Measure(Action action)
    {
        for (int i = 0; i < 200; i++)
            action();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            action();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / 100;
    }
}
