using System.Text;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// One component of a path: any bytes but '/' and NUL, 1 to 255 of them (qstr's twin). Immutable, with its hash.
/// </summary>
internal readonly struct FileName : IEquatable<FileName>
{
    /// <summary>NAME_MAX.</summary>
    public const int MaxLength = 255;

    private readonly byte[]? _bytes;
    private readonly int _hash;

    public FileName(ReadOnlySpan<byte> bytes)
        : this(bytes.ToArray())
    {
    }

    private FileName(byte[] bytes)
    {
        _bytes = bytes;
        _hash = HashOf(bytes);
    }

    /// <summary>The hash that a name of these bytes has (FNV-1a: stable over runs, which hashing of the platform is not).</summary>
    public static int HashOf(ReadOnlySpan<byte> bytes)
    {
        uint hash = 2166136261;
        foreach (byte b in bytes)
            hash = (hash ^ b) * 16777619;
        return (int)hash;
    }

    public ReadOnlySpan<byte> Bytes => _bytes;

    public int Length => _bytes?.Length ?? 0;

    public bool IsDot => Length == 1 && _bytes![0] == '.';

    public bool IsDotDot => Length == 2 && _bytes![0] == '.' && _bytes[1] == '.';

    public static FileName FromString(string name) => new(Encoding.UTF8.GetBytes(name));

    public bool Equals(FileName other) => _hash == other._hash && Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is FileName other && Equals(other);

    public override int GetHashCode() => _hash;

    /// <summary>For messages; bytes that are not UTF-8 become replacement characters.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Bytes);

    public static bool operator ==(FileName a, FileName b) => a.Equals(b);

    public static bool operator !=(FileName a, FileName b) => !a.Equals(b);
}
