using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <content>
/// Moving whole buffers in and out for splice(2), tee(2) and vmsplice(2): frames change hands, no byte is copied
/// between pipes.
/// </content>
internal sealed partial class Pipe
{
    /// <summary>Buffers that are filled.</summary>
    public int Occupied => (int)(_head - _tail);

    /// <summary>Waits until there is something to read. Success also at the end of all writers, with the pipe empty.</summary>
    public async KTask<Errno> WaitForDataAsync(Task current, bool nonBlocking)
    {
        while (IsEmpty && Writers > 0)
        {
            if (nonBlocking)
                return Errno.EAGAIN;
            if (await ReadWait.WaitAsync(current, WaitMode.Interruptible) == WakeReason.Interrupted)
                return Errno.ERESTARTSYS;
        }

        return Errno.Success;
    }

    /// <summary>Waits until a buffer is free. EPIPE and SIGPIPE when nobody can read.</summary>
    public async KTask<Errno> WaitForRoomAsync(Task current, bool nonBlocking)
    {
        for (; ; )
        {
            if (Readers == 0)
            {
                Signals.SignalSender.SendKernel(current, SignalNumber.Pipe);
                return Errno.EPIPE;
            }

            if (!IsFull)
                return Errno.Success;
            if (nonBlocking)
                return Errno.EAGAIN;
            if (await WriteWait.WaitAsync(current, WaitMode.Interruptible) == WakeReason.Interrupted)
                return Errno.ERESTARTSYS;
        }
    }

    /// <summary>
    /// Takes the oldest buffer, or its first bytes, out of the pipe; the caller owns a reference on the frame. The pipe is
    /// not empty.
    /// </summary>
    public PipeBuffer TakeBuffer(long most)
    {
        bool wasFull = IsFull;
        ref PipeBuffer first = ref Slot(_tail);
        PipeBuffer taken = first;
        if (taken.Length > most)
        {
            taken.Length = (int)most;
            taken.IsShared = true;
            _kernel.Memory.Get(taken.Frame);
            first.Offset += taken.Length;
            first.Length -= taken.Length;
            first.IsShared = true;
        }
        else
        {
            first = default;
            _tail++;
        }

        if (wasFull && !IsFull)
            WriteWait.Wake(1, (uint)(PollEvents.Out | PollEvents.WriteNormal));
        return taken;
    }

    /// <summary>Puts back at the front what <see cref="TakeBuffer"/> took and could not be used; grows if others filled the pipe.</summary>
    public void ReturnBuffer(PipeBuffer buffer)
    {
        if (IsFull)
            _ = Resize(Slots * 2);
        _tail--;
        Slot(_tail) = buffer;
        ReadWait.Wake(1, (uint)(PollEvents.In | PollEvents.ReadNormal));
    }

    /// <summary>Appends a buffer, whose reference the pipe takes over. There is room.</summary>
    public void AppendBuffer(PipeBuffer buffer)
    {
        bool wasEmpty = IsEmpty;
        Slot(_head) = buffer;
        _head++;
        if (wasEmpty)
            ReadWait.Wake(1, (uint)(PollEvents.In | PollEvents.ReadNormal));
    }

    /// <summary>The buffer at a distance from the oldest one, shared with another pipe: the caller owns a reference on its frame.</summary>
    public PipeBuffer ShareBuffer(int index, long most)
    {
        ref PipeBuffer source = ref Slot(_tail + (uint)index);
        source.IsShared = true;
        PipeBuffer shared = source;
        shared.Length = (int)Math.Min(shared.Length, most);
        _kernel.Memory.Get(shared.Frame);
        return shared;
    }

    /// <summary>The bytes of a buffer that was taken, into an array.</summary>
    public int CopyOut(PipeBuffer buffer, Span<byte> destination)
    {
        _kernel.Memory.Ram.FrameSpan(buffer.Frame).Slice(buffer.Offset, buffer.Length).CopyTo(destination);
        return buffer.Length;
    }

    /// <summary>Gives up a buffer that was taken.</summary>
    public void FreeBuffer(PipeBuffer buffer) => _kernel.Memory.Put(buffer.Frame);
}
