using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Ipc.Fanotify;

/// <summary>
/// A group's interest in an inode, a mount or a file system (fsnotify_mark's twin): the events it wants, and those that it
/// ignores whatever its other marks say.
/// </summary>
internal sealed class FanotifyMark(FanotifyGroup group, object target)
{
    /// <summary>Kernel memory charged for one.</summary>
    public const int DeclaredSize = 128;

    public FanotifyGroup Group { get; } = group;

    /// <summary>An inode, a mount or a super block.</summary>
    public object Target { get; } = target;

    public FanotifyEvents Mask { get; set; }

    public FanotifyEvents Ignored { get; set; }

    /// <summary>The ignored events stay so when the file is modified.</summary>
    public bool SurvivesModify { get; set; }

    /// <summary>FAN_MARK_IGNORE: the ignored mask has its own flags for directories and children.</summary>
    public bool IgnoredHasFlags { get; set; }

    /// <summary>What keeps an inode, and ends with it.</summary>
    public InodeAnchor? Anchor { get; set; }

    public bool IsEmpty => Mask == FanotifyEvents.None && Ignored == FanotifyEvents.None;

    /// <summary>What it ignores of an event.</summary>
    /// <param name="onDirectory">The event is about a directory.</param>
    /// <param name="asParent">The mark is on the directory of the object that the event is about.</param>
    public FanotifyEvents EffectiveIgnored(bool onDirectory, bool asParent)
    {
        FanotifyEvents flags = IgnoredHasFlags ? Ignored : (Mask & FanotifyEvents.OnChild) | FanotifyEvents.OnDirectory;
        if ((onDirectory && (flags & FanotifyEvents.OnDirectory) == 0) || (asParent && (flags & FanotifyEvents.OnChild) == 0))
            return FanotifyEvents.None;
        return Ignored & ~FanotifyEvents.Flags;
    }

    /// <summary>Holds the inode of a mark among its watches, so that it ends with the inode; hears of nothing itself.</summary>
    internal sealed class InodeAnchor(FanotifyMark mark) : InodeWatch((Inode)mark.Target)
    {
        public FanotifyMark Mark { get; } = mark;

        public override void Report(FsEvents what, ReadOnlySpan<byte> name, uint cookie)
        {
        }

        public override void Ended() => Mark.Group.Forget(Mark);
    }
}
