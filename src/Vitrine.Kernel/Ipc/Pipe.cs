using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <summary>One filled (part of a) frame of a pipe.</summary>
internal struct PipeBuffer
{
    public PageFrameNumber Frame;
    public int Offset;
    public int Length;

    /// <summary>Written in packet mode: a read takes it whole or drops the rest, and nothing is merged into it.</summary>
    public bool IsPacket;

    /// <summary>The frame is in another pipe too (tee) or split: nothing may be appended in it.</summary>
    public bool IsShared;
}

/// <summary>
/// The ring of buffers behind a pipe or FIFO (pipe_inode_info's twin), pipe(7). Data lives in guest frames. It exists
/// while an end is open; the last <see cref="Close"/> frees it.
/// </summary>
internal sealed partial class Pipe
{
    /// <summary>Slots of a new pipe: 64 KiB.</summary>
    public const int DefaultSlots = 16;

    /// <summary>Writes of up to this many bytes are atomic (PIPE_BUF).</summary>
    public const int AtomicSize = 4096;

    /// <summary>Kernel memory charged for a pipe besides its frames: ring, two descriptions, an inode.</summary>
    public const long DeclaredSize = 2048;

    private readonly KernelInstance _kernel;
    private readonly Cgroup _cgroup;
    private PipeBuffer[] _ring = new PipeBuffer[DefaultSlots];
    private uint _head;
    private uint _tail;

    private Pipe(KernelInstance kernel, Cgroup cgroup)
    {
        _kernel = kernel;
        _cgroup = cgroup;
    }

    public WaitQueue ReadWait { get; } = new();

    public WaitQueue WriteWait { get; } = new();

    /// <summary>Readers and writers with O_ASYNC.</summary>
    public AsyncSubscribers ReadSubscribers { get; } = new();

    public AsyncSubscribers WriteSubscribers { get; } = new();

    /// <summary>Open descriptions that can read / write.</summary>
    public int Readers { get; private set; }

    public int Writers { get; private set; }

    /// <summary>How often an end was opened for reading / writing: what an opener of the other end of a FIFO waits to change.</summary>
    public uint ReaderOpens { get; private set; }

    public uint WriterOpens { get; private set; }

    public int Slots => _ring.Length;

    public int Capacity => _ring.Length * (int)Page.Size;

    /// <summary>Somebody has polled it: from then on each write is an event, as edge-triggered watchers rely on.</summary>
    public bool IsPolled { get; set; }

    public bool IsEmpty => _head == _tail;

    public bool IsFull => _head - _tail >= (uint)_ring.Length;

    /// <summary>Bytes that could be read now (FIONREAD).</summary>
    public int Available
    {
        get
        {
            int total = 0;
            for (uint i = _tail; i != _head; i++)
                total += Slot(i).Length;
            return total;
        }
    }

    /// <summary>A pipe without ends, charged to the task's cgroup: ENOMEM at a limit.</summary>
    public static Result<Pipe> Create(Task current)
    {
        Errno error = current.Cgroup.ChargeKernelMemory(DeclaredSize);
        if (error != Errno.Success)
            return error;
        return new Pipe(current.Kernel, current.Cgroup);
    }

