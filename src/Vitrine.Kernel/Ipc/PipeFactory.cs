using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <summary>Makes unnamed pipes: an inode of pipefs and two descriptions.</summary>
internal static class PipeFactory
{
    private const long Magic = 0x50495045;

    /// <summary>The internal file system of pipes; made once per machine.</summary>
    public static PseudoSuperBlock MakeFileSystem(KernelInstance kernel) => new(kernel, "pipefs", Magic);

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
        };
        VfsPath path = kernel.Vfs.MakePseudoPath(fileSystem, inode, $"pipe:[{inode.Number.Value}]");
        var read = new PipeFile(path, inode, OpenFlags.ReadOnly | flags, pipe.Value);
        var write = new PipeFile(path, inode, OpenFlags.WriteOnly | flags, pipe.Value);
        path.Put();
        return (read, write);
    }
}
