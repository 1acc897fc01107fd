using Vitrine.Kernel.Syscalls.Files;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tests.Vfs;

public sealed class DescriptorTests
{
    [Fact]
    public void Install_TakesTheLowestFreeNumber()
    {
        using var fs = new VfsFixture();
        FdTable table = fs.Current.Files!;
        for (int i = 0; i < 100; i++)
            Assert.Equal(new Fd(i), table.Install(fs.Current, fs.Open("/").Value, false).Value);
        Assert.Equal(Errno.Success, VfsFixture.Now(table.CloseAsync(fs.Current, new Fd(7))));
        Assert.Equal(Errno.Success, VfsFixture.Now(table.CloseAsync(fs.Current, new Fd(70))));
        Assert.Equal(Errno.EBADF, VfsFixture.Now(table.CloseAsync(fs.Current, new Fd(70))));
        Assert.Equal(new Fd(70), table.Install(fs.Current, fs.Open("/").Value, false, minimum: 50).Value);
        Assert.Equal(new Fd(7), table.Install(fs.Current, fs.Open("/").Value, false).Value);
        Assert.Equal(new Fd(200), table.Install(fs.Current, fs.Open("/").Value, false, minimum: 200).Value);
        Assert.Equal(new Fd(100), table.Install(fs.Current, fs.Open("/").Value, false).Value);
    }

    [Fact]
    public void Limit_GivesEmfileAndReservedSlotsAreNotSeen()
    {
        using var fs = new VfsFixture();
        fs.Current.ThreadGroup.Limits[(int)ResourceLimit.NoFile] = new RLimit(2, 2);
        FdTable table = fs.Current.Files!;
        Fd reserved = table.Reserve(fs.Current, false).Value;
        Assert.Equal(Errno.EBADF, table.Get(reserved).Error);
        Assert.Equal(new Fd(1), table.Install(fs.Current, fs.Open("/").Value, false).Value);
        OpenFile extra = fs.Open("/").Value;
        Assert.Equal(Errno.EMFILE, table.Install(fs.Current, extra, false).Error);
        Assert.Equal(Errno.EBUSY, table.Replace(reserved, extra, false).Error);
        table.Unreserve(reserved);
        Assert.Equal(reserved, table.Install(fs.Current, extra, false).Value);
        fs.Current.ThreadGroup.Limits[(int)ResourceLimit.NoFile] = new RLimit(1024, 1024);
    }

    [Fact]
    public void Copy_SharesDescriptionsAndExecClosesTheMarked()
    {
        using var fs = new VfsFixture();
        FdTable table = fs.Current.Files!;
        fs.Write("/f", "abcdef");
        OpenFile file = fs.Open("/f").Value;
        table.Install(fs.Current, file, closeOnExec: false);
        Fd marked = table.Install(fs.Current, fs.Open("/").Value, closeOnExec: true).Value;
        FdTable copy = table.Copy(fs.Current).Value;
        Assert.Equal(2, file.References);
        Assert.True(copy.IsCloseOnExec(marked));
        VfsFixture.Now(copy.CloseOnExecAsync(fs.Current));
        Assert.Null(copy.Peek(marked));
        Assert.NotNull(table.Peek(marked));
        VfsFixture.Now(copy.PutAsync(fs.Current));
        Assert.Equal(1, file.References);
    }

    [Fact]
    public void DupAndFcntl_FollowTheRules()
    {
        using var fs = new VfsFixture();
        FdTable table = fs.Current.Files!;
        Fd fd = table.Install(fs.Current, fs.Open("/").Value, false).Value;
        Assert.Equal(1, DescriptorCalls.Dup(fs.Current, fd).Value);
        Assert.Equal(5, VfsFixture.Now(DescriptorCalls.Dup2(fs.Current, fd, new Fd(5))).Value);
        Assert.Equal(0, VfsFixture.Now(DescriptorCalls.Dup2(fs.Current, fd, fd)).Value);
        Assert.Equal(Errno.EBADF, VfsFixture.Now(DescriptorCalls.Dup2(fs.Current, new Fd(9), new Fd(9))).Error);
        Assert.Equal(Errno.EBADF, VfsFixture.Now(DescriptorCalls.Dup2(fs.Current, fd, new Fd(1024))).Error);
        Assert.Equal(Errno.EINVAL, VfsFixture.Now(DescriptorCalls.Dup3(fs.Current, fd, fd, OpenFlags.ReadOnly)).Error);
        Assert.Equal(6, VfsFixture.Now(DescriptorCalls.Fcntl(fs.Current, fd, FcntlCommand.DupFdCloseOnExec, 5)).Value);
        Assert.Equal(1, VfsFixture.Now(DescriptorCalls.Fcntl(fs.Current, new Fd(6), FcntlCommand.GetFd, 0)).Value);
        Assert.Equal(Errno.EINVAL, VfsFixture.Now(DescriptorCalls.Fcntl(fs.Current, fd, FcntlCommand.DupFd, 1024)).Error);
        Assert.Equal(Errno.EBADF, VfsFixture.Now(DescriptorCalls.Fcntl(fs.Current, new Fd(77), FcntlCommand.GetFl, 0)).Error);
        Assert.Equal(0x8000, VfsFixture.Now(DescriptorCalls.Fcntl(fs.Current, fd, FcntlCommand.GetFl, 0)).Value);
        Assert.Equal(0, VfsFixture.Now(DescriptorCalls.Fcntl(fs.Current, fd, FcntlCommand.SetFl, (ulong)(OpenFlags.NonBlock | OpenFlags.Append))).Value);
        Assert.Equal(0x8C00, VfsFixture.Now(DescriptorCalls.Fcntl(fs.Current, fd, FcntlCommand.GetFl, 0)).Value);
    }
}
