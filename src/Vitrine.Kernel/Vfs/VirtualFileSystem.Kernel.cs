using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>The kernel's own file access: exec, the machine's assembly, proc.</content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>Opens by path with the task's own root, directory and credentials.</summary>
    public async KTask<Result<OpenFile>> OpenAsync(Task current, string path, OpenFlags flags, FileMode mode = FileMode.None)
    {
        Result<PathName> name = Names.Make(Encoding.UTF8.GetBytes(path));
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        Result<OpenRequest> request = OpenRequest.FromOpen(flags, (uint)mode);
        return request.Ok ? await OpenAsync(current, Fd.Cwd, text, request.Value) : request.Error;
    }

    /// <summary>Resolves a path; the result carries a reference.</summary>
    public async KTask<Result<VfsPath>> LookUpAsync(Task current, string path, WalkFlags flags = WalkFlags.Follow)
    {
        Result<PathName> name = Names.Make(Encoding.UTF8.GetBytes(path));
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        return await LookUpPathAsync(current, Fd.Cwd, text, flags);
    }

    /// <summary>mkdir; EEXIST as it is.</summary>
    public KTask<Errno> MakeDirectoryAsync(Task current, string path, FileMode mode) => CreateEntryAsync(current, path, NewEntry.Directory(mode));

    /// <summary>mkdir -p: directories that are there already are fine.</summary>
    public async KTask<Errno> MakeDirectoriesAsync(Task current, string path, FileMode mode)
    {
        for (int end = path.IndexOf('/', 1); ; end = path.IndexOf('/', end + 1))
        {
            string part = end < 0 ? path : path[..end];
            Errno error = part.Length == 0 ? Errno.EEXIST : await MakeDirectoryAsync(current, part, mode);
            if (error is not (Errno.Success or Errno.EEXIST))
                return error;
            if (end < 0)
                return Errno.Success;
        }
    }

    public KTask<Errno> SymlinkAsync(Task current, string target, string path) =>
        CreateEntryAsync(current, path, NewEntry.Symlink(Encoding.UTF8.GetBytes(target)));

    public KTask<Errno> MakeNodeAsync(Task current, string path, FileMode mode, DeviceNumber device) =>
        CreateEntryAsync(current, path, NewEntry.Node(mode, device));

    public async KTask<Errno> CreateEntryAsync(Task current, string path, NewEntry entry)
    {
        Result<PathName> name = Names.Make(Encoding.UTF8.GetBytes(path));
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        return await CreateEntryAsync(current, Fd.Cwd, text, entry);
    }

    /// <summary>Mounts a file system at a path, as mount(8) would.</summary>
    public async KTask<Errno> MountAsync(Task current, string typeName, string source, string target, MountFlags flags, string options)
    {
        Result<VfsPath> place = await LookUpAsync(current, target, WalkFlags.Follow | WalkFlags.Directory);
        if (!place.Ok)
            return place.Error;
        Errno error = await MountAtAsync(current, typeName, source, place.Value, flags, options);
        place.Value.Put();
        return error;
    }

    /// <summary>Reads from an offset into a kernel buffer until it is full or the file ends.</summary>
    public async KTask<Result<int>> ReadFullyAsync(Task current, OpenFile file, Memory<byte> buffer, long offset)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            Result<long> count = await file.ReadAsync(current, new KernelIovIter(buffer[done..]), offset + done);
            if (!count.Ok)
                return count.Error;
            if (count.Value == 0)
                break;
            done += (int)count.Value;
        }

        return done;
    }

    /// <summary>
    /// A task's start at the root of its mount namespace: what process 1 gets. The namespace's root must be mounted.
    /// </summary>
    public static FsContext CreateFsContext(MountNamespace mounts)
    {
        var root = new VfsPath(mounts.Root!, mounts.Root!.Root);
        VfsPath top = Topmost(root);
        return new FsContext(top, top, (FileMode)0x12);
    }

    /// <summary>
    /// At the machine's end: lets go of the internal mounts, after all tasks and mount namespaces are gone, so that the
    /// audit finds nothing.
    /// </summary>
    public void Shutdown()
    {
        PutAnonymousInode();
        Pipes.Release();
        Sockets.Release();
        Anonymous.Release();
        SharedMemory.Release();
        HugePages.Release();
        GiganticPages.Release();
        NamespaceFiles.Release();
    }
}

/// <summary>Opening what is to be executed (do_open_execat).</summary>
internal static class VfsOpen
{
    /// <summary>
    /// A regular file that the task may execute, with a reference and writers kept out. EACCES for others and on noexec
    /// mounts, ETXTBSY while it is open for writing. <paramref name="atFlags"/>: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW.
    /// </summary>
    public static async KTask<Result<OpenFile>> OpenExecAsync(Task current, Fd directory, ReadOnlyMemory<byte> path, uint atFlags)
    {
        var flags = (AtFlags)atFlags;
        if ((flags & ~(AtFlags.EmptyPath | AtFlags.SymlinkNoFollow)) != 0)
            return Errno.EINVAL;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> name = vfs.Names.Make(path.Span);
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        WalkFlags walk = (flags & AtFlags.SymlinkNoFollow) == 0 ? WalkFlags.Follow : WalkFlags.None;
        if ((flags & AtFlags.EmptyPath) != 0)
            walk |= WalkFlags.Empty;
        Result<VfsPath> found = await vfs.LookUpPathAsync(current, directory, text, walk);
        if (!found.Ok)
            return found.Error;
        Result<OpenFile> file = await OpenAsync(current, vfs, found.Value);
        found.Value.Put();
        return file;
    }

    private static async KTask<Result<OpenFile>> OpenAsync(Task current, VirtualFileSystem vfs, VfsPath place)
    {
        Inode inode = place.Dentry.Inode!;
        if (inode.IsSymlink)
            return Errno.ELOOP;
        if (!inode.IsRegular || (place.Mount.Flags & MountFlags.NoExec) != 0)
            return Errno.EACCES;
        Errno error = await vfs.PermissionAsync(current, inode, AccessMask.Execute);
        if (error != Errno.Success)
            return error;
        Result<OpenFile> file = await vfs.OpenInodeAsync(current, place, inode, OpenFlags.ReadOnly | OpenFlags.LargeFile, executes: true);
        if (!file.Ok)
            return file;
        error = file.Value.DenyWrite();
        if (error == Errno.Success)
            return file;
        file.Value.Put();
        return error;
    }
}
