using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Ipc.Inotify;

/// <summary>
/// An inotify instance (inotify(7)): watches on inodes and a bounded queue of events. An event that repeats the last one
/// in the queue is dropped; when the queue is full or memory is short, one overflow event stands for all that are lost.
/// </summary>
internal sealed class InotifyFile : AnonymousFile
{
    /// <summary>Kernel memory charged for an instance, its description included.</summary>
    public const int DeclaredSize = 512;

    private const uint SetNextWatch = 0x40044900;

    private readonly Cgroup _cgroup;
    private readonly UserAccount _account;
    private readonly WaitQueue _wait = new();
    private readonly AsyncSubscribers _subscribers = new();
    private readonly Dictionary<int, InotifyWatch> _watches = [];
    private readonly Queue<InotifyEvent> _events = new();
    private readonly int _maximumEvents;
    private InotifyEvent? _last;
    private bool _overflowed;
    private int _nextDescriptor = 1;

    /// <param name="account">Has been charged with the instance.</param>
    public InotifyFile(KernelInstance kernel, Cgroup cgroup, UserAccount account, OpenFlags flags)
        : base(kernel, "inotify", flags)
    {
        _cgroup = cgroup;
        _account = account;
        _maximumEvents = kernel.Vfs.Settings.InotifyMaximumEvents;
    }

    public override bool SupportsAsync => true;

    public override void Subscribe(bool on) => _subscribers.Set(this, on);

    /// <summary>Watches an inode, or changes the mask of the watch that there is. ENOSPC at the user's limit, EEXIST for IN_MASK_CREATE.</summary>
    public Result<int> Watch(Inode inode, FsEvents mask)
    {
        InotifyWatch? watch = Find(inode);
        if (watch is null)
        {
            if (!_account.TryChargeWatch(Kernel.Vfs.Settings.InotifyMaximumWatches))
                return Errno.ENOSPC;
            if (_cgroup.ChargeKernelMemory(InotifyWatch.DeclaredSize) != Errno.Success)
            {
                _account.UnchargeWatch();
                return Errno.ENOMEM;
            }

            watch = new InotifyWatch(this, inode, TakeDescriptor());
            _watches.Add(watch.Descriptor, watch);
            InodeWatches.Attach(watch);
        }
        else if ((mask & FsEvents.MaskCreate) != 0)
        {
            return Errno.EEXIST;
        }
        else if ((mask & FsEvents.MaskAdd) != 0)
        {
            mask |= watch.Mask & FsEvents.All;
            mask |= (watch.IsOneShot ? FsEvents.OneShot : FsEvents.None) | (watch.ExcludesUnlinked ? FsEvents.ExcludeUnlinked : FsEvents.None);
        }

        watch.Mask = (mask & FsEvents.All) | FsEvents.Unmount;
        watch.IsOneShot = (mask & FsEvents.OneShot) != 0;
        watch.ExcludesUnlinked = (mask & FsEvents.ExcludeUnlinked) != 0;
        return watch.Descriptor;
    }

    /// <summary>inotify_rm_watch: EINVAL for a number that is none.</summary>
    public Errno Remove(int descriptor)
    {
        if (!_watches.TryGetValue(descriptor, out InotifyWatch? watch))
            return Errno.EINVAL;
        Remove(watch);
        return Errno.Success;
    }

    /// <summary>Ends a watch; the reader is told.</summary>
    internal void Remove(InotifyWatch watch)
    {
        InodeWatches.Detach(watch);
        WatchEnded(watch);
    }

    /// <summary>A watch was detached: its number becomes free.</summary>
    internal void WatchEnded(InotifyWatch watch)
    {
        Queue(watch.Descriptor, FsEvents.Ignored, default, 0);
        Forget(watch);
    }

