using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Ipc.Fanotify;

/// <summary>
/// The fanotify groups of a machine, and which of them an event concerns: by the marks on the object, on its directory, its
/// mount and its file system together (fanotify_group_event_mask's part). Costs a test while there is no group.
/// </summary>
internal sealed class FanotifyTable(KernelInstance kernel)
{
    private const FsEvents Told = FsEvents.Access | FsEvents.Modify | FsEvents.CloseWrite | FsEvents.CloseNoWrite | FsEvents.Open;

    private readonly List<FanotifyGroup> _groups = [];

    public bool IsEmpty => _groups.Count == 0;

    /// <summary>Groups that decide come before those that are told, in the order of their making.</summary>
    public void Add(FanotifyGroup group)
    {
        int at = _groups.FindIndex(other => other.Priority < group.Priority);
        _groups.Insert(at < 0 ? _groups.Count : at, group);
    }

    public void Remove(FanotifyGroup group) => _groups.Remove(group);

    /// <summary>Something was done through an open file.</summary>
    public void Report(OpenFile file, FsEvents what)
    {
        if ((what & Told) != 0)
            Report(file.Path, file.Inode, (FanotifyEvents)(uint)(what & Told));
    }

    /// <summary>A file was opened to be executed.</summary>
    public void ReportExec(OpenFile file) => Report(file.Path, file.Inode, FanotifyEvents.OpenExec);

    /// <summary>Asks the groups that decide: EPERM if one denies.</summary>
    public async KTask<Errno> AskAsync(Task current, VfsPath path, Inode inode, FanotifyEvents what)
    {
        if (!inode.IsRegular && !inode.IsDirectory)
            return Errno.Success;
        foreach (FanotifyGroup group in _groups.ToArray())
        {
            FanotifyEvents wanted = group.MayDecide ? Wanted(group, path, inode, what) : FanotifyEvents.None;
            if (wanted == FanotifyEvents.None)
                continue;
            Errno error = await group.AskAsync(current, path, wanted | (inode.IsDirectory ? FanotifyEvents.OnDirectory : FanotifyEvents.None));
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }

    /// <summary>A mount or a file system is gone: marks on it end.</summary>
    public void TargetGone(object target)
    {
        foreach (FanotifyGroup group in _groups)
        {
            if (group.FindMark(target) is { } mark)
                group.RemoveMark(mark);
        }
    }

    private void Report(VfsPath path, Inode inode, FanotifyEvents what)
    {
        if (path.Mount is null)
            return;
        Task? current = RunningTask();
        foreach (FanotifyGroup group in _groups)
        {
            FanotifyEvents wanted = Wanted(group, path, inode, what);
            if (wanted != FanotifyEvents.None)
                group.Queue(path, wanted | (inode.IsDirectory ? FanotifyEvents.OnDirectory : FanotifyEvents.None), current is null ? null : group.Causer(current));
        }
    }

    /// <summary>What of an event the group's marks ask for together, less what they ignore.</summary>
    private static FanotifyEvents Wanted(FanotifyGroup group, VfsPath path, Inode inode, FanotifyEvents what)
    {
        FanotifyEvents wanted = FanotifyEvents.None;
        FanotifyEvents ignored = FanotifyEvents.None;
        bool onDirectory = inode.IsDirectory;
        Inode? parent = path.Dentry.Parent?.Inode;
        foreach (FanotifyMark mark in group.Marks)
        {
            bool isOwn = mark.Target == inode || mark.Target == path.Mount || mark.Target == inode.SuperBlock;
            bool asParent = !isOwn && parent is not null && mark.Target == parent;
            if (!isOwn && !asParent)
                continue;

            // Ignoring ends when what was ignored changes, unless it was asked to last.
            if ((what & FanotifyEvents.Modify) != 0 && !mark.SurvivesModify)
                mark.Ignored = FanotifyEvents.None;
            ignored |= mark.EffectiveIgnored(onDirectory, asParent);
            if (onDirectory && (mark.Mask & FanotifyEvents.OnDirectory) == 0)
                continue;
            if (asParent && (mark.Mask & FanotifyEvents.OnChild) == 0)
                continue;
            wanted |= mark.Mask;
        }

        return what & wanted & ~ignored;
    }

    /// <summary>The task whose kernel code this is.</summary>
    private Task? RunningTask()
    {
        foreach (Processor processor in kernel.Processors)
        {
            if (processor.IsThisThread)
                return processor.Current;
        }

        return null;
    }
}
