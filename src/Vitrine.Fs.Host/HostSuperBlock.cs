using System.Text;
using Vitrine.Fs.Host.Native;
using Vitrine.Kernel;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Printk;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>
/// A part of the host's tree. Every object is reached by one component from a held handle of its directory, never
/// through a symbolic link and never by a path, so that nothing outside the root can be named. What the host changes
/// meanwhile is seen at the next open, and by attributes within <see cref="AttributeTimeout"/>.
/// </summary>
internal sealed class HostSuperBlock : SuperBlock, IHostResource
{
    /// <summary>How long attributes and names are taken as true without asking the host, in nanoseconds.</summary>
    public const long AttributeTimeout = 1_000_000_000;

    /// <summary>What one inode costs, in declared bytes.</summary>
    public const long InodeCost = 320;

    private const int DirectoryHandleLimit = 512;
    private const int FileHandleLimit = 256;
    // Above what file systems of the host give out, below the byte that an overlay uses.
    private const ulong FirstSyntheticNumber = 0x00F0_0000_0000_0000;

    private readonly Dictionary<HostFileId, HostInode> _live = [];
    private readonly Dictionary<ulong, HostDevice> _devices = [];
    private readonly Dictionary<HostFileId, PinnedFile>? _pinned;
    private HostHandle _rootHandle = null!;
    private KernelStatFs? _pinnedFreeSpace;
    private ulong _nextNumber;
    private ulong _nextSynthetic = FirstSyntheticNumber;
    private HashSet<ulong>? _deviceNodeFileSystems;

    private HostSuperBlock(KernelInstance machine, HostFileSystem type, HostTreeSpec spec, DeviceNumber device)
        : base(type, device)
    {
        Machine = machine;
        Spec = spec;
        Source = spec.HostPath;
        Directories = new HostHandleCache(machine.Audit, DirectoryHandleLimit);
        Files = new HostHandleCache(machine.Audit, FileHandleLimit);
        if (spec.IsDeterministic)
            _pinned = [];
        machine.AddHostResource(this);
    }

    public KernelInstance Machine { get; }

    public HostTreeSpec Spec { get; }

    /// <summary>O_PATH descriptors of directories.</summary>
    public HostHandleCache Directories { get; }

    /// <summary>Readable (or writable) descriptors of regular files.</summary>
    public HostHandleCache Files { get; }

    /// <summary>Inodes in memory.</summary>
    public int LiveInodes { get; set; }

    /// <summary>On a deterministic machine nothing changes after its first sight.</summary>
    public override bool DentriesAreStable => Spec.IsDeterministic;

    /// <summary>
    /// Opens the root and makes the super block. A path to a file makes a tree of that file alone. ENOENT, EACCES as the
    /// host says; EPERM for the kernel's own file systems and for what is neither a file nor a directory.
    /// </summary>
    public static Result<SuperBlock> Create(KernelInstance machine, HostFileSystem type, HostTreeSpec spec)
    {
        string path = spec.HostPath.Length > 1 ? spec.HostPath.TrimEnd('/') : spec.HostPath;
        Result<HostStatx> target = StatPath(path);
        if (!target.Ok)
            return target.Error;
        bool isFile = target.Value.Type == FileMode.Regular;
        if (!isFile && target.Value.Type != FileMode.Directory)
            return Errno.EPERM;
        int slash = path.LastIndexOf('/');
        string directoryPath = !isFile ? (path.Length == 0 ? "/" : path) : slash < 0 ? "." : slash == 0 ? "/" : path[..slash];
        Result<int> opened = HostCalls.OpenPath(Encoding.UTF8.GetBytes(directoryPath), OpenFlags.Path | OpenFlags.Directory | OpenFlags.CloseOnExec);
        if (!opened.TryGet(out int descriptor, out Errno error))
            return error;
        if ((error = HostCalls.Stat(descriptor, out HostStatx stat)) != Errno.Success
            || (error = HostCalls.StatFs(descriptor, out HostStatFs fileSystem)) != Errno.Success)
        {
            HostCalls.Close(descriptor);
            return error;
        }

        var super = new HostSuperBlock(machine, type, spec, machine.Vfs.AllocateAnonymousDevice());
        var device = new HostDevice(stat.Id.Device, super.Device, fileSystem.Type);
        if (device.IsForbidden || super.HoldsDeviceNodes(device, descriptor))
        {
            HostCalls.Close(descriptor);
            return Errno.EPERM;
        }

        super.IsReadOnly = !spec.IsWritable;
        super._devices.Add(device.Id, device);
        super._rootHandle = super.Directories.Add(descriptor);
        HostTreeRule rule = spec.Root;
        if (isFile)
        {
            rule = new HostTreeRule { Exposure = HostExposure.Listed };
            rule.At(path[(slash + 1)..]).Exposure = HostExposure.Whole;
        }

        var root = new HostDirectory(super, device, stat, super.NumberOf(stat).Value, null, default, rule, rule.Filter, super._rootHandle);
        super._live[stat.Id] = root;
        super.RootDirectory = root;
        if (!isFile)
        {
            super.Root = Dentry.CreateRoot(root);
            return super;
        }

        Result<Inode?> file = root.FindNow(machine.RootCgroup, FileName.FromString(path[(slash + 1)..]));
        root.Put();
        if (file is { Ok: true, Value: { } inode })
        {
            super.Root = Dentry.CreateRoot(inode);
            return super;
        }

        super.Kill();
        return file.Ok ? Errno.ENOENT : file.Error;
    }

