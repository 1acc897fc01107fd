using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls;

/// <summary>What strace and tracing hear of. Calls come under the kernel lock and must not wait.</summary>
internal interface IMachineObserver
{
    /// <summary>The kernel itself has executed a program that the host asked for: no task has called execve.</summary>
    void ProgramStarted(Task task, byte[] path, byte[][] arguments, byte[][] environment);

    /// <summary>A syscall begins; number and arguments are in the task.</summary>
    void SyscallEntered(Task task);

    /// <summary>A syscall has its result; restart codes included.</summary>
    void SyscallLeft(Task task, SyscallResult result);

    /// <summary>A signal is about to be delivered or to kill.</summary>
    void SignalDelivered(Task task, in SignalInfo info);

    /// <summary>A task has exited with a wait status.</summary>
    void TaskExited(Task task, int waitStatus);
}
