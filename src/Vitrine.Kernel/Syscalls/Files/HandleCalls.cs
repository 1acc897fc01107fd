using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>File handles: no file system here can export them (open_by_handle_at(2)).</summary>
internal static class HandleCalls
{
    [Syscall(303, "name_to_handle_at", SyscallSupport.Partial, Note = "no file system exports handles: EOPNOTSUPP")]
    public static SyscallResult NameToHandleAt(Task current, Fd directory, [Strace("path")] UserString path, VirtAddr handle, VirtAddr mountId, AtFlags flags) =>
        (flags & ~(AtFlags.SymlinkFollow | AtFlags.EmptyPath | AtFlags.RemoveDirectoryOrEffectiveAccess)) != 0 ? Errno.EINVAL : Errno.EOPNOTSUPP;

    [Syscall(304, "open_by_handle_at", SyscallSupport.Partial, Note = "no handle can be valid: ESTALE")]
    public static SyscallResult OpenByHandleAt(Task current, Fd mount, VirtAddr handle, OpenFlags flags) =>
        current.Credentials.IsCapable(current.Kernel.InitUserNamespace, Capability.DacReadSearch) ? Errno.ESTALE : Errno.EPERM;
}
