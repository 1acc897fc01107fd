using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>wait4(2) and waitid(2).</summary>
internal static class WaitCalls
{
    private const WaitOptions ForWhom = WaitOptions.NoThread | WaitOptions.All | WaitOptions.Clone;

    [Syscall(61, "wait4", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Wait4(
        Task current,
        int pid,
        [Strace("wait-status")] UserPtr<int> status,
        [Strace("wait")] WaitOptions options,
        [Strace("out-rusage")] UserPtr<ResourceUsage> usage)
    {
        if ((options & ~(WaitOptions.NoHang | WaitOptions.Untraced | WaitOptions.Continued | ForWhom)) != 0)
            return Errno.EINVAL;
        // −INT_MIN has no negative.
        if (pid == int.MinValue)
            return Errno.ESRCH;
        PidNumber? number = null;
        WaitIdType type = WaitIdType.All;
        if (pid > 0)
        {
            type = WaitIdType.Pid;
            number = current.Namespaces.Pid.Find(pid);
        }
        else if (pid != -1)
        {
            type = WaitIdType.ProcessGroup;
            number = pid == 0 ? current.ThreadGroup.ProcessGroup : current.Namespaces.Pid.Find(-pid);
        }

        if (type != WaitIdType.All && number is null)
            return Errno.ECHILD;
        Result<WaitedChild?> waited = await ChildWait.WaitAsync(current, new WaitSelector(type, number, options | WaitOptions.Exited));
        if (!waited.TryGet(out WaitedChild? child, out Errno error))
            return error;
        if (child is null)
            return 0;
        if (!status.IsNull)
        {
            error = await current.WriteUserAsync(status, child.WaitStatus);
            if (error != Errno.Success)
                return error;
        }

        if (!usage.IsNull)
        {
            error = await current.WriteUserAsync(usage, ThreadGroup.ToUser(child.Usage));
            if (error != Errno.Success)
                return error;
        }

        return child.Pid;
    }

    [Syscall(247, "waitid", SyscallSupport.Real)]
    public static async KTask<SyscallResult> WaitId(
        Task current,
        WaitIdType type,
        int id,
        [Strace("out-siginfo")] UserPtr<SignalInfo> info,
        [Strace("wait")] WaitOptions options,
        [Strace("out-rusage")] UserPtr<ResourceUsage> usage)
    {
        const WaitOptions what = WaitOptions.Exited | WaitOptions.Untraced | WaitOptions.Continued;
        if ((options & ~(what | WaitOptions.NoHang | WaitOptions.NoWait | ForWhom)) != 0 || (options & what) == 0)
            return Errno.EINVAL;
        PidNumber? number = null;
        bool fileIsNonBlocking = false;
        switch (type)
        {
            case WaitIdType.All:
                break;
            case WaitIdType.Pid:
                if (id <= 0)
                    return Errno.EINVAL;
                number = current.Namespaces.Pid.Find(id);
                break;
            case WaitIdType.ProcessGroup:
                if (id < 0)
                    return Errno.EINVAL;
                number = id == 0 ? current.ThreadGroup.ProcessGroup : current.Namespaces.Pid.Find(id);
                break;
            case WaitIdType.PidFd:
                if (id < 0)
                    return Errno.EINVAL;
                if (current.Files!.Peek(new Fd(id)) is not PidFile file)
                    return Errno.EBADF;
                number = file.Number;
                fileIsNonBlocking = file.IsNonBlocking;
                break;
            default:
                return Errno.EINVAL;
        }

        if (type != WaitIdType.All && number is null)
            return Errno.ECHILD;
        var selector = new WaitSelector(type, number, fileIsNonBlocking ? options | WaitOptions.NoHang : options);
        Result<WaitedChild?> waited = await ChildWait.WaitAsync(current, selector);
        if (!waited.TryGet(out WaitedChild? child, out Errno error))
            return error;
        if (child is null && fileIsNonBlocking && (options & WaitOptions.NoHang) == 0)
            return Errno.EAGAIN;
        if (child is not null && !usage.IsNull)
        {
            error = await current.WriteUserAsync(usage, ThreadGroup.ToUser(child.Usage));
            if (error != Errno.Success)
                return error;
        }

        if (info.IsNull)
            return 0;
        // Only these fields are written; the rest of the caller's siginfo stays as it is.
        var head = new SignalInfo();
        if (child is not null)
        {
            head.Signal = SignalNumber.Chld;
            head.Code = child.Code;
            head.Pid = child.Pid;
            head.Uid = child.Uid.Value;
            head.Status = child.Status;
        }

        return await current.WriteUserBytesAsync(info.Address, HeadOf(in head));
    }

    private static byte[] HeadOf(in SignalInfo info) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(new ReadOnlySpan<SignalInfo>(in info))[..28].ToArray();
}
