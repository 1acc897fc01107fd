using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>pipe and pipe2 (pipe(2)).</summary>
internal static class PipeCalls
{
    [Syscall(22, "pipe", SyscallSupport.Real)]
    public static KTask<SyscallResult> Pipe(Task current, UserPtr<int> fds) => Pipe2(current, fds, OpenFlags.ReadOnly);

    [Syscall(293, "pipe2", SyscallSupport.Real, Note = "O_NOTIFICATION_PIPE: ENOPKG")]
    public static async KTask<SyscallResult> Pipe2(Task current, UserPtr<int> fds, [Strace("open")] OpenFlags flags)
    {
        if ((flags & OpenFlags.Exclusive) != 0)
            return Errno.ENOPKG;
        if ((flags & ~(OpenFlags.CloseOnExec | OpenFlags.NonBlock | OpenFlags.Direct)) != 0)
            return Errno.EINVAL;
        Result<(OpenFile Read, OpenFile Write)> pair = PipeFactory.Create(current, flags & (OpenFlags.NonBlock | OpenFlags.Direct));
        if (!pair.Ok)
            return pair.Error;
        (OpenFile read, OpenFile write) = pair.Value;
        bool closeOnExec = (flags & OpenFlags.CloseOnExec) != 0;
        return await DescriptorPair.InstallAsync(current, read, write, closeOnExec, fds);
    }
}