    /// <summary>Its descriptor is the one that can't be opened again: it stays pinned.</summary>
    public HostDirectory RootDirectory { get; private set; } = null!;

    public override async KTask<bool> RevalidateAsync(Task current, Dentry dentry)
    {
        if (Spec.IsDeterministic || dentry.Parent?.Inode is not HostDirectory parent)
            return true;
        if (dentry.Inode is HostInode inode)
        {
            if (Machine.Time.Now - inode.CheckedAt < AttributeTimeout)
                return true;
        }
        else if (dentry.Inode is not null)
        {
            return true;
        }

        return await parent.RevalidateEntryAsync(current, dentry.Name, dentry.Inode as HostInode);
    }

    public override async KTask<Result<KernelStatFs>> StatFsAsync(Task current)
    {
        if (_pinnedFreeSpace is { } known)
            return known;
        Result<KernelStatFs> stat = await StatFsNowAsync(current);
        if (Spec.IsDeterministic && stat.Ok)
            _pinnedFreeSpace = stat.Value;
        return stat;
    }

    private async KTask<Result<KernelStatFs>> StatFsNowAsync(Task current)
    {
        Result<HostHandle> pinned = await RootDirectory.PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        int descriptor = handle.Descriptor;
        HostStatFs stat = default;
        error = RootDirectory.HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => HostCalls.StatFs(descriptor, out stat))
            : HostCalls.StatFs(descriptor, out stat);
        Directories.Unpin(handle);
        if (error != Errno.Success)
            return error;
        return new KernelStatFs
        {
            Type = stat.Type,
            BlockSize = stat.BlockSize,
            Blocks = stat.Blocks,
            BlocksFree = stat.BlocksFree,
            BlocksAvailable = stat.BlocksAvailable,
            Files = stat.Files,
            FilesFree = stat.FilesFree,
            FileSystemId = Device.Encode(),
            NameLength = stat.NameLength,
            FragmentSize = stat.FragmentSize,
        };
    }

    public override void Kill()
    {
        Files.EvictAll();
        Directories.Unpin(_rootHandle);
        Directories.EvictAll();
        Machine.RemoveHostResource(this);
    }

    public void ReleaseHost()
    {
        foreach (HostInode inode in _live.Values)
            (inode as HostRegularFile)?.FlushMapped();
        Files.CloseAll();
        Directories.CloseAll();
    }

    /// <summary>The inode in memory for a file of the host, without a reference.</summary>
    public HostInode? FindLive(HostFileId id) => _live.GetValueOrDefault(id);

    public void AddLive(HostInode inode) => _live[inode.Id] = inode;

    public void RemoveLive(HostInode inode)
    {
        if (_live.GetValueOrDefault(inode.Id) == inode)
            _live.Remove(inode.Id);
    }

    public InodeNumber NextSyntheticNumber() => new(_nextSynthetic++);

    /// <summary>
    /// The guest's number for a file. On a deterministic machine numbers count up from discovery, and a file that is
    /// not what it was at first sight gives EIO.
    /// </summary>
    public Result<InodeNumber> NumberOf(in HostStatx stat)
    {
        if (_pinned is null)
            return new InodeNumber(stat.Inode);
        if (!_pinned.TryGetValue(stat.Id, out PinnedFile pinned) || !pinned.IsStatKnown)
        {
            InodeNumber number = pinned.Number.Value != 0 ? pinned.Number : new InodeNumber(++_nextNumber);
            pinned = new PinnedFile(number, true, stat.ModificationTime.ToTimespec(), stat.Size);
            _pinned[stat.Id] = pinned;
        }
        else if (stat.Type == FileMode.Regular && (pinned.Size != stat.Size || pinned.ModificationTime != stat.ModificationTime.ToTimespec()))
        {
            Machine.Log.Write(PrintkLevel.Error, $"hostfs: a file of the host changed during a deterministic run (inode {pinned.Number.Value})");
            return Errno.EIO;
        }

        return pinned.Number;
    }

    /// <summary>A deterministic machine's number for a file that a listing names, before its attributes are known.</summary>
    public InodeNumber DiscoverNumber(HostFileId id)
    {
        if (!_pinned!.TryGetValue(id, out PinnedFile pinned))
        {
            pinned = new PinnedFile(new InodeNumber(++_nextNumber), false, default, 0);
            _pinned.Add(id, pinned);
        }

        return pinned.Number;
    }

    /// <summary>The device that a file found in a directory is on; a device met for the first time is looked at. Null: it is not to be shown.</summary>
    public HostDevice? DeviceOf(HostDirectory directory, int directoryDescriptor, FileName name, in HostStatx stat)
    {
        ulong id = stat.Id.Device;
        if (id == directory.HostDevice.Id)
            return directory.HostDevice;
        if (_devices.TryGetValue(id, out HostDevice? known))
            return known.IsForbidden ? null : known;
        Result<int> opened = HostCalls.OpenAt(directoryDescriptor, name.Bytes, HostCalls.PathFlags);
        if (!opened.Ok)
            return null;
        int descriptor = opened.Value;
        HostDevice? device = null;
        if (HostCalls.Stat(descriptor, out HostStatx actual) == Errno.Success && actual.Id == stat.Id
            && HostCalls.StatFs(descriptor, out HostStatFs fileSystem) == Errno.Success)
        {
            device = new HostDevice(id, Machine.Vfs.AllocateAnonymousDevice(), fileSystem.Type);
            if (HoldsDeviceNodes(device, descriptor))
                device = new HostDevice(id, device.GuestDevice, HostDevice.ProcMagic);
            _devices.Add(id, device);
        }

        HostCalls.Close(descriptor);
        return device is null || device.IsForbidden ? null : device;
    }

    private static Result<HostStatx> StatPath(string path)
    {
        Result<int> opened = HostCalls.OpenPath(Encoding.UTF8.GetBytes(path.Length == 0 ? "/" : path), OpenFlags.Path | OpenFlags.CloseOnExec);
        if (!opened.Ok)
            return opened.Error;
        Errno error = HostCalls.Stat(opened.Value, out HostStatx stat);
        HostCalls.Close(opened.Value);
        return error == Errno.Success ? stat : error;
    }

    /// <summary>devtmpfs has tmpfs's magic: it is told by the host's mount table, or by the null device in it.</summary>
    private bool HoldsDeviceNodes(HostDevice device, int descriptor)
    {
        const long tmpfsMagic = 0x01021994;
        const long ramfsMagic = 0x858458f6;
        if (device.Magic is not (tmpfsMagic or ramfsMagic))
            return false;
        _deviceNodeFileSystems ??= HostMountTable.DevicesOfType("devtmpfs"u8);
        return _deviceNodeFileSystems.Contains(device.Id)
            || (HostCalls.StatAt(descriptor, "null"u8, out HostStatx stat) == Errno.Success
                && stat.Type == FileMode.CharacterDevice && stat is { RawDeviceMajor: 1, RawDeviceMinor: 3 });
    }

    private readonly record struct PinnedFile(InodeNumber Number, bool IsStatKnown, Timespec ModificationTime, ulong Size);
}
