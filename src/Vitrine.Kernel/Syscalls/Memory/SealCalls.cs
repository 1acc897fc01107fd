using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Memory;

/// <summary>mseal(2); and pkeys(7), on a processor that has none.</summary>
internal static class SealCalls
{
    [Syscall(462, "mseal", SyscallSupport.Real)]
    public static SyscallResult Mseal(Task current, VirtAddr address, ulong length, ulong flags) =>
        flags != 0 ? Errno.EINVAL : current.Mm!.Seal(address, length);

    [Syscall(329, "pkey_mprotect", SyscallSupport.Partial, Note = "the processor has no protection keys: none but -1 is valid")]
    public static async KTask<SyscallResult> PkeyMprotect(
        Task current, VirtAddr address, ulong length, [Strace("prot")] ProtectionFlags protection, int key) =>
        key != -1 ? Errno.EINVAL : await current.Mm!.ProtectAsync(current, address, length, protection);

    [Syscall(330, "pkey_alloc", SyscallSupport.Partial, Note = "the processor has no protection keys: EINVAL")]
    public static SyscallResult PkeyAlloc(Task current, uint flags, uint rights) => Errno.EINVAL;

    [Syscall(331, "pkey_free", SyscallSupport.Partial, Note = "the processor has no protection keys: EINVAL")]
    public static SyscallResult PkeyFree(Task current, int key) => Errno.EINVAL;
}
