namespace Vitrine.Kernel.Vfs;

/// <summary>What stat, statx and their kin report, in one form (struct kstat's twin).</summary>
internal struct KernelStat
{
    public DeviceNumber Device;
    public InodeNumber Inode;
    public FileMode Mode;
    public uint LinkCount;
    public Uid Uid;
    public Gid Gid;
    public DeviceNumber RawDevice;
    public long Size;
    public uint BlockSize;

    /// <summary>In units of 512 bytes.</summary>
    public long Blocks;
    public Timespec AccessTime;
    public Timespec ModificationTime;
    public Timespec ChangeTime;
    public Timespec BirthTime;

    /// <summary>What of it is valid beyond the basic fields.</summary>
    public StatxMask Mask;

    /// <summary>STATX_ATTR_*.</summary>
    public ulong Attributes;
    public ulong AttributesMask;

    /// <summary>The mount it was reached through.</summary>
    public int MountId;
}

/// <summary>statfs(2) in the kernel's form; sizes in blocks of <see cref="BlockSize"/> bytes.</summary>
internal struct KernelStatFs
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
    public MountFlags Flags;
}

/// <summary>What a path operation asks of an inode (MAY_*).</summary>
[Flags]
internal enum AccessMask : uint
{
    None = 0,
    Execute = 1,
    Write = 2,
    Read = 4,
    Append = 8,
}

/// <summary>Which attributes a change sets.</summary>
[Flags]
internal enum AttributeMask : uint
{
    None = 0,
    Mode = 1,
    Uid = 2,
    Gid = 4,
    Size = 8,
    AccessTime = 0x10,
    ModificationTime = 0x20,
    ChangeTime = 0x40,
}

/// <summary>A change of attributes (struct iattr's twin): only the fields that <see cref="Mask"/> names count.</summary>
internal struct InodeAttributes
{
    public AttributeMask Mask;
    public FileMode Mode;
    public Uid Uid;
    public Gid Gid;
    public long Size;
    public Timespec AccessTime;
    public Timespec ModificationTime;
    public Timespec ChangeTime;
}
