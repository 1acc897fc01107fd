using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
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

    [Syscall(308, "setns", SyscallSupport.Real)]
    public static SyscallResult SetNs(Task current, Fd fd, [Strace("clone-flags")] int flags)
    {
        // CLONE_NEWTIME lies where a signal's number does otherwise: the flags of 32 bits, as they come.
        var type = (CloneFlags)(uint)flags;
        switch (current.Files!.Peek(fd))
        {
            case null or { IsPathOnly: true }:
                return Errno.EBADF;
            case NamespaceFile file:
                return type != CloneFlags.None && type != file.Namespace.Kind ? Errno.EINVAL : NamespaceEntry.Enter(current, [file.Namespace.Held]);
            case PidFile process:
                return EnterThoseOf(current, process, type);
            default:
                return Errno.EINVAL;
        }
    }

    /// <summary>Those of a process that the flags name, all together.</summary>
    private static Errno EnterThoseOf(Task current, PidFile process, CloneFlags wanted)
    {
        if (wanted == CloneFlags.None || (wanted & ~Namespaces) != 0)
            return Errno.EINVAL;
        if (process.Number.Task is not { } task || task.IsExiting)
            return Errno.ESRCH;
        if (!PtraceAccess.MayRead(current, task, realIds: true))
            return Errno.EPERM;
        NamespaceSet set = task.Namespaces;
        (CloneFlags Flag, Namespace Held)[] all =
        [
            (CloneFlags.NewUser, task.Credentials.UserNamespace), (CloneFlags.NewNs, set.Mount), (CloneFlags.NewUts, set.Uts), (CloneFlags.NewIpc, set.Ipc),
            (CloneFlags.NewPid, set.Pid), (CloneFlags.NewCgroup, set.Cgroup), (CloneFlags.NewNet, set.Net), (CloneFlags.NewTime, set.Time),
        ];
        var chosen = new List<Namespace>();
        foreach ((CloneFlags flag, Namespace held) in all)
        {
            if ((wanted & flag) != 0)
                chosen.Add(held);
        }

        return NamespaceEntry.Enter(current, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(chosen));
    }
}
