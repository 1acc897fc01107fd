using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>eventfd and eventfd2 (eventfd(2)).</summary>
internal static class EventCalls
{
    private const uint Semaphore = 1;

    [Syscall(284, "eventfd", SyscallSupport.Real)]
    public static SyscallResult EventFd(Task current, uint count) => EventFd2(current, count, 0);

    [Syscall(290, "eventfd2", SyscallSupport.Real)]
    public static SyscallResult EventFd2(Task current, uint count, uint flags)
    {
        const uint Allowed = Semaphore | (uint)OpenFlags.CloseOnExec | (uint)OpenFlags.NonBlock;
        if ((flags & ~Allowed) != 0)
            return Errno.EINVAL;
        Errno error = current.Cgroup.ChargeKernelMemory(EventFile.DeclaredSize);
        if (error != Errno.Success)
            return error;
        var file = new EventFile(
            current.Kernel, current.Cgroup, count, (flags & Semaphore) != 0, OpenFlags.ReadWrite | ((OpenFlags)flags & OpenFlags.NonBlock));
        Result<Fd> fd = current.Files!.Install(current, file, (flags & (uint)OpenFlags.CloseOnExec) != 0);
        if (fd.Ok)
            return fd.Value;
        file.Put();
        return fd.Error;
    }
}
