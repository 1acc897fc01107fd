using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Init;

/// <summary>Path operations of the kernel's own, at boot and before exec: the caller's credentials and directories count.</summary>
internal static class BootPaths
{
    /// <summary>Finds a place; the result carries a reference.</summary>
    public static async KTask<Result<VfsPath>> FindAsync(Task current, byte[] path)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> name = vfs.Names.Make(path);
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        return await vfs.LookUpPathAsync(current, Fd.Cwd, text, WalkFlags.Follow);
    }

    /// <summary>chdir(2) for a path of the kernel's.</summary>
    public static async KTask<Errno> ChangeDirectoryAsync(Task current, byte[] path)
    {
        Result<VfsPath> found = await FindAsync(current, path);
        if (!found.TryGet(out VfsPath place, out Errno error))
            return error;
        error = !place.Dentry.Inode!.IsDirectory ? Errno.ENOTDIR : await current.Kernel.Vfs.PermissionAsync(current, place, AccessMask.Execute);
        if (error == Errno.Success)
            current.Fs!.SetWorkingDirectory(place);
        place.Put();
        return error;
    }

    /// <summary>Makes a directory and those above it that are missing. Success if it is there already.</summary>
    public static async KTask<Errno> MakeDirectoriesAsync(Task current, string path, FileMode mode)
    {
        for (int end = 1; end > 0;)
        {
            end = path.IndexOf('/', end);
            string part = end < 0 ? path : path[..end];
            end++;
            Errno error = await CreateAsync(current, part, NewEntry.Directory(mode));
            if (error is not (Errno.Success or Errno.EEXIST))
                return error;
        }

        return Errno.Success;
    }

    /// <summary>Makes an empty regular file for something to be mounted on; success if there is one.</summary>
    public static async KTask<Errno> MakeFileAsync(Task current, string path)
    {
        Errno error = await CreateAsync(current, path, NewEntry.Node(FileMode.Regular | (FileMode)0x1a4, default));
        return error == Errno.EEXIST ? Errno.Success : error;
    }

    /// <summary>Makes one entry.</summary>
    public static async KTask<Errno> CreateAsync(Task current, string path, NewEntry entry)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> name = vfs.Names.Make(Encoding.UTF8.GetBytes(path));
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        return await vfs.CreateEntryAsync(current, Fd.Cwd, text, entry);
    }

    /// <summary>Mounts a new file system on an existing directory.</summary>
    public static async KTask<Errno> MountAsync(Task current, string type, string source, string path, MountFlags flags, string options = "")
    {
        Result<VfsPath> found = await FindAsync(current, Encoding.UTF8.GetBytes(path));
        if (!found.TryGet(out VfsPath place, out Errno error))
            return error;
        error = await current.Kernel.Vfs.MountAtAsync(current, type, source, place, flags, options);
        place.Put();
        return error;
    }

    /// <summary>Mounts a super block that the caller has made.</summary>
    public static async KTask<Errno> MountAsync(Task current, SuperBlock superBlock, string path, MountFlags flags)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<VfsPath> found = await FindAsync(current, Encoding.UTF8.GetBytes(path));
        if (!found.TryGet(out VfsPath place, out Errno error))
            return error;
        vfs.AddSuperBlock(superBlock);
        Result<Mount> made = vfs.NewMount(current, superBlock, superBlock.Root);
        if (made.TryGet(out Mount? mount, out error))
        {
            mount.Source = superBlock.Source;
            mount.Flags = VirtualFileSystem.NormalFlags(flags);
            error = vfs.AddMount(current, mount, place);
            if (error != Errno.Success)
                mount.Put();
        }

        place.Put();
        return error;
    }
}
