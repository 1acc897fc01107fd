using System.Buffers.Binary;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Ipc.Inotify;

/// <summary>One event in an instance's queue, as a reader gets it (struct inotify_event and its name).</summary>
internal sealed class InotifyEvent(int watch, FsEvents what, uint cookie, byte[] name)
{
    /// <summary>Bytes before the name.</summary>
    public const int HeaderSize = 16;

    /// <summary>Kernel memory charged for one besides its name.</summary>
    public const int DeclaredSize = 64;

    public int Watch { get; } = watch;

    public FsEvents What { get; } = what;

    public byte[] Name { get; } = name;

    /// <summary>Bytes that a reader gets: the name has its NUL and is filled up to a multiple of the header's size.</summary>
    public int Size => HeaderSize + PaddedName;

    private int PaddedName => Name.Length == 0 ? 0 : (Name.Length + HeaderSize) & -HeaderSize;

    /// <summary>Whether another event right behind this one says nothing new.</summary>
    public bool IsRepeatedBy(int watch, FsEvents what, ReadOnlySpan<byte> name) =>
        Watch == watch && What == what && (What & FsEvents.Ignored) == 0 && name.SequenceEqual(Name);

    public byte[] Encode()
    {
        byte[] bytes = new byte[Size];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, Watch);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), (uint)What);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), cookie);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), PaddedName);
        Name.CopyTo(bytes, HeaderSize);
        return bytes;
    }
}
