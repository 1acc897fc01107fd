using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>unshare(2) and setns(2).</summary>
internal static class NamespaceCalls
{
    private const CloneFlags Namespaces =
        CloneFlags.NewNs | CloneFlags.NewCgroup | CloneFlags.NewUts | CloneFlags.NewIpc | CloneFlags.NewUser | CloneFlags.NewPid
        | CloneFlags.NewNet | CloneFlags.NewTime;

    [Syscall(272, "unshare", SyscallSupport.Partial, Note = "pid, user and time namespaces give EINVAL")]
    public static async KTask<SyscallResult> Unshare(Task current, [Strace("clone-flags")] CloneFlags flags)
    {
        const CloneFlags known = Namespaces | CloneFlags.Fs | CloneFlags.Files | CloneFlags.SysVSem | CloneFlags.Thread
            | CloneFlags.SignalHandlers | CloneFlags.Vm;
        if ((flags & ~known) != 0)
            return Errno.EINVAL;
        // What can't be undone alone is only accepted when there is nothing to undo.
        if ((flags & (CloneFlags.Thread | CloneFlags.SignalHandlers | CloneFlags.Vm)) != 0 && current.ThreadGroup.Threads.Count > 1)
            return Errno.EINVAL;
        // A mount namespace is seen from a root and a directory of one's own.
        if ((flags & CloneFlags.NewNs) != 0)
            flags |= CloneFlags.Fs;
        if ((flags & (CloneFlags.SignalHandlers | CloneFlags.Vm)) != 0 && current.ThreadGroup.Handlers.Users > 1)
            return Errno.EINVAL;
        if ((flags & CloneFlags.Vm) != 0 && current.Mm!.Users > 1)
            return Errno.EINVAL;
        Errno error = NamespaceCopies.Check(current, flags & Namespaces);
        if (error != Errno.Success)
            return error;
        FdTable? oldFiles = null;
        if ((flags & CloneFlags.Files) != 0 && current.Files is { Users: > 1 } shared)
        {
            if (!shared.Copy(current).TryGet(out FdTable? copy, out error))
                return error;
            oldFiles = shared;
            current.Files = copy;
        }

        if ((flags & CloneFlags.Fs) != 0 && current.Fs is { Users: > 1 } fs)
        {
            current.Fs = fs.Copy();
            fs.Put();
        }

        if ((flags & (CloneFlags.SysVSem | CloneFlags.NewIpc)) != 0)
            current.LeaveSemaphores();
        if ((flags & Namespaces) != 0)
        {
            NamespaceSet old = current.Namespaces;
            Result<NamespaceSet> made = NamespaceCopies.Copy(current, flags & Namespaces, current.Fs);
            if (!made.TryGet(out NamespaceSet? set, out error))
                return error;
            current.Namespaces = set;
            old.Put();
        }

        if (oldFiles is not null)
            await oldFiles.PutAsync(current);
        return 0;
    }

    [Syscall(308, "setns", SyscallSupport.Partial, Note = "there are no descriptors of namespaces: EINVAL")]
    public static SyscallResult SetNs(Task current, Fd fd, [Strace("clone-flags")] int type) =>
        current.Files!.Peek(fd) is null ? Errno.EBADF : Errno.EINVAL;
}
