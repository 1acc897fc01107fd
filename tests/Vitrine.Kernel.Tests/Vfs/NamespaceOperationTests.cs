using System.Text;
using Vitrine.Kernel.Vfs;
using FileMode = Vitrine.Abi.FileMode;

namespace Vitrine.Kernel.Tests.Vfs;

public sealed class NamespaceOperationTests
{
    [Fact]
    public void Create_ExistingOrBadPlaces_GivesLinuxErrors()
    {
        using var fs = new VfsFixture();
        Assert.Equal(Errno.Success, fs.MkDir("/d"));
        Assert.Equal(Errno.EEXIST, fs.MkDir("/d"));
        Assert.Equal(Errno.EEXIST, fs.MkDir("/"));
        Assert.Equal(Errno.EEXIST, fs.MkDir("/d/."));
        Assert.Equal(Errno.EEXIST, fs.MkDir("/d/.."));
        Assert.Equal(Errno.Success, fs.MkDir("/d/e/"));
        Assert.Equal(Errno.ENOENT, fs.MkDir("/x/y"));
        Assert.Equal(Errno.ENOENT, fs.Symlink("t", "/d/new/"));
        fs.Write("/f", "x");
        Assert.Equal(Errno.ENOTDIR, fs.MkDir("/f/x"));
        Assert.Equal(Errno.EEXIST, fs.Symlink("t", "/f"));
        Assert.Equal(Errno.EEXIST, fs.Link("/f", "/d"));
        Assert.Equal(Errno.EPERM, fs.Link("/d", "/hard"));
    }

