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

    [Syscall(16, "ioctl", SyscallSupport.Real)]
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
                    if (flag == OpenFlags.Async && !file.SupportsAsync)
                        return Errno.ENOTTY;
                    OpenFlags changed = value.Value != 0 ? file.Flags | flag : file.Flags & ~flag;
                    Errno error = file.FlagsChanged(changed);
                    if (error == Errno.Success)
                        file.Flags = changed;
                    return error;
                }

            case BlockSize when file.Inode.SuperBlock.BlockSize != 0:
                return await current.WriteUserAsync(number, (int)file.Inode.SuperBlock.BlockSize);
            case BytesToRead when file.Inode.IsRegular:
                return await current.WriteUserAsync(number, (int)Math.Clamp(file.BytesAhead, int.MinValue, int.MaxValue));
            case SizeInBytes when file.Inode.IsRegular || file.Inode.IsDirectory || file.Inode.IsSymlink:
                return await current.WriteUserAsync(new UserPtr<long>(new VirtAddr(argument)), file.Inode.Size);
            case Fiemap:
            case Clone:
            case CloneRange:
                return Errno.EOPNOTSUPP;
            default:
                return await file.IoctlAsync(current, command, argument);
        }
    }
}
