using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>ioctl(2): what concerns every descriptor is done here, the rest is the file's.</summary>
internal static class IoctlCalls
{
    private const uint NonBlocking = 0x5421;
    private const uint BytesToRead = 0x541B;
    private const uint NoCloseOnExec = 0x5450;
    private const uint CloseOnExec = 0x5451;
    private const uint Asynchronous = 0x5452;
    private const uint SizeInBytes = 0x5460;
    private const uint BlockSize = 2;
    private const uint Fiemap = 0xC020660B;
    private const uint Clone = 0x40049409;
    private const uint CloneRange = 0x4020940D;

    [Syscall(16, "ioctl", SyscallSupport.Partial, Note = "what every file has, pipes, sockets and event files; no file attributes (FS_IOC_*)")]
    public static async KTask<SyscallResult> Ioctl(Task current, Fd fd, [Strace("hex")] uint command, [Strace("hex")] ulong argument)
    {
        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        OpenFile file = found.Value;
        SyscallResult result = await DispatchAsync(current, fd, file, command, argument);
        file.Put();
        return result.Error == Errno.ENOIOCTLCMD ? Errno.ENOTTY : result;
    }

    private static async KTask<SyscallResult> DispatchAsync(Task current, Fd fd, OpenFile file, uint command, ulong argument)
    {
        var number = new UserPtr<int>(new VirtAddr(argument));
        switch (command)
        {
            case CloseOnExec:
            case NoCloseOnExec:
                if (current.Files!.Peek(fd) is not null)
                    current.Files.SetCloseOnExec(fd, command == CloseOnExec);
                return SyscallResult.Success;
            case NonBlocking:
            case Asynchronous:
                {
                    Result<int> value = await current.ReadUserAsync(number);
                    if (!value.Ok)
                        return value.Error;
                    OpenFlags flag = command == NonBlocking ? OpenFlags.NonBlock : OpenFlags.Async;
                    OpenFlags changed = value.Value != 0 ? file.Flags | flag : file.Flags & ~flag;
                    if (flag == OpenFlags.Async && !file.SupportsAsync)
                        return changed == file.Flags ? Errno.Success : Errno.ENOTTY;
                    Errno error = file.FlagsChanged(changed);
                    if (error != Errno.Success)
                        return error;
                    file.Flags = changed;
                    if (flag == OpenFlags.Async)
                        file.SetAsync(current, fd, value.Value != 0);
                    return Errno.Success;
                }

            case BlockSize when file.Inode.SuperBlock.BlockSize != 0:
                return await current.WriteUserAsync(number, (int)file.Inode.SuperBlock.BlockSize);
            case BytesToRead when file.Inode.IsRegular:
                return await current.WriteUserAsync(number, (int)Math.Clamp(file.BytesAhead, int.MinValue, int.MaxValue));
            case SizeInBytes when file.Inode.IsRegular || file.Inode.IsDirectory || file.Inode.IsSymlink:
                return await AllocatedAsync(current, file, new UserPtr<long>(new VirtAddr(argument)));
            case Fiemap when file.Inode.IsRegular:
                return Errno.EOPNOTSUPP;
            case Clone:
                return CheckClone(current, file, new Fd((int)argument));
            case CloneRange:
                Result<CloneRangeArguments> range = await current.ReadUserAsync(new UserPtr<CloneRangeArguments>(new VirtAddr(argument)));
                return range.Ok ? CheckClone(current, file, new Fd((int)range.Value.Source)) : range.Error;
            default:
                return await file.IoctlAsync(current, command, argument);
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct CloneRangeArguments
    {
        public long Source;
        public ulong SourceOffset;
        public ulong SourceLength;
        public ulong TargetOffset;
    }

    /// <summary>FIOQSIZE: the bytes that are allocated.</summary>
    private static async KTask<SyscallResult> AllocatedAsync(Task current, OpenFile file, UserPtr<long> where)
    {
        Result<KernelStat> stat = await file.Inode.GetAttributesAsync(current, StatxMask.Blocks);
        return stat.Ok ? await current.WriteUserAsync(where, (long)stat.Value.Blocks * 512) : stat.Error;
    }

    /// <summary>No file system here shares blocks between files; the errors come in Linux's order.</summary>
    private static Errno CheckClone(Task current, OpenFile to, Fd source)
    {
        if (current.Files!.Peek(source) is not { IsPathOnly: false } from)
            return Errno.EBADF;
        if (from.Inode.SuperBlock != to.Inode.SuperBlock)
            return Errno.EXDEV;
        if (from.Inode.IsDirectory || to.Inode.IsDirectory)
            return Errno.EISDIR;
        if (!from.Inode.IsRegular || !to.Inode.IsRegular)
            return Errno.EINVAL;
        return !from.CanRead || !to.CanWrite || (to.Flags & OpenFlags.Append) != 0 ? Errno.EBADF : Errno.EOPNOTSUPP;
    }
}
