using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Net.Unix;

/// <content>Sending and receiving. What was sent lies on the receiver's queue, counted against the sender's buffer.</content>
internal sealed partial class UnixSocket
{
    /// <summary>net.unix.max_dgram_qlen: datagrams that may wait at a receiver.</summary>
    private const int MaximumDatagrams = 10;

    /// <summary>The most that goes into one buffer of a stream.</summary>
    private const int StreamChunk = 32 << 10;

    /// <summary>SCM_MAX_FD.</summary>
    public const int MaximumFiles = 253;

    private readonly LinkedList<SocketBuffer> _received = new();
    private readonly WaitQueue _spaceWait = new();
    private bool _peerGone;

    /// <summary>Calls that wait for data of a stream: while there are any, data is no reason for a signal.</summary>
    private int _waitingReceivers;

    /// <summary>A send has found no room since the last signal that there is some.</summary>
    private bool _lackedSpace;

    /// <summary>Bytes (with overhead) of ours that wait at receivers.</summary>
    private int _inFlight;

    public override Result<int> AvailableBytes
    {
        get
        {
            if (_listening)
                return Errno.EINVAL;
            if (Type != SocketType.Stream)
                return _received.First?.Value.Remaining ?? 0;
            int total = 0;
            foreach (SocketBuffer buffer in _received)
                total += buffer.Remaining;
            return total;
        }
    }

    public override Result<int> QueuedBytes => _listening ? Errno.EINVAL : _inFlight;

    public override async KTask<Result<long>> SendAsync(
        Task current, IovIter from, byte[]? address, OpenFile[]? files, SenderIdentity sender, MessageFlags flags)
    {
        if ((flags & MessageFlags.OutOfBand) != 0 && (Type != SocketType.Stream || from.Remaining == 0))
            return Errno.EOPNOTSUPP;
        UnixSocket? target = _peer;
        if (address is not null)
        {
            if (Type == SocketType.Stream)
                return _peer is not null ? Errno.EISCONN : Errno.EOPNOTSUPP;
        }

        if (address is not null && Type == SocketType.Datagram)
        {
            Errno error = UnixAddress.Validate(address);
            if (error != Errno.Success)
                return error;
            Result<UnixSocket> found = await FindAsync(current, address);
            if (!found.Ok)
                return found.Error;
            target = found.Value;
            // Who is connected to somebody takes nothing from others.
            if (target._peer is not null && target._peer != this)
                return Errno.EPERM;
        }

        if (PendingError != Errno.Success && Type != SocketType.Stream)
            return TakeError();
        if (_sendShut)
            return Broken(current, flags);
        if (target is null)
            return Errno.ENOTCONN;
        if (files is not null && !MaySendFiles(current))
            return Errno.ETOOMANYREFS;
        return Type == SocketType.Stream
            ? await SendStreamAsync(current, from, files, sender, flags)
            : await SendMessageAsync(current, target, from, files, sender, flags);
    }

    public override async KTask<Result<long>> ReceiveAsync(Task current, IovIter to, ReceivedMessage message, MessageFlags flags)
    {
        if (_listening)
            return Errno.EINVAL;
        if ((flags & MessageFlags.OutOfBand) != 0)
            return Type == SocketType.Stream ? await ReceiveUrgentAsync(current, to, message, flags) : Errno.EOPNOTSUPP;
        if (IsConnectionOriented && _peer is null && !_peerGone && _received.Count == 0)
            return Type == SocketType.Stream ? Errno.EINVAL : Errno.ENOTCONN;
        return Type == SocketType.Stream
            ? await ReceiveStreamAsync(current, to, message, flags)
            : await ReceiveMessageAsync(current, to, message, flags);
    }

    public override PollEvents Poll(PollTable? table)
    {
        table?.Add(_wait);
        table?.Add(_spaceWait);
        var events = PollEvents.None;
        if (PendingError != Errno.Success)
            events |= PollEvents.Error;
        if (_receiveShut && _sendShut)
            events |= PollEvents.HangUp;
        if (_receiveShut)
            events |= PollEvents.ReadHangUp | PollEvents.In | PollEvents.ReadNormal;
        if (_received.Count > 0 || _backlog.Count > 0)
            events |= PollEvents.In | PollEvents.ReadNormal;
        if (_urgent is not null)
            events |= PollEvents.Priority;
        if (IsConnectionOriented && _peer is null && !_peerGone && !_listening)
            events |= PollEvents.HangUp;
        bool room = _inFlight * 4 <= SendBuffer && (IsConnectionOriented || _peer is null || _peer._received.Count <= MaximumDatagrams);
        if (room && !_listening)
            events |= PollEvents.Out | PollEvents.WriteNormal | PollEvents.WriteBand;
        return events;
    }

