using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>A magic link of a process: exe, cwd, root, fd/N. It leads to the object itself, whatever its path is now.</summary>
internal sealed class ProcessLink(ProcessContext context, Func<Task, VfsPath?> target) : GeneratedInode(context.SuperBlock, FileMode.Symlink | (FileMode)0x1ff)
{
    public override bool IsStillValid => context.IsAlive;

    public static VfsPath? Cwd(Task task) => task.Fs?.WorkingDirectory;

    public static VfsPath? Root(Task task) => task.Fs?.Root;

    public static VfsPath? Exe(Task task) => task.Mm?.ExeFile?.Path;

    public override KTask<Result<byte[]>> ReadLinkAsync(Task current)
    {
        if (!ProcessAccess.MayRead(current, context.Task))
            return Fail<byte[]>(Errno.EACCES);
        if (!context.IsAlive || target(context.Task) is not { } path)
            return Fail<byte[]>(Errno.ENOENT);
        return KTask<Result<byte[]>>.FromResult(PathText.Of(path, current.Fs!.Root));
    }

    public override KTask<Result<VfsPath?>> FollowMagicLinkAsync(Task current)
    {
        if (!ProcessAccess.MayRead(current, context.Task))
            return Fail<VfsPath?>(Errno.EACCES);
        if (!context.IsAlive || target(context.Task) is not { } path)
            return Fail<VfsPath?>(Errno.ENOENT);
        path.Get();
        return KTask<Result<VfsPath?>>.FromResult((VfsPath?)path);
    }
}
