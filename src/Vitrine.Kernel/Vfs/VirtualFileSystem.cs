using Vitrine.Kernel.Vfs.Locking;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// The machine's virtual file system: what is not of one file, path or mount. The operations of the system calls are
/// its partial files: path walk, open, create and remove, attributes, mounts.
/// </summary>
internal sealed partial class VirtualFileSystem
{
    /// <summary>HUGETLBFS_MAGIC.</summary>
    private const long HugeMagic = 0x958458f6;

    private readonly NumberPool _mountIds = new(1);
    private readonly NumberPool _peerGroups = new(1);
    private readonly NumberPool _anonymousDevices = new(1);
    private readonly List<SuperBlock> _superBlocks = [];

    public VirtualFileSystem(KernelInstance kernel)
    {
        Kernel = kernel;
        Dentries = kernel.Dentries;
        Locks = new FileLockTable();
        Pipes = new Lazily(this, "pipefs", 0x50495045);
        Sockets = new Lazily(this, "sockfs", 0x534F434B);
        Anonymous = new Lazily(this, "anon_inodefs", 0x09041934);
        SharedMemory = new Lazily(this, "tmpfs", 0x01021994);
        HugePages = new Lazily(this, "hugetlbfs", HugeMagic, 1 << 21);
        GiganticPages = new Lazily(this, "hugetlbfs", HugeMagic, 1 << 30);
        NamespaceFiles = new Lazily(this, "nsfs", 0x6e736673);

        // Watches may pin a hundredth of memory, with a watch and two inodes counted at 1,344 bytes.
        Settings.FanotifyMaximumMarks = Settings.InotifyMaximumWatches = (int)Math.Clamp(kernel.Options.Ram.Length / 100 / 1344, 8192, 1_048_576);
    }

    public KernelInstance Kernel { get; }

    public DentryCache Dentries { get; }

    /// <summary>The values under /proc/sys/fs.</summary>
    public VfsSettings Settings { get; } = new();

    /// <summary>Record locks and flocks.</summary>
    public FileLockTable Locks { get; }

    /// <summary>fanotify groups.</summary>
    public Ipc.Fanotify.FanotifyTable Fanotify => field ??= new Ipc.Fanotify.FanotifyTable(Kernel);

    public FileLeaseTable Leases { get; } = new();

    /// <summary>All mounted file systems and internal ones, in order of their making.</summary>
    public IReadOnlyList<SuperBlock> SuperBlocks => _superBlocks;

    public PseudoSuperBlock PipeFs => Pipes.Get();

    public PseudoSuperBlock SockFs => Sockets.Get();

    public PseudoSuperBlock AnonInodeFs => Anonymous.Get();

    /// <summary>Files in memory without a name: memfds. Unlike other internal mounts it lets its files be executed.</summary>
    public PseudoSuperBlock ShmFs
    {
        get
        {
            PseudoSuperBlock shm = SharedMemory.Get();
            shm.Mount.Flags = MountFlags.None;
            return shm;
        }
    }

    /// <summary>Files of huge pages without a name, of 2 MiB or of 1 GiB each.</summary>
    public PseudoSuperBlock HugeFs(bool gigantic) => (gigantic ? GiganticPages : HugePages).Get();

    /// <summary>Namespaces as files.</summary>
    public PseudoSuperBlock NsFs => NamespaceFiles.Get();

    private Lazily NamespaceFiles { get; }

    private Lazily SharedMemory { get; }

    private Lazily HugePages { get; }

    private Lazily GiganticPages { get; }

    private Lazily Pipes { get; }

    private Lazily Sockets { get; }

    private Lazily Anonymous { get; }

    public int AllocateMountId() => _mountIds.Take();

    public void FreeMountId(int id) => _mountIds.Return(id);

    public PeerGroup CreatePeerGroup() => new(this, _peerGroups.Take());

