using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Net.Netlink;

/// <summary>The kernel's part of a netlink protocol.</summary>
internal abstract class NetlinkProtocol
{
    /// <summary>A datagram for the kernel; answers go to the socket's queue.</summary>
    public abstract void Receive(Task current, NetlinkSocket from, byte[] data);

    /// <summary>A socket of the protocol is closed.</summary>
    public virtual void SocketGone(NetlinkSocket socket)
    {
    }
}

/// <summary>The netlink sockets of a machine by protocol and port, and the kernel's parts of the protocols.</summary>
internal sealed class NetlinkTable
{
    private readonly Dictionary<(NetNamespace Network, int Protocol, uint Port), NetlinkSocket> _sockets = [];
    private readonly RouteNetlink _route = new();
    private readonly GenericNetlink _generic = new();

    public NetlinkTable(KernelInstance kernel) => Processes = new ProcessConnector(kernel, this);

    /// <summary>Who is told of processes' events.</summary>
    public ProcessConnector Processes { get; }

    public bool Has(int protocol) => protocol == (int)NetlinkProtocolNumber.UserSocket || KernelPart(protocol) is not null;

    public NetlinkProtocol? KernelPart(int protocol) => (NetlinkProtocolNumber)protocol switch
    {
        NetlinkProtocolNumber.Route => _route,
        NetlinkProtocolNumber.Connector => Processes,
        NetlinkProtocolNumber.Generic => _generic,
        _ => null,
    };

    public NetlinkSocket? Find(NetNamespace network, int protocol, uint port) => _sockets.GetValueOrDefault((network, protocol, port));

    public bool TryAdd(NetlinkSocket socket, uint port) => _sockets.TryAdd((socket.Network, socket.Protocol, port), socket);

    public void Remove(NetlinkSocket socket) => _sockets.Remove((socket.Network, socket.Protocol, socket.Port));

    /// <summary>Gives a datagram to all members of a group but its sender.</summary>
    public void Multicast(NetlinkSocket sender, uint group, byte[] data, SenderIdentity identity)
    {
        foreach (NetlinkSocket socket in _sockets.Values)
        {
            if (socket != sender && socket.Network == sender.Network && socket.Protocol == sender.Protocol && socket.IsMember(group))
                _ = socket.Deliver(data, sender.Port, group, identity);
        }
    }

    /// <summary>The members of a protocol's group, in any order.</summary>
    public IEnumerable<NetlinkSocket> Members(int protocol, uint group)
    {
        foreach (NetlinkSocket socket in _sockets.Values)
        {
            if (socket.Protocol == protocol && socket.IsMember(group))
                yield return socket;
        }
    }
}
