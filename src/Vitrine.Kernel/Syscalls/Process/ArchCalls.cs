using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>arch_prctl(2): segment bases, whether cpuid faults, and which parts of the extended state may be used.</summary>
internal static class ArchCalls
{
    /// <summary>XFEATURE_MAX: the components that the kernel knows of.</summary>
    private const ulong StateComponentCount = 19;

    [Syscall(158, "arch_prctl", SyscallSupport.Real, Note = "CPUID faulting is not offered (ENODEV), as on processors without it")]
    public static KTask<SyscallResult> ArchPrctl(Task current, ArchControl operation, [Strace("hex")] ulong argument)
    {
        switch (operation)
        {
            case ArchControl.SetFs:
            case ArchControl.SetGs:
                return KTask<SyscallResult>.FromResult(SetBase(current, operation == ArchControl.SetFs, argument));
            case ArchControl.GetFs:
            case ArchControl.GetGs:
                return GetBaseAsync(current, operation == ArchControl.GetFs, new UserPtr<ulong>(new VirtAddr(argument)));
            case ArchControl.GetCpuid:
                // cpuid never faults: it is enabled.
                return KTask<SyscallResult>.FromResult(1);
            case ArchControl.SetCpuid:
                return KTask<SyscallResult>.FromResult(Errno.ENODEV);
            case ArchControl.GetStateSupported:
            case ArchControl.GetStatePermitted:
            case ArchControl.GetGuestStatePermitted:
                return GetFeaturesAsync(current, new UserPtr<ulong>(new VirtAddr(argument)));
            case ArchControl.RequestStatePermission:
            case ArchControl.RequestGuestStatePermission:
                // None of the components is one that must be asked for.
                return KTask<SyscallResult>.FromResult(argument < StateComponentCount ? Errno.EOPNOTSUPP : Errno.EINVAL);
            default:
                return KTask<SyscallResult>.FromResult(Errno.EINVAL);
        }
    }

    /// <summary>All that XCR0 has may be used.</summary>
    private static async KTask<SyscallResult> GetFeaturesAsync(Task current, UserPtr<ulong> to) =>
        await current.WriteUserAsync(to, current.Kernel.FpuState.Features);

    internal static unsafe Errno SetBase(Task current, bool fs, ulong value)
    {
        if (value >= MmStruct.TaskSize)
            return Errno.EPERM;
        if (fs)
            current.Registers->FsBase = value;
        else
            current.Registers->GsBase = value;
        return Errno.Success;
    }

    private static async KTask<SyscallResult> GetBaseAsync(Task current, bool fs, UserPtr<ulong> to) =>
        await current.WriteUserAsync(to, Base(current, fs));

    internal static unsafe ulong Base(Task current, bool fs) => fs ? current.Registers->FsBase : current.Registers->GsBase;
}