    public void FreePeerGroup(PeerGroup group) => _peerGroups.Return(group.Id);

    /// <summary>A device number for a file system without a device (major 0), lowest free first.</summary>
    public DeviceNumber AllocateAnonymousDevice() => new(0, (uint)_anonymousDevices.Take());

    /// <summary>A file system's mount operation has returned: it becomes one of the machine's.</summary>
    public void AddSuperBlock(SuperBlock superBlock)
    {
        if (_superBlocks.Contains(superBlock))
            return;
        superBlock.Kernel = Kernel;
        _superBlocks.Add(superBlock);
        Kernel.Audit.LiveSuperBlocks++;
    }

    /// <summary>An open file description is going; called before its release.</summary>
    internal void FileClosed(OpenFile file)
    {
        NotifyFile(file, file.CanWrite ? FsEvents.CloseWrite : FsEvents.CloseNoWrite);
        Locks.RemoveOfFile(file);
        Leases.RemoveOfFile(file);
    }

    /// <summary>The last mount is gone: forgets its dentries, then lets it free everything.</summary>
    internal void SuperBlockUnused(SuperBlock superBlock)
    {
        if (!_superBlocks.Remove(superBlock))
            return;
        NotifyUnmounted(superBlock);
        if (!Fanotify.IsEmpty)
            Fanotify.TargetGone(superBlock);
        if (superBlock.Root is { } root)
        {
            Dentries.ShrinkBelow(root);
            root.Put();
        }

        superBlock.Kill();
        Kernel.Audit.LiveSuperBlocks--;
        if (superBlock.Device.Major == 0)
            _anonymousDevices.Return((int)superBlock.Device.Minor);
    }

    /// <summary>Makes an internal file system when somebody first needs it.</summary>
    private sealed class Lazily(VirtualFileSystem vfs, string name, long magic, int blockSize = 4096)
    {
        private PseudoSuperBlock? _made;

        public PseudoSuperBlock Get() => _made ??= new PseudoSuperBlock(vfs.Kernel, name, magic, blockSize);

        public void Release()
        {
            _made?.Mount.Put();
            _made = null;
        }
    }
}

/// <summary>Values that root can change under /proc/sys/fs; the defaults are those of Debian.</summary>
internal sealed class VfsSettings
{
    public int ProtectedSymlinks { get; set; } = 1;

    public int ProtectedHardlinks { get; set; } = 1;

    public int ProtectedFifos { get; set; } = 1;

    public int ProtectedRegular { get; set; } = 2;

    public int MountMaximum { get; set; } = 100_000;

    public int NrOpen { get; set; } = 1 << 20;

    public long FileMaximum { get; set; } = long.MaxValue;

    public int PipeMaximumSize { get; set; } = 1 << 20;

    public int LeaseBreakTime { get; set; } = 45;

    public bool LeasesEnabled { get; set; } = true;

    public bool DirectoryNotifyEnabled { get; set; } = true;

    public int InotifyMaximumEvents { get; set; } = 16384;

    public int InotifyMaximumInstances { get; set; } = 128;

    public int FanotifyMaximumEvents { get; set; } = 16384;

    public int FanotifyMaximumGroups { get; set; } = 128;

    /// <summary>Per user; Linux's default follows from the size of memory as that of inotify's watches does.</summary>
    public int FanotifyMaximumMarks { get; set; } = 8192;

    /// <summary>Per user; Linux's default follows from the size of memory.</summary>
    public int InotifyMaximumWatches { get; set; } = 8192;
}

/// <summary>Small numbers handed out lowest first, as ida does.</summary>
internal sealed class NumberPool(int first)
{
    private readonly SortedSet<int> _returned = [];
    private int _next = first;

    public int Take()
    {
        if (_returned.Count == 0)
            return _next++;
        int lowest = _returned.Min;
        _returned.Remove(lowest);
        return lowest;
    }

    public void Return(int number) => _returned.Add(number);
}
