using Vitrine.Fs.Tmpfs;
using Vitrine.Kernel.Vfs;
using FileMode = Vitrine.Abi.FileMode;

namespace Vitrine.Kernel.Tests.Fs;

public sealed class TmpfsTests
{
    [Fact]
    public void Write_BehindTheEnd_LeavesAHoleOfZeros()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs();
        Inode file = fs.Create(tmpfs.Root.Inode!, "f");
        fs.Write(file, 10_000, FsFixture.Bytes("end"));
        Assert.Equal(10_003, file.Size);
        byte[] data = fs.ReadAll(file);
        Assert.Equal(10_003, data.Length);
        Assert.True(data.AsSpan(0, 10_000).IndexOfAnyExcept((byte)0) < 0);
        Assert.Equal(8, fs.Stat(file).Blocks);
        Assert.Equal(1UL, tmpfs.UsedPages);
        OpenFile open = fs.Open(file);
        Assert.Equal(8192, fs.Run(open.SeekAsync(fs.Current, 0, SeekWhence.Data)).Value);
        Assert.Equal(0, fs.Run(open.SeekAsync(fs.Current, 0, SeekWhence.Hole)).Value);
        Assert.Equal(10_003, fs.Run(open.SeekAsync(fs.Current, 8192, SeekWhence.Hole)).Value);
        Assert.Equal(Errno.ENXIO, fs.Run(open.SeekAsync(fs.Current, 10_003, SeekWhence.Data)).Error);
        open.Put();
        file.Put();
    }

    [Fact]
    public void Truncate_ThenExtend_ReadsZeros()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs();
        Inode file = fs.Create(tmpfs.Root.Inode!, "f");
        fs.Write(file, 0, new byte[9000].AsSpan().ToArray().Select(_ => (byte)7).ToArray());
        Assert.Equal(Errno.Success, fs.Truncate(file, 100));
        Assert.Equal(1UL, tmpfs.UsedPages);
        Assert.Equal(Errno.Success, fs.Truncate(file, 5000));
        byte[] data = fs.ReadAll(file);
        Assert.Equal(5000, data.Length);
        Assert.Equal(7, data[99]);
        Assert.True(data.AsSpan(100).IndexOfAnyExcept((byte)0) < 0);
        file.Put();
    }

    [Fact]
    public void Write_BeyondSizeOption_GivesShortCountThenEnospc()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs("size=8k");
        Inode file = fs.Create(tmpfs.Root.Inode!, "f");
        OpenFile open = fs.Open(file, OpenFlags.ReadWrite);
        Assert.Equal(8192, fs.Run(open.WriteAsync(fs.Current, new KernelIovIter(new byte[20_000]), 0)).Value);
        Assert.Equal(Errno.ENOSPC, fs.Run(open.WriteAsync(fs.Current, new KernelIovIter(new byte[1]), 8192)).Error);
        Assert.Equal(0UL, fs.Run(tmpfs.StatFsAsync(fs.Current)).Value.BlocksFree);
        Assert.Equal(Errno.ENOSPC, fs.Run(open.AllocateAsync(fs.Current, FallocateMode.None, 0, 12288)));
        Assert.Equal(Errno.Success, fs.Truncate(file, 0));
        Assert.Equal(2UL, fs.Run(tmpfs.StatFsAsync(fs.Current)).Value.BlocksFree);
        open.Put();
        file.Put();
    }

    [Fact]
    public void Create_BeyondInodesOption_GivesEnospc()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs("nr_inodes=3");
        Inode root = tmpfs.Root.Inode!;
        Inode a = fs.Create(root, "a");
        fs.Create(root, "b").Put();
        Assert.Equal(Errno.ENOSPC, fs.InDirectory(root, () => root.CreateAsync(fs.Current, FsFixture.Name("c"), default)).Error);
        Assert.Equal(Errno.ENOSPC, fs.Link(a, root, "c"));
        Assert.Equal(Errno.Success, fs.Unlink(root, "b"));
        Assert.Equal(Errno.Success, fs.Link(a, root, "c"));
        Assert.Equal(2U, a.LinkCount);
        a.Put();
    }

    [Fact]
    public void Create_BeyondTheGroupsMemory_GivesEnomemAndLeavesNothing()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs();
        Inode root = tmpfs.Root.Inode!;
        fs.Kernel.RootCgroup.KernelMemoryMaximum = fs.Kernel.RootCgroup.KernelMemory + 5000;
        Errno error = Errno.Success;
        int made = 0;
        for (; error == Errno.Success; made++)
        {
            int number = made;
            Result<Inode> result = fs.InDirectory(root, () => root.CreateAsync(fs.Current, FsFixture.Name("f" + number), default));
            error = result.Error;
            if (result.Ok)
                result.Value.Put();
        }

        Assert.Equal(Errno.ENOMEM, error);
        Assert.InRange(made, 5, 10);
        Assert.Equal(made - 1, fs.Names(root).Count);
        fs.Kernel.RootCgroup.KernelMemoryMaximum = long.MaxValue;
    }

    [Fact]
    public void Iterate_WhileEntriesAreDeleted_NeitherSkipsNorRepeats()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs();
        Inode root = tmpfs.Root.Inode!;
        const int count = 500;
        for (int i = 0; i < count; i++)
            fs.Create(root, "f" + i).Put();
        OpenFile file = fs.Open(root, OpenFlags.Directory);
        var seen = new HashSet<string>();
        for (; ; )
        {
            var batch = new BatchEmitter(10);
            Assert.Equal(Errno.Success, fs.Run(file.IterateAsync(fs.Current, batch)));
            if (batch.Names.Count == 0)
                break;
            foreach (string name in batch.Names)
            {
                Assert.True(seen.Add(name));
                if (name.StartsWith('f'))
                    Assert.Equal(Errno.Success, fs.Unlink(root, name));
            }
        }

        Assert.Equal(count + 2, seen.Count);
        Assert.Empty(fs.Names(root));
        Assert.Equal(40, root.Size);
        file.Put();
    }

    [Fact]
    public void Directory_WithManyEntries_StaysQuickToFillAndEmpty()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs("nr_inodes=0");
        Inode root = tmpfs.Root.Inode!;
        const int count = 200_000;
        for (int i = 0; i < count; i++)
            fs.Create(root, "file-" + i).Put();
        OpenFile file = fs.Open(root, OpenFlags.Directory);
        var counting = new BatchEmitter(int.MaxValue);
        Assert.Equal(Errno.Success, fs.Run(file.IterateAsync(fs.Current, counting)));
        Assert.Equal(count + 2, counting.Names.Count);
        for (int i = 0; i < count; i++)
            Assert.Equal(Errno.Success, fs.Unlink(root, "file-" + i));
        Assert.Equal(1UL, tmpfs.UsedInodes);
        file.Put();
    }

    [Fact]
    public void UnlinkedFile_LivesWhileItIsOpen()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs();
        Inode root = tmpfs.Root.Inode!;
        Inode inode = fs.Create(root, "f");
        fs.Write(inode, 0, FsFixture.Bytes("still here"));
        OpenFile file = fs.Open(inode);
        inode.Put();
        Assert.Equal(Errno.Success, fs.Unlink(root, "f"));
        Assert.Equal(0U, file.Inode.LinkCount);
        Assert.Equal("still here", System.Text.Encoding.UTF8.GetString(fs.Read(file, 0, 100)));
        Assert.Equal(1UL, tmpfs.UsedPages);
        file.Put();
        Assert.Equal(0UL, tmpfs.UsedPages);
        Assert.Equal(1UL, tmpfs.UsedInodes);
    }

    [Fact]
    public void Rename_OverNonEmptyDirectory_GivesEnotempty()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs();
        Inode root = tmpfs.Root.Inode!;
        fs.MakeDirectory(root, "a").Put();
        Inode b = fs.MakeDirectory(root, "b");
        fs.Create(b, "x").Put();
        Assert.Equal(Errno.ENOTEMPTY, fs.Rename(root, "a", root, "b"));
        Assert.Equal(Errno.Success, fs.Unlink(b, "x"));
        Assert.Equal(Errno.Success, fs.Rename(root, "a", root, "b"));
        Assert.Equal(0U, b.LinkCount);
        Assert.Equal(3U, root.LinkCount);
        b.Put();
    }

    [Fact]
    public void Rename_Exchange_SwapsAndCountsLinks()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs();
        Inode root = tmpfs.Root.Inode!;
        Inode directory = fs.MakeDirectory(root, "d");
        fs.Create(directory, "file").Put();
        fs.MakeDirectory(root, "other").Put();
        Assert.Equal(Errno.Success, fs.Rename(root, "other", directory, "file", RenameFlags.Exchange));
        Assert.Equal(3U, root.LinkCount);
        Assert.Equal(3U, directory.LinkCount);
        Inode swapped = fs.Walk(tmpfs, "other");
        Assert.True(swapped.IsRegular);
        swapped.Put();
        directory.Put();
    }

    [Fact]
    public void Rename_Whiteout_LeavesACharacterDeviceZero()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs();
        Inode root = tmpfs.Root.Inode!;
        fs.Create(root, "f").Put();
        Assert.Equal(Errno.Success, fs.Rename(root, "f", root, "g", RenameFlags.Whiteout));
        Inode whiteout = fs.Walk(tmpfs, "f");
        Assert.Equal(FileMode.CharacterDevice, whiteout.Type);
        Assert.Equal(default, whiteout.Device);
        whiteout.Put();
        Assert.Equal(["f", "g"], fs.Names(root));
    }

    [Fact]
    public void Create_BelowSetGidDirectory_InheritsTheGroup()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs("mode=2775,gid=77");
        Inode root = tmpfs.Root.Inode!;
        Inode file = fs.Create(root, "f");
        Inode directory = fs.MakeDirectory(root, "d");
        Assert.Equal(new Gid(77), file.Gid);
        Assert.Equal(new Gid(77), directory.Gid);
        Assert.True((directory.Mode & FileMode.SetGid) != 0);
        file.Put();
        directory.Put();
    }

    [Fact]
    public void PunchHole_FreesPagesAndReadsZeros()
    {
        using var fs = new FsFixture();
        TmpfsSuperBlock tmpfs = fs.NewTmpfs();
        Inode file = fs.Create(tmpfs.Root.Inode!, "f");
        fs.Write(file, 0, Enumerable.Repeat((byte)1, 5 * 4096).ToArray());
        OpenFile open = fs.Open(file, OpenFlags.ReadWrite);
        Assert.Equal(Errno.Success, fs.Run(open.AllocateAsync(fs.Current, FallocateMode.PunchHole | FallocateMode.KeepSize, 100, 3 * 4096)));
        Assert.Equal(3UL, tmpfs.UsedPages);
        byte[] data = fs.ReadAll(file);
        Assert.Equal(5 * 4096, data.Length);
        for (int i = 0; i < data.Length; i++)
            Assert.Equal(i is >= 100 and < 100 + (3 * 4096) ? 0 : 1, data[i]);
        Assert.Equal(Errno.EOPNOTSUPP, fs.Run(open.AllocateAsync(fs.Current, FallocateMode.CollapseRange, 0, 4096)));
        Assert.Equal(Errno.EOPNOTSUPP, fs.Run(open.AllocateAsync(fs.Current, FallocateMode.ZeroRange, 0, 4096)));
        open.Put();
        file.Put();
    }

    [Theory]
    [InlineData("size=1m", ",size=1024k,inode64")]
    [InlineData("mode=755,uid=5,gid=6", ",mode=755,uid=5,gid=6,inode64")]
    [InlineData("nr_inodes=1k,nr_blocks=10", ",size=40k,nr_inodes=1024,inode64")]
    [InlineData("", ",inode64")]
    public void Options_AreShownAsLinuxShowsThem(string options, string shown)
    {
        using var fs = new FsFixture();
        Assert.Equal(shown, fs.NewTmpfs(options).ShowOptions());
    }

    [Theory]
    [InlineData("size=")]
    [InlineData("size=12q")]
    [InlineData("size=999999999999999999999")]
    [InlineData("mode=9")]
    [InlineData("frobnicate")]
    [InlineData("uid=-1")]
    public void Options_Unknown_GiveEinval(string options)
    {
        using var fs = new FsFixture();
        Assert.Equal(Errno.EINVAL, fs.Run(new TmpfsFileSystem().MountAsync(fs.Current, "none", MountFlags.None, options)).Error);
    }

    [Fact]
    public void Xattrs_FollowCreateAndReplace()
    {
        using var fs = new FsFixture();
        Inode file = fs.Create(fs.NewTmpfs().Root.Inode!, "f");
        Assert.Equal(Errno.ENODATA, fs.Run(file.SetXattrAsync(fs.Current, "user.a", FsFixture.Bytes("1"), XattrFlags.Replace)));
        Assert.Equal(Errno.Success, fs.Run(file.SetXattrAsync(fs.Current, "user.a", FsFixture.Bytes("1"), XattrFlags.Create)));
        Assert.Equal(Errno.EEXIST, fs.Run(file.SetXattrAsync(fs.Current, "user.a", FsFixture.Bytes("2"), XattrFlags.Create)));
        Assert.Equal(Errno.Success, fs.Run(file.SetXattrAsync(fs.Current, "trusted.t", FsFixture.Bytes("2"), XattrFlags.None)));
        Assert.Equal(["user.a", "trusted.t"], fs.Run(file.ListXattrAsync(fs.Current)).Value);
        Assert.Equal(Errno.EOPNOTSUPP, fs.Run(file.GetXattrAsync(fs.Current, "system.posix_acl_access")).Error);
        Assert.Equal(Errno.Success, fs.Run(file.RemoveXattrAsync(fs.Current, "user.a")));
        Assert.Equal(Errno.ENODATA, fs.Run(file.GetXattrAsync(fs.Current, "user.a")).Error);
        file.Put();
    }

    private sealed class BatchEmitter(int room) : DirectoryEmitter
    {
        public List<string> Names { get; } = [];

        public override bool Emit(ReadOnlySpan<byte> name, InodeNumber inode, byte type, long nextOffset)
        {
            if (Names.Count == room)
                return false;
            Names.Add(System.Text.Encoding.UTF8.GetString(name));
            return true;
        }
    }
}
