using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>_exit(2) and exit_group(2).</summary>
internal static class ExitCalls
{
    [Syscall(60, "exit", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Exit(Task current, int status)
    {
        await current.ExitAsync((status & 0xff) << 8);
        return SyscallResult.Success;
    }

    [Syscall(231, "exit_group", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ExitGroup(Task current, int status)
    {
        await current.ExitGroupAsync((status & 0xff) << 8);
        return SyscallResult.Success;
    }
}
