using Vitrine.Kernel;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>
/// The host's tree as a file system (like User-mode Linux's hostfs). Only whoever assembles a machine can make one:
/// a guest that calls mount(2) with this type gets EPERM.
/// </summary>
internal sealed class HostFileSystem : FileSystemType
{
    public override string Name => "hostfs";

    public override KTask<Result<SuperBlock>> MountAsync(Task current, string source, MountFlags flags, string options) =>
        KTask<Result<SuperBlock>>.FromResult(Errno.EPERM);

    /// <summary>Makes a super block over a part of the host, as the specification says. Before or under the kernel lock.</summary>
    public Result<SuperBlock> Create(KernelInstance machine, HostTreeSpec spec) => HostSuperBlock.Create(machine, this, spec);
}
