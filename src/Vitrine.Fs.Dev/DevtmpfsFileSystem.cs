using Vitrine.Fs.Tmpfs;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Drivers;
using Vitrine.Kernel.Drivers.Block;
using Vitrine.Kernel.Drivers.Tty;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Dev;

/// <summary>
/// devtmpfs: a tmpfs that the kernel fills with a node for every device it has. All mounts show the same instance. The
/// links into /proc and the directories for other mounts, which udev makes on other systems, are made too.
/// </summary>
internal sealed class DevtmpfsFileSystem : FileSystemType
{
    private const FileMode Everybody = FileMode.CharacterDevice | (FileMode)0x1b6;
    private const FileMode Private = FileMode.CharacterDevice | (FileMode)0x180;
    private const FileMode Readable = FileMode.CharacterDevice | (FileMode)0x1a4;
    private const FileMode Directory755 = (FileMode)0x1ed;
    private const FileMode Directory1777 = (FileMode)0x3ff;

    private static readonly (string Name, FileMode Mode, DeviceNumber Device)[] Nodes =
    [
        ("null", Everybody, new DeviceNumber(MemoryDevices.Major, MemoryDevices.NullMinor)),
        ("zero", Everybody, new DeviceNumber(MemoryDevices.Major, MemoryDevices.ZeroMinor)),
        ("full", Everybody, new DeviceNumber(MemoryDevices.Major, MemoryDevices.FullMinor)),
        ("random", Everybody, new DeviceNumber(MemoryDevices.Major, MemoryDevices.RandomMinor)),
        ("urandom", Everybody, new DeviceNumber(MemoryDevices.Major, MemoryDevices.UrandomMinor)),
        ("kmsg", Readable, new DeviceNumber(MemoryDevices.Major, MemoryDevices.KmsgMinor)),
        ("loop-control", Private, new DeviceNumber(LoopDevices.ControlMajor, LoopDevices.ControlMinor)),
        ("tty", Everybody, new DeviceNumber(TtyDevices.Major, TtyDevices.ControllingMinor)),
        ("ptmx", Everybody, new DeviceNumber(TtyDevices.Major, TtyDevices.MultiplexerMinor)),
        ("console", Private, new DeviceNumber(TtyDevices.Major, TtyDevices.ConsoleMinor)),
    ];

    private static readonly (string Name, string Target)[] Links =
    [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ];

    private readonly TmpfsFileSystem _tmpfs = new();
    private SuperBlock? _instance;

    public override string Name => "devtmpfs";

    public override async KTask<Result<SuperBlock>> MountAsync(Task current, string source, MountFlags flags, string options)
    {
        if (_instance is not null)
            return _instance;
        Result<TmpfsOptions> parsed = TmpfsOptions.Parse("mode=0755", current.Kernel.Memory.Ram.FrameCount);
        if (!parsed.Ok)
            return parsed.Error;
        var instance = new TmpfsSuperBlock(current.Kernel, this, parsed.Value, Uid.Root, Gid.Root) { Source = source };
        Errno error = await FillAsync(current, instance.Root.Inode!);
        if (error != Errno.Success)
            return error;
        _instance = instance;
        return instance;
    }

    private static async KTask<Errno> FillAsync(Task current, Inode root)
    {
        foreach ((string name, FileMode mode, DeviceNumber device) in Nodes)
        {
            Errno error = Finish(await root.MakeNodeAsync(current, FileName.FromString(name), mode, device), mode);
            if (error != Errno.Success)
                return error;
        }

        for (uint i = 0; i < LoopDevices.Count; i++)
        {
            const FileMode disk = FileMode.BlockDevice | (FileMode)0x1b0;
            Errno error = Finish(await root.MakeNodeAsync(current, FileName.FromString("loop" + i), disk, new DeviceNumber(LoopDevices.Major, i)), disk);
            if (error != Errno.Success)
                return error;
        }

        foreach ((string name, string target) in Links)
        {
            Errno error = Finish(await root.SymlinkAsync(current, FileName.FromString(name), global::System.Text.Encoding.UTF8.GetBytes(target)), FileMode.None);
            if (error != Errno.Success)
                return error;
        }

        Errno made = Finish(await root.MakeDirectoryAsync(current, FileName.FromString("shm"), Directory1777), FileMode.None);
        if (made == Errno.Success)
            made = Finish(await root.MakeDirectoryAsync(current, FileName.FromString("pts"), Directory755), FileMode.None);
        return made == Errno.Success
            ? Finish(await root.MakeDirectoryAsync(current, FileName.FromString("mqueue"), Directory1777), FileMode.None)
            : made;
    }

    /// <summary>The kernel's nodes are root's, whoever caused the mount.</summary>
    private static Errno Finish(Result<Inode> made, FileMode mode)
    {
        if (!made.Ok)
            return made.Error;
        Inode inode = made.Value;
        inode.Uid = Uid.Root;
        inode.Gid = Gid.Root;
        if (mode != FileMode.None)
            inode.Mode = mode;
        inode.Put();
        return Errno.Success;
    }
}
