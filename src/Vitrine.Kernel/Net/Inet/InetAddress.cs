using System.Buffers.Binary;

namespace Vitrine.Kernel.Net.Inet;

/// <summary>An address and a port of IPv4 (sockaddr_in: 16 bytes, both in network byte order); here in the host's order.</summary>
internal readonly record struct InetAddress(uint Address, ushort Port)
{
    /// <summary>sizeof(struct sockaddr_in).</summary>
    public const int Length = 16;

    private const int PortOffset = 2;
    private const int AddressOffset = 4;

    public bool IsAny => Address == 0;

    public bool IsMulticast => Address >> 28 == 0xe;

    public bool IsBroadcast => Address == uint.MaxValue;

    public static AddressFamily FamilyOf(ReadOnlySpan<byte> bytes) =>
        bytes.Length < sizeof(ushort) ? AddressFamily.Unspecified : (AddressFamily)BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    public static InetAddress Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt32BigEndian(bytes[AddressOffset..]), BinaryPrimitives.ReadUInt16BigEndian(bytes[PortOffset..]));

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[Length];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)AddressFamily.Inet);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(PortOffset), Port);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(AddressOffset), Address);
        return bytes;
    }
}
