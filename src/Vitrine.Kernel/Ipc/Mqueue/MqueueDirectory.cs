using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc.Mqueue;

/// <summary>The directory of a namespace's queues: sticky, everybody may add. An entry holds a reference on its queue.</summary>
internal sealed class MqueueDirectory : Inode
{
    private const FileMode RootMode = FileMode.Directory | (FileMode)0x3ff;
    private const int ShownEntrySize = 20;

    private readonly MqueueSuperBlock _super;
    private readonly Dictionary<FileName, long> _cookies = [];
    private readonly SortedDictionary<long, Entry> _entries = [];
    private long _nextCookie = 2;

    public MqueueDirectory(MqueueSuperBlock superBlock)
        : base(superBlock, superBlock.NextInode(), RootMode)
    {
        _super = superBlock;
        LinkCount = 2;
        Size = 2 * ShownEntrySize;
        AccessTime = ModificationTime = ChangeTime = superBlock.Kernel.Time.RealtimeTimespec;
    }

    /// <summary>The names in order of their making; a position in the directory is the cookie of the next one.</summary>
    public IEnumerable<KeyValuePair<long, Entry>> Entries => _entries;

    public override KTask<Result<Inode?>> LookupAsync(Task current, FileName name)
    {
        if (name.Length > FileName.MaxLength)
            return Fail<Inode?>(Errno.ENAMETOOLONG);
        return KTask<Result<Inode?>>.FromResult(_cookies.TryGetValue(name, out long cookie) ? _entries[cookie].Queue.Get() : (Inode?)null);
    }

    /// <summary>A queue made through the mounted directory has the namespace's default size.</summary>
    public override KTask<Result<Inode>> CreateAsync(Task current, FileName name, FileMode mode) =>
        KTask<Result<Inode>>.FromResult(Create(current, name, mode, null));

    /// <summary>Makes a queue. ENOSPC at queues_max, EINVAL for sizes beyond the limits, EMFILE at RLIMIT_MSGQUEUE.</summary>
    public Result<Inode> Create(Task current, FileName name, FileMode mode, MessageQueueAttributes? wanted)
    {
        Result<MqueueInode> made = MqueueInode.Make(current, _super, FileMode.Regular | (mode & FileMode.PermissionMask), wanted);
        if (!made.TryGet(out MqueueInode? queue, out Errno error))
            return error;
        long cookie = _nextCookie++;
        _cookies.Add(name, cookie);
        _entries.Add(cookie, new Entry(name, queue));
        Size += ShownEntrySize;
        Touch();
        return queue.Get();
    }

    public override KTask<Errno> UnlinkAsync(Task current, FileName name, Inode victim)
    {
        if (!_cookies.Remove(name, out long cookie))
            return Fail(Errno.ENOENT);
        _entries.Remove(cookie);
        Size -= ShownEntrySize;
        Touch();
        victim.LinkCount--;
        victim.Put();
        return Fail(Errno.Success);
    }

    public override KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes)
    {
        if ((changes.Mask & AttributeMask.Size) != 0)
            return Fail(Errno.EISDIR);
        ApplyAttributes(changes);
        return Fail(Errno.Success);
    }

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new MqueueDirectoryFile(path, this, flags));

    public override void Evict()
    {
        foreach (Entry entry in _entries.Values)
        {
            entry.Queue.LinkCount--;
            entry.Queue.Put();
        }

        _entries.Clear();
        _cookies.Clear();
    }

    private void Touch() => AccessTime = ModificationTime = ChangeTime = _super.Kernel.Time.RealtimeTimespec;

    internal readonly record struct Entry(FileName Name, MqueueInode Queue);
}

/// <summary>The directory opened.</summary>
internal sealed class MqueueDirectoryFile(VfsPath path, MqueueDirectory directory, OpenFlags flags) : DirectoryFile(path, directory, flags)
{
    private const byte RegularType = 8;

    public override KTask<Errno> IterateAsync(Task current, DirectoryEmitter emitter)
    {
        if (!EmitDots(emitter, Path.Dentry.Parent?.Inode ?? directory))
            return Fail(Errno.Success);
        foreach (KeyValuePair<long, MqueueDirectory.Entry> entry in directory.Entries)
        {
            if (entry.Key >= Position && !Emit(emitter, entry.Value.Name.Bytes, entry.Value.Queue.Number, RegularType, entry.Key + 1))
                break;
        }

        return Fail(Errno.Success);
    }
}
