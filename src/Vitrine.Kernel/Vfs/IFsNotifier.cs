namespace Vitrine.Kernel.Vfs;

/// <summary>File events as inotify(7) numbers them.</summary>
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
    IsDirectory = 0x40000000,
}

/// <summary>Hears of file events as they happen (fsnotify's twin). Called under the kernel lock; must not wait.</summary>
internal interface IFsNotifier
{
    /// <summary>Something happened to the inode itself.</summary>
    void InodeEvent(Inode inode, FsEvents what);

    /// <summary>Something happened to an entry of a directory.</summary>
    /// <param name="cookie">Connects the two halves of a move; 0 otherwise.</param>
    void EntryEvent(Inode directory, FileName name, FsEvents what, uint cookie);
}
