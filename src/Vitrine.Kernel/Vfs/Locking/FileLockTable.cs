using System.Globalization;
using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs.Locking;

/// <summary>
/// All file locks of a machine: POSIX record locks with deadlock detection, open-file-description locks, flocks
/// (fcntl_locking(2), flock(2)). Advisory. Guarded by the kernel lock.
/// </summary>
internal sealed class FileLockTable
{
    private readonly Dictionary<Inode, InodeLocks> _inodes = [];

    /// <summary>Live locks, for the leak audit.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (InodeLocks locks in _inodes.Values)
                count += locks.Held.Count;
            return count;
        }
    }

    /// <summary>The first lock that keeps this one from being taken, or null (F_GETLK).</summary>
    public FileLock? FindConflict(Inode inode, FileLock wanted)
    {
        if (!_inodes.TryGetValue(inode, out InodeLocks? locks))
            return null;
        foreach (FileLock held in locks.Held)
        {
            if (held.ConflictsWith(wanted))
                return held;
        }

        return null;
    }

    /// <summary>
    /// Takes, changes or gives up a lock. EAGAIN if it is in the way of another and the call does not wait; EDEADLK for a
    /// circle of waiting POSIX owners; ERESTARTSYS for a signal; ENOMEM at the cgroup's limit.
    /// </summary>
    public async KTask<Errno> SetAsync(Task current, Inode inode, FileLock wanted, bool wait)
    {
        if (wanted.Kind == FileLockKind.None)
            return Release(inode, wanted);
        InodeLocks locks = LocksOf(inode);

        // A flock that changes its kind gives the old one up first, as flock(2) warns.
        if (wanted.Flavor == FileLockFlavor.Flock && FindFlock(locks, wanted.Owner) is { } old)
        {
            if (old.Kind == wanted.Kind)
                return Errno.Success;
            Remove(locks, old);
            locks.Released.WakeAll();
        }

        FileLockWaiter? waiter = null;
        Errno error = Errno.Success;
        for (; ; )
        {
            FileLock? blocker = FindConflict(inode, wanted);
            if (blocker is null)
                break;
            if (!wait)
            {
                error = Errno.EAGAIN;
                break;
            }

            if (wanted.Flavor == FileLockFlavor.Posix && WouldDeadlock(wanted, blocker))
            {
                error = Errno.EDEADLK;
                break;
            }

            if (waiter is null)
            {
                waiter = new FileLockWaiter(wanted, current);
                locks.Waiting.Add(waiter);
            }

            waiter.Blocker = blocker;
            if (await locks.Released.WaitAsync(current, WaitMode.Interruptible) == WakeReason.Interrupted)
            {
                error = Errno.ERESTARTSYS;
                break;
            }
        }

        if (waiter is not null)
            locks.Waiting.Remove(waiter);
        if (error == Errno.Success)
            error = Insert(locks, wanted);
        ForgetIfEmpty(locks);
        return error;
    }

    /// <summary>A descriptor was closed: all POSIX locks of the process on the file go, as POSIX demands.</summary>
    public void RemovePosix(Inode inode, FdTable owner)
    {
        if (_inodes.Count != 0)
            RemoveAll(inode, owner);
    }

    /// <summary>The last reference to a description went: its flock and its OFD locks go.</summary>
    public void RemoveOfFile(OpenFile file)
    {
        if (_inodes.Count != 0)
            RemoveAll(file.Inode, file);
    }

    /// <summary>The lines of /proc/locks.</summary>
    public void Write(StringBuilder text, Func<ThreadGroup, int> pidOf)
    {
        int number = 1;
        foreach (InodeLocks locks in _inodes.Values)
        {
            foreach (FileLock held in locks.Held)
            {
                WriteLine(text, number, held, locks.Inode, blocked: false, pidOf);
                foreach (FileLockWaiter waiter in locks.Waiting)
                {
                    if (waiter.Blocker == held)
                        WriteLine(text, number, waiter.Wanted, locks.Inode, blocked: true, pidOf);
                }

                number++;
            }
        }
    }

    private static void WriteLine(StringBuilder text, int number, FileLock held, Inode inode, bool blocked, Func<ThreadGroup, int> pidOf)
    {
        string flavor = held.Flavor switch
        {
            FileLockFlavor.Posix => "POSIX ",
            FileLockFlavor.OpenFileDescription => "OFDLCK",
            _ => "FLOCK ",
        };
        string kind = held.Kind == FileLockKind.Write ? "WRITE" : "READ";
        int pid = held.Process is { } process ? pidOf(process) : -1;
        DeviceNumber device = inode.SuperBlock.Device;
        text.Append(CultureInfo.InvariantCulture, $"{number}: {(blocked ? "-> " : "")}{flavor} ADVISORY  {kind,-5} {pid} {device.Major:x2}:{device.Minor:x2}:{inode.Number.Value} {held.Start} ");
        if (held.End == FileLock.ToTheEnd)
            text.Append("EOF\n");
        else
            text.Append(held.End.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private InodeLocks LocksOf(Inode inode)
    {
        if (!_inodes.TryGetValue(inode, out InodeLocks? locks))
        {
            locks = new InodeLocks(inode);
            _inodes.Add(inode, locks);
        }

        return locks;
    }

    private void ForgetIfEmpty(InodeLocks locks)
    {
        if (locks.Held.Count == 0 && locks.Waiting.Count == 0)
            _inodes.Remove(locks.Inode);
    }

    private static FileLock? FindFlock(InodeLocks locks, object owner)
    {
        foreach (FileLock held in locks.Held)
        {
            if (held.Flavor == FileLockFlavor.Flock && held.Owner == owner)
                return held;
        }

        return null;
    }

    private Errno Release(Inode inode, FileLock range)
    {
        if (!_inodes.TryGetValue(inode, out InodeLocks? locks))
            return Errno.Success;
        Errno error = Carve(locks, range);
        locks.Released.WakeAll();
        ForgetIfEmpty(locks);
        return error;
    }

    /// <summary>Puts a lock in: what the owner had in the range gives way, equal neighbours grow together.</summary>
    private static Errno Insert(InodeLocks locks, FileLock wanted)
    {
        if (wanted.Flavor == FileLockFlavor.Flock)
            return Add(locks, wanted);
        Errno error = Carve(locks, wanted);
        if (error != Errno.Success)
            return error;
        long start = wanted.Start;
        long end = wanted.End;
        for (int i = locks.Held.Count - 1; i >= 0; i--)
        {
            FileLock held = locks.Held[i];
            if (held.Owner != wanted.Owner || held.Flavor != wanted.Flavor || held.Kind != wanted.Kind)
                continue;
            bool before = held.End != FileLock.ToTheEnd && held.End + 1 == start;
            bool after = end != FileLock.ToTheEnd && end + 1 == held.Start;
            if (!before && !after)
                continue;
            start = Math.Min(start, held.Start);
            end = Math.Max(end, held.End);
            Remove(locks, held);
        }

        error = Add(locks, wanted with { Start = start, End = end });
        locks.Released.WakeAll();
        return error;
    }

    /// <summary>Takes a range out of the owner's locks: they shrink, split or go.</summary>
    private static Errno Carve(InodeLocks locks, FileLock range)
    {
        for (int i = locks.Held.Count - 1; i >= 0; i--)
        {
            FileLock held = locks.Held[i];
            if (held.Owner != range.Owner || held.Flavor != range.Flavor || !held.Overlaps(range))
                continue;
            bool left = held.Start < range.Start;
            bool right = held.End > range.End;
            if (left && right)
            {
                Errno error = Add(locks, held with { Start = range.End + 1 });
                if (error != Errno.Success)
                    return error;
                locks.Held[locks.Held.IndexOf(held)] = held with { End = range.Start - 1 };
            }
            else if (left)
            {
                locks.Held[i] = held with { End = range.Start - 1 };
            }
            else if (right)
            {
                locks.Held[i] = held with { Start = range.End + 1 };
            }
            else
            {
                Remove(locks, held);
            }
        }

        return Errno.Success;
    }

    private static Errno Add(InodeLocks locks, FileLock added)
    {
        Errno error = added.ChargedTo?.ChargeKernelMemory(FileLock.ObjectSize) ?? Errno.Success;
        if (error != Errno.Success)
            return Errno.ENOLCK;
        int at = locks.Held.Count;
        while (at > 0 && locks.Held[at - 1].Start > added.Start)
            at--;
        locks.Held.Insert(at, added);
        return Errno.Success;
    }

    private static void Remove(InodeLocks locks, FileLock held)
    {
        locks.Held.Remove(held);
        held.ChargedTo?.UnchargeKernelMemory(FileLock.ObjectSize);
    }

    private void RemoveAll(Inode inode, object owner)
    {
        if (!_inodes.TryGetValue(inode, out InodeLocks? locks))
            return;
        bool any = false;
        for (int i = locks.Held.Count - 1; i >= 0; i--)
        {
            if (locks.Held[i].Owner != owner)
                continue;
            Remove(locks, locks.Held[i]);
            any = true;
        }

        if (any)
            locks.Released.WakeAll();
        ForgetIfEmpty(locks);
    }

    /// <summary>Whether the owner in the way waits, over other owners, for the one who asks.</summary>
    private bool WouldDeadlock(FileLock wanted, FileLock blocker)
    {
        // A chain longer than this is taken for none, as Linux does.
        const int longestChain = 10;
        object owner = blocker.Owner;
        for (int i = 0; i < longestChain; i++)
        {
            if (owner == wanted.Owner)
                return true;
            if (FindWaiter(owner) is not { Blocker: { Flavor: FileLockFlavor.Posix } next })
                return false;
            owner = next.Owner;
        }

        return false;
    }

    private FileLockWaiter? FindWaiter(object owner)
    {
        foreach (InodeLocks locks in _inodes.Values)
        {
            foreach (FileLockWaiter waiter in locks.Waiting)
            {
                if (waiter.Wanted.Owner == owner && waiter.Wanted.Flavor == FileLockFlavor.Posix)
                    return waiter;
            }
        }

        return null;
    }
}
