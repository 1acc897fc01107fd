using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>utimensat, futimesat, utimes, utime (utimensat(2), utime(2)).</summary>
internal static class TimeCalls
{
    private const long Now = (1 << 30) - 1;
    private const long Omit = (1 << 30) - 2;

    private static VirtualFileSystem.TimeChange SetToNow => new(default, IsNow: true, IsOmitted: false);

    [StructLayout(LayoutKind.Sequential)]
    internal readonly record struct TimePair(Timespec Access, Timespec Modification);

    [StructLayout(LayoutKind.Sequential)]
    internal readonly record struct MicrosecondPair(Timeval Access, Timeval Modification);

    [StructLayout(LayoutKind.Sequential)]
    internal readonly record struct SecondPair(long Access, long Modification);

    [Syscall(280, "utimensat", SyscallSupport.Real)]
    public static async KTask<SyscallResult> UTimeNsAt(Task current, Fd directory, [Strace("path")] UserString path, UserPtr<TimePair> times, AtFlags flags)
    {
        VirtualFileSystem.TimeChange access = SetToNow;
        VirtualFileSystem.TimeChange modification = SetToNow;
        if (!times.IsNull)
        {
            Result<TimePair> given = await current.ReadUserAsync(times);
            if (!given.Ok)
                return given.Error;
            if (!TryConvert(given.Value.Access, out access) || !TryConvert(given.Value.Modification, out modification))
                return Errno.EINVAL;
            if (access.IsOmitted && modification.IsOmitted)
                return SyscallResult.Success;
        }

        return await ChangeAsync(current, directory, path, access, modification, flags);
    }

    [Syscall(261, "futimesat", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FUTimesAt(Task current, Fd directory, [Strace("path")] UserString path, UserPtr<MicrosecondPair> times)
    {
        VirtualFileSystem.TimeChange access = SetToNow;
        VirtualFileSystem.TimeChange modification = SetToNow;
        if (!times.IsNull)
        {
            Result<MicrosecondPair> given = await current.ReadUserAsync(times);
            if (!given.Ok)
                return given.Error;
            (Timeval first, Timeval second) = (given.Value.Access, given.Value.Modification);
            if (first.Microseconds is < 0 or >= 1_000_000 || second.Microseconds is < 0 or >= 1_000_000)
                return Errno.EINVAL;
            access = At(new Timespec(first.Seconds, first.Microseconds * 1000));
            modification = At(new Timespec(second.Seconds, second.Microseconds * 1000));
        }

        return await ChangeAsync(current, directory, path, access, modification, AtFlags.None);
    }

    [Syscall(235, "utimes", SyscallSupport.Real)]
    public static KTask<SyscallResult> UTimes(Task current, [Strace("path")] UserString path, UserPtr<MicrosecondPair> times) => FUTimesAt(current, Fd.Cwd, path, times);

    [Syscall(132, "utime", SyscallSupport.Real)]
    public static async KTask<SyscallResult> UTime(Task current, [Strace("path")] UserString path, UserPtr<SecondPair> times)
    {
        VirtualFileSystem.TimeChange access = SetToNow;
        VirtualFileSystem.TimeChange modification = SetToNow;
        if (!times.IsNull)
        {
            Result<SecondPair> given = await current.ReadUserAsync(times);
            if (!given.Ok)
                return given.Error;
            access = At(new Timespec(given.Value.Access, 0));
            modification = At(new Timespec(given.Value.Modification, 0));
        }

        return await ChangeAsync(current, Fd.Cwd, path, access, modification, AtFlags.None);
    }

    private static VirtualFileSystem.TimeChange At(Timespec time) => new(time, IsNow: false, IsOmitted: false);

    private static bool TryConvert(Timespec time, out VirtualFileSystem.TimeChange change)
    {
        change = new VirtualFileSystem.TimeChange(time, time.Nanoseconds == Now, time.Nanoseconds == Omit);
        return change.IsNow || change.IsOmitted || time.Nanoseconds is >= 0 and < 1_000_000_000;
    }

    private static async KTask<SyscallResult> ChangeAsync(Task current, Fd directory, UserString path, VirtualFileSystem.TimeChange access, VirtualFileSystem.TimeChange modification, AtFlags flags)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;

        // No path: the file that the descriptor refers to.
        if (path.IsNull && directory != Fd.Cwd)
        {
            if (flags != AtFlags.None)
                return Errno.EINVAL;
            Result<OpenFile> file = current.Files!.Get(directory);
            if (!file.Ok)
                return file.Error;
            Errno changed = await vfs.ChangeTimesAsync(current, file.Value.Path, access, modification);
            file.Value.Put();
            return changed;
        }

        if ((flags & ~(AtFlags.SymlinkNoFollow | AtFlags.EmptyPath)) != 0)
            return Errno.EINVAL;
        Result<VfsPath> place = await vfs.LookUpUserPathAsync(current, directory, path, AttributeCalls.Walk(flags));
        if (!place.Ok)
            return place.Error;
        Errno error = await vfs.ChangeTimesAsync(current, place.Value, access, modification);
        place.Value.Put();
        return error;
    }
}
