using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Vitrine.Kernel.Digests;

/// <summary>Feeds numbers, texts and memory to a SHA-256, numbers as 8 bytes in little-endian order, texts with their length ahead.</summary>
internal sealed class DigestWriter : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = new byte[4096];
    private int _used;

    public void Add(long number)
    {
        if (_used + sizeof(long) > _buffer.Length)
            Flush();
        BinaryPrimitives.WriteInt64LittleEndian(_buffer.AsSpan(_used), number);
        _used += sizeof(long);
    }

    public void Add(ulong number) => Add((long)number);

    public void Add(bool condition) => Add(condition ? 1 : 0);

    public void Add(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Add(bytes.Length);
        Add(bytes);
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Flush();
        _hash.AppendData(bytes);
    }

    /// <summary>The hash of what was added since the last one.</summary>
    public byte[] Finish()
    {
        Flush();
        return _hash.GetHashAndReset();
    }

    public void Dispose() => _hash.Dispose();

    private void Flush()
    {
        if (_used > 0)
            _hash.AppendData(_buffer.AsSpan(0, _used));
        _used = 0;
    }
}
