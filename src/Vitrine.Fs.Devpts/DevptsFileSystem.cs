using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Devpts;

/// <summary>The file system type "devpts": every mount makes a new instance with its own numbers.</summary>
internal sealed class DevptsFileSystem : FileSystemType
{
    public override string Name => "devpts";

    public override Errno CheckOption(Task current, string option) => DevptsOptions.Parse(option, DevptsOptions.Default, out _);

    public override KTask<Result<SuperBlock>> MountAsync(Task current, string source, MountFlags flags, string options)
    {
        bool isInitial = current.Namespaces.Mount == current.Kernel.InitialNamespaces.Mount;
        Errno error = DevptsOptions.Parse(options, DevptsOptions.Default, out DevptsOptions parsed);
        return KTask<Result<SuperBlock>>.FromResult(
            error != Errno.Success ? error : new DevptsSuperBlock(current.Kernel, this, parsed, usesReserve: isInitial) { Source = source });
    }
}
