using System.Globalization;
using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Printk;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>Calls about the machine as a whole: reboot, syslog, membarrier; and those that this kernel does not offer yet.</summary>
internal static class MachineCalls
{
    private const uint Magic1 = 0xfee1dead;

    [Syscall(169, "reboot", SyscallSupport.Partial, Note = "every way of going down ends the machine; kexec and suspend give EINVAL")]
    public static SyscallResult Reboot(Task current, uint magic1, uint magic2, [Strace("hex")] uint command, UserString argument)
    {
        if (!current.Credentials.IsCapable(current.Namespaces.Pid.Owner!, Capability.SysBoot))
            return Errno.EPERM;
        if (magic1 != Magic1 || magic2 is not (672274793 or 85072278 or 369367448 or 537993216))
            return Errno.EINVAL;
        switch (command)
        {
            case 0x89ABCDEF:
            case 0:
                // Ctrl-Alt-Del on or off: there is no such key.
                return 0;
            case 0x01234567:
            case 0xA1B2C3D4:
                current.Kernel.Log.Write(PrintkLevel.Emergency, "reboot: Restarting system");
                break;
            case 0xCDEF0123:
                current.Kernel.Log.Write(PrintkLevel.Emergency, "reboot: System halted");
                break;
            case 0x4321FEDC:
                current.Kernel.Log.Write(PrintkLevel.Emergency, "reboot: Power down");
                break;
            default:
                return Errno.EINVAL;
        }

        current.Kernel.Halt();
        return 0;
    }

    [Syscall(103, "syslog", SyscallSupport.Partial)]
    public static KTask<SyscallResult> Syslog(Task current, int type, VirtAddr buffer, int length) =>
        KernelLogReader.RunAsync(current, type, buffer, length);

    [Syscall(324, "membarrier", SyscallSupport.Real)]
    public static SyscallResult Membarrier(Task current, int command, uint flags, int cpu)
    {
        const int query = 0, global = 1, globalExpedited = 2, registerGlobal = 4, privateExpedited = 8, registerPrivate = 16;
        const int syncCore = 32, registerSyncCore = 64, rseq = 128, registerRseq = 256, getRegistrations = 512;
        const int all = global | globalExpedited | registerGlobal | privateExpedited | registerPrivate | syncCore | registerSyncCore
            | rseq | registerRseq | getRegistrations;
        MmStruct mm = current.Mm!;
        if (command == rseq ? (flags & ~1u) != 0 : flags != 0)
            return Errno.EINVAL;
        switch (command)
        {
            case query:
                return all;
            case global:
            case globalExpedited:
                Barrier(current);
                return 0;
            case registerGlobal:
            case registerPrivate:
            case registerSyncCore:
            case registerRseq:
                mm.MembarrierRegistrations |= command;
                return 0;
            case privateExpedited:
            case syncCore:
                // A flush of translations also drops what was prefetched as code: it serialises the instruction stream.
                if ((mm.MembarrierRegistrations & (command << 1)) == 0)
                    return Errno.EPERM;
                Barrier(current);
                return 0;
            case rseq:
                if ((mm.MembarrierRegistrations & registerRseq) == 0)
                    return Errno.EPERM;
                RestartSequences(current, (flags & 1) != 0 ? cpu : -1);
                Barrier(current);
                return 0;
            case getRegistrations:
                return mm.MembarrierRegistrations;
            default:
                return Errno.EINVAL;
        }
    }

    [Syscall(317, "seccomp", SyscallSupport.Partial, Note = "no filters yet: EINVAL, as without CONFIG_SECCOMP_FILTER")]
    public static SyscallResult Seccomp(Task current, uint operation, uint flags, VirtAddr arguments) => Errno.EINVAL;

    /// <summary>Every processor in guest code passes a full barrier: the flush of this address space waits for each to acknowledge.</summary>
    private static void Barrier(Task current) => current.Kernel.Complex.FlushAll(current.Mm!.PageTableRoot);

    private static void RestartSequences(Task current, int only)
    {
        foreach (Processor processor in current.Kernel.Processors)
        {
            if ((only >= 0 && processor.Id != only) || processor.Current is not { } running || running.Mm != current.Mm)
                continue;
            running.Work |= TaskWork.Rseq;
            processor.Cpu.Kick();
        }
    }
}
