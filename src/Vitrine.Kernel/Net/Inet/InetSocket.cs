using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Net.Inet;

/// <summary>
/// A socket of IPv4 in a network namespace without an interface that is up, as a new namespace is: it can be made, bound to
/// the wildcard address, listen and wait; nothing is reachable (ENETUNREACH) and no address is local (EADDRNOTAVAIL).
/// </summary>
internal sealed class InetSocket : Socket
{
    private const int Tcp = 6;
    private const int Udp = 17;
    private const int LongestDatagram = 65507;
    private const int FirstUnprivilegedPort = 1024;

    private readonly WaitQueue _wait = new();
    private bool _listening;

    private InetSocket(NetNamespace network, SocketType type, int protocol)
        : base(network, AddressFamily.Inet, type, protocol)
    {
    }

    public override bool IsListening => _listening;

    /// <summary>The address it is bound to; port 0: none.</summary>
    public InetAddress Local { get; private set; }

    public override Result<int> AvailableBytes => _listening ? Errno.EINVAL : (Result<int>)0;

    public override Result<int> QueuedBytes => AvailableBytes;

    public override Result<int> AtMark => IsStream ? AvailableBytes : Errno.ENOTTY;

    private bool IsStream => Type == SocketType.Stream;

    /// <summary>TCP and UDP. EPROTONOSUPPORT for other protocols, raw sockets among them; ESOCKTNOSUPPORT for other types.</summary>
    public static Result<Socket> Create(Task current, SocketType type, int protocol)
    {
        if (protocol is < 0 or > 262)
            return Errno.EINVAL;
        int natural = type switch
        {
            SocketType.Stream => Tcp,
            SocketType.Datagram => Udp,
            SocketType.Raw => -1,
            _ => 0,
        };
        if (natural == 0)
            return Errno.ESOCKTNOSUPPORT;
        if (natural < 0 || (protocol != 0 && protocol != natural))
            return Errno.EPROTONOSUPPORT;
        return new InetSocket(current.Namespaces.Net, type, natural);
    }

    public override KTask<Errno> BindAsync(Task current, byte[] address) => Fail(Bind(current, address));

    public override KTask<Errno> ConnectAsync(Task current, byte[] address, bool nonBlocking)
    {
        if (address.Length < sizeof(ushort))
            return Fail(Errno.EINVAL);
        if (InetAddress.FamilyOf(address) == AddressFamily.Unspecified)
        {
            // Dissolves an association, of which there is none; a listener stops.
            if (_listening)
                StopListening();
            return Fail(Errno.Success);
        }

        if (address.Length < InetAddress.Length)
            return Fail(Errno.EINVAL);
        if (InetAddress.FamilyOf(address) != AddressFamily.Inet)
            return Fail(Errno.EAFNOSUPPORT);
        if (_listening)
            return Fail(Errno.EISCONN);
        // A datagram socket gets its port before the way is looked for.
        Errno error = !IsStream && Local.Port == 0 ? BindTo(current, default) : Errno.Success;
        return Fail(error != Errno.Success ? error : Errno.ENETUNREACH);
    }

    public override Errno Listen(Task current, int backlog)
    {
        if (!IsStream)
            return Errno.EOPNOTSUPP;
        if (Local.Port == 0)
        {
            Errno error = BindTo(current, default);
            if (error != Errno.Success)
                return error;
        }

        if (!_listening && Network.HasListener(this, Local.Port))
            return Errno.EADDRINUSE;
        _listening = true;
        _wait.WakeAll();
        return Errno.Success;
    }

    public override async KTask<Result<Socket>> AcceptAsync(Task current, bool nonBlocking)
    {
        if (!IsStream)
            return Errno.EOPNOTSUPP;
        Ktime deadline = Deadline(current, ReceiveTimeout);
        while (_listening)
        {
            if (nonBlocking)
                return Errno.EAGAIN;
            Errno error = await WaitAsync(current, deadline);
            if (error != Errno.Success)
                return error;
        }

        return Errno.EINVAL;
    }

    public override KTask<Result<long>> SendAsync(Task current, IovIter from, byte[]? address, OpenFile[]? files, SenderIdentity sender, MessageFlags flags) =>
        KTask<Result<long>>.FromResult(Send(current, from, address, flags));

