using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>
/// An open directory of the host. The first read takes a listing, and a rewind takes another; a position is the number
/// of an entry in the listing plus 2, 0 and 1 being "." and "..".
/// </summary>
internal sealed class HostDirectoryFile(VfsPath path, HostDirectory directory, OpenFlags flags) : DirectoryFile(path, directory, flags)
{
    private DirectorySnapshot? _listing;

    public override async KTask<Errno> IterateAsync(Task current, DirectoryEmitter emitter)
    {
        if (Position == 0 || _listing is null)
        {
            Result<DirectorySnapshot> listed = await directory.ListAsync(current);
            if (!listed.TryGet(out _listing, out Errno error))
                return error;
        }

        if (!EmitDots(emitter, directory.Parent ?? directory))
            return Errno.Success;
        Position = _listing.Emit(emitter, Position, 2);
        return Errno.Success;
    }

    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) => directory.SyncAsync(current);

    protected override long? End => 2 + (_listing?.Count ?? 0);
}
