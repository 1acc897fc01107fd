using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// A run of memory that I/O goes to or comes from (iov_iter's twin): user vectors, or a kernel buffer. Copies never
/// fault: a short copy means that the caller drops its locks, awaits <see cref="FaultInAsync"/>, checks its state
/// again and goes on.
/// </summary>
internal abstract class IovIter
{
    /// <summary>Bytes left.</summary>
    public abstract long Remaining { get; }

    /// <summary>Copies data into the iterator's memory and advances; may be short.</summary>
    public abstract int CopyTo(ReadOnlySpan<byte> source);

    /// <summary>Takes data from the iterator's memory and advances; may be short.</summary>
    public abstract int CopyFrom(Span<byte> destination);

    /// <summary>Goes back over bytes that were copied but could not be used.</summary>
    public abstract void Revert(long bytes);

    /// <summary>Makes the next page of the iterator accessible. EFAULT if that can't be.</summary>
    /// <param name="write">The kernel will write to it (a read call).</param>
    public abstract KTask<Errno> FaultInAsync(Task current, bool write);
}

/// <summary>An iterator over a kernel buffer.</summary>
internal sealed class KernelIovIter(Memory<byte> buffer) : IovIter
{
    private int _position;

    public override long Remaining => buffer.Length - _position;

    public override int CopyTo(ReadOnlySpan<byte> source)
    {
        int count = (int)Math.Min(source.Length, Remaining);
        source[..count].CopyTo(buffer.Span[_position..]);
        _position += count;
        return count;
    }

    public override int CopyFrom(Span<byte> destination)
    {
        int count = (int)Math.Min(destination.Length, Remaining);
        buffer.Span.Slice(_position, count).CopyTo(destination);
        _position += count;
        return count;
    }

    public override void Revert(long bytes) => _position -= (int)bytes;

    public override KTask<Errno> FaultInAsync(Task current, bool write) => KTask<Errno>.FromResult(Errno.EFAULT);
}
