using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>mount, umount2, pivot_root (mount(2), umount(2), pivot_root(2)).</summary>
internal static class MountCalls
{
    private const MountFlags MagicMask = (MountFlags)0xffff0000;
    private const MountFlags Magic = (MountFlags)0xC0ED0000;
    private const MountFlags TypeChange = MountFlags.Shared | MountFlags.Private | MountFlags.Slave | MountFlags.Unbindable;

    [Syscall(165, "mount", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Mount(Task current, [Strace("path")] UserString source, [Strace("path")] UserString target, [Strace("string")] UserString type, MountFlags flags, VirtAddr data)
    {
        Result<string> typeName = await ReadTextAsync(current, type, (int)Page.Size);
        if (!typeName.Ok)
            return typeName.Error;
        Result<string> sourceName = await ReadTextAsync(current, source, PathName.Maximum);
        if (!sourceName.Ok)
            return sourceName.Error;
        Result<string> options = await ReadOptionsAsync(current, data);
        if (!options.Ok)
            return options.Error;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<VfsPath> place = await vfs.LookUpUserPathAsync(current, Fd.Cwd, target, WalkFlags.Follow);
        if (!place.Ok)
            return place.Error;
        Errno error = VirtualFileSystem.MayMount(current)
            ? await MountAsync(current, vfs, source, sourceName.Value, place.Value, typeName.Value, flags, options.Value)
            : Errno.EPERM;
        place.Value.Put();
        return error;
    }

    [Syscall(166, "umount2", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Umount2(Task current, [Strace("path")] UserString target, UnmountFlags flags)
    {
        if ((flags & ~(UnmountFlags.Force | UnmountFlags.Detach | UnmountFlags.Expire | UnmountFlags.NoFollow)) != 0)
            return Errno.EINVAL;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        WalkFlags walk = (flags & UnmountFlags.NoFollow) == 0 ? WalkFlags.Follow : WalkFlags.None;
        Result<VfsPath> place = await vfs.LookUpUserPathAsync(current, Fd.Cwd, target, walk);
        if (!place.Ok)
            return place.Error;
        // One's own root is never taken away: as in Linux it becomes read-only instead.
        (Mount mount, Dentry dentry) = place.Value;
        dentry.Put();
        Errno error = Errno.EINVAL;
        if (!VirtualFileSystem.MayMount(current))
            error = Errno.EPERM;
        else if (dentry != mount.Root || mount.Namespace != current.Namespaces.Mount)
            error = Errno.EINVAL;
        else if (mount == current.Fs!.Root.Mount && (flags & (UnmountFlags.Detach | UnmountFlags.Expire)) == 0)
            error = await vfs.RemountAsync(current, current.Fs.Root, mount.Flags | MountFlags.ReadOnly, "");
        else
            error = vfs.Unmount(current, mount, flags, held: 1);
        mount.PutUnused();
        return error;
    }

    [Syscall(155, "pivot_root", SyscallSupport.Real)]
    public static async KTask<SyscallResult> PivotRoot(Task current, [Strace("path")] UserString newRoot, [Strace("path")] UserString putOld)
    {
        if (!VirtualFileSystem.MayMount(current))
            return Errno.EPERM;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<VfsPath> root = await vfs.LookUpUserPathAsync(current, Fd.Cwd, newRoot, WalkFlags.Follow | WalkFlags.Directory);
        if (!root.Ok)
            return root.Error;
        Result<VfsPath> old = await vfs.LookUpUserPathAsync(current, Fd.Cwd, putOld, WalkFlags.Follow | WalkFlags.Directory);
        if (!old.Ok)
        {
            root.Value.Put();
            return old.Error;
        }

        Errno error = vfs.PivotRoot(current, root.Value, old.Value);
        old.Value.Put();
        root.Value.Put();
        return error;
    }

    private static async KTask<Errno> MountAsync(Task current, VirtualFileSystem vfs, UserString source, string sourceName, VfsPath place, string type, MountFlags flags, string options)
    {
        if ((flags & MagicMask) == Magic)
            flags &= ~MagicMask;
        if ((flags & (MountFlags.Remount | MountFlags.Bind)) == (MountFlags.Remount | MountFlags.Bind))
            return vfs.RemountMount(current, place, flags);
        if ((flags & MountFlags.Remount) != 0)
            return await vfs.RemountAsync(current, place, flags, options);
        if ((flags & MountFlags.Bind) != 0 || (flags & MountFlags.Move) != 0)
            return await AtSourceAsync(current, vfs, source, place, flags);
        if ((flags & TypeChange) != 0)
        {
            MountFlags change = flags & ~(MountFlags.Recursive | MountFlags.Silent);
            return change is MountFlags.Shared or MountFlags.Private or MountFlags.Slave or MountFlags.Unbindable
                ? vfs.ChangePropagation(current, place, change, (flags & MountFlags.Recursive) != 0)
                : Errno.EINVAL;
        }

        return type.Length == 0 ? Errno.EINVAL : await vfs.MountAtAsync(current, type, sourceName.Length == 0 ? "none" : sourceName, place, flags, options);
    }

    private static async KTask<Errno> AtSourceAsync(Task current, VirtualFileSystem vfs, UserString source, VfsPath place, MountFlags flags)
    {
        if (source.IsNull)
            return Errno.EINVAL;
        Result<VfsPath> from = await vfs.LookUpUserPathAsync(current, Fd.Cwd, source, WalkFlags.Follow);
        if (!from.Ok)
            return from.Error;
        Errno error = (flags & MountFlags.Bind) != 0
            ? vfs.Bind(current, from.Value, place, (flags & MountFlags.Recursive) != 0)
            : vfs.Move(current, from.Value, place);
        from.Value.Put();
        return error;
    }

    private static async KTask<Result<string>> ReadTextAsync(Task current, UserString text, int limit)
    {
        if (text.IsNull)
            return "";
        Result<byte[]> bytes = await current.ReadUserStringAsync(text, limit, Errno.EINVAL);
        return bytes.Ok ? Encoding.UTF8.GetString(bytes.Value) : bytes.Error;
    }

    /// <summary>The options: at most a page, of which only what is readable counts, up to a NUL.</summary>
    private static async KTask<Result<string>> ReadOptionsAsync(Task current, VirtAddr data)
    {
        if (data.Value == 0)
            return "";
        Result<byte[]> bytes = await current.ReadUserStringAsync(new UserString(data), (int)Page.Size, Errno.EINVAL);
        return bytes.Ok ? Encoding.UTF8.GetString(bytes.Value) : bytes.Error;
    }
}
