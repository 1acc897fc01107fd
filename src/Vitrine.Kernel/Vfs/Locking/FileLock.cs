using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs.Locking;

/// <summary>What a lock lets others do.</summary>
internal enum FileLockKind
{
    /// <summary>F_RDLCK: shared.</summary>
    Read = 0,

    /// <summary>F_WRLCK: exclusive.</summary>
    Write = 1,

    /// <summary>F_UNLCK.</summary>
    None = 2,
}

/// <summary>Who speaks: POSIX locks belong to a descriptor table, the others to an open file description.</summary>
internal enum FileLockFlavor
{
    Posix = 0,
    OpenFileDescription = 1,
    Flock = 2,
}

/// <summary>
/// A lock on a range of a file, both ends included (struct file_lock's twin). <see cref="Owner"/> is an
/// <see cref="FdTable"/> or an <see cref="OpenFile"/>; locks of one owner on a file never overlap.
/// </summary>
internal sealed record FileLock(FileLockFlavor Flavor, FileLockKind Kind, object Owner, long Start, long End)
{
    /// <summary>The end of a lock that goes on for ever.</summary>
    public const long ToTheEnd = long.MaxValue;

    /// <summary>The declared size of a lock.</summary>
    public const int ObjectSize = 208;

    /// <summary>The process that took it, for F_GETLK and /proc/locks; null for an OFD lock, shown as −1.</summary>
    public ThreadGroup? Process { get; init; }

    public Cgroups.Cgroup? ChargedTo { get; init; }

    public bool Overlaps(FileLock other) => Start <= other.End && other.Start <= End;

    /// <summary>Whether the two can't be held at once. flocks and range locks do not see each other.</summary>
    public bool ConflictsWith(FileLock other) =>
        (Flavor == FileLockFlavor.Flock) == (other.Flavor == FileLockFlavor.Flock)
        && Owner != other.Owner
        && Overlaps(other)
        && (Kind == FileLockKind.Write || other.Kind == FileLockKind.Write);
}

/// <summary>A task that waits for a lock, for deadlock detection and /proc/locks.</summary>
internal sealed class FileLockWaiter(FileLock wanted, Task task)
{
    public FileLock Wanted { get; } = wanted;

    public Task Task { get; } = task;

    /// <summary>The lock in the way when it last looked.</summary>
    public FileLock? Blocker { get; set; }
}

/// <summary>The locks of one inode (file_lock_context's twin).</summary>
internal sealed class InodeLocks(Inode inode)
{
    public Inode Inode { get; } = inode;

    /// <summary>In the order of their start, by owner; flocks in the order of their taking.</summary>
    public List<FileLock> Held { get; } = [];

    public List<FileLockWaiter> Waiting { get; } = [];

    /// <summary>Woken when a lock goes.</summary>
    public WaitQueue Released { get; } = new();
}
