using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Tmpfs;

/// <summary>The file system type "tmpfs": every mount makes a new, empty instance.</summary>
internal sealed class TmpfsFileSystem : FileSystemType
{
    public override string Name => "tmpfs";

    public override Errno CheckOption(Task current, string option) => TmpfsOptions.Parse(option, current.Kernel.Memory.Ram.FrameCount).Error;

    public override KTask<Result<SuperBlock>> MountAsync(Task current, string source, MountFlags flags, string options)
    {
        if (!TmpfsOptions.Parse(options, current.Kernel.Memory.Ram.FrameCount).TryGet(out TmpfsOptions? parsed, out Errno error))
            return KTask<Result<SuperBlock>>.FromResult(error);
        var super = new TmpfsSuperBlock(current.Kernel, this, parsed, current.Credentials.Fsuid, current.Credentials.Fsgid) { Source = source };
        return KTask<Result<SuperBlock>>.FromResult(super);
    }
}
