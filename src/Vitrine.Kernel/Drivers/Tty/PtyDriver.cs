using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>Opening masters by ptmx and slaves by their nodes in devpts (pts(4)).</summary>
internal static class PtyDriver
{
    public const uint MasterMajor = 128;
    public const uint SlaveMajor = 136;
    public const uint MinorCount = 1 << 20;

    /// <summary>open of /dev/ptmx or of devpts' own ptmx: a new pair.</summary>
    public static async KTask<Result<OpenFile>> OpenMultiplexerAsync(Task current, VfsPath path, Inode inode, OpenFlags flags)
    {
        Result<VfsPath> instance = await FindInstanceAsync(current, path);
        if (!instance.Ok)
            return instance.Error;
        Result<PtyDevice> pair = PtyDevice.CreatePair(current, (IPtyDirectory)instance.Value.Dentry.Inode!.SuperBlock);
        instance.Value.Put();
        return pair.Ok ? new TtyFile(path, inode, flags, pair.Value) : pair.Error;
    }

    /// <summary>open of a slave's node. EIO where no pair is behind it.</summary>
    public static KTask<Result<OpenFile>> OpenSlaveAsync(Task current, VfsPath path, Inode inode, OpenFlags flags)
    {
        if (inode is not IPtyNode { Slave: { } slave })
            return KTask<Result<OpenFile>>.FromResult(Errno.EIO);
        Errno error = slave.CheckOpen(current);
        if (error != Errno.Success)
            return KTask<Result<OpenFile>>.FromResult(error);
        var file = new TtyFile(path, inode, flags, slave);
        TtyDevices.MaybeSetControlling(current, file, flags);
        return KTask<Result<OpenFile>>.FromResult(file);
    }

    /// <summary>TIOCGPTPEER: a descriptor of the slave, whatever is mounted where by now.</summary>
    public static async KTask<SyscallResult> OpenPeerAsync(Task current, TtyFile master, PtyDevice device, OpenFlags flags)
    {
        Result<VfsPath> instance = await FindInstanceAsync(current, master.Path);
        if (!instance.Ok)
            return instance.Error;
        Mount mount = instance.Value.Mount;
        string name = device.Index.ToString(System.Globalization.CultureInfo.InvariantCulture);
        Result<Dentry> found = await current.Kernel.Vfs.LookUpAsync(current, instance.Value.Dentry, FileName.FromString(name));
        if (!found.Ok || found.Value.IsNegative)
        {
            if (found.Ok)
                found.Value.Put();
            instance.Value.Put();
            return found.Ok ? Errno.ENXIO : found.Error;
        }

        FdTable table = current.Files!;
        Result<Fd> slot = table.Reserve(current, (flags & OpenFlags.CloseOnExec) != 0);
        Result<OpenFile> opened = slot.Ok
            ? await current.Kernel.Vfs.OpenInodeAsync(current, new VfsPath(mount, found.Value), found.Value.Inode!, flags & ~OpenFlags.CloseOnExec)
            : slot.Error;
        found.Value.Put();
        instance.Value.Put();
        if (!slot.Ok)
            return slot.Error;
        if (!opened.Ok)
        {
            table.Unreserve(slot.Value);
            return opened.Error;
        }

        table.Install(slot.Value, opened.Value);
        return slot.Value;
    }

    /// <summary>
    /// The root of the devpts that a multiplexer belongs to: the one it lies in, else what is mounted on "pts" beside it
    /// (devpts_mntget). The result carries a reference. ENOENT without such a place, ENODEV if it is something else.
    /// </summary>
    private static async KTask<Result<VfsPath>> FindInstanceAsync(Task current, VfsPath path)
    {
        if (path.Dentry.SuperBlock is IPtyDirectory)
            return new VfsPath(path.Mount, path.Dentry.SuperBlock.Root).Get();
        if (path.Dentry.Parent is not { } parent)
            return Errno.ENODEV;
        Result<Dentry> found = await current.Kernel.Vfs.LookUpAsync(current, parent, FileName.FromString("pts"));
        if (!found.Ok)
            return found.Error;
        if (found.Value.IsNegative)
        {
            found.Value.Put();
            return Errno.ENOENT;
        }

        var place = new VfsPath(path.Mount, found.Value);
        while (place.Dentry.IsMountPoint && place.Mount.FindChild(place.Dentry) is { } mount)
            place = new VfsPath(mount, mount.Root);
        bool fits = place.Dentry.SuperBlock is IPtyDirectory && place.Dentry == place.Dentry.SuperBlock.Root;
        Result<VfsPath> result = fits ? place.Get() : Errno.ENODEV;
        found.Value.Put();
        return result;
    }
}
