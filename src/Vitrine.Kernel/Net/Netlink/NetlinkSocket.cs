using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Net.Netlink;

/// <summary>
/// A netlink socket (netlink(7)): datagrams to the kernel's part of a protocol, to other sockets by their port, and from
/// multicast groups. What the kernel answers lies in the queue before the send returns. A message that does not fit the
/// receive buffer is lost: the next receive says ENOBUFS.
/// </summary>
internal sealed class NetlinkSocket : Socket
{
    private const int MessageOverhead = 256;
    private const int LevelNetlink = 270;

    private readonly Cgroup _cgroup;
    private readonly Queue<Message> _queue = new();
    private readonly WaitQueue _wait = new();
    private readonly HashSet<uint> _groups = [];
    private int _queuedBytes;
    private uint _destination;
    private uint _destinationGroups;
    private bool _ignoresLoss;

    private NetlinkSocket(Task current, SocketType type, int protocol)
        : base(current.Namespaces.Net, AddressFamily.Netlink, type, protocol)
    {
        _cgroup = current.Cgroup;
        Kernel = current.Kernel;
    }

    public KernelInstance Kernel { get; }

    public override bool IsListening => false;

    /// <summary>Its own address (nl_pid); 0: none yet.</summary>
    public uint Port { get; private set; }

    /// <summary>NETLINK_CAP_ACK: acknowledgements of errors don't carry the whole request.</summary>
    public bool CapsAcknowledgements { get; private set; }

    /// <summary>What the protocol's kernel part keeps with a socket.</summary>
    public object? ProtocolState { get; set; }

    public override Result<int> AvailableBytes => _queue.TryPeek(out Message? first) ? first.Data.Length : (Result<int>)0;

    /// <summary>EPROTONOSUPPORT for protocols that are not there, ESOCKTNOSUPPORT for other types than raw and datagram.</summary>
    public static Result<Socket> Create(Task current, SocketType type, int protocol)
    {
        if (type is not (SocketType.Raw or SocketType.Datagram))
            return Errno.ESOCKTNOSUPPORT;
        if (protocol is < 0 or >= 32 || !current.Kernel.Netlink.Has(protocol))
            return Errno.EPROTONOSUPPORT;
        return new NetlinkSocket(current, type, protocol);
    }

    public bool IsMember(uint group) => _groups.Contains(group);

    public override KTask<Errno> BindAsync(Task current, byte[] address)
    {
        if (address.Length < NetlinkAddress.Size)
            return Fail(Errno.EINVAL);
        NetlinkAddress wanted = MemoryMarshal.Read<NetlinkAddress>(address);
        if (wanted.Family != (ushort)AddressFamily.Netlink)
            return Fail(Errno.EINVAL);
        if (wanted.Groups != 0 && !MayJoin(current))
            return Fail(Errno.EPERM);
        Errno error = Errno.Success;
        if (Port != 0)
            error = wanted.Port == Port ? Errno.Success : Errno.EINVAL;
        else if (wanted.Port != 0)
            error = Take(wanted.Port);
        else
            error = Autobind(current);
        if (error == Errno.Success)
            SetFirstGroups(wanted.Groups);
        return Fail(error);
    }

    public override KTask<Errno> ConnectAsync(Task current, byte[] address, bool nonBlocking)
    {
        if (InetFamily(address) is not { } family)
            return Fail(Errno.EINVAL);
        if (family == AddressFamily.Unspecified)
        {
            _destination = _destinationGroups = 0;
            return Fail(Errno.Success);
        }

        if (family != AddressFamily.Netlink || address.Length < NetlinkAddress.Size)
            return Fail(Errno.EINVAL);
        NetlinkAddress to = MemoryMarshal.Read<NetlinkAddress>(address);
        if ((to.Port != 0 || to.Groups != 0) && !MaySend(current))
            return Fail(Errno.EPERM);
        Errno error = Port == 0 ? Autobind(current) : Errno.Success;
        if (error == Errno.Success)
            (_destination, _destinationGroups) = (to.Port, to.Groups);
        return Fail(error);
    }

