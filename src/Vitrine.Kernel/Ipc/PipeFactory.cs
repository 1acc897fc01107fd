using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <summary>Makes unnamed pipes: an inode of pipefs and two descriptions.</summary>
internal static class PipeFactory
{
    /// <summary>Both ends of a new pipe; status flags as given.</summary>
    public static Result<(OpenFile Read, OpenFile Write)> Create(Task current, OpenFlags flags)
    {
        Result<Pipe> pipe = Pipe.Create(current);
        if (!pipe.Ok)
            return pipe.Error;
        KernelInstance kernel = current.Kernel;
        PseudoSuperBlock fileSystem = kernel.Vfs.PipeFs;
        var inode = new PseudoInode(fileSystem, FileMode.Fifo | FileMode.UserRead | FileMode.UserWrite)
        {
            Uid = current.Credentials.Fsuid,
            Gid = current.Credentials.Fsgid,
            // An end can be opened again by its link in /proc.
            Fifo = pipe.Value,
        };
        VfsPath path = fileSystem.MakePath(inode, $"pipe:[{inode.Number.Value}]");
        var read = new PipeFile(path, inode, OpenFlags.ReadOnly | flags, pipe.Value);
        var write = new PipeFile(path, inode, OpenFlags.WriteOnly | flags, pipe.Value);
        path.Dentry.Put();
        return (read, write);
    }
}
