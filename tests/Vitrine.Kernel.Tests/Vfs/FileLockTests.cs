using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Locking;

namespace Vitrine.Kernel.Tests.Vfs;

public sealed class FileLockTests
{
    [Fact]
    public void PosixLocks_SplitMergeAndConflict()
    {
        using var fs = new VfsFixture();
        OpenFile file = Opened(fs, out FdTable mine, out FdTable theirs);
        FileLockTable locks = fs.Vfs.Locks;
        Assert.Equal(Errno.Success, Set(fs, file, mine, FileLockKind.Write, 0, 99));
        Assert.Equal(Errno.Success, Set(fs, file, mine, FileLockKind.None, 40, 59));
        Assert.Equal(2, locks.Count);
        Assert.Equal(Errno.Success, Set(fs, file, theirs, FileLockKind.Write, 40, 59));
        Assert.Equal(Errno.EAGAIN, Set(fs, file, theirs, FileLockKind.Read, 59, 60));
        Assert.Equal(Errno.Success, Set(fs, file, mine, FileLockKind.Read, 0, 39));
        Assert.Equal(Errno.Success, Set(fs, file, theirs, FileLockKind.Read, 0, 10));
        Assert.Equal(Errno.EAGAIN, Set(fs, file, mine, FileLockKind.Write, 5, 5));
        locks.RemovePosix(file.Inode, theirs);
        Assert.Equal(Errno.Success, Set(fs, file, mine, FileLockKind.Write, 0, 50));
        Assert.Equal(Errno.Success, Set(fs, file, mine, FileLockKind.Write, 51, 59));
        Assert.Equal(1, locks.Count);
        FileLock? seen = locks.FindConflict(file.Inode, new FileLock(FileLockFlavor.Posix, FileLockKind.Read, theirs, 10, 20));
        Assert.Equal((0L, 99L), (seen!.Start, seen.End));
        locks.RemovePosix(file.Inode, mine);
        End(fs, file, theirs);
    }

    [Fact]
    public void WaitingInACircle_GivesEdeadlk()
    {
        using var fs = new VfsFixture();
        OpenFile file = Opened(fs, out FdTable mine, out FdTable theirs);
        Assert.Equal(Errno.Success, Set(fs, file, mine, FileLockKind.Write, 0, 0));
        Assert.Equal(Errno.Success, Set(fs, file, theirs, FileLockKind.Write, 1, 1));
        Task other = fs.NewTask(fs.Root);
        other.State = Sched.TaskState.Running;
        bool done = false;
        Errno waited = Errno.EIO;
        var awaiter = fs.Vfs.Locks.SetAsync(other, file.Inode, new FileLock(FileLockFlavor.Posix, FileLockKind.Write, theirs, 0, 0), wait: true).GetAwaiter();
        Assert.False(awaiter.IsCompleted);
        awaiter.UnsafeOnCompleted(() =>
        {
            waited = awaiter.GetResult();
            done = true;
        });
        KTaskErrno(fs, file, mine);
        fs.Vfs.Locks.RemovePosix(file.Inode, mine);
        other.TakeContinuation()!();
        Assert.True(done);
        Assert.Equal(Errno.Success, waited);
        fs.Vfs.Locks.RemovePosix(file.Inode, theirs);
        End(fs, file, theirs);

        static void KTaskErrno(VfsFixture fs, OpenFile file, FdTable mine) => Assert.Equal(
            Errno.EDEADLK,
            VfsFixture.Now(fs.Vfs.Locks.SetAsync(fs.Current, file.Inode, new FileLock(FileLockFlavor.Posix, FileLockKind.Write, mine, 1, 1), wait: true)));
    }

    [Fact]
    public void Flock_BelongsToTheDescriptionAndGoesWithIt()
    {
        using var fs = new VfsFixture();
        fs.Write("/f", "x");
        OpenFile first = fs.Open("/f").Value;
        OpenFile second = fs.Open("/f").Value;
        Assert.Equal(Errno.Success, Flock(fs, first, FileLockKind.Read));
        Assert.Equal(Errno.Success, Flock(fs, second, FileLockKind.Read));
        Assert.Equal(Errno.EAGAIN, Flock(fs, second, FileLockKind.Write));
        Assert.Equal(1, fs.Vfs.Locks.Count);
        first.Put();
        Assert.Equal(0, fs.Vfs.Locks.Count);
        Assert.Equal(Errno.Success, Flock(fs, second, FileLockKind.Write));
        Assert.Equal(Errno.Success, Set(fs, second, fs.Current.Files!, FileLockKind.Write, 0, 10));
        var text = new System.Text.StringBuilder();
        fs.Vfs.Locks.Write(text, _ => 42);
        Assert.Contains("FLOCK  ADVISORY  WRITE 42 ", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("POSIX  ADVISORY  WRITE 42 ", text.ToString(), StringComparison.Ordinal);
        fs.Vfs.Locks.RemovePosix(second.Inode, fs.Current.Files!);
        second.Put();
    }

    private static OpenFile Opened(VfsFixture fs, out FdTable mine, out FdTable theirs)
    {
        fs.Write("/f", "x");
        mine = fs.Current.Files!;
        theirs = FdTable.Create(fs.Kernel);
        return fs.Open("/f", OpenFlags.ReadWrite).Value;
    }

    private static void End(VfsFixture fs, OpenFile file, FdTable theirs)
    {
        file.Put();
        VfsFixture.Now(theirs.PutAsync(fs.Current));
    }

    private static Errno Set(VfsFixture fs, OpenFile file, FdTable owner, FileLockKind kind, long start, long end) =>
        VfsFixture.Now(fs.Vfs.Locks.SetAsync(
            fs.Current,
            file.Inode,
            new FileLock(FileLockFlavor.Posix, kind, owner, start, end) { Process = fs.Current.ThreadGroup, ChargedTo = fs.Current.Cgroup },
            wait: false));

    private static Errno Flock(VfsFixture fs, OpenFile file, FileLockKind kind) =>
        VfsFixture.Now(fs.Vfs.Locks.SetAsync(
            fs.Current,
            file.Inode,
            new FileLock(FileLockFlavor.Flock, kind, file, 0, FileLock.ToTheEnd) { Process = fs.Current.ThreadGroup, ChargedTo = fs.Current.Cgroup },
            wait: false));
}
