using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Net.Unix;

/// <summary>
/// A Unix-domain socket (unix(7)): stream, datagram or sequenced packets. State: names, peer, listen queue here; data in
/// UnixSocket.Data.cs.
/// </summary>
internal sealed partial class UnixSocket : Socket
{
    private readonly WaitQueue _wait = new();
    private readonly Queue<UnixSocket> _backlog = new();
    private readonly WaitQueue _backlogWait = new();
    private byte[] _address = UnixAddress.Unnamed;
    private byte[]? _peerAddress;
    private Inode? _boundInode;
    private UnixSocket? _peer;
    private SenderIdentity _owner;
    private SenderIdentity? _peerIdentity;
    private int _backlogLimit;
    private bool _listening;
    private bool _receiveShut;
    private bool _sendShut;
    private bool _released;

    private UnixSocket(NetNamespace network, SocketType type)
        : base(network, AddressFamily.Unix, type, 0)
    {
    }

    public override bool IsListening => _listening;

    public override SenderIdentity? PeerIdentity => _peerIdentity;

    /// <summary>Bytes of its bound address, for /proc/net/unix.</summary>
    public byte[] Address => _address;

    private bool IsConnectionOriented => Type != SocketType.Datagram;

    public static Result<Socket> Create(Task current, SocketType type, int protocol)
    {
        if (protocol is not 0 and not (int)AddressFamily.Unix)
            return Errno.EPROTONOSUPPORT;
        if (type == SocketType.Raw)
            type = SocketType.Datagram;
        if (type is not (SocketType.Stream or SocketType.Datagram or SocketType.SequentialPacket))
            return Errno.ESOCKTNOSUPPORT;
        return new UnixSocket(current.Namespaces.Net, type) { _owner = SocketFile.Identify(current) };
    }

    /// <summary>Joins two fresh sockets (socketpair).</summary>
    public static void Join(UnixSocket a, UnixSocket b)
    {
        a._peer = b;
        b._peer = a;
        a._peerIdentity = b._owner;
        b._peerIdentity = a._owner;
    }

    public override async KTask<Errno> BindAsync(Task current, byte[] address)
    {
        if (UnixAddress.IsAutobind(address))
            return Autobind();
        Errno error = UnixAddress.Validate(address);
        if (error != Errno.Success)
            return error;
        if (_address.Length > 2)
            return Errno.EINVAL;
        if (UnixAddress.IsAbstract(address))
            return Network.AbstractNames.TryAdd(AbstractKey(address), this) ? Bound(address) : Errno.EADDRINUSE;
        Result<Inode> inode = await current.Kernel.Vfs.MakeSocketAsync(current, UnixAddress.Path(address));
        if (!inode.Ok)
            return inode.Error == Errno.EEXIST ? Errno.EADDRINUSE : inode.Error;
        if (_address.Length > 2)
        {
            inode.Value.Put();
            return Errno.EINVAL;
        }

        inode.Value.BoundSocket = this;
        _boundInode = inode.Value;
        return Bound(UnixAddress.Normalize(address));
    }

    public override Errno Listen(Task current, int backlog)
    {
        if (!IsConnectionOriented)
            return Errno.EOPNOTSUPP;
        if (_address.Length <= 2 || _peer is not null)
            return Errno.EINVAL;
        // net.core.somaxconn
        _backlogLimit = Math.Clamp(backlog < 0 ? int.MaxValue : backlog, 0, 4096);
        _owner = SocketFile.Identify(current);
        _listening = true;
        _backlogWait.WakeAll();
        return Errno.Success;
    }

