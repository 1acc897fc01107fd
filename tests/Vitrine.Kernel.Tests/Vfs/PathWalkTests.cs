using Vitrine.Kernel.Async;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tests.Vfs;

public sealed class PathWalkTests
{
    [Fact]
    public void Resolve_DotsSlashesAndLinks_LeadsToTheOnePlace()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/a");
        fs.MkDir("/a/b");
        fs.Write("/a/b/f", "x");
        fs.Symlink("b/../b/./f", "/a/relative");
        fs.Symlink("/a//b/f", "/a/absolute");
        fs.Symlink("../dir", "/a/b/up");
        fs.Symlink("b", "/a/dir");
        Assert.Equal("/a/b/f", fs.Where("//a/./b/../b//f"));
        Assert.Equal("/a/b/f", fs.Where("/a/relative"));
        Assert.Equal("/a/b/f", fs.Where("/a/absolute"));
        Assert.Equal("/a/b/f", fs.Where("/a/dir/up/up/f"));
        Assert.Equal("/", fs.Where("/../../a/.."));
        Assert.Equal("/a/relative", fs.Where("/a/relative", WalkFlags.None));
        Assert.Equal("/a/b", fs.Where("/a/dir/", WalkFlags.None));
        Assert.Equal("/a/b", fs.Where("a/b"));
    }

    [Fact]
    public void Resolve_WithNothingCached_LeadsToTheSamePlace()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/a");
        fs.MkDir("/a/b");
        fs.MkDir("/a/b/c");
        fs.Write("/a/b/c/f", "x");
        fs.Symlink("a/b", "/link");
        foreach (string path in (string[])["/a/b/c/f", "/link/c/f", "/a/../link/c/../c/f"])
        {
            fs.Kernel.Dentries.ShrinkBelow(fs.Current.Fs!.Root.Dentry);
            Assert.Equal(0, fs.Kernel.Dentries.Count);
            Assert.Equal("/a/b/c/f", fs.Where(path));
            fs.Kernel.Dentries.ShrinkBelow(fs.Current.Fs.Root.Dentry);
            Assert.Equal("x", fs.Read(path));
        }

        Assert.Equal(Errno.Success, fs.TryOpen("/link/c/new", OpenFlags.Create));
        fs.Kernel.Dentries.ShrinkBelow(fs.Current.Fs!.Root.Dentry);
        Assert.Equal(Errno.Success, fs.Rename("/link/c/f", "/a/g"));
        Assert.Equal("x", fs.Read("/a/g"));
    }

    [Theory]
    [InlineData("", "ENOENT")]
    [InlineData("/missing", "ENOENT")]
    [InlineData("/missing/..", "ENOENT")]
    [InlineData("/file/", "ENOTDIR")]
    [InlineData("/file/x", "ENOTDIR")]
    [InlineData("/file/.", "ENOTDIR")]
    [InlineData("/file/..", "ENOTDIR")]
    [InlineData("/loop", "ELOOP")]
    [InlineData("/loop/x", "ELOOP")]
    [InlineData("/dangling", "ENOENT")]
    [InlineData("/tofile/", "ENOTDIR")]
    public void Resolve_BadPaths_GiveLinuxErrors(string path, string error)
    {
        using var fs = new VfsFixture();
        fs.Write("/file", "x");
        fs.Symlink("loop", "/loop");
        fs.Symlink("nowhere", "/dangling");
        fs.Symlink("file", "/tofile");
        Assert.Equal(error, fs.Where(path));
    }

    [Fact]
    public void Resolve_FortyLinks_PassAndFortyOneDoNot()
    {
        using var fs = new VfsFixture();
        fs.Write("/l0", "end");
        for (int i = 1; i <= 41; i++)
            fs.Symlink("l" + (i - 1), "/l" + i);
        Assert.Equal("/l0", fs.Where("/l40"));
        Assert.Equal("ELOOP", fs.Where("/l41"));
    }

    [Fact]
    public void Resolve_LinksNestedInTheMiddle_UnwindsAllFrames()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/d");
        fs.MkDir("/d/e");
        fs.Write("/d/e/f", "x");
        fs.Symlink("/two/e", "/one");
        fs.Symlink("/three", "/two");
        fs.Symlink("d/", "/three");
        fs.Symlink("/", "/slash");
        Assert.Equal("/d/e/f", fs.Where("/one/f"));
        Assert.Equal("/d/e/f", fs.Where("/slash/slash/one/../e/f"));
        Assert.Equal("/", fs.Where("/slash"));
        Assert.Equal("/d/e", fs.Where("/slash/two/e"));
    }

    [Fact]
    public void Resolve_LongNames_GiveEnametoolong()
    {
        using var fs = new VfsFixture();
        Assert.Equal("ENOENT", fs.Where("/" + new string('n', 255)));
        Assert.Equal("ENAMETOOLONG", fs.Where("/" + new string('n', 256)));
        Assert.Equal(Errno.ENAMETOOLONG, fs.Vfs.Names.Make(new byte[4096]).Error);
    }

    [Fact]
    public void Resolve_WithoutSearchPermission_GivesEacces()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/closed", 0x1C0);
        fs.Write("/closed/f", "x");
        fs.Become(1000);
        Assert.Equal("/closed", fs.Where("/closed"));
        Assert.Equal("EACCES", fs.Where("/closed/f"));
        Assert.Equal("EACCES", fs.Where("/closed/missing"));
        Assert.Equal("EACCES", fs.Where("/closed/."));
        fs.Become(0);
    }

    [Fact]
    public void Resolve_ForeignLinkInStickyDirectory_IsRefusedToOthers()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/tmp", 0x3FF);
        fs.Write("/target", "x");
        fs.Become(1000);
        Assert.Equal(Errno.Success, fs.Symlink("/target", "/tmp/link"));
        Assert.Equal("/target", fs.Where("/tmp/link"));
        fs.Become(2000);
        Assert.Equal("EACCES", fs.Where("/tmp/link"));
        fs.Become(0);
        Assert.Equal("EACCES", fs.Where("/tmp/link"));
    }

    [Fact]
    public void Resolve_ScopedToADirectory_NeverLeavesIt()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/jail");
        fs.MkDir("/jail/in");
        fs.Write("/secret", "x");
        fs.Write("/jail/f", "x");
        fs.Symlink("/f", "/jail/abs");
        fs.Symlink("../../f", "/jail/in/up");
        fs.Symlink("../f", "/jail/in/near");
        OpenFile jail = fs.Open("/jail", OpenFlags.Directory).Value;
        Fd fd = fs.Current.Files!.Install(fs.Current, jail, closeOnExec: false).Value;
        Assert.Equal("/jail/f", At("in/near", WalkFlags.Beneath));
        Assert.Equal("EXDEV", At("abs", WalkFlags.Beneath));
        Assert.Equal("EXDEV", At("in/up", WalkFlags.Beneath));
        Assert.Equal("EXDEV", At("../secret", WalkFlags.Beneath));
        Assert.Equal("EXDEV", At("/f", WalkFlags.Beneath));
        Assert.Equal("/jail/f", At("abs", WalkFlags.InRoot));
        Assert.Equal("/jail/f", At("in/up", WalkFlags.InRoot));
        Assert.Equal("/jail/f", At("/../../f", WalkFlags.InRoot));
        Assert.Equal("ENOENT", At("../secret", WalkFlags.InRoot));
        Assert.Equal("ELOOP", At("abs", WalkFlags.NoSymlinks));

        string At(string path, WalkFlags flags)
        {
            using PathName name = fs.Name(path);
            Result<VfsPath> place = VfsFixture.Now(fs.Vfs.LookUpPathAsync(fs.Current, fd, name, flags | WalkFlags.Follow));
            if (!place.Ok)
                return place.Error.ToString();
            string text = System.Text.Encoding.UTF8.GetString(PathText.Of(place.Value, fs.Current.Fs!.Root));
            place.Value.Put();
            return text;
        }
    }

    [Fact]
    public void Resolve_CachedPath_AllocatesNothing()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/usr");
        fs.MkDir("/usr/lib");
        fs.Write("/usr/lib/f", "x");
        using PathName name = fs.Name("/usr/lib/../lib/f");
        for (int i = 0; i < 100; i++)
            Walk();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            Walk();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Walk()
        {
            KTask<Result<VfsPath>> walk = fs.Vfs.LookUpPathAsync(fs.Current, Fd.Cwd, name, WalkFlags.Follow);
            walk.GetAwaiter().GetResult().Value.Put();
        }
    }
}
