using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>select and pselect6 (select(2)).</summary>
internal static class SelectCalls
{
    private const PollEvents ReadSet = PollEvents.ReadNormal | PollEvents.ReadBand | PollEvents.In | PollEvents.HangUp | PollEvents.Error | PollEvents.Invalid;
    private const PollEvents WriteSet = PollEvents.WriteBand | PollEvents.WriteNormal | PollEvents.Out | PollEvents.Error | PollEvents.Invalid;
    private const PollEvents ExceptSet = PollEvents.Priority | PollEvents.Invalid;

    [Syscall(23, "select", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Select(
        Task current, int count, UserPtr<ulong> read, UserPtr<ulong> write, UserPtr<ulong> except, UserPtr<Timeval> timeout)
    {
        Ktime deadline = Ktime.Never;
        bool immediate = false;
        if (!timeout.IsNull)
        {
            Result<Timeval> limit = await current.ReadUserAsync(timeout);
            if (!limit.Ok)
                return limit.Error;
            Timeval value = limit.Value;
            // Whole seconds in the microseconds are allowed here.
            var normal = new Timespec(value.Seconds + (value.Microseconds / 1_000_000), value.Microseconds % 1_000_000 * 1000);
            if (!normal.IsValid)
                return Errno.EINVAL;
            long duration = Ktime.Duration(normal);
            immediate = duration == 0;
            deadline = current.Kernel.Time.Now + duration;
        }

        SyscallResult result = await SelectAsync(current, count, read, write, except, deadline, immediate);
        if (timeout.IsNull)
            return result;
        if (current.HasStickyTimeouts)
            return result.Error == Errno.ERESTARTNOHAND ? Errno.EINTR : result;
        long left = Math.Max(deadline - current.Kernel.Time.Now, 0);
        Errno error = await current.WriteUserAsync(timeout, new Timeval(left / 1_000_000_000, left % 1_000_000_000 / 1000));
        return error != Errno.Success && result.Error == Errno.ERESTARTNOHAND ? Errno.EINTR : result;
    }

    [Syscall(270, "pselect6", SyscallSupport.Real)]
    public static async KTask<SyscallResult> PSelect6(
        Task current, int count, UserPtr<ulong> read, UserPtr<ulong> write, UserPtr<ulong> except, UserPtr<Timespec> timeout, UserPtr<ulong> maskArgument)
    {
        Ktime deadline = Ktime.Never;
        bool immediate = false;
        var mask = new UserPtr<ulong>(default);
        nuint maskSize = 0;
        if (!maskArgument.IsNull)
        {
            Result<ulong> pointer = await current.ReadUserAsync(maskArgument);
            if (!pointer.Ok)
                return pointer.Error;
            Result<ulong> size = await current.ReadUserAsync(maskArgument.Element(1));
            if (!size.Ok)
                return size.Error;
            mask = new UserPtr<ulong>(new VirtAddr(pointer.Value));
            maskSize = (nuint)size.Value;
        }

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
        SyscallResult result = await SelectAsync(current, count, read, write, except, deadline, immediate);
        return await PollCalls.FinishTimeoutAsync(current, result, timeout, deadline);
    }

    private static async KTask<SyscallResult> SelectAsync(
        Task current, int count, UserPtr<ulong> read, UserPtr<ulong> write, UserPtr<ulong> except, Ktime deadline, bool immediate)
    {
        if (count < 0)
            return Errno.EINVAL;
        // Linux looks no further than the table reaches.
        count = Math.Min(count, current.Files!.Capacity);
        int words = (count + 63) / 64;
        UserPtr<ulong>[] pointers = [read, write, except];
        ulong[][] wanted = new ulong[3][];
        for (int set = 0; set < 3; set++)
        {
            wanted[set] = new ulong[words];
            if (pointers[set].IsNull || words == 0)
                continue;
            byte[] raw = new byte[words * 8];
            Errno error = await current.ReadUserBytesAsync(pointers[set].Address, raw);
            if (error != Errno.Success)
                return error;
            MemoryMarshal.Cast<byte, ulong>(raw).CopyTo(wanted[set]);
        }

        ulong[][] found = [new ulong[words], new ulong[words], new ulong[words]];
        var waiter = new PollWaiter(current);
        bool register = !immediate;
        int ready;
        for (; ; )
        {
            waiter.Rearm();
            ready = Scan(current, count, wanted, found, register ? waiter : null);
            register = false;
            if (ready != 0 || immediate)
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
        if (ready < 0)
            return Errno.EBADF;
        for (int set = 0; set < 3; set++)
        {
            if (pointers[set].IsNull || words == 0)
                continue;
            Errno error = await current.WriteUserBytesAsync(pointers[set].Address, MemoryMarshal.AsBytes<ulong>(found[set]).ToArray());
            if (error != Errno.Success)
                return error;
        }

        return ready;
    }

    /// <summary>The number of bits found, or −1 for a descriptor that is not open.</summary>
    private static int Scan(Task current, int count, ulong[][] wanted, ulong[][] found, PollWaiter? waiter)
    {
        int ready = 0;
        for (int set = 0; set < 3; set++)
            Array.Clear(found[set]);
        for (int fd = 0; fd < count; fd++)
        {
            ulong bit = 1UL << (fd & 63);
            int word = fd >> 6;
            bool inRead = (wanted[0][word] & bit) != 0;
            bool inWrite = (wanted[1][word] & bit) != 0;
            bool inExcept = (wanted[2][word] & bit) != 0;
            if (!inRead && !inWrite && !inExcept)
                continue;
            OpenFile? file = current.Files!.Peek(new Fd(fd));
            if (file is null || (file.Flags & OpenFlags.Path) != 0)
                return -1;
            if (waiter is not null)
            {
                waiter.Interest = (inRead ? ReadSet : 0) | (inWrite ? WriteSet : 0) | (inExcept ? ExceptSet : 0);
            }

            PollEvents events = file.Poll(ready == 0 ? waiter : null);
            ready += Mark(inRead, events & ReadSet, found[0], word, bit);
            ready += Mark(inWrite, events & WriteSet, found[1], word, bit);
            ready += Mark(inExcept, events & ExceptSet, found[2], word, bit);
        }

        return ready;
    }

    private static int Mark(bool wanted, PollEvents events, ulong[] set, int word, ulong bit)
    {
        if (!wanted || events == PollEvents.None)
            return 0;
        set[word] |= bit;
        return 1;
    }
}
