using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <summary>Pending signals that are read (signalfd(2)): of whoever reads, not of whoever made it.</summary>
internal sealed class SignalFile(KernelInstance kernel, Cgroup cgroup, SignalSet set, OpenFlags flags)
    : AnonymousFile(kernel, "[signalfd]", flags)
{
    /// <summary>Kernel memory charged for one.</summary>
    public const long DeclaredSize = 512;

    private const int RecordSize = 128;

    /// <summary>The signals it takes; never SIGKILL or SIGSTOP.</summary>
    public SignalSet Set { get; set; } = set & ~SignalSet.Unblockable;

    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        long room = to.Remaining / RecordSize;
        if (room == 0)
            return Errno.EINVAL;
        long done = 0;
        while (done < room)
        {
            SignalInfo info = current.DequeueSignal(~Set);
            if (info.Signal == SignalNumber.None)
            {
                if (done > 0)
                    break;
                if (IsNonBlocking || to.IsNoWait)
                    return Errno.EAGAIN;
                if (await current.ThreadGroup.Handlers.SignalWait.WaitAsync(current, WaitMode.Interruptible) == WakeReason.Interrupted
                    && !HasAny(current))
                {
                    return Errno.ERESTARTSYS;
                }

                continue;
            }

            byte[] record = Encode(info);
            int copied = 0;
            while ((copied += to.CopyTo(record.AsSpan(copied))) < RecordSize)
            {
                Errno error = await to.FaultInAsync(current, write: true);
                if (error != Errno.Success)
                    return done > 0 ? done * RecordSize : error;
            }

            done++;
        }

        return done * RecordSize;
    }

    public override PollEvents Poll(PollTable? table)
    {
        // Poll has no caller here but the one on this processor: Linux, too, looks at current.
        Task? current = Kernel.CurrentTask;
        if (current is null)
            return PollEvents.None;
        table?.Add(current.ThreadGroup.Handlers.SignalWait);
        return HasAny(current) ? PollEvents.In | PollEvents.ReadNormal : PollEvents.None;
    }

    public override void Release()
    {
        cgroup.UnchargeKernelMemory(DeclaredSize);
        base.Release();
    }

    private bool HasAny(Task current) => !((current.Pending.Set | current.ThreadGroup.SharedPending.Set) & Set).IsEmpty;

    /// <summary>struct signalfd_siginfo.</summary>
    private static byte[] Encode(in SignalInfo info)
    {
        byte[] record = new byte[RecordSize];
        Span<int> words = MemoryMarshal.Cast<byte, int>(record.AsSpan());
        words[0] = (int)info.Signal;
        words[1] = info.Errno;
        words[2] = info.Code;
        bool fault = info.Code > 0 && info.Signal is SignalNumber.Segv or SignalNumber.Bus or SignalNumber.Ill or SignalNumber.Fpe or SignalNumber.Trap;
        if (fault)
        {
            BitConverter.TryWriteBytes(record.AsSpan(72), info.Address);
            return record;
        }

        if (info.Code == SignalCode.Timer)
        {
            words[6] = info.Pid;
            words[8] = (int)info.Uid;
            words[11] = (int)info.Value;
            BitConverter.TryWriteBytes(record.AsSpan(48), info.Value);
            return record;
        }

        words[3] = info.Pid;
        words[4] = (int)info.Uid;
        if (info.Signal == SignalNumber.Chld && info.Code > 0)
        {
            words[10] = info.Status;
            BitConverter.TryWriteBytes(record.AsSpan(56), info.UserTicks);
            BitConverter.TryWriteBytes(record.AsSpan(64), info.SystemTicks);
        }
        else if (info.Code is SignalCode.Queue or SignalCode.MessageQueue or SignalCode.AsyncIo)
        {
            words[11] = (int)info.Value;
            BitConverter.TryWriteBytes(record.AsSpan(48), info.Value);
        }

        return record;
    }
}
