using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Fs.Proc.Process;

/// <summary>Who may look into a process: the checks of ptrace(2), "Ptrace access mode checking".</summary>
internal static class ProcessAccess
{
    /// <summary>PTRACE_MODE_READ with file-system credentials. EACCES where Linux says so.</summary>
    public static bool MayRead(Task current, Task target) => PtraceAccess.May(current, target, PtraceMode.ReadByFsIds);

    /// <summary>Whether hidepid lets the caller know of the process.</summary>
    public static bool MaySee(Task current, Task target, ProcSuperBlock superBlock) =>
        current.Credentials.IsInGroup(superBlock.Options.Gid) || MayRead(current, target);
}
