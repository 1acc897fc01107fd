using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc.Inotify;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>inotify_init, inotify_init1, inotify_add_watch, inotify_rm_watch (inotify(7)).</summary>
internal static class InotifyCalls
{
    private const FsEvents Known = FsEvents.All | FsEvents.Unmount | FsEvents.QueueOverflow | FsEvents.Ignored | FsEvents.OnlyDirectory
        | FsEvents.DontFollow | FsEvents.ExcludeUnlinked | FsEvents.MaskAdd | FsEvents.MaskCreate | FsEvents.IsDirectory | FsEvents.OneShot;

    [Syscall(253, "inotify_init", SyscallSupport.Real)]
    public static SyscallResult InotifyInit(Task current) => InotifyInit1(current, OpenFlags.ReadOnly);

    [Syscall(294, "inotify_init1", SyscallSupport.Real)]
    public static SyscallResult InotifyInit1(Task current, OpenFlags flags)
    {
        if ((flags & ~(OpenFlags.CloseOnExec | OpenFlags.NonBlock)) != 0)
            return Errno.EINVAL;
        UserAccount account = current.Kernel.Users[current.Credentials.Euid];
        if (!account.TryChargeInstance(current.Kernel.Vfs.Settings.InotifyMaximumInstances))
            return Errno.EMFILE;
        Errno error = current.Cgroup.ChargeKernelMemory(InotifyFile.DeclaredSize);
        if (error != Errno.Success)
        {
            account.UnchargeInstance();
            return error;
        }

        var file = new InotifyFile(current.Kernel, current.Cgroup, account, flags & OpenFlags.NonBlock);
        Result<Fd> fd = current.Files!.Install(current, file, (flags & OpenFlags.CloseOnExec) != 0);
        if (fd.Ok)
            return fd.Value;
        file.Put();
        return fd.Error;
    }

    [Syscall(254, "inotify_add_watch", SyscallSupport.Real)]
    public static async KTask<SyscallResult> InotifyAddWatch(Task current, Fd fd, [Strace("path")] UserString path, [Strace("hex")] uint mask)
    {
        var wanted = (FsEvents)mask;
        if ((wanted & ~Known) != 0 || wanted == FsEvents.None)
            return Errno.EINVAL;
        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        SyscallResult result = Errno.EINVAL;
        const FsEvents both = FsEvents.MaskAdd | FsEvents.MaskCreate;
        if (found.Value is InotifyFile instance && (wanted & both) != both)
            result = await AddAsync(current, instance, path, wanted);
        found.Value.Put();
        return result;
    }

    [Syscall(255, "inotify_rm_watch", SyscallSupport.Real)]
    public static SyscallResult InotifyRemoveWatch(Task current, Fd fd, int watch)
    {
        if (current.Files!.Peek(fd) is not { IsPathOnly: false } file)
            return Errno.EBADF;
        return file is InotifyFile instance ? instance.Remove(watch) : Errno.EINVAL;
    }

    private static async KTask<SyscallResult> AddAsync(Task current, InotifyFile instance, UserString path, FsEvents wanted)
    {
        WalkFlags walk = (wanted & FsEvents.DontFollow) == 0 ? WalkFlags.Follow : WalkFlags.None;
        if ((wanted & FsEvents.OnlyDirectory) != 0)
            walk |= WalkFlags.Directory;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<VfsPath> place = await vfs.LookUpUserPathAsync(current, Fd.Cwd, path, walk);
        if (!place.Ok)
            return place.Error;
        Inode inode = place.Value.Dentry.Inode!;

        // What happens to a file is as good as reading some of it.
        Errno error = await vfs.PermissionAsync(current, inode, AccessMask.Read);
        SyscallResult result = error;
        if (error == Errno.Success)
        {
            Result<int> descriptor = instance.Watch(inode, wanted);
            result = descriptor.Ok ? descriptor.Value : descriptor.Error;
        }

        place.Value.Put();
        return result;
    }
}
