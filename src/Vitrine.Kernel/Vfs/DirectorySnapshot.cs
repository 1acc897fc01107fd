namespace Vitrine.Kernel.Vfs;

/// <summary>
/// The entries of a directory at one moment, packed: for file systems that can't resume a listing at a stable place
/// and so read it once for each open directory.
/// </summary>
internal sealed class DirectorySnapshot
{
    private byte[] _names = new byte[512];
    private int _nameBytes;
    private Entry[] _entries = new Entry[32];

    public int Count { get; private set; }

    /// <param name="type">DT_*.</param>
    public void Add(ReadOnlySpan<byte> name, InodeNumber inode, byte type)
    {
        if (_nameBytes + name.Length > _names.Length)
            Array.Resize(ref _names, Math.Max(_names.Length * 2, _nameBytes + name.Length));
        if (Count == _entries.Length)
            Array.Resize(ref _entries, Count * 2);
        name.CopyTo(_names.AsSpan(_nameBytes));
        _entries[Count++] = new Entry(inode, _nameBytes, (ushort)name.Length, type);
        _nameBytes += name.Length;
    }

    public ReadOnlySpan<byte> Name(int index) => _names.AsSpan(_entries[index].NameStart, _entries[index].NameLength);

    public InodeNumber Inode(int index) => _entries[index].Inode;

    public byte Type(int index) => _entries[index].Type;

    /// <summary>Orders the entries by the bytes of their names.</summary>
    public void Sort() => _entries.AsSpan(0, Count).Sort((a, b) =>
        _names.AsSpan(a.NameStart, a.NameLength).SequenceCompareTo(_names.AsSpan(b.NameStart, b.NameLength)));

    /// <summary>Emits from an index on until the emitter is full; positions are <paramref name="origin"/> plus the index. Returns where it stopped.</summary>
    public long Emit(DirectoryEmitter emitter, long position, long origin)
    {
        while (position - origin < Count)
        {
            int index = (int)(position - origin);
            if (!emitter.Emit(Name(index), Inode(index), Type(index), position + 1))
                break;
            position++;
        }

        return position;
    }

    private readonly record struct Entry(InodeNumber Inode, int NameStart, ushort NameLength, byte Type);
}

/// <summary>Takes all entries of a directory but "." and "..".</summary>
internal sealed class SnapshotEmitter(DirectorySnapshot snapshot) : DirectoryEmitter
{
    public override bool Emit(ReadOnlySpan<byte> name, InodeNumber inode, byte type, long nextOffset)
    {
        if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
            snapshot.Add(name, inode, type);
        return true;
    }
}
