using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc.Fanotify;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>fanotify_init, fanotify_mark (fanotify(7)): events that come with descriptors, and those that ask for leave.</summary>
internal static class FanotifyCalls
{
    private const OpenFlags EventFlags = OpenFlags.AccessMode | OpenFlags.Append | OpenFlags.NonBlock | OpenFlags.Sync
        | OpenFlags.CloseOnExec | OpenFlags.LargeFile | OpenFlags.NoAccessTime;

    private const FanotifyMarkFlags Kinds = FanotifyMarkFlags.Mount | FanotifyMarkFlags.FileSystem;
    private const FanotifyMarkFlags Commands = FanotifyMarkFlags.Add | FanotifyMarkFlags.Remove | FanotifyMarkFlags.Flush;
    private const FanotifyMarkFlags Ignores = FanotifyMarkFlags.IgnoredMask | FanotifyMarkFlags.Ignore;

    [Syscall(300, "fanotify_init", SyscallSupport.Partial, Note = "no file handles in events: FAN_REPORT_FID and its kin give EINVAL; only for CAP_SYS_ADMIN")]
    public static SyscallResult FanotifyInit(Task current, FanotifyInitFlags flags, OpenFlags eventFlags)
    {
        const FanotifyInitFlags both = FanotifyInitFlags.ReportPidFd | FanotifyInitFlags.ReportThread;
        const FanotifyInitFlags classes = FanotifyInitFlags.ClassContent | FanotifyInitFlags.ClassPreContent;
        const FanotifyInitFlags known = both | classes | FanotifyInitFlags.CloseOnExec | FanotifyInitFlags.NonBlock
            | FanotifyInitFlags.UnlimitedQueue | FanotifyInitFlags.UnlimitedMarks | FanotifyInitFlags.EnableAudit;
        if (!current.IsCapable(Capability.SysAdmin))
            return Errno.EPERM;
        if ((flags & ~known) != 0 || (flags & both) == both || (flags & classes) == classes)
            return Errno.EINVAL;
        if ((eventFlags & ~EventFlags) != 0 || (eventFlags & OpenFlags.AccessMode) == OpenFlags.AccessMode)
            return Errno.EINVAL;
        if ((flags & FanotifyInitFlags.EnableAudit) != 0 && !current.IsCapable(Capability.AuditWrite))
            return Errno.EPERM;
        UserAccount account = current.Kernel.Users[current.Credentials.Euid];
        if (!account.TryChargeGroup(current.Kernel.Vfs.Settings.FanotifyMaximumGroups))
            return Errno.EMFILE;
        Errno error = current.Cgroup.ChargeKernelMemory(FanotifyGroup.DeclaredSize);
        if (error != Errno.Success)
        {
            account.UnchargeGroup();
            return error;
        }

        var group = new FanotifyGroup(current, account, flags, eventFlags);
        Result<Fd> fd = current.Files!.Install(current, group, (flags & FanotifyInitFlags.CloseOnExec) != 0);
        if (fd.Ok)
            return fd.Value;
        group.Put();
        return fd.Error;
    }

    [Syscall(301, "fanotify_mark", SyscallSupport.Partial, Note = "events that want file handles (creation, deletion, moves, attributes): EINVAL")]
    public static async KTask<SyscallResult> FanotifyMark(
        Task current, Fd fd, FanotifyMarkFlags flags, [Strace("hex")] ulong mask, Fd directory, [Strace("path")] UserString path)
    {
        var events = (FanotifyEvents)(uint)mask;
        Errno error = Check(flags, mask, events);
        if (error != Errno.Success)
            return error;
        if ((flags & Ignores) == FanotifyMarkFlags.IgnoredMask)
            events &= ~FanotifyEvents.Flags;
        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        SyscallResult result = found.Value is FanotifyGroup group
            ? await MarkAsync(current, group, flags, events, directory, path)
            : Errno.EINVAL;
        found.Value.Put();
        return result;
    }

    private static Errno Check(FanotifyMarkFlags flags, ulong mask, FanotifyEvents events)
    {
        const FanotifyMarkFlags known = Commands | Kinds | Ignores | FanotifyMarkFlags.DontFollow | FanotifyMarkFlags.OnlyDirectory
            | FanotifyMarkFlags.IgnoredSurviveModify | FanotifyMarkFlags.Evictable;
        if (mask > uint.MaxValue || (flags & ~known) != 0 || (flags & Kinds) == Kinds)
            return Errno.EINVAL;
        switch (flags & Commands)
        {
            case FanotifyMarkFlags.Add or FanotifyMarkFlags.Remove:
                if (events == FanotifyEvents.None)
                    return Errno.EINVAL;
                break;
            case FanotifyMarkFlags.Flush:
                if ((flags & ~(Kinds | FanotifyMarkFlags.Flush)) != 0)
                    return Errno.EINVAL;
                break;
            default:
                return Errno.EINVAL;
        }

        if ((events & ~FanotifyEvents.Known) != 0 || (flags & Ignores) == Ignores)
            return Errno.EINVAL;
        return (flags & FanotifyMarkFlags.Evictable) != 0 && (flags & Kinds) != 0 ? Errno.EINVAL : Errno.Success;
    }

