using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tests.Vfs;

public sealed class MountTests
{
    [Fact]
    public void Mount_CoversTheDirectoryUntilUnmounted()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/m");
        fs.Write("/m/below", "x");
        Assert.Equal(Errno.Success, fs.Mount("/m"));
        Assert.Equal("ENOENT", fs.Where("/m/below"));
        fs.Write("/m/above", "y");
        Assert.Equal("/", fs.Where("/m/.."));
        Assert.Equal(Errno.EBUSY, fs.RmDir("/m"));
        Assert.Equal(Errno.EBUSY, fs.Rename("/m", "/n"));
        Assert.Equal(Errno.EXDEV, fs.Rename("/m/above", "/x"));
        Assert.Equal(Errno.EXDEV, fs.Link("/m/above", "/x"));
        OpenFile held = fs.Open("/m/above").Value;
        Assert.Equal(Errno.EBUSY, fs.Unmount("/m"));
        Assert.Equal(Errno.Success, fs.Unmount("/m", UnmountFlags.Detach));
        Assert.Equal("/m/below", fs.Where("/m/below"));
        held.Put();
        Assert.Equal(Errno.EINVAL, fs.Unmount("/m"));
    }

    [Fact]
    public void Mount_TwiceOnOnePlace_Stacks()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/m");
        fs.Mount("/m");
        fs.Write("/m/first", "1");
        fs.Mount("/m");
        fs.Write("/m/second", "2");
        Assert.Equal("ENOENT", fs.Where("/m/first"));
        Assert.Equal("/m", fs.Where("/m/."));
        Assert.Equal("/", fs.Where("/m/.."));
        Assert.Equal(Errno.Success, fs.Unmount("/m"));
        Assert.Equal("/m/first", fs.Where("/m/first"));
        Assert.Equal(Errno.Success, fs.Unmount("/m"));
    }

    [Fact]
    public void Mount_ReadOnlyNodev_RefusesWritesAndShowsFlags()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/m");
        fs.Mount("/m");
        fs.Write("/m/f", "x");
        VfsPath place = fs.Place("/m");
        OpenFile writer = fs.Open("/m/f", OpenFlags.WriteOnly).Value;
        Assert.Equal(Errno.EBUSY, fs.Vfs.RemountMount(fs.Current, place, MountFlags.ReadOnly));
        writer.Put();
        Assert.Equal(Errno.Success, fs.Vfs.RemountMount(fs.Current, place, MountFlags.ReadOnly | MountFlags.NoDev | MountFlags.NoAccessTime));
        place.Put();
        Assert.Equal(Errno.EROFS, fs.TryOpen("/m/f", OpenFlags.WriteOnly));
        Assert.Equal(Errno.EROFS, fs.TryOpen("/m/new", OpenFlags.Create | OpenFlags.WriteOnly));
        Assert.Equal(Errno.EROFS, fs.MkDir("/m/d"));
        Assert.Equal(Errno.EEXIST, fs.MkDir("/m/f"));
        Assert.Equal(Errno.EROFS, fs.Unlink("/m/f"));
        Assert.Contains("/ /m ro,nodev,noatime - tmpfs tmpfs rw", fs.MountInfo(), StringComparison.Ordinal);
    }

    [Fact]
    public void Bind_ShowsASubtreeElsewhere_RecursivelyIfAsked()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/src");
        fs.MkDir("/src/sub");
        fs.MkDir("/one");
        fs.MkDir("/all");
        fs.Mount("/src/sub");
        fs.Write("/src/sub/deep", "d");
        fs.Write("/src/f", "x");
        Assert.Equal(Errno.Success, Bind(fs, "/src", "/one", recursive: false));
        Assert.Equal(Errno.Success, Bind(fs, "/src", "/all", recursive: true));
        Assert.Equal("x", fs.Read("/one/f"));
        Assert.Equal("ENOENT", fs.Where("/one/sub/deep"));
        Assert.Equal("d", fs.Read("/all/sub/deep"));
        Assert.Equal("/one", fs.Where("/one/sub/.."));
        Assert.Contains(" /src /one rw,relatime ", fs.MountInfo(), StringComparison.Ordinal);
        Assert.Equal(Errno.EBUSY, fs.Unmount("/all"));
        Assert.Equal(Errno.Success, fs.Unmount("/all", UnmountFlags.Detach));
        fs.Write("/file", "f");
        Assert.Equal(Errno.ENOTDIR, Bind(fs, "/file", "/all", recursive: false));
    }

    [Fact]
    public void Move_TakesAMountAlong_NotIntoItself()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/a");
        fs.MkDir("/b");
        fs.Mount("/a");
        fs.MkDir("/a/in");
        VfsPath source = fs.Place("/a");
        VfsPath inside = fs.Place("/a/in");
        VfsPath target = fs.Place("/b");
        Assert.Equal(Errno.ELOOP, fs.Vfs.Move(fs.Current, source, inside));
        Assert.Equal(Errno.Success, fs.Vfs.Move(fs.Current, source, target));
        inside.Put();
        source.Put();
        target.Put();
        Assert.Equal("/b/in", fs.Where("/b/in"));
        Assert.Equal("ENOENT", fs.Where("/a/in"));
    }

    [Fact]
    public void Expire_NeedsTwoCallsWithoutUseBetween()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/m");
        fs.Mount("/m");
        Assert.Equal(Errno.EAGAIN, fs.Unmount("/m", UnmountFlags.Expire));
        fs.Write("/m/f", "use");
        Assert.Equal(Errno.EAGAIN, fs.Unmount("/m", UnmountFlags.Expire));
        Assert.Equal(Errno.Success, fs.Unmount("/m", UnmountFlags.Expire));
    }

    [Fact]
    public void SharedMounts_PassOnMountsAndUnmounts()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/m");
        fs.MkDir("/peer");
        fs.MkDir("/slave");
        fs.Mount("/m");
        fs.MkDir("/m/sub");
        VfsPath place = fs.Place("/m");
        Assert.Equal(Errno.Success, fs.Vfs.ChangePropagation(fs.Current, place, MountFlags.Shared, recursive: false));
        place.Put();
        Bind(fs, "/m", "/peer", recursive: false);
        Bind(fs, "/m", "/slave", recursive: false);
        place = fs.Place("/slave");
        fs.Vfs.ChangePropagation(fs.Current, place, MountFlags.Slave, recursive: false);
        place.Put();
        Assert.Contains("/ /peer rw,relatime shared:1 - ", fs.MountInfo(), StringComparison.Ordinal);
        Assert.Contains("/ /slave rw,relatime master:1 - ", fs.MountInfo(), StringComparison.Ordinal);
        Assert.Equal(Errno.Success, fs.Mount("/m/sub"));
        fs.Write("/m/sub/f", "seen");
        Assert.Equal("seen", fs.Read("/peer/sub/f"));
        Assert.Equal("seen", fs.Read("/slave/sub/f"));
        Assert.Equal(Errno.Success, fs.Unmount("/slave/sub"));
        Assert.Equal("seen", fs.Read("/peer/sub/f"));
        Assert.Equal(Errno.Success, fs.Unmount("/peer/sub"));
        Assert.Equal("ENOENT", fs.Where("/m/sub/f"));
    }

    [Fact]
    public void NamespaceCopy_HasItsOwnTree()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/m");
        fs.MkDir("/n");
        fs.Mount("/m");
        fs.Write("/m/f", "x");
        FsContext context = fs.Current.Fs!.Copy();
        MountNamespace copy = VfsFixture.Now(fs.Mounts.CopyAsync(fs.Current, fs.Kernel.InitUserNamespace, context)).Value;
        Assert.Equal(2, copy.Mounts.Count);
        Assert.Equal(copy.Root, context.Root.Mount);
        fs.Mount("/n");
        Assert.Equal(2, copy.Mounts.Count);
        Assert.Equal(3, fs.Mounts.Mounts.Count);
        context.Put();
        copy.Put();
    }

    [Fact]
    public void PivotRoot_SwapsRootsAndMovesTasks()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/new");
        fs.Mount("/new");
        fs.MkDir("/new/old");
        fs.Write("/marker", "old root");
        VfsPath root = fs.Place("/new");
        VfsPath old = fs.Place("/new/old");
        Assert.Equal(Errno.EBUSY, fs.Vfs.PivotRoot(fs.Current, fs.Current.Fs!.Root, old));
        Assert.Equal(Errno.Success, fs.Vfs.PivotRoot(fs.Current, root, old));
        Assert.Equal(root.Mount, fs.Mounts.Root);
        fs.Current.Fs.SetRoot(root);
        fs.Current.Fs.SetWorkingDirectory(root);
        old.Put();
        root.Put();
        Assert.Equal("old root", fs.Read("/old/marker"));
        Assert.Equal(Errno.Success, fs.Unmount("/old", UnmountFlags.Detach));
        Assert.Equal("ENOENT", fs.Where("/old/marker"));
    }

    private static Errno Bind(VfsFixture fs, string from, string to, bool recursive)
    {
        VfsPath source = fs.Place(from);
        VfsPath target = fs.Place(to);
        Errno error = fs.Vfs.Bind(fs.Current, source, target, recursive);
        target.Put();
        source.Put();
        return error;
    }
}
