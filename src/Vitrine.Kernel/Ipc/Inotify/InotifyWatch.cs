using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Ipc.Inotify;

/// <summary>A watch of an inotify instance.</summary>
internal sealed class InotifyWatch(InotifyFile owner, Inode inode, int descriptor) : InodeWatch(inode)
{
    /// <summary>Kernel memory charged for one.</summary>
    public const int DeclaredSize = 128;

    public InotifyFile Owner { get; } = owner;

    /// <summary>The number that the program knows it by.</summary>
    public int Descriptor { get; } = descriptor;

    /// <summary>It ends with its first event (IN_ONESHOT).</summary>
    public bool IsOneShot { get; set; }

    public override void Report(FsEvents what, ReadOnlySpan<byte> name, uint cookie)
    {
        if ((what & (FsEvents.DeleteSelf | FsEvents.MoveSelf)) != 0)
            what &= ~FsEvents.IsDirectory;
        Owner.Queue(Descriptor, what, name, cookie);
        if (IsOneShot)
            Owner.Remove(this);
    }

    public override void Ended() => Owner.WatchEnded(this);
}
