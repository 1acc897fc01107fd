using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>poll interrupted by a stop or a signal without handler goes on with its original deadline (restart_syscall(2)).</summary>
internal static class PollRestart
{
    public static SyscallResult Arm(Task current, UserPtr<PollFd> fds, uint count, Ktime deadline)
    {
        current.Restart = new RestartBlock(RestartKind.Poll, deadline, fds.Address, count, 0);
        return Errno.ERESTART_RESTARTBLOCK;
    }

    /// <summary>What restart_syscall does for a poll.</summary>
    public static async KTask<SyscallResult> ResumeAsync(Task current, RestartBlock block)
    {
        var fds = new UserPtr<PollFd>(block.Address);
        SyscallResult result = await PollCalls.PollAsync(current, fds, (uint)block.Argument, block.Deadline, immediate: false);
        return result.Error == Errno.ERESTARTNOHAND ? Arm(current, fds, (uint)block.Argument, block.Deadline) : result;
    }
}
