using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>
/// An open directory of the host. The first read takes a listing, and a rewind takes another; a position is the number
/// of an entry in the listing plus 2, 0 and 1 being "." and "..".
/// </summary>
internal sealed class HostDirectoryFile(VfsPath path, HostDirectory directory, OpenFlags flags) : OpenFile(path, directory, flags)
{
    private const byte DirectoryType = 4;
    private DirectorySnapshot? _listing;

    public override async KTask<Errno> IterateAsync(Task current, DirectoryEmitter emitter)
    {
        if (Position == 0 || _listing is null)
        {
            Result<DirectorySnapshot> listed = await directory.ListAsync(current);
            if (!listed.TryGet(out _listing, out Errno error))
                return error;
        }

        if (Position == 0)
        {
            if (!emitter.Emit("."u8, directory.Number, DirectoryType, 1))
                return Errno.Success;
            Position = 1;
        }

        if (Position == 1)
        {
            if (!emitter.Emit(".."u8, (directory.Parent ?? directory).Number, DirectoryType, 2))
                return Errno.Success;
            Position = 2;
        }

        Position = _listing.Emit(emitter, Position, 2);
        return Errno.Success;
    }

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence) =>
        KTask<Result<long>>.FromResult(SeekListing(this, offset, whence, 2 + (_listing?.Count ?? 0)));

    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) => directory.SyncAsync(current);

    /// <summary>lseek on a directory: any position is taken, behind the end there is nothing.</summary>
    public static Result<long> SeekListing(OpenFile file, long offset, SeekWhence whence, long end)
    {
        long position;
        switch (whence)
        {
            case SeekWhence.Set:
                position = offset;
                break;
            case SeekWhence.Current:
                position = file.Position + offset;
                break;
            case SeekWhence.End:
                position = end + offset;
                break;
            default:
                return Errno.EINVAL;
        }

        if (position < 0)
            return Errno.EINVAL;
        file.Position = position;
        return position;
    }
}
