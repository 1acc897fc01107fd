using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>stat and its forms, statx, statfs (stat(2), statx(2), statfs(2)).</summary>
internal static class StatusCalls
{
    [Syscall(4, "stat", SyscallSupport.Real)]
    public static KTask<SyscallResult> Stat(Task current, [Strace("path")] UserString path, [Strace("stat")] UserPtr<LinuxStat> status) =>
        StatAtAsync(current, Fd.Cwd, path, status, AtFlags.None);

    [Syscall(6, "lstat", SyscallSupport.Real)]
    public static KTask<SyscallResult> LStat(Task current, [Strace("path")] UserString path, [Strace("stat")] UserPtr<LinuxStat> status) =>
        StatAtAsync(current, Fd.Cwd, path, status, AtFlags.SymlinkNoFollow);

    [Syscall(5, "fstat", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FStat(Task current, Fd fd, [Strace("stat")] UserPtr<LinuxStat> status)
    {
        Result<KernelStat> stat = await DescriptorAttributesAsync(current, fd, StatxMask.BasicStats);
        return stat.Ok ? await current.WriteUserAsync(status, Convert(stat.Value)) : stat.Error;
    }

    [Syscall(262, "newfstatat", SyscallSupport.Real)]
    public static KTask<SyscallResult> NewFStatAt(Task current, Fd directory, [Strace("path")] UserString path, [Strace("stat")] UserPtr<LinuxStat> status, AtFlags flags) =>
        StatAtAsync(current, directory, path, status, flags);

    [Syscall(332, "statx", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Statx(Task current, Fd directory, [Strace("path")] UserString path, AtFlags flags, StatxMask mask, UserPtr<LinuxStatx> status)
    {
        const StatxMask reserved = (StatxMask)0x80000000;
        const AtFlags sync = AtFlags.StatxForceSync | AtFlags.StatxDontSync;
        if ((mask & reserved) != 0 || (flags & sync) == sync)
            return Errno.EINVAL;
        if ((flags & ~(AtFlags.SymlinkNoFollow | AtFlags.NoAutomount | AtFlags.EmptyPath | sync)) != 0)
            return Errno.EINVAL;
        Result<KernelStat> stat = await AttributesAsync(current, directory, path, flags, mask);
        return stat.Ok ? await current.WriteUserAsync(status, ConvertExtended(stat.Value)) : stat.Error;
    }

    [Syscall(137, "statfs", SyscallSupport.Real)]
    public static async KTask<SyscallResult> StatFs(Task current, [Strace("path")] UserString path, UserPtr<LinuxStatFs> status)
    {
        Result<VfsPath> place = await current.Kernel.Vfs.LookUpUserPathAsync(current, Fd.Cwd, path, WalkFlags.Follow);
        if (!place.Ok)
            return place.Error;
        SyscallResult result = await WriteStatFsAsync(current, place.Value, status);
        place.Value.Put();
        return result;
    }

    [Syscall(138, "fstatfs", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FStatFs(Task current, Fd fd, UserPtr<LinuxStatFs> status)
    {
        Result<OpenFile> file = current.Files!.GetAny(fd);
        if (!file.Ok)
            return file.Error;
        SyscallResult result = await WriteStatFsAsync(current, file.Value.Path, status);
        file.Value.Put();
        return result;
    }

    private static async KTask<SyscallResult> StatAtAsync(Task current, Fd directory, UserString path, UserPtr<LinuxStat> status, AtFlags flags)
    {
        if ((flags & ~(AtFlags.SymlinkNoFollow | AtFlags.NoAutomount | AtFlags.EmptyPath)) != 0)
            return Errno.EINVAL;
        Result<KernelStat> stat = await AttributesAsync(current, directory, path, flags, StatxMask.BasicStats);
        return stat.Ok ? await current.WriteUserAsync(status, Convert(stat.Value)) : stat.Error;
    }

    private static async KTask<Result<KernelStat>> AttributesAsync(Task current, Fd directory, UserString path, AtFlags flags, StatxMask wanted)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        bool empty = (flags & AtFlags.EmptyPath) != 0;

        // With AT_EMPTY_PATH a null pointer is an empty path.
        if (empty && path.IsNull && directory != Fd.Cwd)
            return await DescriptorAttributesAsync(current, directory, wanted);
        Result<PathName> name = empty && path.IsNull ? vfs.Names.Make([]) : await vfs.Names.ReadAsync(current, path);
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        if (empty && text.IsEmpty && directory != Fd.Cwd)
            return await DescriptorAttributesAsync(current, directory, wanted);
        WalkFlags walk = (flags & AtFlags.SymlinkNoFollow) == 0 ? WalkFlags.Follow : WalkFlags.None;
        if (empty)
            walk |= WalkFlags.Empty;
        Result<VfsPath> place = await vfs.LookUpPathAsync(current, directory, text, walk);
        if (!place.Ok)
            return place.Error;
        Result<KernelStat> result = await vfs.GetAttributesAsync(current, place.Value, wanted);
        place.Value.Put();
        return result;
    }

    private static async KTask<Result<KernelStat>> DescriptorAttributesAsync(Task current, Fd fd, StatxMask wanted)
    {
        Result<OpenFile> file = current.Files!.GetAny(fd);
        if (!file.Ok)
            return file.Error;
        VfsPath path = file.Value.Path;
        Result<KernelStat> result = path.Dentry.Inode == file.Value.Inode
            ? await current.Kernel.Vfs.GetAttributesAsync(current, path, wanted)
            : await file.Value.Inode.GetAttributesAsync(current, wanted);
        file.Value.Put();
        return result;
    }

    private static async KTask<SyscallResult> WriteStatFsAsync(Task current, VfsPath place, UserPtr<LinuxStatFs> status)
    {
        Result<KernelStatFs> result = await place.Dentry.SuperBlock!.StatFsAsync(current);
        if (!result.Ok)
            return result.Error;
        KernelStatFs stat = result.Value;
        const long valid = 0x20;
        return await current.WriteUserAsync(status, new LinuxStatFs
        {
            Type = stat.Type,
            BlockSize = stat.BlockSize,
            Blocks = stat.Blocks,
            BlocksFree = stat.BlocksFree,
            BlocksAvailable = stat.BlocksAvailable,
            Files = stat.Files,
            FilesFree = stat.FilesFree,
            FileSystemId = stat.FileSystemId != 0 ? stat.FileSystemId : place.Dentry.SuperBlock.Device.Encode(),
            NameLength = stat.NameLength,
            FragmentSize = stat.FragmentSize != 0 ? stat.FragmentSize : stat.BlockSize,
            Flags = valid | MountTable.StatFsFlags(place.Mount),
        });
    }

    private static LinuxStat Convert(in KernelStat stat) => new()
    {
        Device = stat.Device.Encode(),
        Inode = stat.Inode.Value,
        LinkCount = stat.LinkCount,
        Mode = (uint)stat.Mode,
        Uid = stat.Uid.Value,
        Gid = stat.Gid.Value,
        RawDevice = stat.RawDevice.Encode(),
        Size = stat.Size,
        BlockSize = stat.BlockSize,
        Blocks = stat.Blocks,
        AccessTime = stat.AccessTime,
        ModificationTime = stat.ModificationTime,
        ChangeTime = stat.ChangeTime,
    };

    private static LinuxStatx ConvertExtended(in KernelStat stat) => new()
    {
        Mask = (uint)(stat.Mask | StatxMask.BasicStats),
        BlockSize = stat.BlockSize,
        Attributes = stat.Attributes,
        LinkCount = stat.LinkCount,
        Uid = stat.Uid.Value,
        Gid = stat.Gid.Value,
        Mode = (ushort)stat.Mode,
        Inode = stat.Inode.Value,
        Size = (ulong)stat.Size,
        Blocks = (ulong)stat.Blocks,
        AttributesMask = stat.AttributesMask,
        AccessTime = new StatxTimestamp(stat.AccessTime),
        BirthTime = new StatxTimestamp(stat.BirthTime),
        ChangeTime = new StatxTimestamp(stat.ChangeTime),
        ModificationTime = new StatxTimestamp(stat.ModificationTime),
        RawDeviceMajor = stat.RawDevice.Major,
        RawDeviceMinor = stat.RawDevice.Minor,
        DeviceMajor = stat.Device.Major,
        DeviceMinor = stat.Device.Minor,
        MountId = (ulong)stat.MountId,
    };
}
