using System.Buffers.Binary;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// Collects directory entries in the form of getdents64(2) or of the older getdents(2), in a kernel buffer that is
/// copied out afterwards. Pooled with its buffer.
/// </summary>
internal sealed class UserDirectoryEmitter : DirectoryEmitter
{
    /// <summary>What one call fills at most; C libraries ask for 32 KiB.</summary>
    public const int MaximumBytes = 64 << 10;

    private byte[] _buffer = [];
    private int _limit;
    private int _length;
    private bool _old;

    /// <summary>An entry did not fit although nothing is in the buffer: the caller's buffer is too small (EINVAL).</summary>
    public bool IsTooSmall { get; private set; }

    public ReadOnlyMemory<byte> Entries => _buffer.AsMemory(0, _length);

    public int Length => _length;

    public void Reset(uint size, bool old)
    {
        _limit = (int)Math.Min(size, MaximumBytes);
        if (_buffer.Length < _limit)
            _buffer = new byte[_limit];
        _length = 0;
        _old = old;
        IsTooSmall = false;
    }

    public override bool Emit(ReadOnlySpan<byte> name, InodeNumber inode, byte type, long nextOffset)
    {
        // Header 19 bytes with the type in front of the name, or 18 with the type in the record's last byte.
        int nameOffset = _old ? 18 : 19;
        int record = (nameOffset + name.Length + (_old ? 2 : 1) + 7) & ~7;
        if (_length + record > _limit)
        {
            IsTooSmall = _length == 0;
            return false;
        }

        Span<byte> entry = _buffer.AsSpan(_length, record);
        entry.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(entry, inode.Value);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], nextOffset);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[16..], (ushort)record);
        name.CopyTo(entry[nameOffset..]);
        if (_old)
            entry[record - 1] = type;
        else
            entry[18] = type;
        _length += record;
        return true;
    }
}
