namespace Vitrine.Fs.Overlay;

/// <summary>What stat shows as device and inode number of an object: set when it is first seen, kept across copy-up.</summary>
internal readonly record struct OverlayIdentity(DeviceNumber Device, InodeNumber Number)
{
    private const byte Version = 1;
    private const int EncodedLength = 17;

    /// <summary>The form kept in the "origin" attribute of an object that was copied up: version, major, minor, number; little endian.</summary>
    public byte[] Encode()
    {
        byte[] bytes = new byte[EncodedLength];
        bytes[0] = Version;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(1), Device.Major);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(5), Device.Minor);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(9), Number.Value);
        return bytes;
    }

    /// <summary>Null if the attribute is not of ours (a guest can write what it likes into an upper tree).</summary>
    public static OverlayIdentity? Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != EncodedLength || bytes[0] != Version)
            return null;
        var device = new DeviceNumber(
            System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[1..]),
            System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[5..]));
        return new OverlayIdentity(device, new InodeNumber(System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes[9..])));
    }
}
