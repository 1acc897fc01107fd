namespace Vitrine.Kernel.Vfs.Notify;

/// <summary>File events and the flags of watches, as inotify(7) numbers them.</summary>
[Flags]
internal enum FsEvents : uint
{
    None = 0,
    Access = 0x1,
    Modify = 0x2,
    Attributes = 0x4,
    CloseWrite = 0x8,
    CloseNoWrite = 0x10,
    Open = 0x20,
    MovedFrom = 0x40,
    MovedTo = 0x80,
    Create = 0x100,
    Delete = 0x200,
    DeleteSelf = 0x400,
    MoveSelf = 0x800,
    Unmount = 0x2000,
    QueueOverflow = 0x4000,
    Ignored = 0x8000,
    OnlyDirectory = 0x0100_0000,
    DontFollow = 0x0200_0000,
    ExcludeUnlinked = 0x0400_0000,

    /// <summary>Inside the kernel only: an entry of this directory got another name in it (FS_DN_RENAME).</summary>
    Renamed = 0x0800_0000,

    MaskCreate = 0x1000_0000,
    MaskAdd = 0x2000_0000,
    IsDirectory = 0x4000_0000,
    OneShot = 0x8000_0000,

    /// <summary>IN_ALL_EVENTS.</summary>
    All = 0xfff,

    /// <summary>What a watch of a directory hears about an object in it.</summary>
    OnChild = Access | Modify | Attributes | CloseWrite | CloseNoWrite | Open,
}
