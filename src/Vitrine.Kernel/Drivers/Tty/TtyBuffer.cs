namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>A ring of bytes between a terminal's driver and its consumer (the flip buffer's twin). Guarded by the kernel lock.</summary>
internal sealed class TtyBuffer
{
    /// <summary>What a pseudo-terminal holds on its way, as on Linux.</summary>
    public const int Capacity = 8192;

    // Made at the first byte: many terminals see little traffic in one direction.
    private byte[]? _ring;
    private int _start;

    public int Count { get; private set; }

    public int Room => Capacity - Count;

    /// <summary>Takes as much as there is room for.</summary>
    public int Put(ReadOnlySpan<byte> bytes)
    {
        _ring ??= new byte[Capacity];
        int count = Math.Min(bytes.Length, Room);
        int end = (_start + Count) % Capacity;
        int first = Math.Min(count, Capacity - end);
        bytes[..first].CopyTo(_ring.AsSpan(end));
        bytes[first..count].CopyTo(_ring);
        Count += count;
        return count;
    }

    /// <summary>The oldest bytes as far as they lie in one piece.</summary>
    public ReadOnlySpan<byte> Peek() => _ring is null ? default : _ring.AsSpan(_start, Math.Min(Count, Capacity - _start));

    public void Take(int count)
    {
        _start = (_start + count) % Capacity;
        Count -= count;
    }

    public void Clear()
    {
        _start = 0;
        Count = 0;
    }
}
