using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    public int Fd;
    public ushort Events;
    public ushort ReturnedEvents;
}

/// <summary>poll and ppoll (poll(2)).</summary>
internal static class PollCalls
{
    /// <summary>What a call with an absolute deadline keeps to be restarted after a stop or a signal without handler.</summary>
    private const string NfdsLimit = "more descriptors than RLIMIT_NOFILE allows give EINVAL";

    [Syscall(7, "poll", SyscallSupport.Real, Note = NfdsLimit)]
    public static async KTask<SyscallResult> Poll(Task current, UserPtr<PollFd> fds, uint count, int timeout)
    {
        Ktime deadline = timeout < 0 ? Ktime.Never : current.Kernel.Time.Now + (timeout * 1_000_000L);
        SyscallResult result = await PollAsync(current, fds, count, deadline, timeout == 0);
        return result.Error == Errno.ERESTARTNOHAND ? PollRestart.Arm(current, fds, count, deadline) : result;
    }

    [Syscall(271, "ppoll", SyscallSupport.Real, Note = NfdsLimit)]
    public static async KTask<SyscallResult> PPoll(
        Task current, UserPtr<PollFd> fds, uint count, UserPtr<Timespec> timeout, UserPtr<ulong> mask, nuint maskSize)
    {
        Ktime start = current.Kernel.Time.Now;
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
            deadline = start + duration;
        }

        Errno error = await TemporaryMask.SetAsync(current, mask, maskSize);
        if (error != Errno.Success)
            return error;
        SyscallResult result = await PollAsync(current, fds, count, deadline, immediate);
        return await FinishTimeoutAsync(current, result, timeout, deadline);
    }

    /// <summary>The common part; ERESTARTNOHAND when a signal ended the wait.</summary>
    internal static async KTask<SyscallResult> PollAsync(Task current, UserPtr<PollFd> fds, uint count, Ktime deadline, bool immediate)
    {
        if (count > current.ThreadGroup.Limit(ResourceLimit.NoFile).Soft)
            return Errno.EINVAL;
        byte[] raw = new byte[count * 8];
        Errno error = await current.ReadUserBytesAsync(fds.Address, raw);
        if (error != Errno.Success)
            return error;
        var waiter = new PollWaiter(current);
        int ready;
        bool register = !immediate;
        for (; ; )
        {
            waiter.Rearm();
            ready = Scan(current, MemoryMarshal.Cast<byte, PollFd>(raw.AsSpan()), register ? waiter : null);
            register = false;
            if (ready > 0 || immediate)
                break;
            if (waiter.Triggered)
                continue;
            WakeReason reason = await current.SleepAsync(WaitMode.Interruptible, deadline);
            if (reason == WakeReason.Interrupted)
            {
                waiter.Clear();
                return Errno.ERESTARTNOHAND;
            }

            if (reason == WakeReason.TimedOut)
                immediate = true;
        }

        waiter.Clear();
        error = await WriteBackAsync(current, fds, raw);
        return error != Errno.Success ? error : ready;
    }

    /// <summary>
    /// Ends a call with a temporary mask and a timeout that Linux writes back: what is left, or zero. A failed
    /// write-back counts for nothing, except that an interrupted call is then not restarted.
    /// </summary>
    internal static async KTask<SyscallResult> FinishTimeoutAsync(Task current, SyscallResult result, UserPtr<Timespec> timeout, Ktime deadline)
    {
        bool interrupted = result.Error == Errno.ERESTARTNOHAND;
        current.RestoreSavedMask(interrupted);
        if (timeout.IsNull)
            return result;
        if (current.HasStickyTimeouts)
            return interrupted ? Errno.EINTR : result;
        long left = Math.Max(deadline - current.Kernel.Time.Now, 0);
        Errno error = await current.WriteUserAsync(timeout, Timespec.FromNanoseconds(left));
        return error != Errno.Success && interrupted ? Errno.EINTR : result;
    }

    private static int Scan(Task current, Span<PollFd> fds, PollWaiter? waiter)
    {
        int ready = 0;
        foreach (ref PollFd fd in fds)
        {
            fd.ReturnedEvents = 0;
            if (fd.Fd < 0)
                continue;
            OpenFile? file = current.Files!.Peek(new Fd(fd.Fd));
            PollEvents events;
            if (file is null || (file.Flags & OpenFlags.Path) != 0)
            {
                events = PollEvents.Invalid;
            }
            else
            {
                PollEvents interest = (PollEvents)fd.Events | PollEvents.Error | PollEvents.HangUp;
                if (waiter is not null)
                    waiter.Interest = interest;
                events = file.Poll(ready == 0 ? waiter : null) & interest;
            }

            fd.ReturnedEvents = (ushort)events;
            if (events != PollEvents.None)
                ready++;
        }

        return ready;
    }

    private static async KTask<Errno> WriteBackAsync(Task current, UserPtr<PollFd> fds, byte[] raw)
    {
        // Only revents is written, as Linux does: events and fd may lie in memory that others change.
        for (int i = 0; i < raw.Length / 8; i++)
        {
            var address = new UserPtr<ushort>(fds.Element(i).Address + 6);
            Errno error = await current.WriteUserAsync(address, BitConverter.ToUInt16(raw, (i * 8) + 6));
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }
}
