using System.Runtime.InteropServices;
using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>sysfs(2) and ustat(2): old questions about kinds of file systems and mounted ones.</summary>
internal static class FileSystemCalls
{
    [Syscall(139, "sysfs", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SysFs(Task current, int option, ulong first, ulong second)
    {
        IReadOnlyList<FileSystemType> types = current.Kernel.FileSystems.All;
        switch (option)
        {
            case 1:
                Result<byte[]> name = await current.ReadUserStringAsync(new UserString(new VirtAddr(first)), (int)Page.Size, Errno.ENAMETOOLONG);
                if (!name.Ok)
                    return name.Error;
                string wanted = Encoding.UTF8.GetString(name.Value);
                for (int i = 0; i < types.Count; i++)
                {
                    if (types[i].Name == wanted)
                        return i;
                }

                return Errno.EINVAL;
            case 2:
                if (first >= (ulong)types.Count)
                    return Errno.EINVAL;
                return await current.WriteUserBytesAsync(new VirtAddr(second), Encoding.UTF8.GetBytes(types[(int)first].Name + "\0"));
            case 3:
                return types.Count;
            default:
                return Errno.EINVAL;
        }
    }

    [Syscall(136, "ustat", SyscallSupport.Real)]
    public static async KTask<SyscallResult> UStat(Task current, uint device, UserPtr<OldFileSystemStatus> status)
    {
        DeviceNumber wanted = DeviceNumber.Decode(device);
        foreach (SuperBlock superBlock in current.Kernel.Vfs.SuperBlocks)
        {
            if (superBlock.Device != wanted)
                continue;
            Result<KernelStatFs> found = await superBlock.StatFsAsync(current);
            if (!found.TryGet(out KernelStatFs stat, out Errno error))
                return error;
            return await current.WriteUserAsync(status, new OldFileSystemStatus { FreeBlocks = (int)stat.BlocksFree, FreeInodes = stat.FilesFree });
        }

        return Errno.EINVAL;
    }

    /// <summary>struct ustat: 32 bytes; the names have been empty since ever.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 32)]
    internal struct OldFileSystemStatus
    {
        public int FreeBlocks;
        public ulong FreeInodes;
    }
}
