using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <summary>An eventfd (eventfd(2)): a 64-bit counter that reads drain and writes fill.</summary>
internal sealed class EventFile(KernelInstance kernel, Cgroup cgroup, ulong count, bool semaphore, OpenFlags flags)
    : AnonymousFile(kernel, "[eventfd]", flags)
{
    /// <summary>Kernel memory charged for one, its description included.</summary>
    public const long DeclaredSize = 512;

    private readonly WaitQueue _wait = new();

    /// <summary>The counter, at most 2^64 − 2.</summary>
    public ulong Count { get; private set; } = count;

    public bool IsSemaphore { get; } = semaphore;

    public override bool IsStream => true;

    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        if (to.Remaining < sizeof(ulong))
            return Errno.EINVAL;
        for (; ; )
        {
            if (Count == 0)
            {
                if (IsNonBlocking || to.IsNoWait)
                    return Errno.EAGAIN;
                if (await _wait.WaitAsync(current, WaitMode.Interruptible, Ktime.Never, exclusive: true) == WakeReason.Interrupted)
                    return Errno.ERESTARTSYS;
                continue;
            }

            ulong value = IsSemaphore ? 1 : Count;
            // Taken first: a fault loses it.
            Count -= value;
            _wait.WakeAll((uint)(PollEvents.Out | PollEvents.WriteNormal));
            int copied;
            while ((copied = CopyValue(to, value)) < sizeof(ulong))
            {
                to.Revert(copied);
                Errno error = await to.FaultInAsync(current, write: true);
                if (error != Errno.Success)
                    return error;
            }

            return sizeof(ulong);
        }
    }

    public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
    {
        if (from.Remaining != sizeof(ulong))
            return Errno.EINVAL;
        byte[] buffer = new byte[sizeof(ulong)];
        int have = 0;
        while ((have += from.CopyFrom(buffer.AsSpan(have))) < sizeof(ulong))
        {
            Errno error = await from.FaultInAsync(current, write: false);
            if (error != Errno.Success)
                return error;
        }

        ulong value = MemoryMarshal.Read<ulong>(buffer);
        if (value == ulong.MaxValue)
            return Errno.EINVAL;
        while (ulong.MaxValue - Count <= value)
        {
            if (IsNonBlocking || from.IsNoWait)
                return Errno.EAGAIN;
            if (await _wait.WaitAsync(current, WaitMode.Interruptible, Ktime.Never) == WakeReason.Interrupted)
                return Errno.ERESTARTSYS;
        }

        Signal(value);
        return sizeof(ulong);
    }

    /// <summary>Adds to the counter from inside the kernel, saturating.</summary>
    public void Signal(ulong value)
    {
        Count = ulong.MaxValue - 1 - Count < value ? ulong.MaxValue : Count + value;
        _wait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));
    }

    public override PollEvents Poll(PollTable? table)
    {
        table?.Add(_wait);
        var events = PollEvents.None;
        if (Count > 0)
            events |= PollEvents.In | PollEvents.ReadNormal;
        if (Count == ulong.MaxValue)
            events |= PollEvents.Error;
        if (Count < ulong.MaxValue - 1)
            events |= PollEvents.Out | PollEvents.WriteNormal;
        return events;
    }

    public override void Release()
    {
        cgroup.UnchargeKernelMemory(DeclaredSize);
        base.Release();
    }

    private static int CopyValue(IovIter to, ulong value) => to.CopyTo(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value)));
}
