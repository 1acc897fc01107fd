using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>epoll_create, epoll_create1, epoll_ctl, epoll_wait, epoll_pwait, epoll_pwait2 (epoll(7)).</summary>
internal static class EpollCalls
{
    private const int ControlAdd = 1;
    private const int ControlDelete = 2;
    private const int ControlModify = 3;

    // EP_MAX_EVENTS: INT_MAX / sizeof(struct epoll_event).
    private const int MaximumEvents = int.MaxValue / EpollEvent.Size;

    [Syscall(213, "epoll_create", SyscallSupport.Real)]
    public static SyscallResult EpollCreate(Task current, int size) => size <= 0 ? Errno.EINVAL : EpollCreate1(current, OpenFlags.ReadOnly);

    [Syscall(291, "epoll_create1", SyscallSupport.Real)]
    public static SyscallResult EpollCreate1(Task current, OpenFlags flags)
    {
        if ((flags & ~OpenFlags.CloseOnExec) != 0)
            return Errno.EINVAL;
        Errno error = current.Cgroup.ChargeKernelMemory(EventPoll.DeclaredSize);
        if (error != Errno.Success)
            return error;
        var file = new EventPoll(current.Kernel, current.Cgroup);
        Result<Fd> fd = current.Files!.Install(current, file, (flags & OpenFlags.CloseOnExec) != 0);
        if (fd.Ok)
            return fd.Value;
        file.Put();
        return fd.Error;
    }

    [Syscall(233, "epoll_ctl", SyscallSupport.Real)]
    public static async KTask<SyscallResult> EpollControl(Task current, Fd epfd, int operation, Fd fd, UserPtr<EpollEvent> pointer)
    {
        EpollEvent @event = default;
        if (operation != ControlDelete)
        {
            Result<EpollEvent> read = await current.ReadUserAsync(pointer);
            if (!read.Ok)
                return read.Error;
            @event = read.Value;
        }

        Result<OpenFile> epoll = current.Files!.Get(epfd);
        if (!epoll.Ok)
            return epoll.Error;
        Result<OpenFile> target = current.Files.Get(fd);
        if (!target.Ok)
        {
            epoll.Value.Put();
            return target.Error;
        }

        Errno error = Control(epoll.Value, operation, fd, target.Value, @event);
        target.Value.Put();
        epoll.Value.Put();
        return error;
    }

    [Syscall(232, "epoll_wait", SyscallSupport.Real)]
    public static KTask<SyscallResult> EpollWait(Task current, Fd epfd, VirtAddr events, int maximum, int timeout) =>
        WaitAsync(current, epfd, events, maximum, Deadline(current, timeout), timeout == 0);

    [Syscall(281, "epoll_pwait", SyscallSupport.Real)]
    public static async KTask<SyscallResult> EpollPWait(
        Task current, Fd epfd, VirtAddr events, int maximum, int timeout, UserPtr<ulong> mask, nuint maskSize)
    {
        Errno error = await TemporaryMask.SetAsync(current, mask, maskSize);
        if (error != Errno.Success)
            return error;
        SyscallResult result = await WaitAsync(current, epfd, events, maximum, Deadline(current, timeout), timeout == 0);
        current.RestoreSavedMask(result.Error == Errno.EINTR);
        return result;
    }

    [Syscall(441, "epoll_pwait2", SyscallSupport.Real)]
    public static async KTask<SyscallResult> EpollPWait2(
        Task current, Fd epfd, VirtAddr events, int maximum, UserPtr<Timespec> timeout, UserPtr<ulong> mask, nuint maskSize)
    {
        Ktime deadline = Ktime.Never;
        bool immediate = false;
        if (!timeout.IsNull)
        {
            Result<Timespec> limit = await current.ReadUserAsync(timeout);
            if (!limit.Ok)
                return limit.Error;
            if (!limit.Value.IsValid)
                return Errno.EINVAL;
            long duration = Ktime.Duration(limit.Value);
            immediate = duration == 0;
            deadline = current.Kernel.Time.Now + duration;
        }

        Errno error = await TemporaryMask.SetAsync(current, mask, maskSize);
        if (error != Errno.Success)
            return error;
        SyscallResult result = await WaitAsync(current, epfd, events, maximum, deadline, immediate);
        current.RestoreSavedMask(result.Error == Errno.EINTR);
        return result;
    }

    private static Ktime Deadline(Task current, int milliseconds) =>
        milliseconds < 0 ? Ktime.Never : current.Kernel.Time.Now + (milliseconds * 1_000_000L);

    private static Errno Control(OpenFile epoll, int operation, Fd fd, OpenFile target, EpollEvent @event)
    {
        if (!target.IsPollable)
            return Errno.EPERM;
        if (epoll == target || epoll is not EventPoll instance)
            return Errno.EINVAL;
        const uint ExclusiveAllowed = (uint)(PollEvents.In | PollEvents.Out | PollEvents.Error | PollEvents.HangUp)
            | (uint)(EpollFlags.WakeUp | EpollFlags.EdgeTriggered | EpollFlags.Exclusive);
        if (operation != ControlDelete && (@event.Events & (uint)EpollFlags.Exclusive) != 0
            && (operation == ControlModify || (@event.Events & ~ExclusiveAllowed) != 0))
        {
            return Errno.EINVAL;
        }

        return operation switch
        {
            ControlAdd => instance.Add(target, fd, @event),
            ControlDelete => instance.Remove(target, fd),
            ControlModify => instance.Modify(target, fd, @event),
            _ => Errno.EINVAL,
        };
    }

    private static async KTask<SyscallResult> WaitAsync(Task current, Fd epfd, VirtAddr events, int maximum, Ktime deadline, bool immediate)
    {
        if (maximum is <= 0 or > MaximumEvents)
            return Errno.EINVAL;
        Result<OpenFile> file = current.Files!.Get(epfd);
        if (!file.Ok)
            return file.Error;
        SyscallResult result = file.Value is EventPoll instance
            ? await instance.WaitAsync(current, events, maximum, deadline, immediate)
            : Errno.EINVAL;
        file.Value.Put();
        return result;
    }
}
