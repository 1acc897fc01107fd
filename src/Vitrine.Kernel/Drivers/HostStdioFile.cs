using Vitrine.Hardware.Host;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers;

/// <summary>
/// An open file whose other side is the host: one of the descriptors that the first program starts with. It has the
/// kind of the host's (pipe, socket, file with the shared offset); the caller's terminal becomes a terminal of the machine
/// instead. The host is never waited for under the kernel lock: a transfer that would block arms the channel, whose
/// readiness comes back as an interrupt.
/// </summary>
/// <param name="channel">The inode's channel, or one of the file's own, which it disposes.</param>
internal sealed class HostStdioFile(VfsPath path, HostStdioInode inode, HostChannel channel, OpenFlags flags) : OpenFile(path, inode, flags)
{
    private const int ChunkSize = 64 << 10;

    private readonly byte[] _buffer = new byte[ChunkSize];

    /// <summary>What was read from the host but not yet delivered: a user page was missing when it came.</summary>
    private int _leftStart;
    private int _leftEnd;

    public override bool IsStream => channel.Kind != HostChannelKind.File;

    /// <summary>The host's description has the offset, and other processes may move it.</summary>
    public override long Position
    {
        get => IsStream ? 0 : Math.Max(channel.Seek(0, (int)SeekWhence.Current), 0);
        set
        {
            if (!IsStream)
                _ = channel.Seek(value, (int)SeekWhence.Set);
        }
    }

    public override bool MovesPosition => !IsStream;

    /// <summary>O_APPEND was set inside: the host's description, which others share, doesn't know of it.</summary>
    private bool AppendsItself => !IsStream && (Flags & OpenFlags.Append) != 0 && (channel.Flags & (uint)OpenFlags.Append) == 0;

    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        if (!IsStream)
            return await ReadRegularAsync(current, to, offset);
        if (to.Remaining == 0)
            return 0;
        while (_leftStart == _leftEnd)
        {
            int count = channel.Read(_buffer.AsSpan(0, (int)Math.Min(ChunkSize, to.Remaining)));
            if (count >= 0)
            {
                (_leftStart, _leftEnd) = (0, count);
                if (count == 0)
                    return 0;
                break;
            }

            if (count != -(int)Errno.EAGAIN)
                return (Errno)(-count);
            Errno error = await WaitAsync(current, HostReadiness.Readable);
            if (error != Errno.Success)
                return error;
        }

        return await DeliverAsync(current, to);
    }

    public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
    {
        long done = 0;
        while (from.Remaining > 0)
        {
            byte[] chunk = _buffer.Length >= from.Remaining && _leftStart == _leftEnd ? _buffer : new byte[(int)Math.Min(ChunkSize, from.Remaining)];
            int wanted = (int)Math.Min(chunk.Length, from.Remaining);
            int taken = from.CopyFrom(chunk.AsSpan(0, wanted));
            if (taken == 0)
            {
                Errno fault = await from.FaultInAsync(current, write: false);
                if (fault != Errno.Success)
                    return done > 0 ? done : fault;
                continue;
            }

            int put = Put(chunk.AsSpan(0, taken), offset == AtPosition ? offset : offset + done);
            if (put < taken)
                from.Revert(taken - Math.Max(put, 0));
            if (put >= 0)
            {
                done += put;
                continue;
            }

            Errno error = (Errno)(-put);
            if (error == Errno.EAGAIN)
            {
                if (done > 0 && IsNonBlocking)
                    return done;
                error = await WaitAsync(current, HostReadiness.Writable);
                if (error == Errno.Success)
                    continue;
            }
            else if (error == Errno.EPIPE)
            {
                SignalSender.SendKernel(current, SignalNumber.Pipe);
            }

            return done > 0 ? done : error;
        }

        return done;
    }

    public override PollEvents Poll(PollTable? table)
    {
        table?.Add(inode.Waiters);
        HostReadiness ready = channel.Poll();
        PollEvents events = default;
        if (CanRead && ((ready & HostReadiness.Readable) != 0 || _leftStart < _leftEnd))
            events |= PollEvents.In | PollEvents.ReadNormal;
        if (CanWrite && (ready & HostReadiness.Writable) != 0)
            events |= PollEvents.Out | PollEvents.WriteNormal;
        if ((ready & HostReadiness.HangUp) != 0)
            events |= PollEvents.HangUp;
        if ((ready & HostReadiness.Error) != 0)
            events |= PollEvents.Error;
        if (table is not null && events == default)
            inode.Arm((CanRead ? HostReadiness.Readable : 0) | (CanWrite ? HostReadiness.Writable : 0));
        return events;
    }

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence)
    {
        if (IsStream)
            return Fail<long>(Errno.ESPIPE);
        long position = channel.Seek(offset, (int)whence);
        if (position < 0)
            return Fail<long>((Errno)(-position));
        return KTask<Result<long>>.FromResult(position);
    }

    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) => KTask<Errno>.FromResult((Errno)(-channel.Sync()));

    public override void Release()
    {
        if (channel != inode.Channel)
            channel.Dispose();
    }

    /// <summary>Reads until the program has all that it asked for, or the end. What it can't take for a missing page is read again.</summary>
    private async KTask<Result<long>> ReadRegularAsync(Task current, IovIter to, long offset)
    {
        long done = 0;
        while (to.Remaining > 0)
        {
            int wanted = (int)Math.Min(ChunkSize, to.Remaining);
            Span<byte> chunk = _buffer.AsSpan(0, wanted);
            int count = offset == AtPosition ? channel.Read(chunk) : channel.ReadAt(chunk, offset + done);
            if (count <= 0)
                return done > 0 || count == 0 ? done : (Errno)(-count);
            int copied = to.CopyTo(chunk[..count]);
            done += copied;
            if (copied < count)
            {
                if (offset == AtPosition)
                    Position -= count - copied;
                Errno error = await to.FaultInAsync(current, write: true);
                if (error != Errno.Success)
                    return done > 0 ? done : error;
            }
            else if (count < wanted)
            {
                break;
            }
        }

        return done;
    }

    private int Put(ReadOnlySpan<byte> bytes, long offset)
    {
        if (AppendsItself)
        {
            if (offset != AtPosition)
                return channel.WriteAt(bytes, channel.Size);
            _ = channel.Seek(0, (int)SeekWhence.End);
        }

        return IsStream || offset == AtPosition ? channel.Write(bytes) : channel.WriteAt(bytes, offset);
    }

    private async KTask<Result<long>> DeliverAsync(Task current, IovIter to)
    {
        long done = 0;
        while (_leftStart < _leftEnd && to.Remaining > 0)
        {
            int copied = to.CopyTo(_buffer.AsSpan(_leftStart, _leftEnd - _leftStart));
            _leftStart += copied;
            done += copied;
            if (copied > 0)
                continue;
            Errno error = await to.FaultInAsync(current, write: true);
            if (error != Errno.Success)
                return done > 0 ? done : error;
        }

        return done;
    }

    private async KTask<Errno> WaitAsync(Task current, HostReadiness wanted)
    {
        if (IsNonBlocking)
            return Errno.EAGAIN;
        while ((channel.Poll() & (wanted | HostReadiness.HangUp | HostReadiness.Error)) == 0)
        {
            inode.Arm(wanted);
            if (await inode.Waiters.WaitAsync(current, WaitMode.Interruptible, Ktime.Never) == WakeReason.Interrupted)
                return Errno.ERESTARTSYS;
        }

        return Errno.Success;
    }
}
