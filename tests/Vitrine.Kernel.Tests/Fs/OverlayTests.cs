using Vitrine.Fs.Overlay;
using Vitrine.Fs.Tmpfs;
using Vitrine.Kernel.Vfs;
using FileMode = Vitrine.Abi.FileMode;

namespace Vitrine.Kernel.Tests.Fs;

public sealed class OverlayTests
{
    [Fact]
    public void Write_ToLowerFile_CopiesUpAndLeavesTheLowerTree()
    {
        using var fs = new FsFixture();
        (OverlaySuperBlock overlay, TmpfsSuperBlock lower, TmpfsSuperBlock upper) = Make(fs);
        Inode file = fs.Walk(overlay, "dir/file");
        KernelStat before = fs.Stat(file);
        fs.Write(file, 0, FsFixture.Bytes("UP"));
        KernelStat after = fs.Stat(file);
        Assert.Equal("UPwer", fs.ReadText(overlay, "dir/file"));
        Assert.Equal("lower", fs.ReadText(lower, "dir/file"));
        Assert.Equal("UPwer", fs.ReadText(upper, "upper/dir/file"));
        Assert.Equal((before.Device, before.Inode), (after.Device, after.Inode));
        file.Put();

        // Found anew, the number is still the same.
        file = fs.Walk(overlay, "dir/file");
        Assert.Equal(before.Inode, fs.Stat(file).Inode);
        Inode directory = fs.Walk(overlay, "dir");
        Assert.Contains(fs.List(directory), e => e.Name == "file" && e.Inode == before.Inode.Value);
        directory.Put();
        file.Put();
    }

    [Fact]
    public void OpenDescriptor_FromBeforeTheCopyUp_SeesLaterWrites()
    {
        using var fs = new FsFixture();
        (OverlaySuperBlock overlay, _, _) = Make(fs);
        Inode file = fs.Walk(overlay, "dir/file");
        OpenFile reader = fs.Open(file);
        Assert.Equal("lower", System.Text.Encoding.UTF8.GetString(fs.Read(reader, 0, 10)));
        fs.Write(file, 5, FsFixture.Bytes("+upper"));
        Assert.Equal("lower+upper", System.Text.Encoding.UTF8.GetString(fs.Read(reader, 0, 20)));
        reader.Put();
        file.Put();
    }

    [Fact]
    public void Unlink_OfLowerFile_LeavesAWhiteoutThatIsNotSeen()
    {
        using var fs = new FsFixture();
        (OverlaySuperBlock overlay, TmpfsSuperBlock lower, TmpfsSuperBlock upper) = Make(fs);
        Inode directory = fs.Walk(overlay, "dir");
        Assert.Equal(Errno.Success, fs.Unlink(directory, "file"));
        Assert.False(fs.Exists(overlay, "dir/file"));
        Assert.Equal(["link", "sub"], fs.Names(directory));
        Assert.True(fs.Exists(lower, "dir/file"));
        Inode whiteout = fs.Walk(upper, "upper/dir/file");
        Assert.True(OverlayDirectory.IsWhiteout(whiteout));
        whiteout.Put();

        // And a new file of the name starts empty.
        fs.Create(directory, "file").Put();
        Assert.Equal("", fs.ReadText(overlay, "dir/file"));
        Assert.Equal(["file", "link", "sub"], fs.Names(directory));
        directory.Put();
    }

    [Fact]
    public void MakeDirectory_OverRemovedLowerDirectory_IsOpaque()
    {
        using var fs = new FsFixture();
        (OverlaySuperBlock overlay, _, _) = Make(fs);
        Inode directory = fs.Walk(overlay, "dir");
        Inode sub = fs.Walk(overlay, "dir/sub");
        Assert.Equal(Errno.ENOTEMPTY, fs.RemoveDirectory(directory, "sub"));
        Assert.Equal(Errno.Success, fs.Unlink(sub, "deep"));
        sub.Put();
        Assert.Equal(Errno.Success, fs.RemoveDirectory(directory, "sub"));
        fs.MakeDirectory(directory, "sub").Put();
        sub = fs.Walk(overlay, "dir/sub");
        Assert.Empty(fs.Names(sub));
        sub.Put();
        directory.Put();
    }

