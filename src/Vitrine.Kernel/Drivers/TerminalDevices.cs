using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers;

/// <summary>Major 5 (devices.txt): /dev/tty is the opener's controlling terminal, /dev/console the machine's console.</summary>
internal static class TerminalDevices
{
    public const uint Major = 5;
    public const uint ControllingMinor = 0;
    public const uint ConsoleMinor = 1;

    public static void Register(KernelInstance kernel)
    {
        kernel.Devices.RegisterCharacter(Major, ControllingMinor, 1, "/dev/tty", Open);
        kernel.Devices.RegisterCharacter(Major, ConsoleMinor, 1, "/dev/console", Open);
    }

    /// <summary>ENXIO: no process has a controlling terminal, and there is no console, until terminals exist.</summary>
    private static KTask<Result<OpenFile>> Open(Task current, VfsPath path, Inode inode, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(Errno.ENXIO);
}