    /// <summary>An end (or both) was opened.</summary>
    public void Open(bool read, bool write)
    {
        if (read)
        {
            Readers++;
            ReaderOpens++;
            WriteWait.WakeAll((uint)(PollEvents.Out | PollEvents.WriteNormal));
        }

        if (write)
        {
            Writers++;
            WriterOpens++;
            ReadWait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));
        }
    }

    /// <summary>An end was closed. True if it was the last one: the pipe has freed what it held.</summary>
    public bool Close(bool read, bool write)
    {
        if (read)
            Readers--;
        if (write)
            Writers--;
        if (Readers == 0 && Writers == 0)
        {
            while (!IsEmpty)
                DropTail();
            _cgroup.UnchargeKernelMemory(DeclaredSize);
            return true;
        }

        // Whoever waits at the other end sees end-of-file or a broken pipe now.
        ReadWait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal | PollEvents.HangUp | PollEvents.Error));
        WriteWait.WakeAll((uint)(PollEvents.Out | PollEvents.WriteNormal | PollEvents.HangUp | PollEvents.Error));
        if (Readers == 0 || Writers == 0)
        {
            ReadSubscribers.Notify(PollReason.In);
            WriteSubscribers.Notify(PollReason.Out);
        }

        return false;
    }

    /// <summary>Gives up a charge of a pipe that was never opened.</summary>
    public void Abandon() => _cgroup.UnchargeKernelMemory(DeclaredSize);

    /// <summary>Changes the number of slots; EBUSY if what is in the pipe does not fit.</summary>
    public Errno Resize(int slots)
    {
        uint used = _head - _tail;
        if (used > (uint)slots)
            return Errno.EBUSY;
        var ring = new PipeBuffer[slots];
        for (uint i = 0; i < used; i++)
            ring[i] = Slot(_tail + i);
        bool grows = slots > _ring.Length;
        _ring = ring;
        _tail = 0;
        _head = used;
        if (grows)
            WriteWait.WakeAll((uint)(PollEvents.Out | PollEvents.WriteNormal));
        return Errno.Success;
    }

    public async KTask<Result<long>> ReadAsync(Task current, IovIter to, bool nonBlocking)
    {
        long done = 0;
        bool waited = false;
        while (to.Remaining > 0)
        {
            if (IsEmpty)
            {
                if (done > 0 || Writers == 0)
                    break;
                if (nonBlocking)
                {
                    WriteSubscribers.Notify(PollReason.Out);
                    return Errno.EAGAIN;
                }

                if (await ReadWait.WaitAsync(current, WaitMode.Interruptible, Time.Ktime.Never, exclusive: true) == WakeReason.Interrupted)
                    return Errno.ERESTARTSYS;
                waited = true;
                continue;
            }

            bool wasFull = IsFull;
            bool packet = Slot(_tail).IsPacket;
            int wanted = (int)Math.Min(Slot(_tail).Length, to.Remaining);
            int copied = CopyFromTail(to, wanted);
            done += copied;
            bool whole = copied == wanted;
            if (Slot(_tail).Length == 0 || (packet && whole))
                DropTail();
            if (wasFull && !IsFull)
                WriteWait.Wake(1, (uint)(PollEvents.Out | PollEvents.WriteNormal));
            if (packet && whole)
                break;
            if (!whole)
            {
                Errno error = await to.FaultInAsync(current, write: true);
                if (error != Errno.Success)
                    return done > 0 ? done : error;
            }
        }

        // Who was woken alone hands on what is left.
        if (waited && !IsEmpty)
            ReadWait.Wake(1, (uint)(PollEvents.In | PollEvents.ReadNormal));
        WriteSubscribers.Notify(PollReason.Out);
        return done;
    }

    public async KTask<Result<long>> WriteAsync(Task current, IovIter from, bool nonBlocking, bool packets)
    {
        if (from.Remaining == 0)
            return 0;
        long done = 0;
        bool waited = false;
        for (; ; )
        {
            if (Readers == 0)
            {
                Signals.SignalSender.SendKernel(current, SignalNumber.Pipe);
                ReadSubscribers.Notify(PollReason.In);
                return done > 0 ? done : Errno.EPIPE;
            }

            if (done == 0 && !packets && await MergeAsync(current, from) is { } merged)
            {
                if (!merged.Ok)
                    return merged.Error;
                done += merged.Value;
                if (IsPolled)
                    ReadWait.Wake(1, (uint)(PollEvents.In | PollEvents.ReadNormal));
                if (from.Remaining == 0)
                {
                    ReadSubscribers.Notify(PollReason.In);
                    return done;
                }

                continue;
            }

            if (IsFull)
            {
                ReadSubscribers.Notify(PollReason.In);
                if (nonBlocking || (from.IsPartial && done > 0))
                    return done > 0 ? done : Errno.EAGAIN;
                if (await WriteWait.WaitAsync(current, WaitMode.Interruptible, Time.Ktime.Never, exclusive: true) == WakeReason.Interrupted)
                    return done > 0 ? done : Errno.ERESTARTSYS;
                waited = true;
                continue;
            }

            PageFrameNumber frame = _kernel.Memory.TryAllocate(FrameRequest.KernelNoZero, current.Cgroup);
            if (frame.IsNone)
            {
                Result<PageFrameNumber> allocated = await _kernel.Memory.AllocateAsync(current, FrameRequest.KernelNoZero);
                if (!allocated.Ok)
                    return done > 0 ? done : allocated.Error;
                frame = allocated.Value;
            }

            // The allocation or the copy may have waited: others may have filled the pipe or left it meanwhile.
            int wanted = (int)Math.Min(from.Remaining, (long)Page.Size);
            int copied = CopyIntoFrame(from, frame, wanted);
            if (copied < wanted)
            {
                from.Revert(copied);
                _kernel.Memory.Put(frame);
                Errno error = await from.FaultInRangeAsync(current, wanted);
                if (error != Errno.Success)
                    return done > 0 ? done : error;
                continue;
            }

            if (IsFull || Readers == 0)
            {
                from.Revert(copied);
                _kernel.Memory.Put(frame);
                continue;
            }

            bool wasEmpty = IsEmpty;
            Slot(_head) = new PipeBuffer { Frame = frame, Length = copied, IsPacket = packets };
            _head++;
            done += copied;
            if (wasEmpty || IsPolled)
                ReadWait.Wake(1, (uint)(PollEvents.In | PollEvents.ReadNormal));
            if (from.Remaining == 0)
            {
                if (waited && !IsFull)
                    WriteWait.Wake(1, (uint)(PollEvents.Out | PollEvents.WriteNormal));
                ReadSubscribers.Notify(PollReason.In);
                return done;
            }
        }
    }

    /// <summary>Appends to the last buffer if it has room for the write's odd bytes. Null: nothing to merge into.</summary>
    private async KTask<Result<int>?> MergeAsync(Task current, IovIter from)
    {
        int odd = (int)(from.Remaining & ((long)Page.Size - 1));
        while (odd != 0 && !IsEmpty && Slot(_head - 1) is { IsPacket: false, IsShared: false }
            && Slot(_head - 1).Offset + Slot(_head - 1).Length + odd <= (int)Page.Size)
        {
            int copied = AppendToLast(from, odd);
            if (copied == odd)
                return (Result<int>)odd;
            from.Revert(copied);
            Errno error = await from.FaultInRangeAsync(current, odd);
            if (error != Errno.Success)
                return (Result<int>)error;
        }

        return null;
    }

    private int AppendToLast(IovIter from, int count)
    {
        ref PipeBuffer last = ref Slot(_head - 1);
        int copied = from.CopyFrom(_kernel.Memory.Ram.FrameSpan(last.Frame).Slice(last.Offset + last.Length, count));
        if (copied == count)
            last.Length += count;
        return copied;
    }

    private int CopyIntoFrame(IovIter from, PageFrameNumber frame, int count) =>
        from.CopyFrom(_kernel.Memory.Ram.FrameSpan(frame)[..count]);

    private int CopyFromTail(IovIter to, int count)
    {
        ref PipeBuffer buffer = ref Slot(_tail);
        int copied = to.CopyTo(_kernel.Memory.Ram.FrameSpan(buffer.Frame).Slice(buffer.Offset, count));
        buffer.Offset += copied;
        buffer.Length -= copied;
        return copied;
    }

    private void DropTail()
    {
        ref PipeBuffer buffer = ref Slot(_tail);
        _kernel.Memory.Put(buffer.Frame);
        buffer = default;
        _tail++;
    }

    private ref PipeBuffer Slot(uint index) => ref _ring[index & (uint)(_ring.Length - 1)];
}
