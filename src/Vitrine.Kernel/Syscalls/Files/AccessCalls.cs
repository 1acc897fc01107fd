using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>access, faccessat, faccessat2 (access(2)): by the real ids unless AT_EACCESS.</summary>
internal static class AccessCalls
{
    private const uint SecureNoSetuidFixup = 4;

    [Syscall(21, "access", SyscallSupport.Real)]
    public static KTask<SyscallResult> Access(Task current, [Strace("path")] UserString path, [Strace("access")] uint mode) => FAccessAt2(current, Fd.Cwd, path, mode, AtFlags.None);

    [Syscall(269, "faccessat", SyscallSupport.Real)]
    public static KTask<SyscallResult> FAccessAt(Task current, Fd directory, [Strace("path")] UserString path, [Strace("access")] uint mode) => FAccessAt2(current, directory, path, mode, AtFlags.None);

    [Syscall(439, "faccessat2", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FAccessAt2(Task current, Fd directory, [Strace("path")] UserString path, [Strace("access")] uint mode, AtFlags flags)
    {
        if ((mode & ~7u) != 0)
            return Errno.EINVAL;
        if ((flags & ~(AtFlags.RemoveDirectoryOrEffectiveAccess | AtFlags.SymlinkNoFollow | AtFlags.EmptyPath)) != 0)
            return Errno.EINVAL;
        Credentials own = current.Credentials;
        if ((flags & AtFlags.RemoveDirectoryOrEffectiveAccess) == 0)
            current.Credentials = WithRealIds(own);
        Errno error = await CheckAsync(current, directory, path, (AccessMask)mode, flags);
        current.Credentials = own;
        return error;
    }

    private static Credentials WithRealIds(Credentials own)
    {
        if (own.Uid == own.Fsuid && own.Gid == own.Fsgid && (own.Uid != Uid.Root || own.Effective == own.Permitted) && (own.Uid == Uid.Root || own.Effective == 0))
            return own;
        ulong effective = (own.SecureBits & SecureNoSetuidFixup) != 0 ? own.Effective
            : own.Uid == Uid.Root ? own.Permitted
            : 0;
        return own with { Fsuid = own.Uid, Fsgid = own.Gid, Effective = effective };
    }

    private static async KTask<Errno> CheckAsync(Task current, Fd directory, UserString path, AccessMask mask, AtFlags flags)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<VfsPath> found = await vfs.LookUpUserPathAsync(current, directory, path, AttributeCalls.Walk(flags));
        if (!found.Ok)
            return found.Error;
        VfsPath place = found.Value;
        Inode inode = place.Dentry.Inode!;
        Errno error = Errno.Success;
        if ((mask & AccessMask.Execute) != 0 && inode.IsRegular && (place.Mount.Flags & MountFlags.NoExec) != 0)
            error = Errno.EACCES;
        if (error == Errno.Success && mask != AccessMask.None)
            error = await vfs.PermissionAsync(current, inode, mask);

        // A read-only mount refuses writing to what could be written there; devices and pipes are elsewhere.
        bool special = inode.Type is FileMode.CharacterDevice or FileMode.BlockDevice or FileMode.Fifo or FileMode.Socket;
        if (error == Errno.Success && (mask & AccessMask.Write) != 0 && !special && place.Mount.IsReadOnly)
            error = Errno.EROFS;
        place.Put();
        return error;
    }
}
