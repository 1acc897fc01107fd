using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tests.Vfs;

public sealed class DentryCacheTests
{
    [Fact]
    public void Cache_StaysWithinItsLimit()
    {
        using var fs = new VfsFixture();
        fs.Kernel.Dentries.Limit = 500;
        fs.MkDir("/d");
        for (int i = 0; i < 3000; i++)
            Assert.Equal("ENOENT", fs.Where("/d/missing" + i));
        Assert.InRange(fs.Kernel.Dentries.Count, 1, 500);
        for (int i = 0; i < 2000; i++)
            fs.Write("/d/f" + i, "x");
        Assert.InRange(fs.Kernel.Dentries.Count, 1, 500);
        for (int i = 0; i < 2000; i++)
            Assert.Equal("x", fs.Read("/d/f" + i));
    }

    [Fact]
    public void NegativeEntry_TurnsPositiveWhenTheNameIsMade()
    {
        using var fs = new VfsFixture();
        Assert.Equal("ENOENT", fs.Where("/f"));
        Assert.Equal(1, fs.Kernel.Dentries.Negative);
        fs.Write("/f", "now");
        Assert.Equal(0, fs.Kernel.Dentries.Negative);
        Assert.Equal("now", fs.Read("/f"));
        fs.Unlink("/f");
        Assert.Equal(1, fs.Kernel.Dentries.Negative);
    }

    [Fact]
    public void DeepTree_IsForgottenWithoutRecursion()
    {
        using var fs = new VfsFixture();
        VfsPath at = fs.Current.Fs!.Root;
        for (int i = 0; i < 5000; i++)
        {
            Assert.Equal(Errno.Success, fs.MkDir("d"));
            VfsPath next = fs.Place("d");
            fs.Current.Fs.SetWorkingDirectory(next);
            next.Put();
        }

        fs.Current.Fs.SetWorkingDirectory(at);
        Assert.True(fs.Kernel.Dentries.Count >= 5000);
        fs.Kernel.Dentries.ShrinkBelow(at.Dentry);
        Assert.Equal(0, fs.Kernel.Dentries.Count);
    }

    [Fact]
    public void KernelMemoryLimit_StopsDentriesWithEnomem()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/d");
        fs.Kernel.RootCgroup.KernelMemoryMaximum = fs.Kernel.RootCgroup.KernelMemory + 100;
        OpenFile? held = null;
        Assert.Equal("ENOMEM", fs.Where("/d/" + new string('x', 200)));
        fs.Kernel.RootCgroup.KernelMemoryMaximum = long.MaxValue;
        held?.Put();
        Assert.Equal("ENOENT", fs.Where("/d/" + new string('x', 200)));
    }
}