    public override async KTask<Errno> ConnectAsync(Task current, byte[] address, bool nonBlocking)
    {
        if (!IsConnectionOriented && address.Length >= 2 && BitConverter.ToUInt16(address) == 0)
        {
            _peerAddress = null;
            Disconnect();
            return Errno.Success;
        }

        Errno error = UnixAddress.Validate(address);
        if (error != Errno.Success)
            return error;
        if (_listening)
            return Errno.EINVAL;
        if (IsConnectionOriented && _peer is not null)
            return Errno.EISCONN;
        Result<UnixSocket> found = await FindAsync(current, address);
        if (!found.Ok)
            return found.Error;
        UnixSocket target = found.Value;
        if (!IsConnectionOriented)
        {
            if (target._peer is not null && target._peer != this)
                return Errno.EPERM;
            Disconnect();
            _peer = target;
            _peerIdentity = target._owner;
            _peerAddress = target._address;
            return Errno.Success;
        }

        Time.Ktime deadline = Deadline(current, SendTimeout);
        while (target._backlog.Count > target._backlogLimit)
        {
            if (target._released || !target._listening)
                return Errno.ECONNREFUSED;
            if (nonBlocking)
                return Errno.EAGAIN;
            WakeReason reason = await target._backlogWait.WaitAsync(current, WaitMode.Interruptible, deadline);
            if (reason == WakeReason.Interrupted)
                return SendTimeout == 0 ? Errno.ERESTARTSYS : Errno.EINTR;
            if (reason == WakeReason.TimedOut)
                return Errno.EAGAIN;
        }

        if (target._released || !target._listening)
            return Errno.ECONNREFUSED;
        if (_peer is not null)
            return Errno.EISCONN;
        // The server's end exists from now on: the client may send before it is accepted.
        var served = new UnixSocket(Network, Type)
        {
            _address = target._address,
            _peer = this,
            _peerAddress = _address,
            _peerIdentity = SocketFile.Identify(current),
            _owner = target._owner,
            PassCredentials = target.PassCredentials,
        };
        _peer = served;
        _peerAddress = target._address;
        _peerIdentity = target._owner;
        target._backlog.Enqueue(served);
        target._wait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));
        target.Subscribers.Notify(PollReason.In);
        return Errno.Success;
    }

    public override async KTask<Result<Socket>> AcceptAsync(Task current, bool nonBlocking)
    {
        if (!IsConnectionOriented)
            return Errno.EOPNOTSUPP;
        if (!_listening)
            return Errno.EINVAL;
        Time.Ktime deadline = Deadline(current, ReceiveTimeout);
        while (_backlog.Count == 0)
        {
            if (_receiveShut)
                return Errno.EINVAL;
            if (nonBlocking)
                return Errno.EAGAIN;
            WakeReason reason = await _wait.WaitAsync(current, WaitMode.Interruptible, deadline, exclusive: true);
            if (reason == WakeReason.Interrupted)
                return ReceiveTimeout == 0 ? Errno.ERESTARTSYS : Errno.EINTR;
            if (reason == WakeReason.TimedOut)
                return Errno.EAGAIN;
        }

        UnixSocket accepted = _backlog.Dequeue();
        _backlogWait.Wake();
        return accepted;
    }

    public override Errno Shutdown(int how)
    {
        bool receive = how is 0 or 2;
        bool send = how is 1 or 2;
        _receiveShut |= receive;
        _sendShut |= send;
        if (_peer is { } peer && IsConnectionOriented)
        {
            peer._receiveShut |= send;
            peer._sendShut |= receive;
            peer.WakeEverybody();
            peer.TellShut(peer._receiveShut && peer._sendShut, send);
        }

        WakeEverybody();
        return Errno.Success;
    }

    public override Result<byte[]> LocalAddress() => _address;

    public override Result<byte[]> PeerAddress()
    {
        if (_peer is null && !_peerGone)
            return Errno.ENOTCONN;
        return _peerAddress ?? UnixAddress.Unnamed;
    }

    public override void Release()
    {
        _released = true;
        _receiveShut = _sendShut = true;
        if (UnixAddress.IsAbstract(_address) && Network.AbstractNames.TryGetValue(AbstractKey(_address), out UnixSocket? owner) && owner == this)
            Network.AbstractNames.Remove(AbstractKey(_address));
        if (_boundInode is { } inode)
        {
            inode.BoundSocket = null;
            _boundInode = null;
            inode.Put();
        }

        while (_backlog.TryDequeue(out UnixSocket? waiting))
        {
            // Nobody will ever serve it: a reset, not an end.
            if (waiting._peer is { } client)
                client.PendingError = Errno.ECONNRESET;
            waiting.Release();
        }

        Disconnect();
        DropReceived();
        WakeEverybody();
        _backlogWait.WakeAll();
    }

    private void Disconnect()
    {
        if (_peer is not { } peer)
            return;
        _peer = null;
        if (!IsConnectionOriented)
        {
            peer.WakeEverybody();
            return;
        }

        peer._peer = null;
        peer._peerGone = true;
        peer._receiveShut = true;
        peer._sendShut = true;
        // Data that the other side never read is lost: it learns so.
        if (_received.Count > 0)
            peer.PendingError = Errno.ECONNRESET;
        peer.WakeEverybody();
        peer.TellShut(wholly: true, noMoreData: true);
    }

    /// <summary>SIGIO for what the other side has shut, unless somebody waits for it in a call.</summary>
    private void TellShut(bool wholly, bool noMoreData)
    {
        if (_waitingReceivers == 0 && (wholly || noMoreData))
            Subscribers.Notify(wholly ? PollReason.HangUp : PollReason.In);
    }

    private Errno Autobind()
    {
        if (_address.Length > 2)
            return Errno.Success;
        for (int tries = 0; tries < 0x100000; tries++)
        {
            byte[] address = UnixAddress.Automatic(Network.NextAutomaticName());
            if (Network.AbstractNames.TryAdd(AbstractKey(address), this))
                return Bound(address);
        }

        return Errno.ENOSPC;
    }

    private Errno Bound(byte[] address)
    {
        _address = address;
        return Errno.Success;
    }

    private async KTask<Result<UnixSocket>> FindAsync(Task current, byte[] address)
    {
        UnixSocket? target;
        if (UnixAddress.IsAbstract(address))
        {
            target = Network.AbstractNames.GetValueOrDefault(AbstractKey(address));
        }
        else
        {
            Result<Inode> inode = await current.Kernel.Vfs.FindSocketAsync(current, UnixAddress.Path(address));
            if (!inode.Ok)
                return inode.Error;
            target = inode.Value.BoundSocket;
            inode.Value.Put();
        }

        if (target is null)
            return Errno.ECONNREFUSED;
        if (target.Type != Type)
            return Errno.EPROTOTYPE;
        if (IsConnectionOriented && !target._listening)
            return Errno.ECONNREFUSED;
        return target;
    }

    private static string AbstractKey(byte[] address) => Encoding.Latin1.GetString(address);

    private void WakeEverybody()
    {
        _wait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal | PollEvents.Out | PollEvents.WriteNormal | PollEvents.HangUp | PollEvents.ReadHangUp));
        _spaceWait.WakeAll((uint)(PollEvents.Out | PollEvents.WriteNormal | PollEvents.HangUp));
    }
}
