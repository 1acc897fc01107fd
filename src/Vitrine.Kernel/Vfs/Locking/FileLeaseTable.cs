using System.Globalization;
using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Vfs.Locking;

/// <summary>All leases of a machine (F_SETLEASE, F_GETLEASE; the lease part of fs/locks.c is its twin). Guarded by the kernel lock.</summary>
internal sealed class FileLeaseTable
{
    private readonly Dictionary<Inode, InodeLeases> _inodes = [];

    /// <summary>Nobody holds a lease: opening need not look.</summary>
    public bool IsEmpty => _inodes.Count == 0;

    /// <summary>F_SETLEASE. EACCES for who neither owns the file nor has CAP_LEASE, EAGAIN where the file's openers or the leases of others forbid it.</summary>
    public Errno Set(Task current, Fd fd, OpenFile file, FileLockKind kind)
    {
        Inode inode = file.Inode;
        if (inode.Uid != current.Credentials.Fsuid && !current.IsCapable(Capability.Lease))
            return Errno.EACCES;
        if (!inode.IsRegular)
            return Errno.EINVAL;
        _inodes.TryGetValue(inode, out InodeLeases? leases);
        if (leases is not null)
            TimeOut(leases);
        FileLease? mine = leases is null ? null : Find(leases, file);
        if (kind == FileLockKind.None)
        {
            if (mine is null)
                return Errno.EAGAIN;
            Change(leases!, mine, FileLockKind.None);
            return Errno.Success;
        }

        if (!IsAllowedBesideOpeners(file, kind) || (leases is not null && !IsAllowedBeside(leases, mine, kind)))
            return Errno.EAGAIN;
        if (mine is not null)
        {
            Change(leases!, mine, kind);
        }
        else
        {
            if (!current.Kernel.Vfs.Settings.LeasesEnabled)
                return Errno.EINVAL;
            if (current.Cgroup.ChargeKernelMemory(FileLock.ObjectSize) != Errno.Success)
                return Errno.ENOMEM;
            if (leases is null)
                _inodes.Add(inode, leases = new InodeLeases(inode));
            mine = new FileLease(file, kind, current.Cgroup) { Process = current.ThreadGroup, Descriptor = fd.Value };
            leases.Held.Add(mine);
        }

        if (file.Owner.Id == 0)
            file.Owner = FileOwner.Of(current);
        return Errno.Success;
    }

    /// <summary>F_GETLEASE: what this description holds, or has been asked to shrink it to.</summary>
    public FileLockKind Get(OpenFile file)
    {
        if (!_inodes.TryGetValue(file.Inode, out InodeLeases? leases))
            return FileLockKind.None;
        TimeOut(leases);
        return Find(leases, file)?.Target ?? FileLockKind.None;
    }

    /// <summary>
    /// Somebody wants to open or truncate the file: tells the holders in the way and waits until none is left, by their
    /// doing or by time. EAGAIN for who may not wait, ERESTARTSYS.
    /// </summary>
    public async KTask<Errno> BreakAsync(Task current, Inode inode, bool writer, bool nonBlocking)
    {
        if (!_inodes.TryGetValue(inode, out InodeLeases? leases))
            return Errno.Success;
        TimeOut(leases);
        if (!AnyConflict(leases, writer))
            return Errno.Success;
        int seconds = current.Kernel.Vfs.Settings.LeaseBreakTime;
        Ktime end = seconds > 0 ? current.Kernel.Time.Now + (seconds * 1_000_000_000L) : Ktime.Never;
        foreach (FileLease lease in leases.Held.ToArray())
        {
            if (!lease.ConflictsWith(writer) || (writer ? lease.MustGo : lease.IsBreaking))
                continue;
            if (writer)
                (lease.MustGo, lease.GoesAt) = (true, end);
            else
                (lease.MustShrink, lease.ShrinksAt) = (true, end);
            lease.File.SignalOwner(SignalNumber.Io, PollReason.Message, lease.Descriptor);
        }

        if (nonBlocking)
            return Errno.EAGAIN;
        leases.Waiting++;
        Errno error = Errno.Success;
        while (AnyConflict(leases, writer))
        {
            if (await leases.Changed.WaitAsync(current, WaitMode.Interruptible, Earliest(leases)) == WakeReason.Interrupted)
            {
                error = Errno.ERESTARTSYS;
                break;
            }

            TimeOut(leases);
        }

        leases.Waiting--;
        ForgetIfEmpty(leases);
        return error;
    }