    public override async KTask<Result<long>> ReceiveAsync(Task current, IovIter to, ReceivedMessage message, MessageFlags flags)
    {
        if (IsStream)
            return Errno.ENOTCONN;
        if ((flags & MessageFlags.OutOfBand) != 0)
            return Errno.EOPNOTSUPP;
        Ktime deadline = Deadline(current, ReceiveTimeout);
        for (; ; )
        {
            if ((flags & MessageFlags.DontWait) != 0)
                return Errno.EAGAIN;
            Errno error = await WaitAsync(current, deadline);
            if (error != Errno.Success)
                return error;
        }
    }

    public override Errno Shutdown(int how)
    {
        if (!_listening)
            return Errno.ENOTCONN;
        if (how != 1)
            StopListening();
        return Errno.Success;
    }

    /// <summary>None of IP's and TCP's options is there.</summary>
    public override Errno SetOption(Task current, int level, int option, int value) => Errno.ENOPROTOOPT;

    public override Result<byte[]> LocalAddress() => Local.ToBytes();

    public override Result<byte[]> PeerAddress() => Errno.ENOTCONN;

    public override PollEvents Poll(PollTable? table)
    {
        table?.Add(_wait);
        if (_listening)
            return PollEvents.None;
        const PollEvents writable = PollEvents.Out | PollEvents.WriteNormal;
        return IsStream ? writable | PollEvents.HangUp : writable;
    }

    public override void Release()
    {
        if (Local.Port != 0)
            Network.ReleasePort(this, Local.Port);
    }

    private Errno Bind(Task current, byte[] address)
    {
        if (address.Length < InetAddress.Length)
            return Errno.EINVAL;
        var wanted = InetAddress.Read(address);
        switch (InetAddress.FamilyOf(address))
        {
            case AddressFamily.Inet:
            case AddressFamily.Unspecified when wanted.IsAny:
                break;
            default:
                return Errno.EAFNOSUPPORT;
        }

        // Groups can be bound to without an interface.
        if (!wanted.IsAny && !wanted.IsMulticast && !wanted.IsBroadcast)
            return Errno.EADDRNOTAVAIL;
        if (wanted.Port is > 0 and < FirstUnprivilegedPort && !current.Credentials.IsCapable(Network.Owner!, Capability.NetBindService))
            return Errno.EACCES;
        return Local.Port != 0 || _listening ? Errno.EINVAL : BindTo(current, wanted);
    }

    private Errno BindTo(Task current, InetAddress wanted)
    {
        if (wanted.Port == 0)
        {
            uint random = 0;
            current.Kernel.Entropy.Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(new Span<uint>(ref random)));
            Result<ushort> port = Network.FindLocalPort(Protocol, random);
            if (!port.Ok)
                return port.Error;
            wanted = wanted with { Port = port.Value };
        }

        Errno error = Network.BindPort(this, wanted);
        if (error == Errno.Success)
            Local = wanted;
        return error;
    }

    private Result<long> Send(Task current, IovIter from, byte[]? address, MessageFlags flags)
    {
        if (IsStream)
        {
            if ((flags & MessageFlags.NoSignal) == 0)
                Signals.SignalSender.SendKernel(current, SignalNumber.Pipe);
            return Errno.EPIPE;
        }

        if (from.Remaining > LongestDatagram)
            return Errno.EMSGSIZE;
        if ((flags & MessageFlags.OutOfBand) != 0)
            return Errno.EOPNOTSUPP;
        if (address is null)
            return Errno.EDESTADDRREQ;
        if (address.Length < InetAddress.Length)
            return Errno.EINVAL;
        if (InetAddress.FamilyOf(address) is not (AddressFamily.Inet or AddressFamily.Unspecified))
            return Errno.EAFNOSUPPORT;
        if (InetAddress.Read(address).Port == 0)
            return Errno.EINVAL;
        // It gets its port before the way is looked for.
        Errno error = Local.Port == 0 ? BindTo(current, default) : Errno.Success;
        return error != Errno.Success ? error : Errno.ENETUNREACH;
    }

    private void StopListening()
    {
        _listening = false;
        _wait.WakeAll();
    }

    private async KTask<Errno> WaitAsync(Task current, Ktime deadline) =>
        await _wait.WaitAsync(current, WaitMode.Interruptible, deadline) switch
        {
            WakeReason.TimedOut => Errno.EAGAIN,
            WakeReason.Interrupted => deadline == Ktime.Never ? Errno.ERESTARTSYS : Errno.EINTR,
            _ => Errno.Success,
        };
}