    [Fact]
    public void Rename_OfLowerDirectory_KeepsItsContent()
    {
        using var fs = new FsFixture();
        (OverlaySuperBlock overlay, _, TmpfsSuperBlock upper) = Make(fs);
        Inode root = overlay.Root.Inode!;
        Inode directory = fs.Walk(overlay, "dir");
        ulong number = fs.Stat(directory).Inode.Value;
        Assert.Equal(Errno.Success, fs.Rename(root, "dir", root, "moved"));
        Assert.Equal("lower", fs.ReadText(overlay, "moved/file"));
        Assert.Equal("deep", fs.ReadText(overlay, "moved/sub/deep"));
        Assert.False(fs.Exists(overlay, "dir"));
        directory.Put();

        // Nothing of it is in memory now: the mark in the upper tree leads to the lower directory.
        directory = fs.Walk(overlay, "moved");
        Assert.Equal(number, fs.Stat(directory).Inode.Value);
        Assert.Equal("deep", fs.ReadText(overlay, "moved/sub/deep"));
        Inode mark = fs.Walk(upper, "upper/moved");
        Assert.Equal("/dir", System.Text.Encoding.UTF8.GetString(fs.Run(mark.GetXattrAsync(fs.Current, "trusted.overlay.redirect")).Value));
        mark.Put();

        // Moved again, and something of it moved out of it.
        Inode sub = fs.Walk(overlay, "moved/sub");
        Assert.Equal(Errno.Success, fs.Rename(directory, "sub", root, "out"));
        sub.Put();
        Assert.Equal(Errno.Success, fs.Rename(root, "moved", root, "dir"));
        directory.Put();
        Assert.Equal("deep", fs.ReadText(overlay, "out/deep"));
        Assert.Equal("lower", fs.ReadText(overlay, "dir/file"));
        Assert.False(fs.Exists(overlay, "dir/sub"));
        fs.Create(root, "x").Put();
    }

    [Fact]
    public void HardLinks_StayLinkedAcrossCopyUp()
    {
        using var fs = new FsFixture();
        (OverlaySuperBlock overlay, TmpfsSuperBlock lower, _) = Make(fs);
        Inode name1 = fs.Walk(overlay, "one");
        Inode name2 = fs.Walk(overlay, "dir/link");
        Assert.Same(name1, name2);
        Assert.Equal(2U, fs.Stat(name1).LinkCount);
        name2.Put();
        fs.Write(name1, 0, FsFixture.Bytes("ONE"));
        ulong number = fs.Stat(name1).Inode.Value;
        name1.Put();
        Assert.Equal("ONE", fs.ReadText(overlay, "dir/link"));
        name2 = fs.Walk(overlay, "dir/link");
        Assert.Equal((2U, number), (fs.Stat(name2).LinkCount, fs.Stat(name2).Inode.Value));
        Inode root = overlay.Root.Inode!;
        Assert.Equal(Errno.Success, fs.Unlink(root, "one"));
        Assert.Equal(1U, fs.Stat(name2).LinkCount);
        name2.Put();
        Assert.Equal("ONE", fs.ReadText(overlay, "dir/link"));
        Assert.Equal("one", fs.ReadText(lower, "one"));
        Inode directory = fs.Walk(overlay, "dir");
        Assert.Equal(Errno.Success, fs.Unlink(directory, "link"));
        Assert.False(fs.Exists(overlay, "dir/link"));
        directory.Put();
    }

    [Fact]
    public void CopyUp_KeepsOwnerModeTimesAndXattrs()
    {
        using var fs = new FsFixture();
        (OverlaySuperBlock overlay, TmpfsSuperBlock lower, _) = Make(fs);
        Inode below = fs.Walk(lower, "dir/file");
        below.Uid = new Uid(5);
        below.Gid = new Gid(6);
        below.Mode = FileMode.Regular | (FileMode)0x9ED;
        below.ModificationTime = new Timespec(1234, 5678);
        Assert.Equal(Errno.Success, fs.Run(below.SetXattrAsync(fs.Current, "user.k", FsFixture.Bytes("v"), XattrFlags.None)));
        Inode directory = fs.Walk(overlay, "dir");
        Timespec directoryTime = fs.Stat(directory).ModificationTime;
        Inode file = fs.Walk(overlay, "dir/file");
        Assert.Equal(Errno.Success, fs.Run(file.SetXattrAsync(fs.Current, "user.l", FsFixture.Bytes("w"), XattrFlags.None)));
        KernelStat stat = fs.Stat(file);
        Assert.Equal((new Uid(5), new Gid(6), FileMode.Regular | (FileMode)0x9ED, new Timespec(1234, 5678)), (stat.Uid, stat.Gid, stat.Mode, stat.ModificationTime));
        Assert.Equal(["user.k", "user.l"], fs.Run(file.ListXattrAsync(fs.Current)).Value);
        Assert.Equal(directoryTime, fs.Stat(directory).ModificationTime);
        directory.Put();
        file.Put();
        below.Put();
    }

