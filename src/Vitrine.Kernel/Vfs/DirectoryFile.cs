using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// An open directory whose position names the next entry: 0 and 1 are "." and "..", what comes behind is its kind's own
/// (analogous to dcache_dir_lseek and dir_emit_dots).
/// </summary>
internal abstract class DirectoryFile(VfsPath path, Inode inode, OpenFlags flags) : OpenFile(path, inode, flags)
{
    private const byte DirectoryType = 4;

    /// <summary>The position behind the last entry, where that is known: SEEK_END counts from it.</summary>
    protected virtual long? End => null;

    /// <summary>Any position is taken; behind the last entry there is nothing.</summary>
    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence)
    {
        long? origin = whence switch
        {
            SeekWhence.Set => 0,
            SeekWhence.Current => Position,
            SeekWhence.End => End,
            _ => null,
        };
        if (origin is not { } from || from + offset < 0)
            return Fail<long>(Errno.EINVAL);
        Position = from + offset;
        return KTask<Result<long>>.FromResult(Position);
    }

    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) => Fail(Errno.Success);

    /// <summary>"." and "..", as far as they come from the position on. False: the reader is full.</summary>
    protected bool EmitDots(DirectoryEmitter emitter, Inode parent) =>
        (Position != 0 || Emit(emitter, "."u8, Inode.Number, DirectoryType, 1))
        && (Position != 1 || Emit(emitter, ".."u8, parent.Number, DirectoryType, 2));

    /// <summary>An entry, behind which the position is the next. False: the reader is full, and the position stays.</summary>
    protected bool Emit(DirectoryEmitter emitter, ReadOnlySpan<byte> name, InodeNumber number, byte type, long next)
    {
        if (!emitter.Emit(name, number, type, next))
            return false;
        Position = next;
        return true;
    }
}
