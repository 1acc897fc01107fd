using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Tmpfs;

/// <summary>An open directory: its position is the cookie of the next entry, 0 and 1 being "." and "..".</summary>
internal sealed class TmpfsDirectoryFile(VfsPath path, TmpfsDirectory directory, OpenFlags flags) : DirectoryFile(path, directory, flags)
{
    public override KTask<Errno> IterateAsync(Task current, DirectoryEmitter emitter)
    {
        if (directory.LinkCount == 0)
            return Fail(Errno.ENOENT);
        if (!EmitDots(emitter, directory.Parent ?? directory))
            return Fail(Errno.Success);
        while (directory.EntryFrom(Position) is { } entry)
        {
            if (!Emit(emitter, entry.Name.Bytes, entry.Inode.Number, (byte)((uint)entry.Inode.Mode >> 12), entry.Cookie + 1))
                break;
        }

        return Fail(Errno.Success);
    }
}
