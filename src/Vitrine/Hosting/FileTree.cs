using System.Text;
using Vitrine.Abi;
using Vitrine.Fs.Dev;
using Vitrine.Fs.Devpts;
using Vitrine.Fs.Host;
using Vitrine.Fs.Overlay;
using Vitrine.Fs.Proc;
using Vitrine.Fs.Sys;
using Vitrine.Fs.Tmpfs;
using Vitrine.Kernel;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Drivers;
using Vitrine.Kernel.Drivers.Block;
using Vitrine.Kernel.Drivers.Tty;
using Vitrine.Kernel.Init;
using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Ipc.Mqueue;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Vfs;
using FileMode = Vitrine.Abi.FileMode;
using GuestTask = Vitrine.Kernel.Tasks.Task;

namespace Vitrine.Hosting;

/// <summary>
/// The file tree that a machine boots with: an overlay whose lower tree is what the options show of the host and whose
/// upper tree is in memory, the kernel's own file systems on it, and the shared volumes.
/// </summary>
internal sealed class FileTree(KernelInstance kernel, MachineOptions options, Credentials credentials)
{
    private const MountFlags Kernels = MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec;

    /// <summary>What every tree has.</summary>
    private static readonly (string Place, uint Mode)[] Directories =
    [
        ("/proc", 0x16d), ("/sys", 0x16d), ("/dev", 0x1ed), ("/run", 0x1ed), ("/tmp", 0x3ff), ("/var", 0x1ed), ("/var/tmp", 0x3ff), ("/root", 0x1c0), ("/home", 0x1ed),
    ];

    private static readonly (string Type, string Place, MountFlags Flags, string Options)[] KernelMounts =
    [
        ("proc", "/proc", Kernels, ""),
        ("sysfs", "/sys", Kernels, ""),
        ("devtmpfs", "/dev", MountFlags.NoSuid | MountFlags.NoExec, ""),
        ("devpts", "/dev/pts", MountFlags.NoSuid | MountFlags.NoExec, "gid=5,mode=620,ptmxmode=666"),
        ("mqueue", "/dev/mqueue", Kernels, ""),
        ("tmpfs", "/dev/shm", MountFlags.NoSuid | MountFlags.NoDev, "mode=1777"),
    ];

    private readonly HostFileSystem _host = new();
    private readonly TmpfsFileSystem _tmpfs = new();
    private readonly OverlayFileSystem _overlay = new();

    /// <summary>Registers the devices and file system types and mounts everything. Runs in process 1.</summary>
    public async KTask<Errno> MountAsync(GuestTask current)
    {
        MemoryDevices.Register(kernel);
        LoopDevices.Register(kernel);
        TtyDevices.Register(kernel);
        kernel.Devices.FifoOpener = FifoOpener.OpenAsync;
        kernel.FileSystems.Register(new SysFileSystem());
        kernel.FileSystems.Register(_tmpfs);
        kernel.FileSystems.Register(new ProcFileSystem());
        kernel.FileSystems.Register(new DevtmpfsFileSystem());
        kernel.FileSystems.Register(new DevptsFileSystem());
        kernel.FileSystems.Register(new MqueueFileSystem());
        kernel.FileSystems.Register(_overlay);
        kernel.FileSystems.Register(_host);

        Errno error = await MountRootAsync(current);
        if (error == Errno.Success)
            error = await MountKernelsAsync(current);
        if (error == Errno.Success)
            error = await MakeHomeAsync(current);
        foreach (Volume volume in options.Volumes)
        {
            if (error == Errno.Success)
                error = await MountVolumeAsync(current, volume);
        }

        return error;
    }

    private async KTask<Errno> MountRootAsync(GuestTask current)
    {
        VirtualFileSystem vfs = kernel.Vfs;
        // Inodes are bounded by what kernel objects may take; pages by half of the memory.
        Result<Mount> upper = await vfs.CreateMountAsync(current, _tmpfs, "upper", MountFlags.None, "mode=755,nr_inodes=0");
        if (!upper.Ok)
            return upper.Error;
        Dentry top = upper.Value.Root;
        Result<SuperBlock> root;
        if (options.HostTree.Kind == HostTreeKind.None)
        {
            root = top.Inode!.SuperBlock;
        }
        else
        {
            Result<SuperBlock> shown = _host.Create(kernel, Specification());
            if (!shown.Ok)
                return shown.Error;
            vfs.AddSuperBlock(shown.Value);
            Result<Mount> lower = vfs.NewMount(current, shown.Value, shown.Value.Root);
            if (!lower.Ok)
                return lower.Error;
            Result<Dentry> changes = await MakeInAsync(current, top, "upper");
            Result<Dentry> work = await MakeInAsync(current, top, "work");
            if (!changes.Ok || !work.Ok)
                return changes.Ok ? work.Error : changes.Error;
            Result<OverlaySuperBlock> overlay = OverlaySuperBlock.Create(
                kernel,
                _overlay,
                [new VfsPath(lower.Value, lower.Value.Root)],
                new VfsPath(upper.Value, changes.Value),
                new VfsPath(upper.Value, work.Value));
            if (!overlay.Ok)
                return overlay.Error;
            // The overlay holds its trees itself now.
            changes.Value.Put();
            work.Value.Put();
            lower.Value.Put();
            upper.Value.Put();
            root = overlay.Value;
            vfs.AddSuperBlock(root.Value);
        }

        Result<Mount> mount = vfs.NewMount(current, root.Value, root.Value.Root);
        if (!mount.Ok)
            return mount.Error;
        mount.Value.Source = root.Value.Source;
        current.Namespaces.Mount.SetRoot(mount.Value);
        var place = new VfsPath(mount.Value, mount.Value.Root);
        // No umask while the kernel makes what the tree lacks; programs start with 022.
        current.Fs = new FsContext(place, place, default);
        return Errno.Success;
    }

