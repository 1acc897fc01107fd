using System.Text;
using Vitrine.Fs.Host;
using Vitrine.Fs.Overlay;
using Vitrine.Kernel.Vfs;
using FileMode = Vitrine.Abi.FileMode;

namespace Vitrine.Kernel.Tests.Fs;

/// <summary>The host's tree, on a directory of the host made for the test.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class HostTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("vitrine-fs-").FullName;

    public HostTests()
    {
        Directory.CreateDirectory(At("dir/sub"));
        File.WriteAllText(At("dir/file"), "content");
        File.WriteAllText(At("top"), "top");
        File.CreateSymbolicLink(At("dir/link"), "../../../../../../etc/shadow");
        File.SetUnixFileMode(At("top"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Tree_ShowsNamesNumbersAndContent()
    {
        using var fs = new FsFixture();
        HostSuperBlock host = Mount(fs);
        Assert.Equal(["dir", "top"], fs.Names(host.Root.Inode!));
        Assert.Equal("content", fs.ReadText(host, "dir/file"));
        Inode directory = fs.Walk(host, "dir");
        Assert.Equal(["file", "link", "sub"], fs.Names(directory));
        Inode file = fs.Walk(host, "dir/file");
        (string, ulong, byte) entry = fs.List(directory).Find(e => e.Name == "file");
        Assert.Equal(("file", fs.Stat(file).Inode.Value, (byte)8), entry);
        Inode link = fs.Walk(host, "dir/link");
        Assert.Equal("../../../../../../etc/shadow", Encoding.UTF8.GetString(fs.Run(link.ReadLinkAsync(fs.Current)).Value));
        Assert.Equal(Errno.EROFS, fs.Run(file.OpenAsync(fs.Current, new VfsPath(null!, host.Root), OpenFlags.ReadWrite)).Error);
        link.Put();
        file.Put();
        directory.Put();
    }

    [Fact]
    public void LargeFile_IsReadCompletely()
    {
        byte[] data = new byte[3_000_001];
        for (int i = 0; i < data.Length; i++)
            data[i] = (byte)(i * 7 / 5);
        File.WriteAllBytes(At("large"), data);
        using var fs = new FsFixture();
        HostSuperBlock host = Mount(fs);
        Inode file = fs.Walk(host, "large");
        Assert.Equal(data, fs.ReadAll(file));
        OpenFile open = fs.Open(file);
        Assert.Equal(data.AsSpan(1_234_567, 1000).ToArray(), fs.Read(open, 1_234_567, 1000));
        open.Put();
        file.Put();
    }

    [Fact]
    public void ChangeOnTheHost_IsSeenAtTheNextOpen()
    {
        using var fs = new FsFixture();
        HostSuperBlock host = Mount(fs);
        Inode file = fs.Walk(host, "dir/file");
        Assert.Equal("content", Encoding.UTF8.GetString(fs.ReadAll(file)));
        File.WriteAllText(At("dir/file"), "changed and longer");
        Assert.Equal("changed and longer", Encoding.UTF8.GetString(fs.ReadAll(file)));
        file.Put();
    }

    [Fact]
    public void ReplacedFile_GivesEstaleNotTheOtherContent()
    {
        using var fs = new FsFixture();
        HostSuperBlock host = Mount(fs);
        Inode file = fs.Walk(host, "dir/file");
        File.Move(At("dir/file"), At("dir/kept"));
        File.WriteAllText(At("dir/file"), "another");
        Assert.Equal(Errno.ESTALE, fs.Run(file.OpenAsync(fs.Current, new VfsPath(null!, host.Root), OpenFlags.ReadOnly)).Error);
        file.Put();
        Assert.Equal("another", fs.ReadText(host, "dir/file"));
    }

    [Fact]
    public void ManyDirectories_StayReachableUnderTheHandleCap()
    {
        for (int i = 0; i < 700; i++)
        {
            Directory.CreateDirectory(At($"many/{i}"));
            File.WriteAllText(At($"many/{i}/f"), i.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        using var fs = new FsFixture();
        HostSuperBlock host = Mount(fs);
        var held = new List<Inode>();
        for (int i = 0; i < 700; i++)
        {
            Inode directory = fs.Walk(host, $"many/{i}");
            fs.Find(directory, "f")!.Put();
            held.Add(directory);
        }

        Assert.InRange(host.Directories.Count, 1, 512);
        for (int i = 0; i < 700; i++)
        {
            Inode file = fs.Find(held[i], "f")!;
            Assert.Equal(i.ToString(System.Globalization.CultureInfo.InvariantCulture), Encoding.UTF8.GetString(fs.ReadAll(file)));
            file.Put();
            held[i].Put();
        }

        Assert.InRange(host.Directories.Count, 1, 512);
    }

    [Fact]
    public void SameFileByTwoNames_IsOneInode()
    {
        Assert.Equal(0, Link(At("top"), At("dir/second")));
        using var fs = new FsFixture();
        HostSuperBlock host = Mount(fs);
        Inode one = fs.Walk(host, "top");
        Inode two = fs.Walk(host, "dir/second");
        Assert.Same(one, two);
        Assert.Equal(2U, fs.Stat(two).LinkCount);
        one.Put();
        two.Put();
    }

    [Fact]
    public void Rules_ShowOnlyWhatIsListed()
    {
        Directory.CreateDirectory(At("home/me/.ssh"));
        Directory.CreateDirectory(At("home/me/project/.ssh"));
        Directory.CreateDirectory(At("home/me/private"));
        using var fs = new FsFixture();
        var spec = new HostTreeSpec { HostPath = _root, Root = { Exposure = HostExposure.Listed } };
        spec.Root.At("dir").Exposure = HostExposure.Whole;
        HostTreeRule project = spec.Root.At("home/me/project");
        project.Exposure = HostExposure.Whole;
        project.Filter = HostFilter.UserSecrets;
        HostTreeRule fresh = spec.Root.At("tmp");
        fresh.Exposure = HostExposure.Empty;
        fresh.EmptyMode = (FileMode)0x3FF;
        HostSuperBlock host = fs.Mounted((HostSuperBlock)HostSuperBlock.Create(fs.Kernel, new HostFileSystem(), spec).Value);
        Assert.Equal(["dir", "home", "tmp"], fs.Names(host.Root.Inode!));
        Assert.False(fs.Exists(host, "top"));
        Inode me = fs.Walk(host, "home/me");
        Assert.Equal(["project"], fs.Names(me));
        me.Put();
        Assert.False(fs.Exists(host, "home/me/private"));
        Assert.False(fs.Exists(host, "home/me/project/.ssh"));
        Inode tmp = fs.Walk(host, "tmp");
        Assert.Equal(FileMode.Directory | (FileMode)0x3FF, fs.Stat(tmp).Mode);
        Assert.Empty(fs.Names(tmp));
        tmp.Put();
    }

    [Fact]
    public void UnreadableFiles_DoNotExistUnderTheFilter()
    {
        using var fs = new FsFixture();
        var spec = new HostTreeSpec { HostPath = _root, Root = { Filter = HostFilter.Unreadable } };
        HostSuperBlock host = fs.Mounted((HostSuperBlock)HostSuperBlock.Create(fs.Kernel, new HostFileSystem(), spec).Value);
        Assert.Equal(["dir"], fs.Names(host.Root.Inode!));
        Assert.False(fs.Exists(host, "top"));
    }

    [Fact]
    public void KernelFileSystems_AreEmptyOrRefused()
    {
        using var fs = new FsFixture();
        Assert.Equal(Errno.EPERM, HostSuperBlock.Create(fs.Kernel, new HostFileSystem(), HostTreeSpec.ForVolume("/proc", false)).Error);
        Assert.Equal(Errno.EPERM, HostSuperBlock.Create(fs.Kernel, new HostFileSystem(), HostTreeSpec.ForVolume("/dev", false)).Error);
        HostSuperBlock host = fs.Mounted((HostSuperBlock)HostSuperBlock.Create(fs.Kernel, new HostFileSystem(), HostTreeSpec.ForVolume("/", false)).Value);
        foreach (string name in (string[])["proc", "sys", "dev"])
        {
            Inode directory = fs.Walk(host, name);
            Assert.Empty(fs.Names(directory));
            Assert.Null(fs.Find(directory, "self"));
            Assert.Null(fs.Find(directory, "null"));
            directory.Put();
        }
    }

    [Fact]
    public void SingleFile_IsATreeOfItsOwn()
    {
        using var fs = new FsFixture();
        HostSuperBlock host = fs.Mounted((HostSuperBlock)HostSuperBlock.Create(fs.Kernel, new HostFileSystem(), HostTreeSpec.ForVolume(At("dir/file"), false)).Value);
        Assert.True(host.Root.Inode!.IsRegular);
        Assert.Equal("content", Encoding.UTF8.GetString(fs.ReadAll(host.Root.Inode!)));
    }

    [Theory]
    [InlineData("/srv/work", true)]
    [InlineData("/home/me/project", true)]
    [InlineData("/home/me", false)]
    [InlineData("/home", false)]
    [InlineData("/root", false)]
    [InlineData("/", false)]
    [InlineData("/data/users", false)]
    [InlineData("/data/users/me", false)]
    [InlineData("/data/users/me/p", true)]
    [InlineData("/proc/self", false)]
    public void WorkingDirectory_IsSharedUnlessItIsAHome(string directory, bool shared) =>
        Assert.Equal(shared, HostTreeSpec.MayShare(directory, ["/data/users/me"]));

    [Fact]
    public void DeterministicTree_IsSortedAndNumberedInOrderOfDiscovery()
    {
        using var fs = new FsFixture();
        HostSuperBlock host = fs.Mounted((HostSuperBlock)HostSuperBlock.Create(fs.Kernel, new HostFileSystem(), HostTreeSpec.ForVolume(_root, false, deterministic: true)).Value);
        List<(string Name, ulong Inode, byte Type)> entries = fs.List(host.Root.Inode!);
        Assert.Equal([("dir", 2UL, (byte)4), ("top", 3UL, (byte)8)], entries);
        Inode top = fs.Walk(host, "top");
        Assert.Equal(3UL, fs.Stat(top).Inode.Value);
        Assert.Equal(1UL, fs.Stat(host.Root.Inode!).Inode.Value);
        top.Put();
        File.WriteAllText(At("top"), "changed");
        Inode root = host.Root.Inode!;
        Assert.Equal(Errno.EIO, fs.InDirectory(root, () => root.LookupAsync(fs.Current, FsFixture.Name("top"))).Error);
    }

    [Fact]
    public void OverlayOnTheHost_WritesOnlyToMemory()
    {
        using var fs = new FsFixture();
        HostSuperBlock host = Mount(fs);
        OverlaySuperBlock overlay = fs.NewOverlay(fs.NewTmpfs(), host);
        Inode file = fs.Walk(overlay, "dir/file");
        ulong number = fs.Stat(file).Inode.Value;
        fs.Write(file, 7, FsFixture.Bytes(" and more"));
        Assert.Equal("content and more", Encoding.UTF8.GetString(fs.ReadAll(file)));
        Assert.Equal(number, fs.Stat(file).Inode.Value);
        file.Put();
        Inode root = overlay.Root.Inode!;
        Assert.Equal(Errno.Success, fs.Rename(root, "dir", root, "moved"));
        Assert.Equal("content and more", fs.ReadText(overlay, "moved/file"));
        Assert.Equal(Errno.Success, fs.Unlink(root, "top"));
        Assert.Equal(["moved"], fs.Names(root));
        Assert.Equal("content", File.ReadAllText(At("dir/file")));
        Assert.True(File.Exists(At("top")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void WritableTree_DoesWhatTheModelDoes(ulong seed)
    {
        string root = At("shared");
        Directory.CreateDirectory(root);
        File.SetUnixFileMode(root, (UnixFileMode)0x1ED);
        var model = new ModelNode { Type = FileMode.Directory, Permissions = 0x1ED };
        using (var fs = new FsFixture())
        {
            HostSuperBlock host = fs.Mounted((HostSuperBlock)HostSuperBlock.Create(fs.Kernel, new HostFileSystem(), HostTreeSpec.ForVolume(root, writable: true)).Value);
            new TreeExerciser(fs, host, model, seed, isHost: true).Run(400);
        }

        // All of it is on the host: a new look sees the same.
        using var again = new FsFixture();
        HostSuperBlock fresh = again.Mounted((HostSuperBlock)HostSuperBlock.Create(again.Kernel, new HostFileSystem(), HostTreeSpec.ForVolume(root, writable: false)).Value);
        var identities = new Stack<ModelNode>([model]);
        while (identities.TryPop(out ModelNode? node))
        {
            node.Identity = null;
            foreach (ModelNode child in node.Entries.Values)
                identities.Push(child);
        }

        new TreeExerciser(again, fresh, model, seed, isHost: true).Run(0);
    }

    [Fact]
    public void WritableTree_RefusesWhatWouldGainRightsOnTheHost()
    {
        using var fs = new FsFixture();
        HostSuperBlock host = fs.Mounted((HostSuperBlock)HostSuperBlock.Create(fs.Kernel, new HostFileSystem(), HostTreeSpec.ForVolume(_root, writable: true)).Value);
        Inode root = host.Root.Inode!;
        Assert.Equal(Errno.EPERM, fs.InDirectory(root, () => root.MakeNodeAsync(fs.Current, FsFixture.Name("dev"), FileMode.CharacterDevice, new DeviceNumber(1, 3))).Error);
        Inode program = fs.Create(root, "program", 0x9ED);
        Assert.Equal(FileMode.Regular | (FileMode)0x1ED, fs.Stat(program).Mode);
        Assert.Equal(Errno.EPERM, fs.Change(program, new InodeAttributes { Mask = AttributeMask.Mode, Mode = (FileMode)0x9ED }));
        program.Put();
    }

    [Fact]
    public void WritableTree_UnlinkedFileStaysUsable()
    {
        using var fs = new FsFixture();
        HostSuperBlock host = fs.Mounted((HostSuperBlock)HostSuperBlock.Create(fs.Kernel, new HostFileSystem(), HostTreeSpec.ForVolume(_root, writable: true)).Value);
        Inode root = host.Root.Inode!;
        Inode file = fs.Create(root, "gone");
        fs.Write(file, 0, FsFixture.Bytes("kept"));
        OpenFile open = fs.Open(file, OpenFlags.ReadWrite);
        Assert.Equal(Errno.Success, fs.Unlink(root, "gone"));
        Assert.False(File.Exists(At("gone")));
        Assert.Equal(3, fs.Run(open.WriteAsync(fs.Current, new KernelIovIter(FsFixture.Bytes("abc")), 4)).Value);
        Assert.Equal("keptabc", Encoding.UTF8.GetString(fs.Read(open, 0, 20)));
        Assert.Equal(0U, file.LinkCount);
        open.Put();
        file.Put();
    }

    [Fact]
    public void MachineEnd_WithoutUnmount_ClosesTheHostsDescriptors()
    {
        using var fs = new FsFixture();
        HostSuperBlock host = Mount(fs);
        Inode file = fs.Walk(host, "dir/file");
        OpenFile open = fs.Open(file);
        Assert.Equal("content", Encoding.UTF8.GetString(fs.Read(open, 0, 10)));
        Assert.InRange(fs.Kernel.Audit.LiveHostHandles, 3, 4);
        Assert.True(fs.Kernel.ReleaseHostResources(TimeSpan.FromSeconds(1)));
        Assert.Equal(0, fs.Kernel.Audit.LiveHostHandles);
        open.Put();
        file.Put();
    }

    private HostSuperBlock Mount(FsFixture fs) =>
        fs.Mounted((HostSuperBlock)HostSuperBlock.Create(fs.Kernel, new HostFileSystem(), HostTreeSpec.ForVolume(_root, writable: false)).Value);

    private string At(string path) => Path.Combine(_root, path);

    private static int Link(string from, string to)
    {
        using var process = System.Diagnostics.Process.Start("ln", [from, to]);
        process.WaitForExit();
        return process.ExitCode;
    }
}