    public override async KTask<Result<long>> SendAsync(
        Task current, IovIter from, byte[]? address, OpenFile[]? files, SenderIdentity sender, MessageFlags flags)
    {
        if ((flags & MessageFlags.OutOfBand) != 0)
            return Errno.EOPNOTSUPP;
        (uint port, uint groups) = (_destination, _destinationGroups);
        if (address is not null)
        {
            if (address.Length < NetlinkAddress.Size)
                return Errno.EINVAL;
            NetlinkAddress to = MemoryMarshal.Read<NetlinkAddress>(address);
            if (to.Family != (ushort)AddressFamily.Netlink)
                return Errno.EINVAL;
            (port, groups) = (to.Port, to.Groups);
            if ((port != 0 || groups != 0) && !MaySend(current))
                return Errno.EPERM;
        }

        if (Port == 0)
        {
            Errno bound = Autobind(current);
            if (bound != Errno.Success)
                return bound;
        }

        if (from.Remaining > SendBuffer - 32)
            return Errno.EMSGSIZE;
        byte[] data = new byte[from.Remaining];
        for (int done = 0; (done += from.CopyFrom(data.AsSpan(done))) < data.Length;)
        {
            Errno error = await from.FaultInAsync(current, write: false);
            if (error != Errno.Success)
                return error;
        }

        if (groups != 0)
            Kernel.Netlink.Multicast(this, (uint)System.Numerics.BitOperations.TrailingZeroCount(groups) + 1, data, sender);
        if (port == 0 && Kernel.Netlink.KernelPart(Protocol) is { } part)
        {
            part.Receive(current, this, data);
            return data.Length;
        }

        return Kernel.Netlink.Find(Network, Protocol, port) is { } target
            ? await target.DeliverAsync(current, new Message(data, Port, 0, sender), (flags & MessageFlags.DontWait) != 0)
            : groups != 0 && port == 0 ? data.Length : Errno.ECONNREFUSED;
    }

    public override async KTask<Result<long>> ReceiveAsync(Task current, IovIter to, ReceivedMessage message, MessageFlags flags)
    {
        if ((flags & MessageFlags.OutOfBand) != 0)
            return Errno.EOPNOTSUPP;
        Ktime deadline = Deadline(current, ReceiveTimeout);
        Message? first;
        while (!_queue.TryPeek(out first))
        {
            Errno pending = PendingError;
            PendingError = Errno.Success;
            if (pending != Errno.Success)
                return pending;
            if ((flags & MessageFlags.DontWait) != 0)
                return Errno.EAGAIN;
            switch (await _wait.WaitAsync(current, WaitMode.Interruptible, deadline))
            {
                case WakeReason.TimedOut:
                    return Errno.EAGAIN;
                case WakeReason.Interrupted:
                    return deadline == Ktime.Never ? Errno.ERESTARTSYS : Errno.EINTR;
            }
        }

        int length = (int)Math.Min(first.Data.Length, to.Remaining);
        for (int done = 0; done < length;)
        {
            done += to.CopyTo(first.Data.AsSpan(done, length - done));
            if (done == length)
                break;
            Errno error = await to.FaultInAsync(current, write: true);
            if (error != Errno.Success)
                return error;
        }

        if ((flags & MessageFlags.Peek) == 0 && _queue.TryPeek(out Message? still) && still == first)
            Drop(_queue.Dequeue());
        message.Address = AddressBytes(first.Source, first.Group == 0 ? 0 : 1u << (int)(first.Group - 1));
        message.Sender = first.Sender;
        if (length < first.Data.Length)
            message.Flags |= MessageFlags.Truncated;
        return (flags & MessageFlags.Truncated) != 0 ? first.Data.Length : length;
    }

    public override Result<byte[]> LocalAddress() => AddressBytes(Port, FirstGroups());

    public override Result<byte[]> PeerAddress() => AddressBytes(_destination, _destinationGroups);

    public override PollEvents Poll(PollTable? table)
    {
        table?.Add(_wait);
        PollEvents events = PollEvents.Out | PollEvents.WriteNormal;
        if (_queue.Count > 0)
            events |= PollEvents.In | PollEvents.ReadNormal;
        if (PendingError != Errno.Success)
            events |= PollEvents.Error;
        return events;
    }

    /// <summary>Queues what the kernel or a group's sender has for it. False if it is lost.</summary>
    public bool Deliver(byte[] data, uint source, uint group, SenderIdentity sender)
    {
        if (_queuedBytes + data.Length + MessageOverhead <= ReceiveBuffer && _cgroup.ChargeKernelMemory(data.Length + MessageOverhead) == Errno.Success)
        {
            Enqueue(new Message(data, source, group, sender));
            return true;
        }

        if (!_ignoresLoss)
        {
            PendingError = Errno.ENOBUFS;
            _wait.WakeAll((uint)PollEvents.Error);
        }

        return false;
    }

