namespace Vitrine.Kernel.Net.Unix;

/// <summary>
/// An address of unix(7): none, a path, or an abstract name. Kept as the sockaddr_un bytes that getsockname gives back.
/// </summary>
internal static class UnixAddress
{
    public const int PathLength = 108;
    private const int FamilyLength = 2;

    /// <summary>Address of a socket that is not bound: the family alone.</summary>
    public static readonly byte[] Unnamed = [1, 0];

    /// <summary>Checks family and length. EINVAL as Linux gives it.</summary>
    public static Errno Validate(byte[] address)
    {
        if (address.Length is <= FamilyLength or > FamilyLength + PathLength)
            return Errno.EINVAL;
        return BitConverter.ToUInt16(address) == (ushort)AddressFamily.Unix ? Errno.Success : Errno.EINVAL;
    }

    /// <summary>Bind with the family alone asks for an automatic abstract name.</summary>
    public static bool IsAutobind(byte[] address) =>
        address.Length == FamilyLength && BitConverter.ToUInt16(address) == (ushort)AddressFamily.Unix;

    public static bool IsAbstract(byte[] address) => address.Length > FamilyLength && address[FamilyLength] == 0;

    /// <summary>The path without its NUL.</summary>
    public static byte[] Path(byte[] address)
    {
        int end = Array.IndexOf(address, (byte)0, FamilyLength);
        return address[FamilyLength..(end < 0 ? address.Length : end)];
    }

    /// <summary>A path address in the form that getsockname reports: NUL-terminated.</summary>
    public static byte[] Normalize(byte[] address)
    {
        byte[] path = Path(address);
        byte[] result = new byte[FamilyLength + path.Length + 1];
        result[0] = (byte)AddressFamily.Unix;
        path.CopyTo(result, FamilyLength);
        return result;
    }

    public static byte[] Automatic(uint number)
    {
        string text = number.ToString("x5", System.Globalization.CultureInfo.InvariantCulture);
        byte[] result = new byte[FamilyLength + 1 + text.Length];
        result[0] = (byte)AddressFamily.Unix;
        for (int i = 0; i < text.Length; i++)
            result[FamilyLength + 1 + i] = (byte)text[i];
        return result;
    }
}
