using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Tmpfs;

/// <summary>
/// A directory: a hash by name, and the same entries in order of creation by a cookie that never changes, so that a
/// reader's position holds while others create and delete.
/// </summary>
internal sealed partial class TmpfsDirectory : TmpfsInode
{
    /// <summary>What tmpfs shows as the size of one entry (BOGO_DIRENT_SIZE).</summary>
    private const int ShownEntrySize = 20;

    /// <summary>The declared size of an entry, its name aside.</summary>
    private const int EntrySize = 128;

    private readonly Dictionary<FileName, Entry> _entries = [];

    // Ordered by cookie; no entry where one was removed. Closed up when half of it is empty.
    private Slot[] _order = [];
    private int _used;
    private long _nextCookie = 2;

    public TmpfsDirectory(TmpfsSuperBlock superBlock, FileMode mode, TmpfsDirectory? parent)
        : base(superBlock, mode)
    {
        Parent = parent;
        Size = 2 * ShownEntrySize;
    }

    /// <summary>Null for the root. Holds no reference: the parent's entry holds this directory.</summary>
    public TmpfsDirectory? Parent { get; private set; }

    public int Count => _entries.Count;

    public override KTask<Result<Inode?>> LookupAsync(Task current, FileName name)
    {
        if (name.Length > FileName.MaxLength)
            return Fail<Inode?>(Errno.ENAMETOOLONG);
        return KTask<Result<Inode?>>.FromResult(_entries.TryGetValue(name, out Entry? entry) ? entry.Inode.Get() : null);
    }

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new TmpfsDirectoryFile(path, this, flags));

    public override void Evict()
    {
        base.Evict();
        for (int i = 0; i < _used; i++)
        {
            if (_order[i].Entry is not { } entry)
                continue;
            entry.Inode.LinkCount = 0;
            Super.ReleaseLater(entry.Inode);
        }

        _entries.Clear();
        _order = [];
        _used = 0;
    }

    /// <summary>The first entry at or behind a position; null at the end.</summary>
    public Entry? EntryFrom(long cookie)
    {
        for (int i = LowerBound(cookie); i < _used; i++)
        {
            if (_order[i].Entry is { } entry)
                return entry;
        }

        return null;
    }

    /// <summary>Adds an entry, which takes over a reference on the inode. Charged; ENOMEM.</summary>
    private Errno Insert(Task current, FileName name, TmpfsInode inode)
    {
        Errno error = Charge(current.Cgroup, EntrySize + name.Length);
        if (error != Errno.Success)
            return error;
        var entry = new Entry(name, inode, _nextCookie++);
        _entries.Add(name, entry);
        if (_used == _order.Length)
            MakeRoom();
        _order[_used++] = new Slot { Cookie = entry.Cookie, Entry = entry };
        Size += ShownEntrySize;
        return Errno.Success;
    }

    /// <summary>Removes an entry; its reference on the inode becomes the caller's.</summary>
    private void Remove(FileName name)
    {
        Entry entry = _entries[name];
        _entries.Remove(name);
        _order[LowerBound(entry.Cookie)].Entry = null;
        Uncharge(EntrySize + name.Length);
        Size -= ShownEntrySize;
        if (_used > 64 && _entries.Count < _used / 2)
            CloseUp();
    }

    /// <summary>Lets a name lead to another inode; the references change hands with it.</summary>
    private void Replace(FileName name, TmpfsInode inode) => _entries[name].Inode = inode;

    private void MakeRoom()
    {
        if (_used > 64 && _entries.Count - 1 < _used - (_used / 4))
            CloseUp();
        else
            Array.Resize(ref _order, Math.Max(4, _used * 2));
    }

    private void CloseUp()
    {
        int kept = 0;
        for (int i = 0; i < _used; i++)
        {
            if (_order[i].Entry is not null)
                _order[kept++] = _order[i];
        }

        Array.Clear(_order, kept, _used - kept);
        _used = kept;
    }

    /// <summary>The first slot, empty or not, whose cookie is at least this.</summary>
    private int LowerBound(long cookie)
    {
        int low = 0;
        int high = _used;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_order[middle].Cookie >= cookie)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }

    private struct Slot
    {
        public long Cookie;
        public Entry? Entry;
    }

    /// <summary>A name in the directory.</summary>
    internal sealed class Entry(FileName name, TmpfsInode inode, long cookie)
    {
        public FileName Name { get; } = name;

        public TmpfsInode Inode { get; set; } = inode;

        /// <summary>The position before this entry, 2 and up.</summary>
        public long Cookie { get; } = cookie;
    }
}
