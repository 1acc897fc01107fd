namespace Vitrine.Abi;

/// <summary>st_mode: type and permission bits (inode(7)), values as in octal there.</summary>
[Flags]
internal enum FileMode : uint
{
    None = 0,
    TypeMask = 0xF000,
    Socket = 0xC000,
    Symlink = 0xA000,
    Regular = 0x8000,
    BlockDevice = 0x6000,
    Directory = 0x4000,
    CharacterDevice = 0x2000,
    Fifo = 0x1000,
    SetUid = 0x800,
    SetGid = 0x400,
    Sticky = 0x200,
    UserRead = 0x100,
    UserWrite = 0x80,
    UserExecute = 0x40,
    GroupRead = 0x20,
    GroupWrite = 0x10,
    GroupExecute = 0x8,
    OtherRead = 0x4,
    OtherWrite = 0x2,
    OtherExecute = 0x1,
    PermissionMask = 0xFFF,
}

/// <summary>open(2) flags of x86-64.</summary>
[Flags]
internal enum OpenFlags : uint
{
    ReadOnly = 0,
    WriteOnly = 1,
    ReadWrite = 2,
    AccessMode = 3,
    Create = 0x40,
    Exclusive = 0x80,
    NoControllingTty = 0x100,
    Truncate = 0x200,
    Append = 0x400,
    NonBlock = 0x800,
    DataSync = 0x1000,
    Async = 0x2000,
    Direct = 0x4000,
    LargeFile = 0x8000,
    Directory = 0x10000,
    NoFollow = 0x20000,
    NoAccessTime = 0x40000,
    CloseOnExec = 0x80000,

    /// <summary>O_SYNC includes O_DSYNC.</summary>
    Sync = 0x101000,
    Path = 0x200000,

    /// <summary>O_TMPFILE includes O_DIRECTORY.</summary>
    TemporaryFile = 0x410000,
}

/// <summary>renameat2(2) flags.</summary>
[Flags]
internal enum RenameFlags : uint
{
    None = 0,
    NoReplace = 1,
    Exchange = 2,
    Whiteout = 4,
}

/// <summary>setxattr(2) flags.</summary>
[Flags]
internal enum XattrFlags : uint
{
    None = 0,
    Create = 1,
    Replace = 2,
}

/// <summary>lseek(2) whence.</summary>
internal enum SeekWhence
{
    Set = 0,
    Current = 1,
    End = 2,
    Data = 3,
    Hole = 4,
}

/// <summary>fallocate(2) modes.</summary>
[Flags]
internal enum FallocateMode : uint
{
    None = 0,
    KeepSize = 1,
    PunchHole = 2,
    CollapseRange = 8,
    ZeroRange = 0x10,
    InsertRange = 0x20,
    UnshareRange = 0x40,
}

/// <summary>poll(2) events; epoll's are the same bits.</summary>
[Flags]
internal enum PollEvents : uint
{
    None = 0,
    In = 1,
    Priority = 2,
    Out = 4,
    Error = 8,
    HangUp = 0x10,
    Invalid = 0x20,
    ReadNormal = 0x40,
    ReadBand = 0x80,
    WriteNormal = 0x100,
    WriteBand = 0x200,
    ReadHangUp = 0x2000,
}

/// <summary>mount(2) flags.</summary>
[Flags]
internal enum MountFlags : ulong
{
    None = 0,
    ReadOnly = 1,
    NoSuid = 2,
    NoDev = 4,
    NoExec = 8,
    Synchronous = 16,
    Remount = 32,
    MandatoryLock = 64,
    DirSync = 128,
    NoSymFollow = 256,
    NoAccessTime = 1024,
    NoDirAccessTime = 2048,
    Bind = 4096,
    Move = 8192,
    Recursive = 16384,
    Silent = 32768,
    PosixAcl = 1 << 16,
    Unbindable = 1 << 17,
    Private = 1 << 18,
    Slave = 1 << 19,
    Shared = 1 << 20,
    RelativeAccessTime = 1 << 21,
    StrictAccessTime = 1 << 24,
    LazyTime = 1 << 25,
}

/// <summary>statx(2) field mask.</summary>
[Flags]
internal enum StatxMask : uint
{
    None = 0,
    Type = 1,
    Mode = 2,
    LinkCount = 4,
    Uid = 8,
    Gid = 0x10,
    AccessTime = 0x20,
    ModificationTime = 0x40,
    ChangeTime = 0x80,
    Inode = 0x100,
    Size = 0x200,
    Blocks = 0x400,
    BasicStats = 0x7ff,
    BirthTime = 0x800,
    MountId = 0x1000,
}
