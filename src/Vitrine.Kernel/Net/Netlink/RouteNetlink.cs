using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Net.Netlink;

/// <summary>NETLINK_ROUTE of a kernel without network devices: no kind of object is known, so every request is EOPNOTSUPP (rtnetlink(7)).</summary>
internal sealed class RouteNetlink : NetlinkProtocol
{
    public override void Receive(Task current, NetlinkSocket from, byte[] data) => NetlinkMessages.Process(current, from, data, Handle);

    private static Errno Handle(Task current, NetlinkSocket from, in NetlinkHeader header, ReadOnlySpan<byte> payload)
    {
        const int lastType = 123, kinds = 3, get = 2;
        int type = header.Type - NetlinkHeader.FirstType;
        if (header.Type > lastType)
            return Errno.EOPNOTSUPP;
        // All messages have at least the family.
        if (payload.Length < 1)
            return Errno.Success;
        return (type & kinds) != get && !current.Credentials.IsCapable(from.Network.Owner!, Capability.NetAdmin) ? Errno.EPERM : Errno.EOPNOTSUPP;
    }
}
