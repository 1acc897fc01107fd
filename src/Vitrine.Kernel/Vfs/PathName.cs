using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// A path as user code gave it, copied into the kernel (struct filename's twin). Pooled: dispose it when the call is
/// done with it.
/// </summary>
internal sealed class PathName : IDisposable
{
    /// <summary>PATH_MAX: bytes of a path, its NUL included.</summary>
    public const int Maximum = 4096;

    private readonly PathNamePool _pool;

    internal PathName(PathNamePool pool) => _pool = pool;

    public byte[] Buffer { get; } = new byte[Maximum];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Bytes => Buffer.AsSpan(0, Length);

    public bool IsEmpty => Length == 0;

    internal void Set(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Buffer);
        Length = bytes.Length;
    }

    /// <summary>Copies what is readable now of a user string; true when its end was found.</summary>
    internal bool TryRead(Task current, VirtAddr address, ref int length, out bool tooLong)
    {
        tooLong = false;
        for (; ; )
        {
            VirtAddr at = address + (ulong)length;
            // Most paths are short; and the string may end just before an unmapped page.
            int chunk = Math.Min(Math.Min(length == 0 ? 128 : Maximum, Maximum - length), (int)Page.Size - at.PageOffset);
            if (chunk <= 0)
            {
                tooLong = true;
                return false;
            }

            Span<byte> place = Buffer.AsSpan(length, chunk);
            int copied = current.Mm!.CopyFromUser(at, place);
            int end = place[..copied].IndexOf((byte)0);
            if (end >= 0)
            {
                Length = length + end;
                return true;
            }

            length += copied;
            if (length >= Maximum)
            {
                tooLong = true;
                return false;
            }

            if (copied < chunk)
                return false;
        }
    }

    public void Dispose() => _pool.Return(this);

    public override string ToString() => System.Text.Encoding.UTF8.GetString(Bytes);
}

/// <summary>The path buffers of a machine.</summary>
internal sealed class PathNamePool
{
    private const int Kept = 16;
    private readonly Stack<PathName> _free = new();

    /// <summary>Copies a path from user memory. EFAULT, ENAMETOOLONG.</summary>
    public KTask<Result<PathName>> ReadAsync(Task current, UserString path)
    {
        PathName name = Rent();
        int length = 0;
        if (name.TryRead(current, path.Address, ref length, out bool tooLong))
            return KTask<Result<PathName>>.FromResult(name);
        if (tooLong)
        {
            name.Dispose();
            return KTask<Result<PathName>>.FromResult(Errno.ENAMETOOLONG);
        }

        return ReadSlowAsync(current, path, name, length);
    }

    /// <summary>A path of the kernel's own.</summary>
    public Result<PathName> Make(ReadOnlySpan<byte> path)
    {
        if (path.Length >= PathName.Maximum)
            return Errno.ENAMETOOLONG;
        PathName name = Rent();
        name.Set(path);
        return name;
    }

    internal void Return(PathName name)
    {
        if (_free.Count < Kept)
            _free.Push(name);
    }

    private PathName Rent() => _free.TryPop(out PathName? name) ? name : new PathName(this);

    private static async KTask<Result<PathName>> ReadSlowAsync(Task current, UserString path, PathName name, int length)
    {
        for (; ; )
        {
            Errno error = await current.Mm!.FaultInAsync(current, path.Address + (ulong)length, write: false);
            bool tooLong = false;
            if (error == Errno.Success)
            {
                if (name.TryRead(current, path.Address, ref length, out tooLong))
                    return name;
                if (!tooLong)
                    continue;
            }

            name.Dispose();
            return tooLong ? Errno.ENAMETOOLONG : error;
        }
    }
}