    private async KTask<Errno> MountKernelsAsync(GuestTask current)
    {
        // Only what the host's tree doesn't show is made.
        foreach ((string place, uint mode) in Directories)
        {
            Errno error = await BootPaths.MakeDirectoriesAsync(current, place, (FileMode)mode);
            if (error != Errno.Success)
                return error;
        }

        foreach ((string type, string place, MountFlags flags, string options) in KernelMounts)
        {
            Errno error = await BootPaths.MakeDirectoriesAsync(current, place, (FileMode)0x1ed);
            if (error == Errno.Success && kernel.FileSystems.Find(type) is not null)
                error = await BootPaths.MountAsync(current, type, type, place, flags, options);
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }

    /// <summary>The first program's home directory: fresh and its own.</summary>
    private async KTask<Errno> MakeHomeAsync(GuestTask current)
    {
        string home = ProgramEnvironment.HomeDirectory(credentials);
        if (home == "/")
            return Errno.Success;
        Errno error = await BootPaths.MakeDirectoriesAsync(current, home, (FileMode)0x1ed);
        if (error != Errno.Success)
            return error;
        Result<VfsPath> place = await BootPaths.FindAsync(current, Encoding.UTF8.GetBytes(home));
        if (!place.Ok)
            return place.Error;
        // A change would copy the directory to the upper tree: only if there is something to change.
        Inode directory = place.Value.Dentry.Inode!;
        if (directory.Uid != credentials.Uid || directory.Gid != credentials.Gid)
            error = await kernel.Vfs.ChangeOwnerAsync(current, place.Value, credentials.Uid, credentials.Gid);
        place.Value.Put();
        return error;
    }

    private async KTask<Errno> MountVolumeAsync(GuestTask current, Volume volume)
    {
        string path = Path.GetFullPath(volume.HostPath);
        bool isDirectory = Directory.Exists(path);
        Result<SuperBlock> shared = _host.Create(kernel, HostTreeSpec.ForVolume(path, writable: !volume.ReadOnly, deterministic: kernel.VirtualClock is not null));
        if (!shared.Ok)
        {
            kernel.Log.Error($"volume {path}: {shared.Error}");
            return shared.Error;
        }

        int slash = volume.GuestPath.LastIndexOf('/');
        Errno error = isDirectory || slash == 0
            ? Errno.Success
            : await BootPaths.MakeDirectoriesAsync(current, volume.GuestPath[..slash], (FileMode)0x1ed);
        if (error == Errno.Success)
        {
            error = isDirectory
                ? await BootPaths.MakeDirectoriesAsync(current, volume.GuestPath.TrimEnd('/'), (FileMode)0x1ed)
                : await BootPaths.MakeFileAsync(current, volume.GuestPath);
        }

        if (error == Errno.Success)
            error = await BootPaths.MountAsync(current, shared.Value, volume.GuestPath, volume.ReadOnly ? MountFlags.ReadOnly : MountFlags.None);
        return error;
    }

    private HostTreeSpec Specification()
    {
        bool deterministic = kernel.VirtualClock is not null;
        if (options.HostTree.Kind == HostTreeKind.Programs)
            return HostTreeSpec.ForPrograms(Environment.CurrentDirectory, Environment.GetEnvironmentVariable("HOME") is { Length: > 1 } home ? [home] : [], deterministic);
        var root = new HostTreeRule { Exposure = HostExposure.Listed };
        foreach (string path in options.HostTree.Paths)
            root.At(path).Exposure = HostExposure.Whole;
        return new HostTreeSpec { HostPath = "/", Root = root, IsDeterministic = deterministic };
    }

    private async KTask<Result<Dentry>> MakeInAsync(GuestTask current, Dentry directory, string name)
    {
        Result<Inode> made = await directory.Inode!.MakeDirectoryAsync(current, FileName.FromString(name), FileMode.Directory | (FileMode)0x1ed);
        if (!made.Ok)
            return made.Error;
        made.Value.Put();
        return await kernel.Vfs.LookUpAsync(current, directory, FileName.FromString(name));
    }
}
