using System.Runtime.InteropServices;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Net.Netlink;

/// <summary>What answers one request; its errno goes into the acknowledgement.</summary>
internal delegate Errno NetlinkRequest(Task current, NetlinkSocket from, in NetlinkHeader header, ReadOnlySpan<byte> payload);

/// <summary>The requests of a datagram, one after the other, each acknowledged if it failed or asks for it (netlink_rcv_skb).</summary>
internal static class NetlinkMessages
{
    /// <summary>What the kernel's own messages carry as their sender.</summary>
    public static SenderIdentity KernelIdentity => new(null, Uid.Root, Gid.Root);

    public static void Process(Task current, NetlinkSocket from, byte[] data, NetlinkRequest handle)
    {
        ReadOnlySpan<byte> rest = data;
        while (rest.Length >= NetlinkHeader.Size)
        {
            NetlinkHeader header = MemoryMarshal.Read<NetlinkHeader>(rest);
            if (header.Length < NetlinkHeader.Size || header.Length > (uint)rest.Length)
                return;
            ReadOnlySpan<byte> message = rest[..(int)header.Length];
            Errno error = Errno.Success;
            if ((header.Flags & NetlinkFlags.Request) != 0 && header.Type >= NetlinkHeader.FirstType)
                error = handle(current, from, in header, message[NetlinkHeader.Size..]);
            if (error != Errno.Success || (header.Flags & NetlinkFlags.Acknowledge) != 0)
                Acknowledge(from, in header, message, error);
            rest = rest[Math.Min((message.Length + 3) & ~3, rest.Length)..];
        }
    }

    /// <summary>A message of a type from the kernel, with its payload behind the header.</summary>
    public static byte[] Build(ushort type, NetlinkFlags flags, uint sequence, uint port, ReadOnlySpan<byte> payload)
    {
        byte[] message = new byte[NetlinkHeader.Size + payload.Length];
        MemoryMarshal.Write(message, new NetlinkHeader
        {
            Length = (uint)message.Length,
            Type = type,
            Flags = flags,
            Sequence = sequence,
            Port = port,
        });
        payload.CopyTo(message.AsSpan(NetlinkHeader.Size));
        return message;
    }

    public static void Reply(NetlinkSocket to, ushort type, NetlinkFlags flags, uint sequence, ReadOnlySpan<byte> payload) =>
        _ = to.Deliver(Build(type, flags, sequence, to.Port, payload), 0, 0, KernelIdentity);

    /// <summary>NLMSG_ERROR: the errno, and the request or its header.</summary>
    private static void Acknowledge(NetlinkSocket to, in NetlinkHeader header, ReadOnlySpan<byte> request, Errno error)
    {
        bool whole = error != Errno.Success && !to.CapsAcknowledgements;
        ReadOnlySpan<byte> copied = whole ? request : request[..NetlinkHeader.Size];
        byte[] payload = new byte[sizeof(int) + copied.Length];
        MemoryMarshal.Write(payload, -(int)error);
        copied.CopyTo(payload.AsSpan(sizeof(int)));
        Reply(to, NetlinkHeader.ErrorType, whole ? NetlinkFlags.None : NetlinkFlags.Capped, header.Sequence, payload);
    }
}

/// <summary>Attributes of a netlink message: length, type and value, each aligned to four bytes (struct nlattr).</summary>
internal sealed class NetlinkAttributes
{
    private const int HeaderSize = 4;

    private readonly List<byte> _bytes = [];

    public NetlinkAttributes Add(ushort type, ReadOnlySpan<byte> value)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        MemoryMarshal.Write(header, (ushort)(HeaderSize + value.Length));
        MemoryMarshal.Write(header[2..], type);
        _bytes.AddRange(header);
        _bytes.AddRange(value);
        while (_bytes.Count % 4 != 0)
            _bytes.Add(0);
        return this;
    }

    public NetlinkAttributes Add(ushort type, uint value) => Add(type, MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in value)));

    public NetlinkAttributes Add(ushort type, ushort value) => Add(type, MemoryMarshal.AsBytes(new ReadOnlySpan<ushort>(in value)));

    /// <summary>A string with its NUL.</summary>
    public NetlinkAttributes Add(ushort type, string value) => Add(type, [.. System.Text.Encoding.UTF8.GetBytes(value), 0]);

    public byte[] ToArray() => _bytes.ToArray();

    /// <summary>The value of an attribute; false if there is none.</summary>
    public static bool TryFind(ReadOnlySpan<byte> attributes, ushort type, out ReadOnlySpan<byte> value)
    {
        const ushort typeMask = 0x3fff;
        while (attributes.Length >= HeaderSize)
        {
            int length = MemoryMarshal.Read<ushort>(attributes);
            if (length < HeaderSize || length > attributes.Length)
                break;
            if ((MemoryMarshal.Read<ushort>(attributes[2..]) & typeMask) == type)
            {
                value = attributes[HeaderSize..length];
                return true;
            }

            attributes = attributes[Math.Min((length + 3) & ~3, attributes.Length)..];
        }

        value = default;
        return false;
    }
}
