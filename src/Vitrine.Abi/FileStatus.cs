using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>struct stat of x86-64 (stat(2)): 144 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LinuxStat
{
    public ulong Device;
    public ulong Inode;
    public ulong LinkCount;
    public uint Mode;
    public uint Uid;
    public uint Gid;
    public uint Padding;
    public ulong RawDevice;
    public long Size;
    public long BlockSize;
    public long Blocks;
    public Timespec AccessTime;
    public Timespec ModificationTime;
    public Timespec ChangeTime;
    public long Reserved0;
    public long Reserved1;
    public long Reserved2;
}

/// <summary>struct statx_timestamp.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct StatxTimestamp
{
    public long Seconds;
    public uint Nanoseconds;
    public int Reserved;

    public StatxTimestamp(Timespec time)
    {
        Seconds = time.Seconds;
        Nanoseconds = (uint)time.Nanoseconds;
    }
}

/// <summary>struct statx (statx(2)): 256 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 256)]
internal struct LinuxStatx
{
    public uint Mask;
    public uint BlockSize;
    public ulong Attributes;
    public uint LinkCount;
    public uint Uid;
    public uint Gid;
    public ushort Mode;
    public ushort Spare0;
    public ulong Inode;
    public ulong Size;
    public ulong Blocks;
    public ulong AttributesMask;
    public StatxTimestamp AccessTime;
    public StatxTimestamp BirthTime;
    public StatxTimestamp ChangeTime;
    public StatxTimestamp ModificationTime;
    public uint RawDeviceMajor;
    public uint RawDeviceMinor;
    public uint DeviceMajor;
    public uint DeviceMinor;
    public ulong MountId;
    public uint DirectMemoryAlign;
    public uint DirectOffsetAlign;
}

/// <summary>struct statfs (statfs(2)): 120 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LinuxStatFs
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
    public long Spare0;
    public long Spare1;
    public long Spare2;
    public long Spare3;
}

/// <summary>struct iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct Iovec(VirtAddr Base, ulong Length);

/// <summary>struct open_how (openat2(2)).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OpenHow
{
    public ulong Flags;
    public ulong Mode;
    public ulong Resolve;
}

/// <summary>struct flock (fcntl(2)).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LinuxFlock
{
    public short Type;
    public short Whence;
    private readonly int _padding;
    public long Start;
    public long Length;
    public int Pid;
    private readonly int _padding2;
}

/// <summary>AT_* flags of the *at calls.</summary>
[Flags]
internal enum AtFlags : uint
{
    None = 0,
    SymlinkNoFollow = 0x100,

    /// <summary>AT_REMOVEDIR for unlinkat, AT_EACCESS for faccessat2.</summary>
    RemoveDirectoryOrEffectiveAccess = 0x200,
    SymlinkFollow = 0x400,
    NoAutomount = 0x800,
    EmptyPath = 0x1000,
    StatxForceSync = 0x2000,
    StatxDontSync = 0x4000,
}

/// <summary>RESOLVE_* of openat2(2).</summary>
[Flags]
internal enum ResolveFlags : ulong
{
    None = 0,
    NoXdev = 1,
    NoMagicLinks = 2,
    NoSymlinks = 4,
    Beneath = 8,
    InRoot = 0x10,
    Cached = 0x20,
}
