using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>timerfd_create, timerfd_settime, timerfd_gettime (timerfd_create(2)).</summary>
internal static class TimerFileCalls
{
    private const int AbsoluteTime = 1;
    private const int CancelOnSet = 2;

    [Syscall(283, "timerfd_create", SyscallSupport.Real)]
    public static SyscallResult TimerFdCreate(Task current, ClockId clock, OpenFlags flags)
    {
        if ((flags & ~(OpenFlags.CloseOnExec | OpenFlags.NonBlock)) != 0)
            return Errno.EINVAL;
        if (clock is not (ClockId.Realtime or ClockId.Monotonic or ClockId.Boottime or ClockId.RealtimeAlarm or ClockId.BoottimeAlarm))
            return Errno.EINVAL;
        if (clock is (ClockId.RealtimeAlarm or ClockId.BoottimeAlarm) && !MayWake(current))
            return Errno.EPERM;
        Errno error = current.Cgroup.ChargeKernelMemory(TimerFile.DeclaredSize);
        if (error != Errno.Success)
            return error;
        var file = new TimerFile(current.Kernel, current.Cgroup, clock, OpenFlags.ReadWrite | (flags & OpenFlags.NonBlock));
        Result<Fd> fd = current.Files!.Install(current, file, (flags & OpenFlags.CloseOnExec) != 0);
        if (fd.Ok)
            return fd.Value;
        file.Put();
        return fd.Error;
    }

    [Syscall(286, "timerfd_settime", SyscallSupport.Real)]
    public static async KTask<SyscallResult> TimerFdSetTime(Task current, Fd fd, int flags, UserPtr<TimerSpec> value, UserPtr<TimerSpec> old)
    {
        Result<TimerSpec> read = await current.ReadUserAsync(value);
        if (!read.Ok)
            return read.Error;
        TimerSpec wanted = read.Value;
        if ((flags & ~(AbsoluteTime | CancelOnSet)) != 0 || !wanted.Value.IsValid || !wanted.Interval.IsValid)
            return Errno.EINVAL;
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return file.Error;
        SyscallResult result = file.Value is TimerFile timer ? await SetAsync(current, timer, flags, wanted, old) : Errno.EINVAL;
        file.Value.Put();
        return result;
    }

    [Syscall(287, "timerfd_gettime", SyscallSupport.Real)]
    public static async KTask<SyscallResult> TimerFdGetTime(Task current, Fd fd, UserPtr<TimerSpec> value)
    {
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return file.Error;
        SyscallResult result = file.Value is TimerFile timer ? await current.WriteUserAsync(value, timer.Current) : Errno.EINVAL;
        file.Value.Put();
        return result;
    }

    private static async KTask<SyscallResult> SetAsync(Task current, TimerFile timer, int flags, TimerSpec wanted, UserPtr<TimerSpec> old)
    {
        if (timer.IsAlarm && !MayWake(current))
            return Errno.EPERM;
        TimerSpec before = timer.Current;
        long duration = Ktime.Duration(wanted.Value);
        bool followsClock = (flags & AbsoluteTime) != 0 && timer.Clock is (ClockId.Realtime or ClockId.RealtimeAlarm);
        Ktime? expires = null;
        if (duration != 0)
        {
            expires = (flags & AbsoluteTime) != 0
                ? current.Kernel.Time.ToMonotonic(timer.Clock, duration)
                : current.Kernel.Time.Now + duration;
        }

        Errno error = timer.Set(expires, Ktime.Duration(wanted.Interval), followsClock ? duration : null, followsClock && (flags & CancelOnSet) != 0);
        if (error != Errno.Success)
            return error;
        return old.IsNull ? Errno.Success : await current.WriteUserAsync(old, before);
    }

    private static bool MayWake(Task current) =>
        current.Credentials.IsCapable(current.Kernel.InitUserNamespace, Capability.WakeAlarm);
}