    internal void Queue(int watch, FsEvents what, ReadOnlySpan<byte> name, uint cookie)
    {
        if (_last is { } last && last.IsRepeatedBy(watch, what, name))
            return;
        if (_events.Count >= _maximumEvents || _cgroup.ChargeKernelMemory(InotifyEvent.DeclaredSize + name.Length) != Errno.Success)
        {
            if (_overflowed)
                return;
            _overflowed = true;
            _last = new InotifyEvent(-1, FsEvents.QueueOverflow, 0, []);
        }
        else
        {
            _last = new InotifyEvent(watch, what, cookie, name.ToArray());
        }

        _events.Enqueue(_last);
        _wait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));
        _subscribers.Notify(PollReason.In);
    }

    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        long done = 0;
        for (; ; )
        {
            if (_events.TryPeek(out InotifyEvent? next))
            {
                if (next.Size > to.Remaining)
                    return done > 0 ? done : Errno.EINVAL;
                Dequeue();
                Errno error = await CopyAsync(current, to, next.Encode());
                if (error != Errno.Success)
                    return error;
                done += next.Size;
                continue;
            }

            if (done > 0)
                return done;
            if (IsNonBlocking || to.IsNoWait)
                return Errno.EAGAIN;
            if (await _wait.WaitAsync(current, WaitMode.Interruptible, Ktime.Never) == WakeReason.Interrupted)
                return Errno.ERESTARTSYS;
        }
    }

    public override PollEvents Poll(PollTable? table)
    {
        table?.Add(_wait);
        return _events.Count > 0 ? PollEvents.In | PollEvents.ReadNormal : PollEvents.None;
    }

    public override async KTask<SyscallResult> IoctlAsync(Task current, uint command, ulong argument)
    {
        switch (command)
        {
            case IoctlCommand.FioNRead:
                int bytes = 0;
                foreach (InotifyEvent queued in _events)
                    bytes += queued.Size;
                return await current.WriteUserAsync(new UserPtr<int>(new VirtAddr(argument)), bytes);
            case SetNextWatch:
                if (argument is < 1 or > int.MaxValue)
                    return Errno.EINVAL;
                _nextDescriptor = (int)argument;
                return SyscallResult.Success;
            default:
                return Errno.ENOTTY;
        }
    }

    public override string ShowInformation()
    {
        var text = new System.Text.StringBuilder();
        int[] descriptors = [.. _watches.Keys];
        Array.Sort(descriptors);
        foreach (int descriptor in descriptors)
        {
            InotifyWatch watch = _watches[descriptor];
            DeviceNumber device = watch.Inode.SuperBlock.Device;
            uint mask = (uint)(watch.Mask & FsEvents.All)
                | (watch.IsOneShot ? (uint)FsEvents.OneShot : 0) | (watch.ExcludesUnlinked ? (uint)FsEvents.ExcludeUnlinked : 0);
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"inotify wd:{descriptor:x} ino:{watch.Inode.Number.Value:x} sdev:{(device.Major << 20) | device.Minor:x} mask:{mask:x} ignored_mask:0 \n");
        }

        return text.ToString();
    }

    public override void Release()
    {
        foreach (InotifyWatch watch in _watches.Values)
        {
            InodeWatches.Detach(watch);
            Uncharge();
        }

        _watches.Clear();
        while (_events.Count > 0)
            Dequeue();
        _account.UnchargeInstance();
        _cgroup.UnchargeKernelMemory(DeclaredSize);
        base.Release();
    }

    private static async KTask<Errno> CopyAsync(Task current, IovIter to, byte[] bytes)
    {
        int copied = 0;
        while ((copied += to.CopyTo(bytes.AsSpan(copied))) < bytes.Length)
        {
            Errno error = await to.FaultInAsync(current, write: true);
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }

    private InotifyWatch? Find(Inode inode)
    {
        for (InodeWatch? watch = inode.FirstWatch; watch is not null; watch = watch.Next)
        {
            if (watch is InotifyWatch { Owner: var owner } mine && owner == this)
                return mine;
        }

        return null;
    }

    /// <summary>The next number in turn: one that was given up comes again only after all others.</summary>
    private int TakeDescriptor()
    {
        while (_watches.ContainsKey(_nextDescriptor))
            _nextDescriptor = _nextDescriptor == int.MaxValue ? 1 : _nextDescriptor + 1;
        int descriptor = _nextDescriptor;
        _nextDescriptor = descriptor == int.MaxValue ? 1 : descriptor + 1;
        return descriptor;
    }

    private void Dequeue()
    {
        InotifyEvent taken = _events.Dequeue();
        if (taken == _last)
            _last = null;
        if ((taken.What & FsEvents.QueueOverflow) != 0)
            _overflowed = false;
        else
            _cgroup.UnchargeKernelMemory(InotifyEvent.DeclaredSize + taken.Name.Length);
    }

    private void Forget(InotifyWatch watch)
    {
        _watches.Remove(watch.Descriptor);
        Uncharge();
    }

    private void Uncharge()
    {
        _account.UnchargeWatch();
        _cgroup.UnchargeKernelMemory(InotifyWatch.DeclaredSize);
    }
}
