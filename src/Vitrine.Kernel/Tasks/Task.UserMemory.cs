using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;

namespace Vitrine.Kernel.Tasks;

/// <content>
/// Access to the task's own user memory from syscalls: copies that fault pages in as they go. Everything that comes
/// from the guest is copied before it is looked at.
/// </content>
internal sealed partial class Task
{
    /// <summary>Reads a structure. EFAULT as Linux.</summary>
    public KTask<Result<T>> ReadUserAsync<T>(UserPtr<T> source)
        where T : unmanaged
    {
        Unsafe.SkipInit(out T value);
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<T>(ref value));
        if (Mm!.CopyFromUser(source.Address, bytes) == bytes.Length)
            return KTask<Result<T>>.FromResult(value);
        return ReadUserSlowAsync(source);
    }

    /// <summary>Writes a structure. EFAULT as Linux.</summary>
    public KTask<Errno> WriteUserAsync<T>(UserPtr<T> destination, T value)
        where T : unmanaged
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<T>(ref value));
        if (Mm!.CopyToUser(destination.Address, bytes) == bytes.Length)
            return KTask<Errno>.FromResult(Errno.Success);
        return WriteUserBytesAsync(destination.Address, bytes.ToArray());
    }

    /// <summary>Fills a kernel buffer from user memory, all of it or EFAULT.</summary>
    public async KTask<Errno> ReadUserBytesAsync(VirtAddr source, Memory<byte> destination)
    {
        int done = 0;
        while (done < destination.Length)
        {
            done += Mm!.CopyFromUser(source + (ulong)done, destination.Span[done..]);
            if (done == destination.Length)
                break;
            Errno error = await Mm.FaultInAsync(this, source + (ulong)done, write: false);
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }

    /// <summary>Copies a kernel buffer into user memory, all of it or EFAULT (what was copied before stays).</summary>
    public async KTask<Errno> WriteUserBytesAsync(VirtAddr destination, ReadOnlyMemory<byte> source)
    {
        int done = 0;
        while (done < source.Length)
        {
            done += Mm!.CopyToUser(destination + (ulong)done, source.Span[done..]);
            if (done == source.Length)
                break;
            Errno error = await Mm.FaultInAsync(this, destination + (ulong)done, write: true);
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }

    /// <summary>
    /// Reads a NUL-terminated string without its NUL.
    /// </summary>
    /// <param name="limit">Most bytes, the NUL included: more is <paramref name="tooLong"/>.</param>
    public async KTask<Result<byte[]>> ReadUserStringAsync(UserString source, int limit, Errno tooLong)
    {
        byte[] buffer = new byte[Math.Min(limit, 256)];
        int length = 0;
        for (; ; )
        {
            // Up to the page's end at a time: the string may end just before an unmapped page.
            VirtAddr at = source.Address + (ulong)length;
            int chunk = Math.Min(buffer.Length - length, (int)Page.Size - at.PageOffset);
            int copied = Mm!.CopyFromUser(at, buffer.AsSpan(length, chunk));
            int end = buffer.AsSpan(length, copied).IndexOf((byte)0);
            if (end >= 0)
                return buffer[..(length + end)];
            length += copied;
            if (length >= limit)
                return tooLong;
            if (length == buffer.Length)
                Array.Resize(ref buffer, Math.Min(limit, buffer.Length * 4));
            if (copied < chunk)
            {
                Errno error = await Mm.FaultInAsync(this, source.Address + (ulong)length, write: false);
                if (error != Errno.Success)
                    return error;
            }
        }
    }

    private async KTask<Result<T>> ReadUserSlowAsync<T>(UserPtr<T> source)
        where T : unmanaged
    {
        byte[] buffer = new byte[Unsafe.SizeOf<T>()];
        Errno error = await ReadUserBytesAsync(source.Address, buffer);
        return error != Errno.Success ? error : MemoryMarshal.Read<T>(buffer);
    }
}