    /// <summary>The last reference to a description went: its lease goes.</summary>
    public void RemoveOfFile(OpenFile file)
    {
        if (_inodes.Count != 0 && _inodes.TryGetValue(file.Inode, out InodeLeases? leases) && Find(leases, file) is { } lease)
            Change(leases, lease, FileLockKind.None);
    }

    /// <summary>The lines of /proc/locks.</summary>
    public void Write(StringBuilder text, int number, Func<ThreadGroup, int> pidOf)
    {
        foreach (InodeLeases leases in _inodes.Values)
        {
            foreach (FileLease lease in leases.Held)
            {
                string state = lease.IsBreaking ? "BREAKING " : "ACTIVE   ";
                string kind = lease.Target switch
                {
                    FileLockKind.Write => "WRITE",
                    FileLockKind.Read => "READ",
                    _ => "UNLCK",
                };
                DeviceNumber device = leases.Inode.SuperBlock.Device;
                int pid = lease.Process is { } process ? pidOf(process) : -1;
                text.Append(CultureInfo.InvariantCulture, $"{number++}: LEASE  {state} {kind} {pid} {device.Major:x2}:{device.Minor:x2}:{leases.Inode.Number.Value} 0 EOF\n");
            }
        }
    }

    /// <summary>No read lease while somebody may write; a write lease only for the one who has the file open.</summary>
    private static bool IsAllowedBesideOpeners(OpenFile file, FileLockKind kind)
    {
        Inode inode = file.Inode;
        if (kind == FileLockKind.Read)
            return inode.WriterCount <= 0;
        int ownWriters = file.CanWrite ? 1 : 0;
        int ownReaders = !file.CanWrite && file.CanRead ? 1 : 0;
        return inode.WriterCount == ownWriters && inode.ReaderCount == ownReaders;
    }

    private static bool IsAllowedBeside(InodeLeases leases, FileLease? mine, FileLockKind kind)
    {
        foreach (FileLease lease in leases.Held)
        {
            if (lease != mine && (kind == FileLockKind.Write || lease.MustGo))
                return false;
        }

        return true;
    }

    private static FileLease? Find(InodeLeases leases, OpenFile file)
    {
        foreach (FileLease lease in leases.Held)
        {
            if (lease.File == file)
                return lease;
        }

        return null;
    }

    private static bool AnyConflict(InodeLeases leases, bool writer)
    {
        foreach (FileLease lease in leases.Held)
        {
            if (lease.ConflictsWith(writer))
                return true;
        }

        return false;
    }

    private static Ktime Earliest(InodeLeases leases)
    {
        Ktime earliest = Ktime.Never;
        foreach (FileLease lease in leases.Held)
        {
            if (lease.GoesAt < earliest)
                earliest = lease.GoesAt;
            if (lease.ShrinksAt < earliest)
                earliest = lease.ShrinksAt;
        }

        return earliest;
    }

    private void TimeOut(InodeLeases leases)
    {
        Ktime now = leases.Inode.SuperBlock.Kernel.Time.Now;
        foreach (FileLease lease in leases.Held.ToArray())
        {
            if (lease.ShrinksAt <= now)
                Change(leases, lease, FileLockKind.Read);
            if (lease.GoesAt <= now)
                Change(leases, lease, FileLockKind.None);
        }
    }

    /// <summary>Gives a lease another kind and lets those look again who wait; one that goes takes the description's owner with it.</summary>
    private void Change(InodeLeases leases, FileLease lease, FileLockKind kind)
    {
        lease.Kind = kind;
        if (kind != FileLockKind.Write)
            (lease.MustShrink, lease.ShrinksAt) = (false, Ktime.Never);
        leases.Changed.WakeAll();
        if (kind != FileLockKind.None)
            return;
        leases.Held.Remove(lease);
        lease.ChargedTo.UnchargeKernelMemory(FileLock.ObjectSize);
        lease.File.Owner = default;
        lease.File.OwnerSignal = 0;
        ForgetIfEmpty(leases);
    }

    private void ForgetIfEmpty(InodeLeases leases)
    {
        if (leases.Held.Count == 0 && leases.Waiting == 0)
            _inodes.Remove(leases.Inode);
    }
}
