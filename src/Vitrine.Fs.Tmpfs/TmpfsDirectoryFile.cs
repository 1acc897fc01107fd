using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Tmpfs;

/// <summary>An open directory: its position is the cookie of the next entry, 0 and 1 being "." and "..".</summary>
internal sealed class TmpfsDirectoryFile(VfsPath path, TmpfsDirectory directory, OpenFlags flags) : OpenFile(path, directory, flags)
{
    private const byte DirectoryType = 4;

    public override KTask<Errno> IterateAsync(Task current, DirectoryEmitter emitter)
    {
        if (directory.LinkCount == 0)
            return Fail(Errno.ENOENT);
        if (Position == 0)
        {
            if (!emitter.Emit("."u8, directory.Number, DirectoryType, 1))
                return Fail(Errno.Success);
            Position = 1;
        }

        if (Position == 1)
        {
            if (!emitter.Emit(".."u8, (directory.Parent ?? directory).Number, DirectoryType, 2))
                return Fail(Errno.Success);
            Position = 2;
        }

        while (directory.EntryFrom(Position) is { } entry)
        {
            if (!emitter.Emit(entry.Name.Bytes, entry.Inode.Number, (byte)((uint)entry.Inode.Mode >> 12), entry.Cookie + 1))
                break;
            Position = entry.Cookie + 1;
        }

        return Fail(Errno.Success);
    }

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence)
    {
        switch (whence)
        {
            case SeekWhence.Set:
                break;
            case SeekWhence.Current:
                offset += Position;
                break;
            default:
                return Fail<long>(Errno.EINVAL);
        }

        if (offset < 0)
            return Fail<long>(Errno.EINVAL);
        Position = offset;
        return KTask<Result<long>>.FromResult(offset);
    }

    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) => Fail(Errno.Success);
}
