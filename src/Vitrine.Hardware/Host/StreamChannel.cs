using Vitrine.Abi;

namespace Vitrine.Hardware.Host;

/// <summary>
/// A bounded pipe between the guest and the embedding program, in memory: the guest's end is this channel, the
/// program's end is a <see cref="Stream"/>. Bytes flow one way. Guarded by a lock of its own.
/// </summary>
[HostBoundary("the embedding program's end of a pipe lives on the host's threads")]
internal sealed class StreamChannel(bool guestReads) : HostChannel
{
    private const int Capacity = 64 << 10;

    private readonly object _gate = new();
    private readonly byte[] _ring = new byte[Capacity];
    private int _start;
    private int _count;
    private bool _guestClosed;
    private bool _hostClosed;
    private HostReadiness _wanted;
    private Action? _ready;
    private TaskCompletionSource? _hostWaits;

    public override HostChannelKind Kind => HostChannelKind.Pipe;

    public override uint Mode => 0x1000 | 0x180;

    public override uint Flags => guestReads ? 0u : 1u;

    /// <summary>The program's end: readable if the guest writes, else writable. Disposing it closes that end.</summary>
    public Stream CreateHostStream() => new HostEnd(this);

    public override int Read(Span<byte> buffer)
    {
        TaskCompletionSource? wake;
        int count;
        lock (_gate)
        {
            if (_count == 0)
                return _hostClosed ? 0 : -(int)Errno.EAGAIN;
            count = Take(buffer);
            wake = TakeHostWaiter();
        }

        wake?.TrySetResult();
        return count;
    }

    public override int Write(ReadOnlySpan<byte> bytes)
    {
        TaskCompletionSource? wake;
        int count;
        lock (_gate)
        {
            if (_hostClosed)
                return -(int)Errno.EPIPE;
            if (_count == Capacity)
                return -(int)Errno.EAGAIN;
            count = Put(bytes);
            wake = TakeHostWaiter();
        }

        wake?.TrySetResult();
        return count;
    }

    public override HostReadiness Poll()
    {
        lock (_gate)
            return Readiness();
    }

    public override void Arm(HostReadiness wanted, Action ready)
    {
        lock (_gate)
        {
            if ((Readiness() & (wanted | HostReadiness.HangUp | HostReadiness.Error)) == 0)
            {
                _wanted = wanted;
                _ready = ready;
                return;
            }
        }

        ready();
    }

    public override void Dispose()
    {
        TaskCompletionSource? wake;
        lock (_gate)
        {
            _guestClosed = true;
            _ready = null;
            wake = TakeHostWaiter();
        }

        wake?.TrySetResult();
    }

    private HostReadiness Readiness()
    {
        HostReadiness ready = HostReadiness.None;
        if (guestReads)
        {
            if (_count > 0 || _hostClosed)
                ready |= HostReadiness.Readable;
            if (_hostClosed)
                ready |= HostReadiness.HangUp;
        }
        else
        {
            if (_count < Capacity)
                ready |= HostReadiness.Writable;
            if (_hostClosed)
                ready |= HostReadiness.Error;
        }

        return ready;
    }

    private int Take(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _count);
        int first = Math.Min(count, Capacity - _start);
        _ring.AsSpan(_start, first).CopyTo(buffer);
        _ring.AsSpan(0, count - first).CopyTo(buffer[first..]);
        _start = (_start + count) % Capacity;
        _count -= count;
        return count;
    }

    private int Put(ReadOnlySpan<byte> bytes)
    {
        int count = Math.Min(bytes.Length, Capacity - _count);
        int end = (_start + _count) % Capacity;
        int first = Math.Min(count, Capacity - end);
        bytes[..first].CopyTo(_ring.AsSpan(end));
        bytes[first..count].CopyTo(_ring);
        _count += count;
        return count;
    }

    private TaskCompletionSource? TakeHostWaiter()
    {
        TaskCompletionSource? waiter = _hostWaits;
        _hostWaits = null;
        return waiter;
    }

    private Action? TakeGuestWaiter()
    {
        if (_ready is null || (Readiness() & (_wanted | HostReadiness.HangUp | HostReadiness.Error)) == 0)
            return null;
        Action ready = _ready;
        _ready = null;
        return ready;
    }

    /// <summary>0 and a task to wait for, or progress: bytes moved, −1 for the end or a broken pipe.</summary>
    private int HostTransfer(Span<byte> into, ReadOnlySpan<byte> from, out Task? wait)
    {
        Action? notify;
        int moved;
        lock (_gate)
        {
            wait = null;
            moved = guestReads ? Put(from) : Take(into);
            if (moved == 0)
            {
                if (_guestClosed)
                    return -1;
                _hostWaits ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                wait = _hostWaits.Task;
                return 0;
            }

            notify = TakeGuestWaiter();
        }

        notify?.Invoke();
        return moved;
    }

    private void CloseHostEnd()
    {
        Action? notify;
        lock (_gate)
        {
            _hostClosed = true;
            notify = TakeGuestWaiter();
        }

        notify?.Invoke();
    }

    /// <summary>The embedding program's end.</summary>
    [HostBoundary("runs on the embedding program's threads")]
    private sealed class HostEnd(StreamChannel channel) : Stream
    {
        private readonly bool _reads = channel.Flags == 1;

        public override bool CanRead => _reads;

        public override bool CanWrite => !_reads;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!_reads)
                throw new NotSupportedException();
            while (!buffer.IsEmpty)
            {
                int moved = channel.HostTransfer(buffer.Span, default, out Task? wait);
                if (moved != 0)
                    return Math.Max(moved, 0);
                await wait!.WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            return 0;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_reads)
                throw new NotSupportedException();
            while (!buffer.IsEmpty)
            {
                int moved = channel.HostTransfer(default, buffer.Span, out Task? wait);
                if (moved < 0)
                    throw new IOException("the guest has closed its end of the pipe");
                if (moved == 0)
                    await wait!.WaitAsync(cancellationToken).ConfigureAwait(false);
                buffer = buffer[moved..];
            }
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) =>
            ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

        public override void Write(byte[] buffer, int offset, int count) =>
            WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            channel.CloseHostEnd();
            base.Dispose(disposing);
        }
    }
}
