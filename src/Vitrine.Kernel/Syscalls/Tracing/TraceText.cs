using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Vitrine.Kernel.Syscalls.Tracing;

/// <summary>The small pieces of strace's notation: numbers, quoted bytes, addresses, strings of the task.</summary>
internal static class TraceText
{
    /// <summary>How many bytes of a string or buffer are shown (strace -s).</summary>
    public const int StringLimit = 32;

    private const int PathLimit = 4096;

    public static StringBuilder Decimal(this StringBuilder text, long value) => text.Append(CultureInfo.InvariantCulture, $"{value}");

    public static StringBuilder Unsigned(this StringBuilder text, ulong value) => text.Append(CultureInfo.InvariantCulture, $"{value}");

    public static StringBuilder Hex(this StringBuilder text, ulong value) =>
        value == 0 ? text.Append('0') : text.Append(CultureInfo.InvariantCulture, $"0x{value:x}");

    /// <summary>An address: hexadecimal, or NULL.</summary>
    public static StringBuilder Address(this StringBuilder text, ulong value) =>
        value == 0 ? text.Append("NULL") : text.Append(CultureInfo.InvariantCulture, $"0x{value:x}");

    public static StringBuilder Octal(this StringBuilder text, ulong value)
    {
        if (value == 0)
            return text.Append('0');
        int digits = 0;
        for (ulong rest = value; rest != 0; rest >>= 3)
            digits++;
        text.Append('0');
        while (--digits >= 0)
            text.Append((char)('0' + ((value >> (digits * 3)) & 7)));
        return text;
    }

    /// <summary>A file mode's permission bits, always with three digits: 0644.</summary>
    public static StringBuilder Mode(this StringBuilder text, uint mode)
    {
        if ((mode & 0xe00) != 0)
            return text.Octal(mode & 0xfff);
        return text.Append('0').Append((char)('0' + ((mode >> 6) & 7))).Append((char)('0' + ((mode >> 3) & 7))).Append((char)('0' + (mode & 7)));
    }

    /// <summary>Bytes in C's notation between quotes, with "..." behind when <paramref name="truncated"/>.</summary>
    public static void Quoted(this StringBuilder text, ReadOnlySpan<byte> bytes, bool truncated)
    {
        text.Append('"');
        for (int i = 0; i < bytes.Length; i++)
        {
            byte b = bytes[i];
            switch (b)
            {
                case (byte)'"' or (byte)'\\':
                    text.Append('\\').Append((char)b);
                    break;
                case (byte)'\n':
                    text.Append("\\n");
                    break;
                case (byte)'\t':
                    text.Append("\\t");
                    break;
                case (byte)'\r':
                    text.Append("\\r");
                    break;
                case 11:
                    text.Append("\\v");
                    break;
                case (byte)'\f':
                    text.Append("\\f");
                    break;
                case >= 0x20 and < 0x7f:
                    text.Append((char)b);
                    break;
                default:
                    AppendOctalByte(text, b, i + 1 < bytes.Length && bytes[i + 1] is >= (byte)'0' and <= (byte)'9');
                    break;
            }
        }

        text.Append(truncated ? "\"..." : "\"");
    }

    /// <summary>A NUL-terminated string of the task. False if not a byte of it can be read yet.</summary>
    public static bool TryString(this StringBuilder text, ITraceMemory memory, ulong address, bool isPath)
    {
        if (address == 0)
        {
            text.Append("NULL");
            return true;
        }

        int limit = isPath ? PathLimit : StringLimit + 1;
        Span<byte> buffer = stackalloc byte[PathLimit];
        int got = memory.Read(new VirtAddr(address), buffer[..limit]);
        int end = buffer[..got].IndexOf((byte)0);
        if (end < 0 && got < limit)
            return false;
        bool truncated = end < 0 || (!isPath && end > StringLimit);
        int shown = end < 0 ? limit : end;
        text.Quoted(buffer[..(isPath ? shown : Math.Min(shown, StringLimit))], truncated);
        return true;
    }

    /// <summary>A buffer of <paramref name="length"/> bytes of the task, its first 32 shown.</summary>
    public static bool TryBuffer(this StringBuilder text, ITraceMemory memory, ulong address, ulong length)
    {
        if (address == 0)
        {
            text.Append("NULL");
            return true;
        }

        Span<byte> buffer = stackalloc byte[StringLimit];
        int wanted = (int)Math.Min(length, StringLimit);
        if (memory.Read(new VirtAddr(address), buffer[..wanted]) < wanted)
            return false;
        text.Quoted(buffer[..wanted], length > StringLimit);
        return true;
    }

    public static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);

    public static long I64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadInt64LittleEndian(bytes[offset..]);

    public static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    public static int I32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadInt32LittleEndian(bytes[offset..]);

    public static ushort U16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    private static void AppendOctalByte(StringBuilder text, byte value, bool digitFollows)
    {
        text.Append('\\');
        if (digitFollows || value >= 64)
            text.Append((char)('0' + (value >> 6)));
        if (digitFollows || value >= 8)
            text.Append((char)('0' + ((value >> 3) & 7)));
        text.Append((char)('0' + (value & 7)));
    }
}
