using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>Flags of open_tree(2): its own, and those of the *at calls that it takes.</summary>
[Flags]
internal enum OpenTreeFlags : uint
{
    None = 0,
    Clone = 1,
    SymlinkNoFollow = 0x100,
    NoAutomount = 0x800,
    EmptyPath = 0x1000,
    Recursive = 0x8000,
    CloseOnExec = 0x80000,
}

/// <summary>MOVE_MOUNT_*.</summary>
[Flags]
internal enum MoveMountFlags : uint
{
    None = 0,
    FromSymlinks = 1,
    FromAutomounts = 2,
    FromEmptyPath = 4,
    ToSymlinks = 0x10,
    ToAutomounts = 0x20,
    ToEmptyPath = 0x40,
    SetGroup = 0x100,
    Beneath = 0x200,
    All = 0x377,
}

/// <summary>Commands of fsconfig(2).</summary>
internal enum FsConfigCommand : uint
{
    SetFlag = 0,
    SetString = 1,
    SetBinary = 2,
    SetPath = 3,
    SetPathEmpty = 4,
    SetFd = 5,
    Create = 6,
    Reconfigure = 7,
    CreateExclusive = 8,
}

/// <summary>FSPICK_*.</summary>
[Flags]
internal enum FsPickFlags : uint
{
    None = 0,
    CloseOnExec = 1,
    SymlinkNoFollow = 2,
    NoAutomount = 4,
    EmptyPath = 8,
    All = 15,
}

/// <summary>MOUNT_ATTR_*.</summary>
[Flags]
internal enum MountAttributes : ulong
{
    None = 0,
    ReadOnly = 1,
    NoSuid = 2,
    NoDev = 4,
    NoExec = 8,
    NoAccessTime = 0x10,
    StrictAccessTime = 0x20,
    AccessTimeMask = 0x70,
    NoDirAccessTime = 0x80,
    IdMap = 0x100000,
    NoSymFollow = 0x200000,

    /// <summary>What fsmount takes.</summary>
    ForNewMount = ReadOnly | NoSuid | NoDev | NoExec | AccessTimeMask | NoDirAccessTime | NoSymFollow,
}

/// <summary>struct mount_attr: 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MountAttributeChange
{
    public const uint SizeVersion0 = 32;

    public MountAttributes Set;
    public MountAttributes Clear;
    public MountFlags Propagation;
    public ulong UserNamespaceFd;
}