    /// <summary>Options of level SOL_NETLINK. ENOPROTOOPT for those that are not there.</summary>
    public override Errno SetOption(Task current, int level, int option, int value)
    {
        const int addMembership = 1, dropMembership = 2, noLoss = 5, capAcknowledgement = 10, extendedAcknowledgement = 11;
        const uint lastGroup = 32;
        if (level != LevelNetlink)
            return Errno.ENOPROTOOPT;
        switch (option)
        {
            case addMembership or dropMembership:
                if (!MayJoin(current))
                    return Errno.EPERM;
                if (value <= 0 || (uint)value > lastGroup)
                    return Errno.EINVAL;
                _ = option == addMembership ? _groups.Add((uint)value) : _groups.Remove((uint)value);
                return Errno.Success;
            case noLoss:
                _ignoresLoss = value != 0;
                return Errno.Success;
            case capAcknowledgement:
                CapsAcknowledgements = value != 0;
                return Errno.Success;
            case extendedAcknowledgement:
                // It allows the kernel to say more than it does.
                return Errno.Success;
            default:
                return Errno.ENOPROTOOPT;
        }
    }

    public override void Release()
    {
        Kernel.Netlink.KernelPart(Protocol)?.SocketGone(this);
        if (Port != 0)
            Kernel.Netlink.Remove(this);
        while (_queue.TryDequeue(out Message? message))
            Drop(message);
    }

    private static AddressFamily? InetFamily(byte[] address) =>
        address.Length < sizeof(ushort) ? null : (AddressFamily)BitConverter.ToUInt16(address);

    private static byte[] AddressBytes(uint port, uint groups)
    {
        byte[] bytes = new byte[NetlinkAddress.Size];
        MemoryMarshal.Write(bytes, new NetlinkAddress { Family = (ushort)AddressFamily.Netlink, Port = port, Groups = groups });
        return bytes;
    }

    /// <summary>Another socket sends to it: waits for room.</summary>
    private async KTask<Result<long>> DeliverAsync(Task current, Message message, bool nonBlocking)
    {
        int size = message.Data.Length + MessageOverhead;
        while (_queuedBytes + size > ReceiveBuffer && _queue.Count > 0)
        {
            if (nonBlocking)
                return Errno.EAGAIN;
            if (await _wait.WaitAsync(current, WaitMode.Interruptible) == WakeReason.Interrupted)
                return Errno.ERESTARTSYS;
        }

        Errno error = _cgroup.ChargeKernelMemory(size);
        if (error != Errno.Success)
            return Errno.ENOBUFS;
        Enqueue(message);
        return message.Data.Length;
    }

    private void Enqueue(Message message)
    {
        _queue.Enqueue(message);
        _queuedBytes += message.Data.Length + MessageOverhead;
        _wait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));
    }

    private void Drop(Message message)
    {
        int size = message.Data.Length + MessageOverhead;
        _queuedBytes -= size;
        _cgroup.UnchargeKernelMemory(size);
        _wait.WakeAll((uint)(PollEvents.Out | PollEvents.WriteNormal));
    }

    private Errno Take(uint port)
    {
        if (!Kernel.Netlink.TryAdd(this, port))
            return Errno.EADDRINUSE;
        Port = port;
        return Errno.Success;
    }

    /// <summary>The process's number, or if another socket of it has that, one that no process has.</summary>
    private Errno Autobind(Task current)
    {
        uint port = (uint)current.Tgid;
        for (uint other = unchecked((uint)-4097); Take(port) != Errno.Success; other--)
            port = other;
        return Errno.Success;
    }

    private bool MaySend(Task current) =>
        Protocol == (int)NetlinkProtocolNumber.UserSocket || current.Credentials.IsCapable(Network.Owner!, Capability.NetAdmin);

    private bool MayJoin(Task current) =>
        Protocol is (int)NetlinkProtocolNumber.Route or (int)NetlinkProtocolNumber.Generic or (int)NetlinkProtocolNumber.Connector
        || current.Credentials.IsCapable(Network.Owner!, Capability.NetAdmin);

    private uint FirstGroups()
    {
        uint mask = 0;
        foreach (uint group in _groups)
            mask |= 1u << (int)(group - 1);
        return mask;
    }

    private void SetFirstGroups(uint mask)
    {
        _groups.Clear();
        for (; mask != 0; mask &= mask - 1)
            _groups.Add((uint)System.Numerics.BitOperations.TrailingZeroCount(mask) + 1);
    }

    private sealed record Message(byte[] Data, uint Source, uint Group, SenderIdentity Sender);
}
