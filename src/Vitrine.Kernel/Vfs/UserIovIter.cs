using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// An iterator over user memory: one buffer, or the vectors of readv(2). Pooled; dispose it when the call is done.
/// </summary>
internal sealed class UserIovIter : IovIter, IDisposable
{
    /// <summary>IOV_MAX.</summary>
    public const int MaximumSegments = 1024;

    /// <summary>Most bytes that one call transfers (MAX_RW_COUNT).</summary>
    public const long MaximumBytes = 0x7ffff000;

    private readonly UserIovIterPool _pool;
    private MmStruct _mm = null!;
    private Iovec[] _segments = new Iovec[8];
    private int _count;
    private int _index;
    private ulong _offset;
    private long _remaining;

    internal UserIovIter(UserIovIterPool pool) => _pool = pool;

    public override long Remaining => _remaining;

    public override int CopyTo(ReadOnlySpan<byte> source)
    {
        int done = 0;
        while (done < source.Length && _remaining > 0)
        {
            int chunk = Chunk(source.Length - done, out VirtAddr address);
            int copied = _mm.CopyToUser(address, source.Slice(done, chunk));
            Advance(copied);
            done += copied;
            if (copied < chunk)
                break;
        }

        return done;
    }

    public override int CopyFrom(Span<byte> destination)
    {
        int done = 0;
        while (done < destination.Length && _remaining > 0)
        {
            int chunk = Chunk(destination.Length - done, out VirtAddr address);
            int copied = _mm.CopyFromUser(address, destination.Slice(done, chunk));
            Advance(copied);
            done += copied;
            if (copied < chunk)
                break;
        }

        return done;
    }

    /// <summary>An iterator over one user buffer. EFAULT, EINVAL.</summary>
    public static Result<IovIter> Single(Task current, VirtAddr buffer, nuint length)
    {
        Result<UserIovIter> iter = current.Kernel.Vfs.Iterators.Rent(current, buffer, length);
        return iter.Ok ? iter.Value : iter.Error;
    }

    /// <summary>An iterator over the vectors of a user array.</summary>
    /// <param name="tooMany">The errno for more than IOV_MAX of them: EINVAL for readv, EMSGSIZE for sendmsg.</param>
    public static async KTask<Result<IovIter>> ReadAsync(Task current, VirtAddr vectors, ulong count, Errno tooMany)
    {
        if (count > MaximumSegments)
            return tooMany;
        Result<UserIovIter> iter = await current.Kernel.Vfs.Iterators.RentAsync(current, new UserPtr<Iovec>(vectors), count);
        return iter.Ok ? iter.Value : iter.Error;
    }

    public override void Skip(long bytes)
    {
        while (bytes > 0)
        {
            int chunk = Chunk((int)Math.Min(bytes, int.MaxValue), out _);
            Advance(chunk);
            bytes -= chunk;
        }
    }

    public override void Revert(long bytes)
    {
        _remaining += bytes;
        while (bytes > 0)
        {
            if (_offset == 0)
            {
                _offset = _segments[--_index].Length;
                continue;
            }

            ulong back = Math.Min(_offset, (ulong)bytes);
            _offset -= back;
            bytes -= (long)back;
        }
    }

    public override void Truncate(long remaining) => _remaining = Math.Min(_remaining, remaining);

    public override KTask<Errno> FaultInAsync(Task current, bool write)
    {
        if (_remaining == 0)
            return KTask<Errno>.FromResult(Errno.Success);
        _ = Chunk(1, out VirtAddr address);
        return _mm.FaultInAsync(current, address, write);
    }

    public void Dispose()
    {
        _mm = null!;
        _pool.Return(this);
    }

    internal void SetBuffer(MmStruct mm, VirtAddr address, long length)
    {
        Reset(mm, 1);
        _segments[0] = new Iovec(address, (ulong)length);
        _remaining = length;
    }

    /// <summary>Takes the vectors that a user array holds; they are checked: EINVAL for a sum beyond SSIZE_MAX.</summary>
    internal Errno SetVectors(MmStruct mm, ReadOnlySpan<Iovec> vectors)
    {
        Reset(mm, vectors.Length);
        vectors.CopyTo(_segments);
        long total = 0;
        for (int i = 0; i < vectors.Length; i++)
        {
            if ((long)vectors[i].Length < 0)
                return Errno.EINVAL;
            if (!IsUserRange(vectors[i].Base, vectors[i].Length))
                return Errno.EFAULT;

            // What goes beyond the most that one call moves is cut off, as Linux does it.
            long length = Math.Min((long)vectors[i].Length, MaximumBytes - total);
            _segments[i] = new Iovec(vectors[i].Base, (ulong)length);
            total += length;
        }

        _remaining = total;
        return Errno.Success;
    }

    /// <summary>The range lies in the half of the address space that user code has.</summary>
    internal static bool IsUserRange(VirtAddr start, ulong length)
    {
        ulong end = start.Value + length;
        return end >= start.Value && (long)end >= 0;
    }

    private void Reset(MmStruct mm, int count)
    {
        _mm = mm;
        if (_segments.Length < count)
            _segments = new Iovec[Math.Max(count, 64)];
        _count = count;
        _index = 0;
        _offset = 0;
        _remaining = 0;
        FileOffset = 0;
        IsPartial = false;
        IsAppend = false;
        IsPlaced = false;
        IsNoWait = false;
    }

    /// <summary>The next run of contiguous addresses, of at most so many bytes; something remains.</summary>
    private int Chunk(int wanted, out VirtAddr address)
    {
        while (_offset == _segments[_index].Length && _index + 1 < _count)
        {
            _index++;
            _offset = 0;
        }

        address = _segments[_index].Base + _offset;
        return (int)Math.Min(Math.Min(_segments[_index].Length - _offset, (ulong)_remaining), (ulong)wanted);
    }

    private void Advance(int bytes)
    {
        _offset += (ulong)bytes;
        _remaining -= bytes;
    }
}

/// <summary>The user iterators of a machine.</summary>
internal sealed class UserIovIterPool
{
    private const int Kept = 16;
    private readonly Stack<UserIovIter> _free = new();

    /// <summary>An iterator over one buffer, cut to what one call moves. EFAULT for addresses that are never user memory.</summary>
    public Result<UserIovIter> Rent(Task current, VirtAddr buffer, ulong length)
    {
        if (!UserIovIter.IsUserRange(buffer, length))
            return Errno.EFAULT;
        if ((long)length < 0)
            return Errno.EINVAL;
        UserIovIter iter = Take();
        iter.SetBuffer(current.Mm!, buffer, Math.Min((long)length, UserIovIter.MaximumBytes));
        return iter;
    }

    /// <summary>An iterator over the vectors of a user array. EINVAL for a bad count or length, EFAULT.</summary>
    public async KTask<Result<UserIovIter>> RentAsync(Task current, UserPtr<Iovec> vectors, ulong count)
    {
        if (count > UserIovIter.MaximumSegments)
            return Errno.EINVAL;
        byte[] bytes = new byte[(int)count * 16];
        Errno error = await current.ReadUserBytesAsync(vectors.Address, bytes);
        if (error != Errno.Success)
            return error;
        UserIovIter iter = Take();
        error = iter.SetVectors(current.Mm!, MemoryMarshal.Cast<byte, Iovec>(bytes));
        if (error == Errno.Success)
            return iter;
        iter.Dispose();
        return error;
    }

    internal void Return(UserIovIter iter)
    {
        if (_free.Count < Kept)
            _free.Push(iter);
    }

    private UserIovIter Take() => _free.TryPop(out UserIovIter? iter) ? iter : new UserIovIter(this);
}