    private static async KTask<SyscallResult> MarkAsync(
        Task current, FanotifyGroup group, FanotifyMarkFlags flags, FanotifyEvents events, Fd directory, UserString path)
    {
        if ((events & FanotifyEvents.Permissions) != 0 && !group.MayDecide)
            return Errno.EINVAL;
        if ((events & ~(FanotifyEvents.WithDescriptor | FanotifyEvents.Flags)) != 0)
            return Errno.EINVAL;
        if ((flags & FanotifyMarkFlags.Flush) != 0)
        {
            Flush(group, flags & Kinds);
            return Errno.Success;
        }

        Result<VfsPath> found = await FindAsync(current, flags, directory, path);
        if (!found.Ok)
            return found.Error;
        Errno error = await current.Kernel.Vfs.PermissionAsync(current, found.Value, AccessMask.Read);
        if (error == Errno.Success)
            error = Change(group, flags, events, found.Value);
        found.Value.Put();
        return error;
    }

    private static Errno Change(FanotifyGroup group, FanotifyMarkFlags flags, FanotifyEvents events, VfsPath place)
    {
        Inode inode = place.Dentry.Inode!;
        object target = (flags & Kinds) switch
        {
            FanotifyMarkFlags.Mount => place.Mount,
            FanotifyMarkFlags.FileSystem => inode.SuperBlock,
            _ => inode,
        };
        bool isInode = target is Inode;
        bool isIgnore = (flags & FanotifyMarkFlags.Ignore) != 0;
        if ((flags & FanotifyMarkFlags.Remove) != 0)
        {
            if (group.FindMark(target) is not { } marked)
                return Errno.ENOENT;
            if ((flags & Ignores) != 0)
                marked.Ignored &= ~events;
            else
                marked.Mask &= ~events;
            if (marked.IsEmpty)
                group.RemoveMark(marked);
            return Errno.Success;
        }

        // Processes' files would ask whoever answers about itself.
        if ((events & FanotifyEvents.Permissions) != 0 && inode.SuperBlock.Type.Name == "proc")
            return Errno.EINVAL;
        if (!isInode && inode.SuperBlock is PseudoSuperBlock)
            return Errno.EINVAL;
        if (isIgnore && (flags & FanotifyMarkFlags.IgnoredSurviveModify) == 0)
        {
            if (!isInode)
                return Errno.EINVAL;
            if (inode.IsDirectory)
                return Errno.EISDIR;
        }

        if (!isInode || !inode.IsDirectory)
            events &= ~FanotifyEvents.OnChild;
        FanotifyMark? mark = group.FindMark(target);
        if (mark is null)
        {
            Result<FanotifyMark> made = group.AddMark(target);
            if (!made.TryGet(out mark, out Errno error))
                return error;
        }
        else if ((flags & Ignores) != 0 && mark.Ignored != FanotifyEvents.None)
        {
            // The two forms don't mix, and what survives modification is not weakened.
            if (mark.IgnoredHasFlags != isIgnore)
                return Errno.EEXIST;
            if (isIgnore && mark.SurvivesModify && (flags & FanotifyMarkFlags.IgnoredSurviveModify) == 0)
                return Errno.EEXIST;
        }

        if ((flags & Ignores) == 0)
        {
            mark.Mask |= events;
        }
        else
        {
            mark.Ignored |= events;
            mark.IgnoredHasFlags = isIgnore;
            mark.SurvivesModify |= (flags & FanotifyMarkFlags.IgnoredSurviveModify) != 0;
        }

        return Errno.Success;
    }

    private static void Flush(FanotifyGroup group, FanotifyMarkFlags kind)
    {
        for (int i = group.Marks.Count - 1; i >= 0; i--)
        {
            FanotifyMark mark = group.Marks[i];
            bool matches = kind switch
            {
                FanotifyMarkFlags.Mount => mark.Target is Mount,
                FanotifyMarkFlags.FileSystem => mark.Target is SuperBlock,
                _ => mark.Target is Inode,
            };
            if (matches)
                group.RemoveMark(mark);
        }
    }

    private static async KTask<Result<VfsPath>> FindAsync(Task current, FanotifyMarkFlags flags, Fd directory, UserString path)
    {
        bool onlyDirectory = (flags & FanotifyMarkFlags.OnlyDirectory) != 0;
        if (path.Address.Value != 0)
        {
            WalkFlags walk = (flags & FanotifyMarkFlags.DontFollow) == 0 ? WalkFlags.Follow : WalkFlags.None;
            return await current.Kernel.Vfs.LookUpUserPathAsync(current, directory, path, onlyDirectory ? walk | WalkFlags.Directory : walk);
        }

        Result<OpenFile> file = current.Files!.Get(directory);
        if (!file.Ok)
            return file.Error;
        Result<VfsPath> place = onlyDirectory && !file.Value.Inode.IsDirectory ? Errno.ENOTDIR : file.Value.Path.Get();
        file.Value.Put();
        return place;
    }
}