    /// <summary>A user may have as many descriptors on their way as a process may have open.</summary>
    private static bool MaySendFiles(Task current) =>
        (ulong)AccountOf(current).FilesInFlight <= current.ThreadGroup.Limits[(int)ResourceLimit.NoFile].Soft
        || current.IsCapable(Capability.SysResource) || current.IsCapable(Capability.SysAdmin);

    private static UserAccount AccountOf(Task current) => current.Kernel.Users[current.Credentials.Uid];

    private async KTask<Result<long>> SendStreamAsync(Task current, IovIter from, OpenFile[]? files, SenderIdentity sender, MessageFlags flags)
    {
        long done = 0;
        Time.Ktime deadline = Deadline(current, SendTimeout);
        int urgentBytes = (flags & MessageFlags.OutOfBand) != 0 ? 1 : 0;
        while (from.Remaining > 0)
        {
            // The urgent byte, the last one, goes alone.
            bool isUrgent = from.Remaining == urgentBytes;
            int size = (int)Math.Min(isUrgent ? 1 : from.Remaining - urgentBytes, Math.Min(StreamChunk, Math.Max((SendBuffer / 2) - 64, 1024)));
            Errno error = await WaitForSpaceAsync(current, flags, deadline);
            if (error != Errno.Success)
                return done > 0 ? done : error == Errno.EPIPE ? Broken(current, flags) : error;
            Result<SocketBuffer> made = await SocketBuffer.CreateAsync(current, size, sender, _address);
            if (!made.Ok)
                return done > 0 ? done : made.Error;
            SocketBuffer buffer = made.Value;
            error = await buffer.FillAsync(current, from);
            if (error == Errno.Success && (_peer is null || _sendShut))
                error = Errno.EPIPE;
            if (error != Errno.Success)
            {
                buffer.Free();
                return done > 0 ? done : error == Errno.EPIPE ? Broken(current, flags) : error;
            }

            if (done == 0 && files is not null)
                buffer.AttachFiles(Share(files), AccountOf(current));
            if (isUrgent)
                DeliverUrgent(_peer!, buffer);
            else
                Deliver(_peer!, buffer);
            done += size;
        }

        return done;
    }

    private async KTask<Result<long>> SendMessageAsync(
        Task current, UnixSocket target, IovIter from, OpenFile[]? files, SenderIdentity sender, MessageFlags flags)
    {
        if (from.Remaining > SendBuffer - 32)
            return Errno.EMSGSIZE;
        int size = (int)from.Remaining;
        Time.Ktime deadline = Deadline(current, SendTimeout);
        Errno error = await WaitForSpaceAsync(current, flags, deadline);
        if (error != Errno.Success)
            return error == Errno.EPIPE ? Broken(current, flags) : error;
        Result<SocketBuffer> made = await SocketBuffer.CreateAsync(current, size, sender, _address);
        if (!made.Ok)
            return made.Error;
        SocketBuffer buffer = made.Value;
        error = await buffer.FillAsync(current, from);
        while (error == Errno.Success && !target._released && !IsConnectionOriented && target._received.Count > MaximumDatagrams && target._peer != this)
        {
            if ((flags & MessageFlags.DontWait) != 0)
            {
                error = Errno.EAGAIN;
                break;
            }

            WakeReason reason = await target._spaceWait.WaitAsync(current, WaitMode.Interruptible, deadline);
            if (reason == WakeReason.Interrupted)
                error = SendTimeout == 0 ? Errno.ERESTARTSYS : Errno.EINTR;
            else if (reason == WakeReason.TimedOut)
                error = Errno.EAGAIN;
        }

        if (error == Errno.Success && (target._released || target._receiveShut))
            error = target._released && !IsConnectionOriented ? Errno.ECONNREFUSED : Errno.EPIPE;
        // Whoever was connected to it learns once that it is gone.
        if (error == Errno.ECONNREFUSED && _peer == target)
            Disconnect();
        if (error != Errno.Success)
        {
            buffer.Free();
            return error == Errno.EPIPE ? Broken(current, flags) : error;
        }

        if (files is not null)
            buffer.AttachFiles(Share(files), AccountOf(current));
        Deliver(target, buffer);
        return (long)size;
    }

