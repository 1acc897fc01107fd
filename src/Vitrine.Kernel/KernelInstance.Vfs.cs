using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel;

/// <content>The virtual file system of the machine.</content>
internal sealed partial class KernelInstance
{
    private DentryCache? _dentries;
    private VirtualFileSystem? _vfs;
    private FileSystemRegistry? _fileSystems;
    private DeviceRegistry? _devices;
    private ResourceAudit? _audit;

    // A dentry with its inode costs about half a KiB of host memory: a sixteenth of the guest's RAM at most.
    public DentryCache Dentries => _dentries ??= new DentryCache((int)Math.Clamp((long)(Options.Ram.Length >> 13), 4096, 1 << 18));

    public VirtualFileSystem Vfs => _vfs ??= new VirtualFileSystem(this);

    public FileSystemRegistry FileSystems => _fileSystems ??= new FileSystemRegistry();

    /// <summary>Who opens device nodes and FIFOs.</summary>
    public DeviceRegistry Devices => _devices ??= new DeviceRegistry();

    /// <summary>Events that all contexts of asynchronous I/O may have outstanding (fs.aio-nr).</summary>
    public long AioEvents { get; set; }

    /// <summary>Disks made of files.</summary>
    public Drivers.Block.LoopDevices LoopDevices => field ??= new Drivers.Block.LoopDevices();

    /// <summary>Live counts of counted objects, all zero when a machine has ended cleanly.</summary>
    public ResourceAudit Audit => _audit ??= new ResourceAudit();
}

/// <summary>Live counts of what is counted explicitly; the leak audit reads them at a machine's end.</summary>
internal sealed partial class ResourceAudit
{
    public long LiveFiles { get; set; }

    public long LiveMounts { get; set; }

    public long LiveSuperBlocks { get; set; }

    /// <summary>Inodes of tmpfs, the host's tree and overlays.</summary>
    public long LiveInodes { get; set; }

    /// <summary>Descriptors of the host that file systems hold.</summary>
    public long LiveHostHandles { get; set; }

    public long LiveDescriptorTables { get; set; }
}