    [Fact]
    public void CopyUp_WithoutRoom_GivesEnospcAndChangesNothing()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock lower = fs.NewTmpfs();
        Inode big = fs.Create(lower.Root.Inode!, "big");
        fs.Write(big, 0, Enumerable.Repeat((byte)9, 100_000).ToArray());
        big.Put();
        TmpfsSuperBlock upper = fs.NewTmpfs("size=64k");
        OverlaySuperBlock overlay = fs.NewOverlay(upper, lower);
        Inode file = fs.Walk(overlay, "big");
        Assert.Equal(Errno.ENOSPC, fs.Run(file.OpenAsync(fs.Current, new VfsPath(null!, overlay.Root), OpenFlags.ReadWrite)).Error);
        Assert.Equal(0UL, upper.UsedPages);
        Assert.Equal(100_000, fs.ReadAll(file).Length);
        Assert.Equal(Errno.Success, fs.Truncate(file, 10));
        Assert.Equal(10, fs.ReadAll(file).Length);
        Assert.Equal(1UL, upper.UsedPages);
        file.Put();
    }

    [Fact]
    public void Lowers_Several_AreMergedTopmostFirst()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock bottom = fs.NewTmpfs();
        TmpfsSuperBlock middle = fs.NewTmpfs();
        Put(fs, bottom, "a", "bottom");
        Put(fs, bottom, "b", "bottom");
        Put(fs, bottom, "c", "bottom");
        Put(fs, middle, "b", "middle");
        fs.InDirectory(middle.Root.Inode!, () => middle.Root.Inode!.MakeNodeAsync(fs.Current, FsFixture.Name("c"), FileMode.CharacterDevice, default)).Value.Put();
        OverlaySuperBlock overlay = fs.NewOverlay(fs.NewTmpfs(), middle, bottom);
        Assert.Equal(["a", "b"], fs.Names(overlay.Root.Inode!));
        Assert.Equal("middle", fs.ReadText(overlay, "b"));
        Assert.False(fs.Exists(overlay, "c"));
    }

    [Fact]
    public void Overlay_WithoutUpper_IsReadOnly()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock lower = fs.NewTmpfs();
        Put(fs, lower, "a", "text");
        OverlaySuperBlock overlay = fs.Mounted(OverlaySuperBlock.Create(fs.Kernel, new OverlayFileSystem(), [new VfsPath(null!, lower.Root)], default, default).Value);
        Assert.True(overlay.IsReadOnly);
        Inode file = fs.Walk(overlay, "a");
        Assert.Equal(Errno.EROFS, fs.Truncate(file, 0));
        Assert.Equal("text", System.Text.Encoding.UTF8.GetString(fs.ReadAll(file)));
        file.Put();
        Inode root = overlay.Root.Inode!;
        Assert.Equal(Errno.EROFS, fs.InDirectory(root, () => root.CreateAsync(fs.Current, FsFixture.Name("x"), default)).Error);
    }

    [Fact]
    public void Overlay_OfOverlayOfOverlay_GivesEinval()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock lower = fs.NewTmpfs();
        OverlaySuperBlock first = fs.NewOverlay(fs.NewTmpfs(), lower);
        OverlaySuperBlock second = fs.NewOverlay(fs.NewTmpfs(), first);
        Assert.Equal(2, second.StackDepth);
        Assert.Equal(Errno.EINVAL, OverlaySuperBlock.Create(fs.Kernel, new OverlayFileSystem(), [new VfsPath(null!, second.Root)], default, default).Error);
    }

    [Theory]
    [InlineData("lowerdir=/a:/b,upperdir=/u,workdir=/w", true)]
    [InlineData("lowerdir=/a", true)]
    [InlineData("lowerdir=/a,upperdir=/u", false)]
    [InlineData("upperdir=/u,workdir=/w", false)]
    [InlineData("lowerdir=/a,metacopy=on", false)]
    [InlineData("lowerdir=/a,what=ever", false)]
    public void Options_NeedLowerAndBothOrNoneOfUpperAndWork(string options, bool valid) =>
        Assert.Equal(valid ? Errno.Success : Errno.EINVAL, OverlayOptions.Parse(options).Error);

    [Fact]
    public void Options_Backslash_EscapesSeparators()
    {
        OverlayOptions options = OverlayOptions.Parse(@"lowerdir=/a\:b:/c\,d,upperdir=/u,workdir=/w").Value;
        Assert.Equal(["/a:b", "/c,d"], options.Lowers);
    }

    private static void Put(FsFixture fs, SuperBlock super, string name, string text)
    {
        Inode file = fs.Create(super.Root.Inode!, name);
        fs.Write(file, 0, FsFixture.Bytes(text));
        file.Put();
    }

    /// <summary>A lower tree of one (also dir/link), dir/file, dir/sub/deep.</summary>
    private static (OverlaySuperBlock Overlay, TmpfsSuperBlock Lower, TmpfsSuperBlock Upper) Make(FsFixture fs)
    {
        TmpfsSuperBlock lower = fs.NewTmpfs();
        Put(fs, lower, "one", "one");
        Inode directory = fs.MakeDirectory(lower.Root.Inode!, "dir");
        Inode file = fs.Create(directory, "file");
        fs.Write(file, 0, FsFixture.Bytes("lower"));
        Inode sub = fs.MakeDirectory(directory, "sub");
        Inode deep = fs.Create(sub, "deep");
        fs.Write(deep, 0, FsFixture.Bytes("deep"));
        Inode one = fs.Walk(lower, "one");
        Assert.Equal(Errno.Success, fs.Link(one, directory, "link"));
        one.Put();
        deep.Put();
        sub.Put();
        file.Put();
        directory.Put();
        TmpfsSuperBlock upper = fs.NewTmpfs();
        return (fs.NewOverlay(upper, lower), lower, upper);
    }
}
