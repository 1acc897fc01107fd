using System.Globalization;
using System.Text;

namespace Vitrine.Kernel.Vfs.Generated;

/// <summary>The text of a generated file while it is being written: ASCII and raw bytes, invariant numbers (seq_file's twin).</summary>
internal sealed class GeneratedText
{
    private byte[] _bytes = new byte[1024];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public GeneratedText Append(string text)
    {
        Reserve(Encoding.UTF8.GetMaxByteCount(text.Length));
        Length += Encoding.UTF8.GetBytes(text, _bytes.AsSpan(Length));
        return this;
    }

    public GeneratedText Append(char character)
    {
        Reserve(1);
        _bytes[Length++] = (byte)character;
        return this;
    }

    public GeneratedText Append(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
        return this;
    }

    public GeneratedText Append(long value)
    {
        Reserve(20);
        value.TryFormat(_bytes.AsSpan(Length), out int written, default, CultureInfo.InvariantCulture);
        Length += written;
        return this;
    }

    public GeneratedText Append(ulong value)
    {
        Reserve(20);
        value.TryFormat(_bytes.AsSpan(Length), out int written, default, CultureInfo.InvariantCulture);
        Length += written;
        return this;
    }

    public GeneratedText Append(int value) => Append((long)value);

    public GeneratedText Append(uint value) => Append((ulong)value);

    /// <summary>Lower-case hexadecimal, at least <paramref name="digits"/> wide.</summary>
    public GeneratedText AppendHex(ulong value, int digits = 1)
    {
        Reserve(20);
        value.TryFormat(_bytes.AsSpan(Length), out int written, "x" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        Length += written;
        return this;
    }

    /// <summary>A decimal right-aligned in a field.</summary>
    public GeneratedText AppendPadded(long value, int width)
    {
        Span<byte> digits = stackalloc byte[20];
        value.TryFormat(digits, out int written, default, CultureInfo.InvariantCulture);
        Reserve(Math.Max(width, written));
        for (int i = written; i < width; i++)
            _bytes[Length++] = (byte)' ';
        return Append(digits[..written]);
    }

    /// <summary>A "Name:   value kB" line as meminfo and status have them.</summary>
    public GeneratedText AppendKilobytes(string name, ulong kilobytes, int nameWidth, int valueWidth)
    {
        Append(name);
        for (int i = name.Length; i < nameWidth; i++)
            Append(' ');
        return AppendPadded((long)kilobytes, valueWidth).Append(" kB\n");
    }

    public GeneratedText Line(string text) => Append(text).Append('\n');

    private void Reserve(int count)
    {
        if (Length + count > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + count));
    }
}
