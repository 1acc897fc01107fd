using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Vfs.Locking;

/// <summary>
/// A lease of an open file (F_SETLEASE of fcntl(2)): its holder is told when somebody opens the file in conflict with
/// it, who waits until the holder has given way or its time is over.
/// </summary>
internal sealed class FileLease(OpenFile file, FileLockKind kind, Cgroups.Cgroup chargedTo)
{
    public OpenFile File { get; } = file;

    /// <summary>Read: told of writers. Write: told of readers too.</summary>
    public FileLockKind Kind { get; set; } = kind;

    public Cgroups.Cgroup ChargedTo { get; } = chargedTo;

    /// <summary>The process that took it, for /proc/locks.</summary>
    public Tasks.ThreadGroup? Process { get; init; }

    /// <summary>The descriptor that it was taken through: si_fd.</summary>
    public int Descriptor { get; set; }

    /// <summary>A writer waits: it has to go.</summary>
    public bool MustGo { get; set; }

    /// <summary>A reader waits: it has to become a read lease.</summary>
    public bool MustShrink { get; set; }

    /// <summary>When it goes, or shrinks, by itself.</summary>
    public Ktime GoesAt { get; set; } = Ktime.Never;

    public Ktime ShrinksAt { get; set; } = Ktime.Never;

    public bool IsBreaking => MustGo || MustShrink;

    /// <summary>What it is, or what it has been asked to become (F_GETLEASE).</summary>
    public FileLockKind Target => MustGo ? FileLockKind.None : MustShrink ? FileLockKind.Read : Kind;

    public bool ConflictsWith(bool writer) => writer || Kind == FileLockKind.Write;
}

/// <summary>The leases of one inode, and who waits for them to be given up.</summary>
internal sealed class InodeLeases(Inode inode)
{
    public Inode Inode { get; } = inode;

    public List<FileLease> Held { get; } = [];

    /// <summary>Woken when a lease changes or goes.</summary>
    public WaitQueue Changed { get; } = new();

    /// <summary>Openers that wait.</summary>
    public int Waiting { get; set; }
}
