using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>vhangup(2).</summary>
internal static class TerminalCalls
{
    [Syscall(153, "vhangup", SyscallSupport.Real)]
    public static SyscallResult VHangUp(Task current)
    {
        if (!current.IsCapable(Capability.SysTtyConfig))
            return Errno.EPERM;
        current.ThreadGroup.Terminal?.HangUp();
        return SyscallResult.Success;
    }
}
