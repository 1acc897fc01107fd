using System.Buffers.Text;

namespace Vitrine.Fs.Host.Native;

/// <summary>A component of a path as a C string in a buffer of the caller.</summary>
internal static unsafe class FileNameBuffer
{
    /// <summary>Bytes the buffer must have: NAME_MAX and NUL.</summary>
    public const int Size = 256;

    /// <summary>Copies a name that holds no '/' and no NUL; a longer one than NAME_MAX is a caller's bug.</summary>
    public static void Fill(byte* buffer, ReadOnlySpan<byte> name)
    {
        // SAFETY: CopyTo throws if the name does not fit with its NUL.
        name.CopyTo(new Span<byte>(buffer, Size - 1));
        buffer[name.Length] = 0;
    }
}

/// <summary>The path through which the host's calls that take only paths reach an open descriptor.</summary>
internal static unsafe class DescriptorPath
{
    public const int Size = 32;

    public static void Fill(byte* buffer, int fd)
    {
        // SAFETY: "/proc/self/fd/" and ten digits and NUL fit into 32 bytes.
        var span = new Span<byte>(buffer, Size);
        "/proc/self/fd/"u8.CopyTo(span);
        _ = Utf8Formatter.TryFormat(fd, span[14..], out int digits);
        buffer[14 + digits] = 0;
    }
}
