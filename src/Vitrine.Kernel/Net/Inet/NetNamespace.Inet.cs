using Vitrine.Kernel.Net;
using Vitrine.Kernel.Net.Inet;

namespace Vitrine.Kernel.Namespaces;

/// <content>Ports of IPv4, by protocol: who is bound to them.</content>
internal sealed partial class NetNamespace
{
    /// <summary>net.ipv4.ip_local_port_range: what sockets without a port of their own get.</summary>
    public const int FirstLocalPort = 32768;

    public const int LastLocalPort = 60999;

    private readonly Dictionary<(int Protocol, ushort Port), List<InetSocket>> _ports = [];

    /// <summary>Binds a socket to a port. EADDRINUSE where another one is bound, unless both allow it and neither listens.</summary>
    public Errno BindPort(InetSocket socket, InetAddress address)
    {
        (int, ushort) key = (socket.Protocol, address.Port);
        if (_ports.TryGetValue(key, out List<InetSocket>? bound))
        {
            foreach (InetSocket other in bound)
            {
                bool overlaps = other.Local.IsAny || address.IsAny || other.Local.Address == address.Address;
                bool shared = IsReusable(socket) && IsReusable(other) && !other.IsListening;
                if (overlaps && !shared)
                    return Errno.EADDRINUSE;
            }

            bound.Add(socket);
        }
        else
        {
            _ports.Add(key, [socket]);
        }

        return Errno.Success;
    }

    /// <summary>A free port of the local range, searched from a random one on. EADDRINUSE if there is none.</summary>
    public Result<ushort> FindLocalPort(int protocol, uint random)
    {
        const int range = LastLocalPort - FirstLocalPort + 1;
        for (int i = 0; i < range; i++)
        {
            ushort port = (ushort)(FirstLocalPort + (int)((random + (uint)i) % range));
            if (!_ports.ContainsKey((protocol, port)))
                return port;
        }

        return Errno.EADDRINUSE;
    }

    public void ReleasePort(InetSocket socket, ushort port)
    {
        if (!_ports.TryGetValue((socket.Protocol, port), out List<InetSocket>? bound))
            return;
        bound.Remove(socket);
        if (bound.Count == 0)
            _ports.Remove((socket.Protocol, port));
    }

    /// <summary>Whether another socket listens on the socket's port.</summary>
    public bool HasListener(InetSocket socket, ushort port) =>
        _ports.TryGetValue((socket.Protocol, port), out List<InetSocket>? bound) && bound.Exists(other => other != socket && other.IsListening);

    private static bool IsReusable(InetSocket socket) => socket.BooleanOptions.Contains(SocketOption.ReuseAddress);
}
