using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc.Mqueue;

/// <summary>The file system type "mqueue": a mount shows the queues of the mounter's IPC namespace (mq_overview(7)). It has no options.</summary>
internal sealed class MqueueFileSystem : FileSystemType
{
    public override string Name => "mqueue";

    public override KTask<Result<SuperBlock>> MountAsync(Task current, string source, MountFlags flags, string options) =>
        KTask<Result<SuperBlock>>.FromResult(options.Length > 0 ? Errno.EINVAL : current.Namespaces.Ipc.PosixQueues.GetMount(current.Kernel).SuperBlock);
}

/// <summary>The queues of one IPC namespace, as files in one directory.</summary>
internal sealed class MqueueSuperBlock : SuperBlock
{
    private const long Magic = 0x19800202;

    private static readonly MqueueFileSystem Kind = new();

    private ulong _nextInode = 1;

    public MqueueSuperBlock(KernelInstance kernel, PosixQueues queues)
        : base(kernel.FileSystems.Find(Kind.Name) ?? Kind, kernel.Vfs.AllocateAnonymousDevice())
    {
        Kernel = kernel;
        Queues = queues;
        Source = "mqueue";
        Root = Dentry.CreateRoot(new MqueueDirectory(this));
    }

    public PosixQueues Queues { get; }

    public InodeNumber NextInode() => new(_nextInode++);

    public override KTask<Result<KernelStatFs>> StatFsAsync(Task current) => KTask<Result<KernelStatFs>>.FromResult(new KernelStatFs
    {
        Type = Magic,
        BlockSize = (long)Page.Size,
        FragmentSize = (long)Page.Size,
        NameLength = FileName.MaxLength,
        FileSystemId = Device.Encode(),
    });
}
