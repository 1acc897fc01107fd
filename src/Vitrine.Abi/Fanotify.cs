using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>Flags of fanotify_init(2).</summary>
[Flags]
internal enum FanotifyInitFlags : uint
{
    None = 0,
    CloseOnExec = 0x1,
    NonBlock = 0x2,
    ClassContent = 0x4,
    ClassPreContent = 0x8,
    UnlimitedQueue = 0x10,
    UnlimitedMarks = 0x20,
    EnableAudit = 0x40,
    ReportPidFd = 0x80,
    ReportThread = 0x100,

    /// <summary>FAN_REPORT_FID, _DIR_FID, _NAME and _TARGET_FID.</summary>
    ReportHandles = 0x1e00,
}

/// <summary>Flags of fanotify_mark(2).</summary>
[Flags]
internal enum FanotifyMarkFlags : uint
{
    None = 0,
    Add = 0x1,
    Remove = 0x2,
    DontFollow = 0x4,
    OnlyDirectory = 0x8,
    Mount = 0x10,
    IgnoredMask = 0x20,
    IgnoredSurviveModify = 0x40,
    Flush = 0x80,
    FileSystem = 0x100,
    Evictable = 0x200,
    Ignore = 0x400,
}

/// <summary>Events of fanotify and what goes with them in a mask (FAN_*).</summary>
[Flags]
internal enum FanotifyEvents : uint
{
    None = 0,
    Access = 0x1,
    Modify = 0x2,
    CloseWrite = 0x8,
    CloseNoWrite = 0x10,
    Open = 0x20,
    OpenExec = 0x1000,
    QueueOverflow = 0x4000,
    FileSystemError = 0x8000,
    OpenPermission = 0x10000,
    AccessPermission = 0x20000,
    OpenExecPermission = 0x40000,
    OnChild = 0x0800_0000,
    OnDirectory = 0x4000_0000,

    Permissions = OpenPermission | AccessPermission | OpenExecPermission,

    /// <summary>Those that come with a descriptor.</summary>
    WithDescriptor = Access | Modify | CloseWrite | CloseNoWrite | Open | OpenExec | Permissions,

    Flags = OnChild | OnDirectory,

    /// <summary>All that Linux knows: attributes, moves, creation, deletion and renaming want file handles.</summary>
    Known = WithDescriptor | Flags | FileSystemError | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800 | 0x1000_0000,
}

/// <summary>struct fanotify_event_metadata: 24 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct FanotifyMetadata
{
    public const int Size = 24;
    public const byte CurrentVersion = 3;

    /// <summary>This and all records behind it.</summary>
    [FieldOffset(0)] public uint Length;
    [FieldOffset(4)] public byte Version;
    [FieldOffset(6)] public ushort MetadataLength;
    [FieldOffset(8)] public ulong Mask;

    /// <summary>FAN_NOFD (-1) for an overflow.</summary>
    [FieldOffset(16)] public int Descriptor;
    [FieldOffset(20)] public int Pid;
}

/// <summary>struct fanotify_response.</summary>
internal struct FanotifyResponse
{
    public const int Size = 8;
    public const uint Allow = 1;
    public const uint Deny = 2;
    public const uint Audit = 0x10;

    public int Descriptor;
    public uint Response;
}
