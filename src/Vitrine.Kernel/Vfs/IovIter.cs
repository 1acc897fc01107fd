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

    /// <summary>The offset in the file that the transfer starts at (ki_pos); an appending write sets it when it knows the end.</summary>
    public long FileOffset { get; set; }

    /// <summary>The write goes to the end of the file: O_APPEND, or RWF_APPEND of this call.</summary>
    public bool IsAppend { get; set; }

    /// <summary>RWF_NOAPPEND: the write goes where the call says even if the file is open for appending.</summary>
    public bool IsPlaced { get; set; }

    /// <summary>RWF_NOWAIT: answer EAGAIN rather than wait.</summary>
    public bool IsNoWait { get; set; }

    /// <summary>A wait for room ends with the first bytes that fit: what does not fit then is not waited for (vmsplice).</summary>
    public bool IsPartial { get; set; }

    /// <summary>Drops what is beyond so many bytes.</summary>
    public abstract void Truncate(long remaining);

    /// <summary>Copies data into the iterator's memory and advances; may be short.</summary>
    public abstract int CopyTo(ReadOnlySpan<byte> source);

    /// <summary>Takes data from the iterator's memory and advances; may be short.</summary>
    public abstract int CopyFrom(Span<byte> destination);

    /// <summary>Passes over bytes that were dealt with another way; not more than remain.</summary>
    public abstract void Skip(long bytes);

    /// <summary>Goes back over bytes that were copied but could not be used.</summary>
    public abstract void Revert(long bytes);

    /// <summary>Makes the next page of the iterator accessible. EFAULT if that can't be.</summary>
    /// <param name="write">The kernel will write to it (a read call).</param>
    public abstract KTask<Errno> FaultInAsync(Task current, bool write);

    /// <summary>
    /// Makes the next bytes accessible for reading, all of them, and stays where it is: for transfers that must not be
    /// split. EFAULT if that can't be.
    /// </summary>
    public async KTask<Errno> FaultInRangeAsync(Task current, int bytes)
    {
        byte[] scratch = new byte[Math.Min(bytes, (int)Page.Size)];
        int walked = 0;
        var error = Errno.Success;
        while (walked < bytes && error == Errno.Success)
        {
            int copied = CopyFrom(scratch.AsSpan(0, Math.Min(scratch.Length, bytes - walked)));
            walked += copied;
            if (copied == 0)
                error = await FaultInAsync(current, write: false);
        }

        Revert(walked);
        return error;
    }
}

/// <summary>An iterator over a kernel buffer.</summary>
internal sealed class KernelIovIter(Memory<byte> buffer) : IovIter
{
    private Memory<byte> _buffer = buffer;
    private int _position;

    public override long Remaining => _buffer.Length - _position;

    public override void Truncate(long remaining)
    {
        if (remaining < Remaining)
            _buffer = _buffer[..(_position + (int)remaining)];
    }

    public override int CopyTo(ReadOnlySpan<byte> source)
    {
        int count = (int)Math.Min(source.Length, Remaining);
        source[..count].CopyTo(_buffer.Span[_position..]);
        _position += count;
        return count;
    }

    public override int CopyFrom(Span<byte> destination)
    {
        int count = (int)Math.Min(destination.Length, Remaining);
        _buffer.Span.Slice(_position, count).CopyTo(destination);
        _position += count;
        return count;
    }

    public override void Skip(long bytes) => _position += (int)bytes;

    public override void Revert(long bytes) => _position -= (int)bytes;

    public override KTask<Errno> FaultInAsync(Task current, bool write) => KTask<Errno>.FromResult(Errno.EFAULT);
}
