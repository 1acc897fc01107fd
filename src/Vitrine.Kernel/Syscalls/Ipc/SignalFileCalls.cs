using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>signalfd and signalfd4 (signalfd(2)).</summary>
internal static class SignalFileCalls
{
    [Syscall(282, "signalfd", SyscallSupport.Real)]
    public static KTask<SyscallResult> SignalFd(Task current, Fd fd, UserPtr<ulong> mask, nuint size) =>
        SignalFd4(current, fd, mask, size, OpenFlags.ReadOnly);

    [Syscall(289, "signalfd4", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SignalFd4(Task current, Fd fd, UserPtr<ulong> mask, nuint size, OpenFlags flags)
    {
        if (size != sizeof(ulong))
            return Errno.EINVAL;
        Result<ulong> bits = await current.ReadUserAsync(mask);
        if (!bits.Ok)
            return bits.Error;
        if ((flags & ~(OpenFlags.CloseOnExec | OpenFlags.NonBlock)) != 0)
            return Errno.EINVAL;
        var set = new SignalSet(bits.Value);
        if (fd.Value != -1)
            return Change(current, fd, set);
        Errno error = current.Cgroup.ChargeKernelMemory(SignalFile.DeclaredSize);
        if (error != Errno.Success)
            return error;
        var file = new SignalFile(current.Kernel, current.Cgroup, set, OpenFlags.ReadWrite | (flags & OpenFlags.NonBlock));
        Result<Fd> made = current.Files!.Install(current, file, (flags & OpenFlags.CloseOnExec) != 0);
        if (made.Ok)
            return made.Value;
        file.Put();
        return made.Error;
    }

    private static SyscallResult Change(Task current, Fd fd, SignalSet set)
    {
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return file.Error;
        SyscallResult result = fd;
        if (file.Value is SignalFile signals)
        {
            signals.Set = set & ~SignalSet.Unblockable;
            current.ThreadGroup.Handlers.SignalWait.WakeAll();
        }
        else
        {
            result = Errno.EINVAL;
        }

        file.Value.Put();
        return result;
    }
}