    [Fact]
    public void Unlink_AndRmdir_CheckKindsAndNames()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/d");
        fs.MkDir("/d/e");
        fs.Write("/f", "x");
        Assert.Equal(Errno.EISDIR, fs.Unlink("/d"));
        Assert.Equal(Errno.ENOTDIR, fs.RmDir("/f"));
        Assert.Equal(Errno.ENOTEMPTY, fs.RmDir("/d"));
        Assert.Equal(Errno.EINVAL, fs.RmDir("/d/."));
        Assert.Equal(Errno.ENOTEMPTY, fs.RmDir("/d/.."));
        Assert.Equal(Errno.EBUSY, fs.RmDir("/"));
        Assert.Equal(Errno.ENOTDIR, fs.Unlink("/f/"));
        Assert.Equal(Errno.ENOENT, fs.Unlink("/missing"));
        Assert.Equal(Errno.Success, fs.RmDir("/d/e/"));
        Assert.Equal(Errno.Success, fs.RmDir("/d"));
        Assert.Equal(Errno.Success, fs.Unlink("/f"));
        Assert.Equal("ENOENT", fs.Where("/f"));
    }

    [Fact]
    public void Unlink_OpenFile_LivesOnAndShowsAsDeleted()
    {
        using var fs = new VfsFixture();
        fs.Write("/f", "content");
        OpenFile file = fs.Open("/f").Value;
        Assert.Equal(Errno.Success, fs.Unlink("/f"));
        Assert.Equal("/f (deleted)", Encoding.UTF8.GetString(PathText.Of(file.Path, fs.Current.Fs!.Root)));
        byte[] data = new byte[16];
        Assert.Equal(7, VfsFixture.Now(fs.Vfs.ReadAtPositionAsync(fs.Current, file, new KernelIovIter(data))).Value);
        fs.Write("/f", "another");
        Assert.Equal("another", fs.Read("/f"));
        file.Put();
    }

    [Fact]
    public void RemovedWorkingDirectory_HasNoNameAndTakesNoEntries()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/d");
        VfsPath place = fs.Place("/d");
        fs.Current.Fs!.SetWorkingDirectory(place);
        place.Put();
        Assert.Equal(Errno.Success, fs.RmDir("/d"));
        Assert.Equal(Errno.ENOENT, PathText.ForWorkingDirectory(fs.Current.Fs.WorkingDirectory, fs.Current.Fs.Root).Error);
        Assert.Equal(Errno.ENOENT, fs.MkDir("x"));
        Assert.Equal(Errno.ENOENT, fs.TryOpen("x", OpenFlags.Create | OpenFlags.WriteOnly));
        Assert.Equal("/", fs.Where(".."));
        fs.Current.Fs.SetWorkingDirectory(fs.Current.Fs.Root);
    }

    [Fact]
    public void Rename_FilesAndDirectories_MovesThem()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/a");
        fs.MkDir("/b");
        fs.MkDir("/a/sub");
        fs.Write("/a/f", "one");
        fs.Write("/b/g", "two");
        OpenFile held = fs.Open("/a/f").Value;
        Assert.Equal(Errno.Success, fs.Rename("/a/f", "/b/g"));
        Assert.Equal("one", fs.Read("/b/g"));
        Assert.Equal("ENOENT", fs.Where("/a/f"));
        Assert.Equal("/b/g", Encoding.UTF8.GetString(PathText.Of(held.Path, fs.Current.Fs!.Root)));
        held.Put();
        Assert.Equal(Errno.Success, fs.Rename("/a/sub", "/b/moved/"));
        Assert.Equal("/b", fs.Where("/b/moved/.."));
    }

    [Fact]
    public void Rename_Refusals_AreLinuxs()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/a");
        fs.MkDir("/a/b");
        fs.MkDir("/full");
        fs.Write("/full/x", "x");
        fs.Write("/f", "x");
        fs.Write("/g", "y");
        Assert.Equal(Errno.EINVAL, fs.Rename("/a", "/a/b/c"));
        Assert.Equal(Errno.ENOTEMPTY, fs.Rename("/a/b", "/a"));
        Assert.Equal(Errno.ENOTEMPTY, fs.Rename("/a/b", "/full"));
        Assert.Equal(Errno.ENOTDIR, fs.Rename("/a", "/f"));
        Assert.Equal(Errno.EISDIR, fs.Rename("/f", "/a/b"));
        Assert.Equal(Errno.ENOTDIR, fs.Rename("/f/", "/new"));
        Assert.Equal(Errno.ENOTDIR, fs.Rename("/f", "/new/"));
        Assert.Equal(Errno.ENOENT, fs.Rename("/none", "/new"));
        Assert.Equal(Errno.EBUSY, fs.Rename("/a/.", "/new"));
        Assert.Equal(Errno.EBUSY, fs.Rename("/a", "/"));
        Assert.Equal(Errno.EEXIST, fs.Rename("/f", "/g", RenameFlags.NoReplace));
        Assert.Equal(Errno.ENOENT, fs.Rename("/f", "/none", RenameFlags.Exchange));
        Assert.Equal(Errno.EINVAL, fs.Rename("/f", "/g", RenameFlags.Exchange | RenameFlags.NoReplace));
        Assert.Equal(Errno.EINVAL, fs.Rename("/a", "/a/b", RenameFlags.Exchange));
        Assert.Equal(Errno.Success, fs.Rename("/f", "/a", RenameFlags.Exchange));
        Assert.Equal("x", fs.Read("/a"));
        Assert.Equal("/f/b", fs.Where("/f/b"));
    }

    [Fact]
    public void Rename_OfOneFilesTwoNames_DoesNothing()
    {
        using var fs = new VfsFixture();
        fs.Write("/f", "x");
        fs.Link("/f", "/g");
        Assert.Equal(2u, fs.Stat("/f").LinkCount);
        Assert.Equal(Errno.Success, fs.Rename("/f", "/g"));
        Assert.Equal(2u, fs.Stat("/g").LinkCount);
        Assert.Equal("/f", fs.Where("/f"));
    }

    [Fact]
    public void StickyDirectory_LetsOnlyOwnersRemove()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/tmp", 0x3FF);
        fs.Become(1000);
        fs.Write("/tmp/mine", "x");
        fs.Become(2000);
        Assert.Equal(Errno.EPERM, fs.Unlink("/tmp/mine"));
        Assert.Equal(Errno.EPERM, fs.Rename("/tmp/mine", "/tmp/yours"));
        fs.Write("/tmp/own", "y");
        Assert.Equal(Errno.EPERM, fs.Rename("/tmp/own", "/tmp/mine"));
        Assert.Equal(Errno.EPERM, VfsFixture.Now(fs.Vfs.MayLinkAsync(fs.Current, Inode(fs, "/tmp/mine"))));
        fs.Become(1000);
        Assert.Equal(Errno.Success, fs.Unlink("/tmp/mine"));
        fs.Become(0);
    }

    [Fact]
    public void Open_FlagsAndKinds_AreCheckedAsLinuxDoes()
    {
        using var fs = new VfsFixture();
        fs.MkDir("/d");
        fs.Write("/f", "abc");
        fs.Symlink("f", "/link");
        fs.Symlink("made", "/dangling");
        Assert.Equal(Errno.EISDIR, fs.TryOpen("/d", OpenFlags.ReadWrite));
        Assert.Equal(Errno.EISDIR, fs.TryOpen("/d", OpenFlags.Create));
        Assert.Equal(Errno.EISDIR, fs.TryOpen("/new/", OpenFlags.Create));
        Assert.Equal(Errno.ENOTDIR, fs.TryOpen("/f", OpenFlags.Directory));
        Assert.Equal(Errno.EEXIST, fs.TryOpen("/f", OpenFlags.Create | OpenFlags.Exclusive));
        Assert.Equal(Errno.EEXIST, fs.TryOpen("/dangling", OpenFlags.Create | OpenFlags.Exclusive));
        Assert.Equal(Errno.ELOOP, fs.TryOpen("/link", OpenFlags.NoFollow));
        Assert.Equal(Errno.Success, fs.TryOpen("/link", OpenFlags.NoFollow | OpenFlags.Path));
        Assert.Equal(Errno.EINVAL, fs.TryOpen("/f", OpenFlags.Create | OpenFlags.Directory));
        Assert.Equal(Errno.Success, fs.TryOpen("/dangling", OpenFlags.Create | OpenFlags.WriteOnly));
        Assert.Equal("/made", fs.Where("/made"));
        Assert.Equal(Errno.EINVAL, fs.TryOpen("/d", OpenFlags.TemporaryFile));
        Assert.Equal(Errno.Success, fs.TryOpen("/link", OpenFlags.WriteOnly | OpenFlags.Truncate));
        Assert.Equal(0, fs.Stat("/f").Size);
    }

    [Fact]
    public void Open_TemporaryFile_CanBeGivenAName()
    {
        using var fs = new VfsFixture();
        OpenFile file = fs.Open("/", OpenFlags.TemporaryFile | OpenFlags.ReadWrite, 0x180).Value;
        Assert.EndsWith(" (deleted)", Encoding.UTF8.GetString(PathText.Of(file.Path, fs.Current.Fs!.Root)), StringComparison.Ordinal);
        using PathName name = fs.Name("/named");
        Assert.Equal(Errno.Success, VfsFixture.Now(fs.Vfs.CreateEntryAsync(fs.Current, Fd.Cwd, name, NewEntry.HardLink(file.Inode), file.Path.Mount)));
        Assert.Equal(1u, fs.Stat("/named").LinkCount);
        file.Put();
        Assert.Equal("/named", fs.Where("/named"));
    }

    [Fact]
    public void Create_HonoursUmaskAndOwners()
    {
        using var fs = new VfsFixture();
        fs.Current.Fs!.Umask = (FileMode)0x12;
        fs.MkDir("/d", 0x1FF);
        Assert.Equal((FileMode)0x1ED, fs.Stat("/d").Mode & FileMode.PermissionMask);
        fs.Become(1000);
        Assert.Equal(Errno.EACCES, fs.MkDir("/d/x"));
        Assert.Equal(Errno.EACCES, fs.TryOpen("/d/x", OpenFlags.Create | OpenFlags.WriteOnly));
        Assert.Equal(Errno.EACCES, fs.TryOpen("/d", OpenFlags.TemporaryFile | OpenFlags.WriteOnly));
        fs.Become(0);
    }

    [Fact]
    public void Chown_AndWrites_TakeSetIdBitsAway()
    {
        using var fs = new VfsFixture();
        fs.Write("/f", "x");
        VfsPath place = fs.Place("/f");
        VfsFixture.Now(fs.Vfs.ChangeModeAsync(fs.Current, place, (FileMode)0xDED));
        Assert.Equal((FileMode)0xDED, fs.Stat("/f").Mode & FileMode.PermissionMask);
        Assert.Equal(Errno.Success, VfsFixture.Now(fs.Vfs.ChangeOwnerAsync(fs.Current, place, new Uid(1000), new Gid(1000))));
        Assert.Equal((FileMode)0x1ED, fs.Stat("/f").Mode & FileMode.PermissionMask);
        VfsFixture.Now(fs.Vfs.ChangeModeAsync(fs.Current, place, (FileMode)0x9FF));
        fs.Become(2000);
        Assert.Equal(Errno.EPERM, VfsFixture.Now(fs.Vfs.ChangeModeAsync(fs.Current, place, (FileMode)0x1FF)));
        Assert.Equal(Errno.EPERM, VfsFixture.Now(fs.Vfs.ChangeOwnerAsync(fs.Current, place, new Uid(2000), Gid.Unchanged)));
        OpenFile file = fs.Open("/f", OpenFlags.WriteOnly).Value;
        Assert.Equal(1, VfsFixture.Now(fs.Vfs.WriteAtPositionAsync(fs.Current, file, new KernelIovIter(new byte[1]))).Value);
        Assert.Equal((FileMode)0x1FF, fs.Stat("/f").Mode & FileMode.PermissionMask);
        file.Put();
        place.Put();
        fs.Become(0);
    }

    private static Inode Inode(VfsFixture fs, string path)
    {
        VfsPath place = fs.Place(path);
        Inode inode = place.Dentry.Inode!;
        place.Put();
        return inode;
    }
}