    private async KTask<Errno> WaitForSpaceAsync(Task current, MessageFlags flags, Time.Ktime deadline)
    {
        // The last buffer may reach beyond the limit, as on Linux.
        while (_inFlight >= SendBuffer)
        {
            if (_sendShut || (IsConnectionOriented && _peer is null))
                return Errno.EPIPE;
            _lackedSpace = true;
            if ((flags & MessageFlags.DontWait) != 0)
                return Errno.EAGAIN;
            WakeReason reason = await _spaceWait.WaitAsync(current, WaitMode.Interruptible, deadline);
            if (reason == WakeReason.Interrupted)
                return SendTimeout == 0 ? Errno.ERESTARTSYS : Errno.EINTR;
            if (reason == WakeReason.TimedOut)
                return Errno.EAGAIN;
        }

        return _sendShut || (IsConnectionOriented && _peer is null) ? Errno.EPIPE : Errno.Success;
    }

    private async KTask<Result<long>> ReceiveStreamAsync(Task current, IovIter to, ReceivedMessage message, MessageFlags flags)
    {
        bool peek = (flags & MessageFlags.Peek) != 0;
        long target = (flags & MessageFlags.WaitAll) != 0 ? to.Remaining : Math.Min(ReceiveLowWater, to.Remaining);
        Time.Ktime deadline = Deadline(current, ReceiveTimeout);
        long done = 0;
        int peeked = 0;
        LinkedListNode<SocketBuffer>? node = _received.First;
        do
        {
            node = peek ? node : _received.First;
            if (node is not null && (node == _urgent || node.Value.Remaining == 0))
            {
                node = PassUrgent(node, peek, done > 0);
                if (node is null && done > 0)
                    break;
            }

            if (node is null)
            {
                if (done >= target && done > 0)
                    break;
                if (PendingError != Errno.Success)
                    return done > 0 ? done : TakeError();
                if (_receiveShut)
                    break;
                if ((flags & MessageFlags.DontWait) != 0)
                    return done > 0 ? done : Errno.EAGAIN;
                _waitingReceivers++;
                WakeReason reason = await _wait.WaitAsync(current, WaitMode.Interruptible, deadline);
                _waitingReceivers--;
                if (reason == WakeReason.Interrupted)
                    return done > 0 ? done : ReceiveTimeout == 0 ? Errno.ERESTARTSYS : Errno.EINTR;
                if (reason == WakeReason.TimedOut)
                    return done > 0 ? done : Errno.EAGAIN;
                node = _received.First;
                continue;
            }

            SocketBuffer buffer = node.Value;
            // Data of different senders, and files, are not glued together.
            if (done > 0 && ((PassCredentials && message.Sender != buffer.Sender) || buffer.Files is not null))
                break;
            int wanted = (int)Math.Min(to.Remaining, buffer.Remaining - peeked);
            int copied = buffer.CopyTo(to, peeked, wanted);
            if (copied > 0 || wanted == 0)
            {
                message.Sender = buffer.Sender;
                message.Address ??= NameOf(buffer);
                if (buffer.Files is not null)
                {
                    message.Files = peek ? Share(buffer.Files) : buffer.DetachFiles();
                }
            }

            done += copied;
            if (peek)
            {
                peeked += copied;
                if (peeked == buffer.Remaining)
                {
                    node = node.Next;
                    peeked = 0;
                    if (node is null)
                        break;
                }
            }
            else
            {
                buffer.Consumed += copied;
                if (buffer.Remaining == 0)
                    Discard(node);
            }

            if (copied < wanted)
            {
                Errno error = await to.FaultInAsync(current, write: true);
                if (error != Errno.Success)
                    return done > 0 ? done : error;
            }

            if (message.Files is not null)
                break;
        }
        while (to.Remaining > 0);

        return done;
    }

