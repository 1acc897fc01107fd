using Vitrine.Kernel.Async;
using Vitrine.Kernel.Futexes;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>futex(2)'s younger family, a call for each operation: futex_wake, futex_wait, futex_requeue, and futex_waitv.</summary>
internal static class Futex2Calls
{
    private const int MaximumVector = 128;
    private const uint SizeMask = 3;
    private const uint Size32 = 2;
    private const uint Private = 0x80;

    [Syscall(454, "futex_wake", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FutexWake(Task current, UserPtr<uint> word, [Strace("hex")] ulong mask, int count, [Strace("hex")] uint flags)
    {
        if (!IsValid(flags) || mask > uint.MaxValue)
            return Errno.EINVAL;
        if (mask == 0 || (word.Address.Value & 3) != 0)
            return Errno.EINVAL;
        if (count == 0)
            return FutexKey.Find(current.Mm!, word.Address, IsShared(flags), out _);
        return await FutexCore.WakeAsync(current, word, IsShared(flags), count, (uint)mask);
    }

    [Syscall(455, "futex_wait", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FutexWait(
        Task current, UserPtr<uint> word, ulong value, [Strace("hex")] ulong mask, [Strace("hex")] uint flags,
        [Strace("timespec")] UserPtr<Timespec> timeout, ClockId clock)
    {
        if (!IsValid(flags) || value > uint.MaxValue || mask > uint.MaxValue)
            return Errno.EINVAL;
        Result<Ktime> read = await ReadDeadlineAsync(current, timeout, clock);
        return read.TryGet(out Ktime deadline, out Errno error)
            ? await FutexCore.WaitAsync(current, word, IsShared(flags), (uint)value, deadline, (uint)mask)
            : error;
    }

    [Syscall(456, "futex_requeue", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FutexRequeue(Task current, UserPtr<FutexWaitVector> waiters, uint flags, int wake, int move)
    {
        if (flags != 0 || waiters.IsNull)
            return Errno.EINVAL;
        var words = new FutexWaitVector[2];
        Errno error = await ReadWordsAsync(current, waiters, words);
        if (error != Errno.Success)
            return error;
        // What is private and what is shared can't be the same futex: each is found in its own way.
        bool shared = IsShared(words[0].Flags);
        return await FutexCore.RequeueAsync(
            current, Word(words[0]), Word(words[1]), shared, IsShared(words[1].Flags), wake, move, (uint)words[0].Value);
    }

    [Syscall(449, "futex_waitv", SyscallSupport.Real)]
    public static async KTask<SyscallResult> FutexWaitV(
        Task current, UserPtr<FutexWaitVector> waiters, uint count, uint flags, [Strace("timespec")] UserPtr<Timespec> timeout, ClockId clock)
    {
        if (flags != 0 || count is 0 or > MaximumVector || waiters.IsNull)
            return Errno.EINVAL;
        Result<Ktime> read = await ReadDeadlineAsync(current, timeout, clock);
        if (!read.TryGet(out Ktime deadline, out Errno error))
            return error;
        var words = new FutexWaitVector[count];
        error = await ReadWordsAsync(current, waiters, words);
        return error == Errno.Success ? await FutexVector.WaitAsync(current, words, deadline) : error;
    }

    private static bool IsValid(uint flags) => (flags & ~(SizeMask | Private)) == 0 && (flags & SizeMask) == Size32;

    private static bool IsShared(uint flags) => (flags & Private) == 0;

    private static UserPtr<uint> Word(FutexWaitVector vector) => new(new VirtAddr(vector.Address));

    private static async KTask<Errno> ReadWordsAsync(Task current, UserPtr<FutexWaitVector> from, FutexWaitVector[] words)
    {
        for (int i = 0; i < words.Length; i++)
        {
            Result<FutexWaitVector> read = await current.ReadUserAsync(from.Element(i));
            if (!read.TryGet(out words[i], out Errno error))
                return error;
            if (!IsValid(words[i].Flags) || words[i].Reserved != 0 || words[i].Value > uint.MaxValue)
                return Errno.EINVAL;
        }

        return Errno.Success;
    }

    /// <summary>A moment on one of two clocks; null is never.</summary>
    private static async KTask<Result<Ktime>> ReadDeadlineAsync(Task current, UserPtr<Timespec> timeout, ClockId clock)
    {
        if (timeout.IsNull)
            return Ktime.Never;
        if (clock is not (ClockId.Realtime or ClockId.Monotonic))
            return Errno.EINVAL;
        Result<Timespec> read = await current.ReadUserAsync(timeout);
        if (!read.TryGet(out Timespec time, out Errno error))
            return error;
        return time.IsValid ? current.Kernel.Time.ToMonotonic(clock, Ktime.Duration(time)) : Errno.EINVAL;
    }
}
