using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>
/// Device numbers of terminals (devices.txt): major 5 with /dev/tty, /dev/console and /dev/ptmx, and the pseudo-terminals.
/// </summary>
internal static class TtyDevices
{
    public const uint Major = 5;
    public const uint ControllingMinor = 0;
    public const uint ConsoleMinor = 1;
    public const uint MultiplexerMinor = 2;

    public static void Register(KernelInstance kernel)
    {
        kernel.Devices.RegisterCharacter(Major, ControllingMinor, 1, "/dev/tty", OpenControlling);
        kernel.Devices.RegisterCharacter(Major, ConsoleMinor, 1, "/dev/console", OpenConsole);
        kernel.Devices.RegisterCharacter(Major, MultiplexerMinor, 1, "/dev/ptmx", PtyDriver.OpenMultiplexerAsync);
        kernel.Devices.RegisterCharacter(PtyDriver.MasterMajor, 0, PtyDriver.MinorCount, "ptm", static (_, _, _, _) => KTask<Result<OpenFile>>.FromResult(Errno.EIO));
        kernel.Devices.RegisterCharacter(PtyDriver.SlaveMajor, 0, PtyDriver.MinorCount, "pts", PtyDriver.OpenSlaveAsync);
    }

    /// <summary>A session leader without a controlling terminal gets the one that it opens to read, unless it has another session or O_NOCTTY.</summary>
    public static void MaybeSetControlling(Task current, TtyFile file, OpenFlags flags)
    {
        ThreadGroup process = current.ThreadGroup;
        if ((flags & OpenFlags.NoControllingTty) == 0 && process.IsSessionLeader && process.Terminal is null
            && file.Tty.Session is null && file.CanRead)
        {
            file.Tty.SetControlling(process);
        }
    }

    /// <summary>/dev/tty: ENXIO without a controlling terminal.</summary>
    private static KTask<Result<OpenFile>> OpenControlling(Task current, VfsPath path, Inode inode, OpenFlags flags)
    {
        if (current.ThreadGroup.Terminal is not { } terminal)
            return KTask<Result<OpenFile>>.FromResult(Errno.ENXIO);
        Errno error = terminal.CheckOpen(current);
        return KTask<Result<OpenFile>>.FromResult(error != Errno.Success ? error : new TtyFile(path, inode, flags, terminal));
    }

    /// <summary>/dev/console: ENODEV on a machine without one.</summary>
    private static KTask<Result<OpenFile>> OpenConsole(Task current, VfsPath path, Inode inode, OpenFlags flags)
    {
        if (current.Kernel.Terminals.Console is not { } console)
            return KTask<Result<OpenFile>>.FromResult(Errno.ENODEV);
        Errno error = console.CheckOpen(current);
        return KTask<Result<OpenFile>>.FromResult(error != Errno.Success ? error : new TtyFile(path, inode, flags, console) { IsConsole = true });
    }
}