    private async KTask<Result<long>> ReceiveMessageAsync(Task current, IovIter to, ReceivedMessage message, MessageFlags flags)
    {
        Time.Ktime deadline = Deadline(current, ReceiveTimeout);
        bool peek = (flags & MessageFlags.Peek) != 0;
        for (; ; )
        {
            if (_received.First is not { } node)
            {
                if (PendingError != Errno.Success)
                    return TakeError();
                if (_receiveShut)
                    return 0;
                if ((flags & MessageFlags.DontWait) != 0)
                    return Errno.EAGAIN;
                WakeReason reason = await _wait.WaitAsync(current, WaitMode.Interruptible, deadline, exclusive: true);
                if (reason == WakeReason.Interrupted)
                    return ReceiveTimeout == 0 ? Errno.ERESTARTSYS : Errno.EINTR;
                if (reason == WakeReason.TimedOut)
                    return Errno.EAGAIN;
                continue;
            }

            // Off the queue before the copy, which may wait for pages: as on Linux, a message whose copy fails is lost.
            SocketBuffer buffer = node.Value;
            buffer.Get();
            if (!peek)
                Discard(node);
            long full = buffer.Remaining;
            int wanted = (int)Math.Min(to.Remaining, full);
            Errno error = await buffer.CopyOutAsync(current, to, wanted);
            if (error == Errno.Success)
            {
                if (wanted < full)
                    message.Flags |= MessageFlags.Truncated;
                message.Sender = buffer.Sender;
                message.Address = NameOf(buffer);
                message.Files = buffer.Files is null ? null : Share(buffer.Files);
            }

            buffer.Free();
            if (error != Errno.Success)
                return error;
            return (flags & MessageFlags.Truncated) != 0 ? full : wanted;
        }
    }

    /// <summary>The sender's name; none if it had none.</summary>
    private static byte[]? NameOf(SocketBuffer buffer) => buffer.Address is { Length: > 2 } name ? name : null;

    private void Deliver(UnixSocket target, SocketBuffer buffer)
    {
        buffer.Origin = this;
        _inFlight += buffer.TrueSize;
        target._received.AddLast(buffer);
        target._wait.Wake(1, (uint)(PollEvents.In | PollEvents.ReadNormal));
        if (target._waitingReceivers == 0)
            target.Subscribers.Notify(PollReason.In);
    }

    private void Discard(LinkedListNode<SocketBuffer> node)
    {
        SocketBuffer buffer = node.Value;
        if (node == _urgent)
            _urgent = null;
        _received.Remove(node);
        if (buffer.Origin is { } origin)
        {
            origin._inFlight -= buffer.TrueSize;
            origin._spaceWait.WakeAll((uint)(PollEvents.Out | PollEvents.WriteNormal));
            if (origin._lackedSpace && origin._inFlight * 4 <= origin.SendBuffer)
            {
                origin._lackedSpace = false;
                origin.Subscribers.Notify(PollReason.Out);
            }
        }

        // Senders of datagrams wait at the receiver.
        _spaceWait.WakeAll((uint)(PollEvents.Out | PollEvents.WriteNormal));
        buffer.Free();
    }

    /// <summary>Closes the files in the queue, also in those of connections that wait to be accepted; the data stays.</summary>
    internal void DropFilesReceived()
    {
        foreach (SocketBuffer buffer in _received)
            buffer.DropFiles();
        foreach (UnixSocket waiting in _backlog)
            waiting.DropFilesReceived();
    }

    /// <summary>Lists the sockets in the queue, also in those of connections that wait to be accepted, as often as they lie there.</summary>
    internal void ListSocketsReceived(List<SocketFile> found)
    {
        foreach (SocketBuffer buffer in _received)
        {
            foreach (OpenFile file in buffer.Files ?? [])
            {
                if (file is SocketFile socket)
                    found.Add(socket);
            }
        }

        foreach (UnixSocket waiting in _backlog)
            waiting.ListSocketsReceived(found);
    }

    private void DropReceived()
    {
        while (_received.First is { } node)
            Discard(node);
    }

    private Errno Broken(Task current, MessageFlags flags)
    {
        if ((flags & MessageFlags.NoSignal) == 0 && IsConnectionOriented)
            SignalSender.SendKernel(current, SignalNumber.Pipe);
        return Errno.EPIPE;
    }

    private Errno TakeError()
    {
        Errno error = PendingError;
        PendingError = Errno.Success;
        return error;
    }

    private static OpenFile[] Share(OpenFile[] files)
    {
        var shared = new OpenFile[files.Length];
        for (int i = 0; i < files.Length; i++)
        {
            files[i].Get();
            shared[i] = files[i];
        }

        return shared;
    }
}
