namespace Vitrine.Kernel.Vfs.Notify;

/// <summary>
/// What a process wants to hear of a directory by signals (F_NOTIFY of fcntl(2), dnotify's twin). It ends when the
/// process closes any descriptor of the description it was asked for through, and after its first event unless that was
/// asked otherwise.
/// </summary>
internal sealed class DirectoryWatch : InodeWatch
{
    private const uint Multishot = 0x8000_0000;
    private readonly OpenFile _file;
    private readonly FdTable _owner;
    private int _descriptor;
    private bool _isLasting;

    private DirectoryWatch(OpenFile file, FdTable owner)
        : base(file.Inode)
    {
        _file = file;
        _owner = owner;
    }

    /// <summary>F_NOTIFY: adds to what is reported; no events end it. ENOTDIR.</summary>
    /// <param name="events">DN_ACCESS and its kin.</param>
    public static Errno Set(Tasks.Task current, Fd fd, OpenFile file, uint events)
    {
        if (!current.Kernel.Vfs.Settings.DirectoryNotifyEnabled)
            return Errno.EINVAL;
        if ((events & ~Multishot) == 0)
        {
            End(file, current.Files!);
            return Errno.Success;
        }

        if (!file.Inode.IsDirectory)
            return Errno.ENOTDIR;
        if (file.Owner.Id == 0)
            file.Owner = FileOwner.Of(current);
        DirectoryWatch? watch = Find(file, current.Files!);
        if (watch is null)
        {
            watch = new DirectoryWatch(file, current.Files!);
            InodeWatches.Attach(watch);
        }

        watch.Mask |= Convert(events);
        watch._descriptor = fd.Value;
        watch._isLasting |= (events & Multishot) != 0;
        return Errno.Success;
    }

    /// <summary>A process closed a descriptor of the description.</summary>
    public static void End(OpenFile file, FdTable owner)
    {
        if (Find(file, owner) is { } watch)
            InodeWatches.Detach(watch);
    }

    public override void Report(FsEvents what, ReadOnlySpan<byte> name, uint cookie)
    {
        _file.SignalOwner(SignalNumber.Io, PollReason.Message, _descriptor);
        if (!_isLasting)
            InodeWatches.Detach(this);
    }

    public override void Ended()
    {
    }

    private static DirectoryWatch? Find(OpenFile file, FdTable owner)
    {
        for (InodeWatch? watch = file.Inode.FirstWatch; watch is not null; watch = watch.Next)
        {
            if (watch is DirectoryWatch directory && directory._file == file && directory._owner == owner)
                return directory;
        }

        return null;
    }

    private static FsEvents Convert(uint events)
    {
        FsEvents mask = FsEvents.None;
        if ((events & 0x1) != 0)
            mask |= FsEvents.Access;
        if ((events & 0x2) != 0)
            mask |= FsEvents.Modify;
        if ((events & 0x4) != 0)
            mask |= FsEvents.Create | FsEvents.MovedTo;
        if ((events & 0x8) != 0)
            mask |= FsEvents.Delete | FsEvents.MovedFrom;
        if ((events & 0x10) != 0)
            mask |= FsEvents.Renamed;
        if ((events & 0x20) != 0)
            mask |= FsEvents.Attributes;
        return mask;
    }
}
