using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls;

/// <content>The dispatch and the descriptions are generated from the declarations.</content>
internal static partial class SyscallTable
{
    static partial void OnUnknown(Task current, int number) => current.Kernel.UnknownSyscall(number);
}
