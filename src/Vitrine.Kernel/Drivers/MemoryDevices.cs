using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers;

/// <summary>Major 1 (devices.txt): null, zero, full, random, urandom, kmsg.</summary>
internal static class MemoryDevices
{
    public const uint Major = 1;
    public const uint NullMinor = 3;
    public const uint ZeroMinor = 5;
    public const uint FullMinor = 7;
    public const uint RandomMinor = 8;
    public const uint UrandomMinor = 9;
    public const uint KmsgMinor = 11;

    public static void Register(KernelInstance kernel) =>
        kernel.Devices.RegisterCharacter(Major, 0, 256, "mem", Open);

    private static KTask<Result<OpenFile>> Open(Task current, VfsPath path, Inode inode, OpenFlags flags)
    {
        OpenFile? file = inode.Device.Minor switch
        {
            NullMinor => new NullFile(path, inode, flags),
            ZeroMinor => new ZeroFile(path, inode, flags, full: false),
            FullMinor => new ZeroFile(path, inode, flags, full: true),
            RandomMinor or UrandomMinor => new RandomFile(path, inode, flags),
            KmsgMinor => new KmsgFile(path, inode, flags, current.Kernel.Log),
            _ => null,
        };
        return KTask<Result<OpenFile>>.FromResult(file is null ? Errno.ENXIO : file);
    }
}
