using System.Runtime.InteropServices;

namespace Vitrine.Fs.Host.Native;

/// <summary>struct statx_timestamp.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct HostTimestamp
{
    public long Seconds;
    public uint Nanoseconds;

    public readonly Timespec ToTimespec() => new(Seconds, Nanoseconds);
}

/// <summary>struct statx as the host's kernel fills it (statx(2)); 256 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct HostStatx
{
    [FieldOffset(0)]
    public StatxMask Mask;

    [FieldOffset(4)]
    public uint BlockSize;

    [FieldOffset(8)]
    public ulong Attributes;

    [FieldOffset(16)]
    public uint LinkCount;

    [FieldOffset(20)]
    public uint Uid;

    [FieldOffset(24)]
    public uint Gid;

    [FieldOffset(28)]
    public ushort ModeBits;

    [FieldOffset(32)]
    public ulong Inode;

    [FieldOffset(40)]
    public ulong Size;

    [FieldOffset(48)]
    public ulong Blocks;

    [FieldOffset(56)]
    public ulong AttributesMask;

    [FieldOffset(64)]
    public HostTimestamp AccessTime;

    [FieldOffset(80)]
    public HostTimestamp BirthTime;

    [FieldOffset(96)]
    public HostTimestamp ChangeTime;

    [FieldOffset(112)]
    public HostTimestamp ModificationTime;

    [FieldOffset(128)]
    public uint RawDeviceMajor;

    [FieldOffset(132)]
    public uint RawDeviceMinor;

    [FieldOffset(136)]
    public uint DeviceMajor;

    [FieldOffset(140)]
    public uint DeviceMinor;

    public readonly FileMode Mode => (FileMode)ModeBits;

    public readonly FileMode Type => Mode & FileMode.TypeMask;

    /// <summary>What identifies the file on the host.</summary>
    public readonly HostFileId Id => new(((ulong)DeviceMajor << 32) | DeviceMinor, Inode);
}

/// <summary>A file of the host: its device (major and minor packed) and inode number.</summary>
internal readonly record struct HostFileId(ulong Device, ulong Inode);

/// <summary>struct statfs of 64-bit Linux; 120 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 120)]
internal struct HostStatFs
{
    public long Type;
    public long BlockSize;
    public ulong Blocks;
    public ulong BlocksFree;
    public ulong BlocksAvailable;
    public ulong Files;
    public ulong FilesFree;
    public ulong FileSystemId;
    public long NameLength;
    public long FragmentSize;
    public long Flags;
}

/// <summary>struct iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct HostIovec
{
    public byte* Base;
    public nuint Length;
}
