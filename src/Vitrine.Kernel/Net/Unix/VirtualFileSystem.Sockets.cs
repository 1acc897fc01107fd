using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>Socket inodes: the names of Unix sockets in the tree (unix(7)).</content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>Makes a socket inode; EEXIST if the name is taken. The result carries a reference.</summary>
    public async KTask<Result<Inode>> MakeSocketAsync(Task current, byte[] path)
    {
        Result<PathName> name = Names.Make(path);
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        FileMode mode = FileMode.Socket | ((FileMode)0x1ff & ~current.Fs!.Umask);
        Errno error = await CreateEntryAsync(current, Fd.Cwd, text, NewEntry.Node(mode, default));
        if (error != Errno.Success)
            return error;
        return await TakeInodeAsync(current, text, WalkFlags.None);
    }

    /// <summary>Finds a socket to talk to: write permission is needed; ECONNREFUSED for what is no socket. The result carries a reference.</summary>
    public async KTask<Result<Inode>> FindSocketAsync(Task current, byte[] path)
    {
        Result<PathName> name = Names.Make(path);
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        Result<Inode> found = await TakeInodeAsync(current, text, WalkFlags.Follow);
        if (!found.Ok)
            return found.Error;
        Errno error = await PermissionAsync(current, found.Value, AccessMask.Write);
        if (error == Errno.Success && found.Value.Type != FileMode.Socket)
            error = Errno.ECONNREFUSED;
        if (error == Errno.Success)
            return found.Value;
        found.Value.Put();
        return error;
    }

    private async KTask<Result<Inode>> TakeInodeAsync(Task current, PathName name, WalkFlags flags)
    {
        Result<VfsPath> place = await LookUpPathAsync(current, Fd.Cwd, name, flags);
        if (!place.Ok)
            return place.Error;
        Inode inode = place.Value.Dentry.Inode!.Get();
        place.Value.Put();
        return inode;
    }
}
